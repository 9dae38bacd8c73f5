/** Convolutions on the emulated device and their gradients, against sums over all that meets. */
import { bfloat16ToNumber, type ConvKernel, type DType, input, numberToBfloat16, result, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { plannerOf } from "../src/executables.ts"
import type { DeviceLimits } from "../src/program.ts"
import { count, rowMajor, withSettings } from "./harness.ts"
import { LIMITS, operand, run, type TestOperand } from "./plan-runner.ts"

interface Shape {
  readonly images: number
  readonly groups: number
  readonly from: number
  readonly to: number
  readonly size: readonly number[]
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
  size: readonly number[],
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
  // Tiles for few rows: of 64, and of 32.
  shape(2, 1, 3, 40, [9, 13], 3, 1, 1, 1),
  shape(1, 1, 20, 24, [12, 11], 3, 2, 0, 1),
  // Lines of eight and of four positions, along which neighbours are found together.
  shape(1, 1, 4, 8, [9, 8], 3, 1, 1, 1),
  shape(2, 1, 3, 40, [6, 24], 3, 2, 1, 1),
]

/** Channels that are read in pieces of 16 bytes, where they are innermost; sizes that are no multiples of anything. */
const PIECES: readonly Shape[] = [
  shape(2, 1, 16, 24, [9, 7], 3, 1, 1, 1),
  shape(1, 2, 8, 16, [11, 10], 3, 2, 2, 2),
  shape(2, 1, 24, 8, [8, 8], 1, 1, 0, 1),
  shape(2, 1, 16, 8, [7, 9], 1, 2, 1, 1),
  shape(1, 1, 8, 72, [13, 12], 4, 3, 2, 1),
  shape(1, 1, 72, 136, [5, 6], 3, 1, 1, 1),
  shape(3, 1, 8, 40, [37], 5, 2, 2, 1),
  shape(1, 1, 8, 16, [5, 4, 6], 3, 1, 1, 1),
]

const small = (n: number, step: number, most: number): number[] =>
  count(n).map((i) => ((i * step) % most) - (most >> 1))
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** The coordinates of a row-major number. */
const apart = (index: number, sizes: readonly number[]): number[] =>
  rowMajor(sizes).map((stride, d) => Math.floor(index / stride) % sizes[d])

const outOf = ({ size, kernel, stride, padding, dilation }: Shape): number[] =>
  size.map((n) => Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1)
const windowOf = ({ size, kernel }: Shape): number[] => size.map(() => kernel)

function sizesOf(s: Shape): Readonly<Record<"x" | "w" | "y", number[]>> {
  const { images, groups, from, to, size } = s
  return {
    x: [images, groups * from, ...size],
    w: [groups * to, from, ...windowOf(s)],
    y: [images, groups * to, ...outOf(s)],
  }
}

/** All three convolutions of whole numbers, by their definition. */
function expected(s: Shape, x: readonly number[], w: readonly number[], gy: readonly number[]) {
  const { images, groups, from, to, size, stride, padding, dilation } = s
  const result = { y: gy.map(() => 0), gx: x.map(() => 0), gw: w.map(() => 0) }
  const [out, window] = [outOf(s), windowOf(s)]
  const [sources, positions, taps] = [size, out, window].map(product)
  for (const position of count(positions))
    for (const tap of count(taps)) {
      const [at, by] = [apart(position, out), apart(tap, window)]
      const met = at.map((o, d) => o * stride - padding + by[d] * dilation)
      if (met.some((c, d) => c < 0 || c >= size[d])) continue
      const source = met.reduce((sum, c, d) => sum * size[d] + c, 0)
      for (const n of count(images))
        for (const co of count(groups * to))
          for (const ci of count(from)) {
            const inX = (n * groups * from + Math.floor(co / to) * from + ci) * sources + source
            const inW = (co * from + ci) * taps + tap
            const inY = (n * groups * to + co) * positions + position
            result.y[inY] += x[inX] * w[inW]
            result.gx[inX] += gy[inY] * w[inW]
            result.gw[inW] += x[inX] * gy[inY]
          }
    }
  return result
}

/** An operand whose dim 1 is the innermost. */
function channelsLast(dtype: DType, sizes: readonly number[], values: readonly number[]): TestOperand {
  const [first, channels, ...dims] = sizes
  const [, ...inner] = rowMajor([channels, ...dims])
  const positions = product(dims)
  const strides = [channels * positions, 1, ...inner.map((stride) => stride * channels)]
  const lying = new Array<number>(values.length)
  for (let n = 0; n < first; n++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < positions; p++)
        lying[(n * positions + p) * channels + c] = values[(n * channels + c) * positions + p]
  return operand(dtype, sizes, lying, strides)
}
const channelsFirst = (dtype: DType, sizes: readonly number[], values: readonly number[]): TestOperand =>
  operand(dtype, sizes, values)

interface Form {
  readonly dtype: DType
  readonly precision?: ConvKernel["precision"]
  readonly limits?: Partial<DeviceLimits>
}
const KB = 1024

const FORMS: readonly Form[] = [
  { dtype: "float32" },
  { dtype: "float16" },
  // In tensor cores, which multiply such small whole numbers exactly.
  { dtype: "float32", precision: "high" },
]

/** Those in which pieces are read, with copies where operands would not allow that. */
const COPIED: readonly Form[] = [
  { dtype: "float32", limits: { target: 75 } },
  { dtype: "float16", limits: { target: 75 } },
  { dtype: "bfloat16", limits: { target: 75 } },
  { dtype: "float16", limits: { target: 80, sharedBytes: 163 * KB } },
  { dtype: "float32", precision: "high", limits: { target: 80, sharedBytes: 163 * KB } },
  { dtype: "bfloat16", limits: { target: 90, sharedBytes: 227 * KB, warpgroups: true, multiprocessors: 1 } },
  {
    dtype: "float32",
    precision: "medium",
    limits: { target: 90, sharedBytes: 227 * KB, warpgroups: true, multiprocessors: 1 },
  },
]

const stored = (dtype: DType) => (value: number) =>
  (dtype === "bfloat16" ? bfloat16ToNumber(numberToBfloat16(value)) : value) + 0

/** Holds all three convolutions against their definition, and the one with an epilogue. */
function check(s: Shape, { dtype, precision, limits }: Form, lying: typeof channelsLast): void {
  const { groups, to, size, stride, padding, dilation } = s
  const spatial = size.length
  const sizes = sizesOf(s)
  const [x, w, gy] = [
    small(product(sizes.x), 7919, 3),
    small(product(sizes.w), 104729, 3),
    small(product(sizes.y), 31, 3),
  ]
  const want = expected(s, x, w, gy)
  const scalars = [stride, padding, dilation].flatMap((value) => new Array<number>(spatial).fill(value)).concat(groups)
  const all = { multiprocessors: 2, ...limits }
  const convolve = (pass: ConvKernel["pass"], ...views: TestOperand[]): number[] =>
    run(
      { kind: "conv", pass, spatial, dtype, precision, epilogue: null },
      views[2].sizes,
      views,
      scalars,
      all,
    ).out[2].map((v) => Number(v) + 0)
  const of = (name: keyof typeof sizes, values: readonly number[]) => lying(dtype, sizes[name], values)
  const old = (name: keyof typeof sizes) => operand(dtype, sizes[name], new Array(product(sizes[name])).fill(77))
  expect(convolve("forward", of("x", x), of("w", w), old("y"))).toEqual(want.y.map(stored(dtype)))
  expect(convolve("input", of("y", gy), of("w", w), old("x"))).toEqual(want.gx.map(stored(dtype)))
  expect(convolve("weight", of("x", x), of("y", gy), old("w"))).toEqual(want.gw.map(stored(dtype)))

  const type = "float32"
  const fused: ConvKernel = {
    kind: "conv",
    pass: "forward",
    spatial,
    dtype,
    precision,
    epilogue: {
      inputs: [{ dtype, access: "broadcast" }],
      scalars: [type],
      body: result(0, type).add(input(0, dtype).cast(type)).max(scalar(0, type)),
    },
  }
  const bias = operand(dtype, sizes.y, count(groups * to), [0, 1, ...size.map(() => 0)])
  const views = [of("x", x), of("w", w), bias, old("y")]
  const channelOf = (i: number): number => Math.floor(i / product(outOf(s))) % (groups * to)
  expect(run(fused, sizes.y, views, [...scalars, 0.5], all).out[3]).toEqual(
    want.y.map((v, i) => stored(dtype)(Math.max(0.5, v + channelOf(i)))),
  )
}

describe.each(FORMS)("$dtype, precision $precision", (form) => {
  it.each(SHAPES)("%o", (s) => check(s, form, channelsFirst))
})

describe.each(COPIED)("in pieces: $dtype, precision $precision, $limits", (form) => {
  const limits = { ...form.limits, tuning: { copies: "always" } } as const
  it.each(PIECES)("of copies: %o", (s) => check(s, { ...form, limits }, channelsFirst))
  it.each(PIECES)("where channels are innermost: %o", (s) => check(s, form, channelsLast))
})

describe("which kernels are used", () => {
  const H100: DeviceLimits = {
    ...LIMITS,
    target: 90,
    sharedBytes: 227 * KB,
    warpgroups: true,
    multiprocessors: 132,
  }
  const PASSES = ["forward", "input", "weight"] as const
  /** The texts of a plan, of operands that are row-major. */
  const textsOf = (s: Shape, pass: ConvKernel["pass"], form: Form): string[] => {
    const { x, w, y } = sizesOf(s)
    const views = { forward: [x, w, y], input: [y, w, x], weight: [x, y, w] }[pass]
    const operands = views.map((sizes) => ({ sizes, strides: rowMajor(sizes), offset: 0 }))
    const { dtype, precision, limits } = form
    const { stride, padding, dilation, groups, size } = s
    const kernel: ConvKernel = { kind: "conv", pass, spatial: size.length, dtype, precision, epilogue: null }
    const scalars = [stride, padding, dilation].flatMap((value) => size.map(() => value)).concat(groups)
    const plan = plannerOf(kernel, { ...H100, ...limits }).plan({ sizes: views[2], operands, scalars })
    return plan.launches.map((launch) => ("module" in launch ? launch.module.ptx : ""))
  }
  const isCopy = (text: string): boolean => text.includes(" tile[")
  const layer = shape(32, 1, 128, 128, [28, 28], 3, 1, 1, 1)

  it.each(PASSES)("large ones are copied first, and their copies go on meanwhile: %s", (pass) => {
    const texts = textsOf(layer, pass, { dtype: "bfloat16" })
    expect(isCopy(texts[0])).toBe(true)
    expect(texts.some((text) => text.includes("cp.async.cg"))).toBe(true)
    expect(textsOf(layer, pass, { dtype: "float32", precision: "high" }).join()).toContain("cp.async.cg")
    expect(textsOf(layer, pass, { dtype: "float32" }).join()).not.toContain("cp.async")
  })

  it("those that warpgroups multiply have whole tiles", () => {
    const [, , text] = textsOf(layer, "forward", { dtype: "float16" })
    expect(text).toContain("wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16")
    const [, , few] = textsOf({ ...layer, to: 32 }, "forward", { dtype: "float16" })
    expect(few).not.toContain("wgmma")
  })

  it.each(PASSES)("small ones are not copied, nor those of few channels: %s", (pass) => {
    for (const s of [shape(64, 1, 16, 32, [12, 12], 5, 1, 2, 1), shape(64, 1, 3, 64, [224, 224], 7, 2, 3, 1)])
      expect(textsOf(s, pass, { dtype: "float16" }).some(isCopy)).toBe(false)
  })

  it("a window of one position reads its input where it lies", () => {
    for (const pass of PASSES) {
      const texts = textsOf(shape(32, 1, 256, 64, [56, 56], 1, 1, 0, 1), pass, { dtype: "float16" })
      expect(texts.some(isCopy)).toBe(false)
      expect(texts[0]).toContain("cp.async.cg")
    }
  })

  it("a long depth of few results is shared out among large tiles", () => {
    const [, text, sums] = textsOf(layer, "weight", { dtype: "float16" })
    expect(text).toContain("m64n128k16")
    expect(sums).toBeDefined()
  })

  it("have no races in shared memory", async () => {
    await withSettings({ RACES: "1" }, () => {
      for (const warpgroups of [true, false]) {
        const limits = { target: 90, sharedBytes: 227 * KB, warpgroups, multiprocessors: 1 }
        const tuning = { copies: "always" } as const
        check(
          shape(1, 1, 72, 136, [5, 6], 3, 1, 1, 1),
          { dtype: "float16", limits: { ...limits, tuning } },
          channelsFirst,
        )
      }
    })
  })
})
