import { type ConvKernel, type DType, input, result, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, empty, launch, rowMajor, unit, type View } from "./harness.ts"

const kernel = (
  pass: ConvKernel["pass"],
  spatial: number,
  dtype: DType = "float32",
  epilogue: ConvKernel["epilogue"] = null,
): ConvKernel => ({ kind: "conv", pass, spatial, dtype, epilogue })
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const numel = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
const wave = (n: number): number[] => count(n).map((i) => ((i * 7) % 11) - 5)

interface Case {
  readonly x: number[]
  readonly w: number[]
  readonly stride: number[]
  readonly padding: number[]
  readonly dilation: number[]
  readonly groups: number
}

const outSize = ({ x, w, stride, padding, dilation }: Case): number[] => [
  x[0],
  w[0],
  ...stride.map((s, d) => Math.floor((x[d + 2] + 2 * padding[d] - dilation[d] * (w[d + 2] - 1) - 1) / s) + 1),
]

const points = (sizes: readonly number[]): number[][] =>
  count(numel(sizes)).map((i) => rowMajor(sizes).map((s, d) => Math.floor(i / s) % sizes[d]))
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((s, v, d) => s + v * b[d], 0)

/** Calls with the positions in x, w and y of every product of the convolution. */
function forEachProduct(c: Case, body: (x: number, w: number, y: number) => void): void {
  const y = outSize(c)
  const [xs, ws, ys] = [c.x, c.w, y].map(rowMajor)
  const perGroup = c.w[0] / c.groups
  for (const at of points(y))
    for (const [ci, ...k] of points(c.w.slice(1))) {
      const from = at.slice(2).map((o, d) => o * c.stride[d] + k[d] * c.dilation[d] - c.padding[d])
      if (from.some((p, d) => p < 0 || p >= c.x[d + 2])) continue
      const channel = Math.floor(at[1] / perGroup) * c.w[1] + ci
      body(dot([at[0], channel, ...from], xs), dot([at[1], ci, ...k], ws), dot(at, ys))
    }
}

const CASES: readonly Case[] = [
  { x: [2, 3, 9], w: [4, 3, 3], stride: [2], padding: [1], dilation: [1], groups: 1 },
  { x: [2, 4, 6, 5], w: [6, 2, 3, 2], stride: [1, 2], padding: [1, 0], dilation: [2, 1], groups: 2 },
  { x: [1, 2, 4, 5, 3], w: [2, 1, 2, 3, 1], stride: [1, 1, 2], padding: [0, 1, 1], dilation: [1, 1, 1], groups: 2 },
]

describe.each(backends)("conv, %s", (_, backend) => {
  describe.each(CASES)("%j", (c) => {
    const y = outSize(c)
    const [x, w, g] = [c.x, c.w, y].map((s) => wave(numel(s)))
    const scalars = [...c.stride, ...c.padding, ...c.dilation, c.groups]
    const spatial = c.stride.length
    const want = {
      forward: y.length ? Array<number>(numel(y)).fill(0) : [],
      input: x.map(() => 0),
      weight: w.map(() => 0),
    }
    forEachProduct(c, (i, j, k) => {
      want.forward[k] += x[i] * w[j]
      want.input[i] += g[k] * w[j]
      want.weight[j] += x[i] * g[k]
    })
    const operands = {
      forward: [
        [x, c.x],
        [w, c.w],
        [want.forward, y],
      ],
      input: [
        [g, y],
        [w, c.w],
        [want.input, c.x],
      ],
      weight: [
        [x, c.x],
        [g, y],
        [want.weight, c.w],
      ],
    } as const

    it.each(["forward", "input", "weight"] as const)("%s", (pass) => {
      const [a, b, out] = operands[pass]
      for (const dtype of ["float32", "float64", "float16"] as const) {
        const views: View[] = [
          { dtype, values: a[0], sizes: a[1] },
          { dtype, values: b[0], sizes: b[1] },
          empty(dtype, out[1]),
        ]
        expect(launch(backend, kernel(pass, spatial, dtype), out[1], views, scalars)[2]).toEqual(out[0])
      }
    })

    it.each(["forward", "input", "weight"] as const)("%s of strided operands, with an epilogue", (pass) => {
      const [a, b, out] = operands[pass]
      // Every second element, after one that is skipped.
      const spread = ([values, sizes]: readonly [readonly number[], readonly number[]]): View => ({
        dtype: "float32",
        values: values.flatMap((v) => [99, v]),
        sizes,
        strides: rowMajor(sizes).map((s) => 2 * s),
        offset: 1,
      })
      const channels = out[1][1]
      const epilogue = {
        inputs: [unit("float32", "broadcast")],
        scalars: ["float32"] as const,
        body: result(0, "float32").mul(scalar(0, "float32")).add(input(0, "float32")),
      }
      const bias: View = {
        dtype: "float32",
        values: count(channels),
        sizes: out[1],
        strides: out[1].map((_, d) => (d === 1 ? 1 : 0)),
      }
      const views = [spread(a), spread(b), bias]
      const biased = out[0].map((v, i) => 2 * v + (Math.floor(i / rowMajor(out[1])[1]) % channels))
      const run = (target: View): unknown =>
        launch(backend, kernel(pass, spatial, "float32", epilogue), out[1], [...views, target], [...scalars, 2])[3]
      expect(run(spread([out[0].map(() => 0), out[1]]))).toEqual(biased.flatMap((v) => [99, v]))
      expect(run(empty("float32", out[1]))).toEqual(biased)
    })
  })

  it("leaves other types to the core, with a reason", () => {
    expect(backend.supports(kernel("forward", 2, "int32"))).toContain("int32")
    expect(backend.supports(kernel("forward", 2, "bfloat16"))).toBe(true)
  })
})
