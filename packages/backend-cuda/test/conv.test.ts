/** Convolutions on the emulated device and their gradients, against sums over all that meets. */
import { type ConvKernel, type DType, input, result, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { count } from "./harness.ts"
import { operand, run, type TestOperand } from "./plan-runner.ts"

interface Shape {
  readonly images: number
  readonly groups: number
  readonly from: number
  readonly to: number
  readonly size: readonly [number, number]
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}
const shape = (
  images: number,
  groups: number,
  from: number,
  to: number,
  size: readonly [number, number],
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): Shape => ({ images, groups, from, to, size, kernel, stride, padding, dilation })

const SHAPES: readonly Shape[] = [
  shape(1, 1, 1, 1, [5, 5], 3, 1, 1, 1),
  shape(2, 1, 3, 6, [9, 8], 3, 2, 1, 1),
  shape(2, 2, 2, 3, [7, 10], 3, 1, 0, 2),
  shape(1, 1, 4, 8, [8, 8], 1, 1, 0, 1),
  shape(1, 1, 3, 5, [12, 11], 4, 3, 2, 2),
  shape(2, 1, 8, 20, [14, 14], 3, 1, 1, 1),
  shape(1, 4, 1, 1, [6, 6], 3, 2, 1, 1),
]

const small = (n: number, step: number, most: number): number[] =>
  count(n).map((i) => ((i * step) % most) - (most >> 1))
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** All three convolutions of whole numbers, by their definition. */
function expected(s: Shape, out: readonly [number, number], x: number[], w: number[], gy: number[]) {
  const { images, groups, from, to, size, kernel, stride, padding, dilation } = s
  const result = { y: gy.map(() => 0), gx: x.map(() => 0), gw: w.map(() => 0) }
  for (const n of count(images))
    for (const co of count(groups * to))
      for (const ci of count(from))
        for (const i of count(out[0]))
          for (const j of count(out[1]))
            for (const ki of count(kernel))
              for (const kj of count(kernel)) {
                const h = i * stride - padding + ki * dilation
                const v = j * stride - padding + kj * dilation
                if (h < 0 || h >= size[0] || v < 0 || v >= size[1]) continue
                const channel = Math.floor(co / to) * from + ci
                const at = ((n * groups * from + channel) * size[0] + h) * size[1] + v
                const tap = ((co * from + ci) * kernel + ki) * kernel + kj
                const to2 = ((n * groups * to + co) * out[0] + i) * out[1] + j
                result.y[to2] += x[at] * w[tap]
                result.gx[at] += gy[to2] * w[tap]
                result.gw[tap] += x[at] * gy[to2]
              }
  return result
}

const FORMS: readonly { readonly dtype: DType; readonly precision?: ConvKernel["precision"] }[] = [
  { dtype: "float32" },
  { dtype: "float16" },
  // In tensor cores, which multiply such small whole numbers exactly.
  { dtype: "float32", precision: "high" },
]

describe.each(FORMS)("$dtype, precision $precision", ({ dtype, precision }) => {
  it.each(SHAPES)("%o", (s) => {
    const { images, groups, from, to, size, kernel, stride, padding, dilation } = s
    const extent = (n: number): number => Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
    const out = [extent(size[0]), extent(size[1])] as const
    const sizes = {
      x: [images, groups * from, ...size],
      w: [groups * to, from, kernel, kernel],
      y: [images, groups * to, ...out],
    }
    const [x, w, gy] = [
      small(product(sizes.x), 7919, 3),
      small(product(sizes.w), 104729, 3),
      small(product(sizes.y), 31, 3),
    ]
    const want = expected(s, out, x, w, gy)
    const scalars = [stride, stride, padding, padding, dilation, dilation, groups]
    const convolve = (pass: ConvKernel["pass"], ...views: TestOperand[]): number[] =>
      run({ kind: "conv", pass, spatial: 2, dtype, precision, epilogue: null }, views[2].sizes, views, scalars, {
        multiprocessors: 2,
      }).out[2].map((v) => Number(v) + 0)
    const of = (sizes: readonly number[], values: readonly number[]) => operand(dtype, sizes, values)
    const old = (sizes: readonly number[]) =>
      of(
        sizes,
        count(product(sizes)).map(() => 77),
      )
    const plain = (values: readonly number[]): number[] => values.map((v) => v + 0)
    expect(convolve("forward", of(sizes.x, x), of(sizes.w, w), old(sizes.y))).toEqual(plain(want.y))
    expect(convolve("input", of(sizes.y, gy), of(sizes.w, w), old(sizes.x))).toEqual(plain(want.gx))
    expect(convolve("weight", of(sizes.x, x), of(sizes.y, gy), old(sizes.w))).toEqual(plain(want.gw))

    const type = "float32"
    const fused: ConvKernel = {
      kind: "conv",
      pass: "forward",
      spatial: 2,
      dtype,
      precision,
      epilogue: {
        inputs: [{ dtype, access: "broadcast" }],
        scalars: [type],
        body: result(0, type).add(input(0, dtype).cast(type)).max(scalar(0, type)),
      },
    }
    const bias = operand(dtype, sizes.y, count(groups * to), [0, 1, 0, 0])
    const views = [of(sizes.x, x), of(sizes.w, w), bias, old(sizes.y)]
    const channelOf = (i: number): number => Math.floor(i / (out[0] * out[1])) % (groups * to)
    expect(run(fused, sizes.y, views, [...scalars, 0.5], { multiprocessors: 2 }).out[3]).toEqual(
      want.y.map((v, i) => Math.max(0.5, v + channelOf(i))),
    )
  })
})
