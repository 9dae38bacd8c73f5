import { type ConvKernel, type DType, type Epilogue, input, isFloating, result, type Scalar } from "@taeda/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { convPlanner } from "../src/conv.ts"
import { dense, forEachIndex, LIMITS, Placed, Runner, randomNumbers } from "./plan-runner.ts"

let runner: Runner
let limits = LIMITS
beforeAll(async () => {
  runner = await Runner.open()
})
afterAll(() => runner.close())

interface Case {
  readonly dtype?: DType
  readonly images: number
  /** Per group. */
  readonly inputs: number
  readonly outputs: number
  readonly groups?: number
  readonly x: readonly number[]
  readonly kernel: readonly number[]
  readonly stride?: readonly number[]
  readonly padding?: readonly number[]
  readonly dilation?: readonly number[]
  /** Strides of everything: by default row-major. */
  readonly strides?: (sizes: readonly number[]) => number[]
  readonly shift?: number
  readonly mostWorkgroups?: number
}

/** Channels innermost. */
const channelsLast = (sizes: readonly number[]): number[] => {
  const [image, channel, ...rest] = sizes
  const [outer, ...strides] = dense([image, ...rest, channel])
  return [outer, strides[strides.length - 1], ...strides.slice(0, -1)]
}
/** Every element apart from the next, the last dim backwards. */
const spread = (sizes: readonly number[]): number[] => dense(sizes).map((s, d) => (d === sizes.length - 1 ? -2 : 3 * s))

/** Sums keep 24 bits, a stored half type 11 or 8. */
const STORED: Partial<Record<DType, number>> = { float32: 2 ** -24, float16: 2 ** -11, bfloat16: 2 ** -8 }
const WRAP: Partial<Record<DType, (x: number) => number>> = {
  int32: (x) => x | 0,
  int8: (x) => (x << 24) >> 24,
  uint8: (x) => x & 255,
}

interface Check {
  readonly pass: ConvKernel["pass"]
  readonly epilogue?: Epilogue
  readonly dispatches?: number
}

/** Runs a pass and compares with loops over every product. */
async function check(c: Case, { pass, epilogue, dispatches = 1 }: Check): Promise<Placed> {
  const { dtype = "float32", groups = 1, kernel } = c
  const ones = kernel.map(() => 1)
  const { stride = ones, dilation = ones, padding = kernel.map(() => 0) } = c
  const o = c.x.map(
    (size, d) => Math.floor((size + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1,
  )
  const next = randomNumbers(c.images + 7 * c.inputs + 31 * c.outputs + kernel[0])
  const value = isFloating(dtype)
    ? () => next() * 2 - 1
    : () => Math.floor(next() * 256) - (dtype === "uint8" ? 0 : 128)
  const place = (sizes: number[]): Placed => new Placed(dtype, sizes, (c.strides ?? dense)(sizes), c.shift)
  const x = place([c.images, groups * c.inputs, ...c.x])
  const w = place([groups * c.outputs, c.inputs, ...kernel])
  const y = place([c.images, groups * c.outputs, ...o])
  const [first, second, out] = { forward: [x, w, y], input: [y, w, x], weight: [x, y, w] }[pass]
  first.fill(value)
  second.fill(value)
  // A bias of the channels, repeated over the rest.
  const bias = epilogue
    ? [
        new Placed(
          dtype,
          out.sizes,
          out.sizes.map((_, d) => (d === 1 ? 1 : 0)),
        ).fill((_, channel) => (channel % 3) - 1),
      ]
    : []
  const operands = [first, second, ...bias, out]
  const scalars: Scalar[] = [...stride, ...padding, ...dilation, groups]
  const conv: ConvKernel = { kind: "conv", pass, spatial: kernel.length, dtype, epilogue: epilogue ?? null }
  const plan = convPlanner(conv, limits).plan({ sizes: out.sizes, operands, scalars })
  expect(plan.dispatches.length).toBe(dispatches)

  const [readX, readW, readY] = [x, w, y].map((array) => array.reader())
  const readFirst = pass === "input" ? readY : readX
  const readSecond = pass === "weight" ? readY : readW
  const length = out.sizes.reduce((n, size) => n * size, 1)
  const [want, size, terms] = [new Float64Array(length), new Float64Array(length), new Int32Array(length)]
  const rowMajor = dense(out.sizes)
  const spatial = kernel.length
  forEachIndex([c.images, groups, c.outputs, c.inputs, ...o, ...kernel], ([image, group, co, ci, ...rest]) => {
    const [at, tap] = [rest.slice(0, spatial), rest.slice(spatial)]
    const from = at.map((i, d) => i * stride[d] + tap[d] * dilation[d] - padding[d])
    if (from.some((i, d) => i < 0 || i >= c.x[d])) return
    const ofX = [image, group * c.inputs + ci, ...from]
    const ofW = [group * c.outputs + co, ci, ...tap]
    const ofY = [image, group * c.outputs + co, ...at]
    const [i, j, k] = { forward: [ofX, ofW, ofY], input: [ofY, ofW, ofX], weight: [ofX, ofY, ofW] }[pass]
    const term = readFirst(...i) * readSecond(...j)
    const place = k.reduce((sum, n, d) => sum + n * rowMajor[d], 0)
    want[place] += term
    size[place] += Math.abs(term)
    terms[place]++
  })

  await runner.run(plan, operands, c.mostWorkgroups)
  expect(out.damage).toBe(0)
  const read = out.reader()
  const unit = STORED[dtype]
  let [at, wrong] = [0, 0]
  forEachIndex(out.sizes, (index) => {
    const exact = want[at] + (bias[0]?.reader()(...index) ?? 0)
    const allowed = unit === undefined ? 0 : (terms[at] + 2) * 2 ** -24 * (size[at] + 1) + unit * Math.abs(exact)
    const expected = unit === undefined ? WRAP[dtype]!(exact) : exact
    if (!(Math.abs(read(...index) - expected) <= allowed)) wrong++
    at++
  })
  expect(wrong).toBe(0)
  return out
}

const PASSES = ["forward", "input", "weight"] as const

const CASES: Readonly<Record<string, Case>> = {
  "1d": { images: 3, inputs: 5, outputs: 7, x: [19], kernel: [4], padding: [2] },
  "1d with a stride and a dilation": {
    images: 2,
    inputs: 3,
    outputs: 9,
    x: [40],
    kernel: [5],
    stride: [3],
    dilation: [2],
    padding: [4],
  },
  "2d": { images: 2, inputs: 6, outputs: 20, x: [9, 11], kernel: [3, 3], padding: [1, 1] },
  "2d with one channel": { images: 3, inputs: 1, outputs: 8, x: [13, 12], kernel: [5, 5] },
  "2d with few results": { images: 2, inputs: 17, outputs: 3, x: [7, 6], kernel: [3, 2], padding: [0, 1] },
  "2d of single taps": { images: 2, inputs: 33, outputs: 35, x: [6, 7], kernel: [1, 1] },
  "2d of single taps and a stride": { images: 2, inputs: 6, outputs: 5, x: [6, 7], kernel: [1, 1], stride: [2, 2] },
  "2d with strides": { images: 2, inputs: 5, outputs: 6, x: [11, 14], kernel: [3, 4], stride: [2, 3], padding: [1, 2] },
  "2d with strides beyond the kernel": {
    images: 2,
    inputs: 5,
    outputs: 6,
    x: [11, 14],
    kernel: [2, 1],
    stride: [3, 4],
    padding: [1, 0],
  },
  "2d with dilation and strides": {
    images: 1,
    inputs: 4,
    outputs: 6,
    x: [17, 16],
    kernel: [3, 3],
    stride: [2, 4],
    dilation: [2, 6],
    padding: [3, 5],
  },
  "2d that misses the end": { images: 2, inputs: 4, outputs: 6, x: [10, 9], kernel: [3, 3], stride: [4, 5] },
  "2d in groups": {
    images: 2,
    inputs: 3,
    outputs: 5,
    groups: 4,
    x: [8, 9],
    kernel: [3, 3],
    stride: [2, 1],
    padding: [1, 1],
  },
  "2d by channel": { images: 2, inputs: 1, outputs: 1, groups: 10, x: [9, 8], kernel: [3, 3], padding: [1, 1] },
  "3d": {
    images: 2,
    inputs: 2,
    outputs: 5,
    x: [5, 6, 7],
    kernel: [2, 3, 2],
    stride: [1, 2, 2],
    padding: [1, 0, 1],
    dilation: [2, 1, 1],
  },
}

describe.each([true, false])("a convolution, staged: %s", (staging) => {
  beforeAll(() => {
    limits = { ...LIMITS, staging }
  })

  for (const [name, c] of Object.entries(CASES))
    it(`${name}, and its gradients`, async () => {
      for (const pass of PASSES) {
        await check(c, { pass })
        await check({ ...c, strides: spread }, { pass })
        if (c.kernel.length === 2) await check({ ...c, strides: channelsLast }, { pass })
      }
    })

  for (const dtype of ["int32", "float16", "bfloat16", "int8", "uint8"] as const)
    it(`of ${dtype}`, async () => {
      for (const pass of PASSES)
        for (const shift of [0, 1]) {
          await check({ ...CASES["2d in groups"], dtype, shift }, { pass })
          await check({ ...CASES["2d"], dtype, shift, images: 1 }, { pass })
        }
    })

  it("has a bias", async () => {
    const epilogue: Epilogue = {
      inputs: [{ dtype: "float32", access: "broadcast" }],
      scalars: [],
      body: input(0, "float32").add(result(0, "float32")),
    }
    for (const pass of PASSES) {
      await check(CASES["2d with strides"], { pass, epilogue })
      await check(CASES["2d by channel"], { pass, epilogue })
    }
    const long: Case = { images: 5, inputs: 3, outputs: 7, x: [25, 25], kernel: [2, 2] }
    await check(long, { pass: "weight", epilogue, dispatches: 2 })
  })

  it("splits the many positions that the weights' gradient sums", async () => {
    for (const c of [
      { images: 4, inputs: 3, outputs: 7, x: [25, 26], kernel: [2, 2] },
      { images: 4, inputs: 2, outputs: 1, groups: 3, x: [25, 26], kernel: [1, 1] },
      { images: 3, inputs: 20, outputs: 33, x: [30, 31], kernel: [1, 1], stride: [1, 1] },
    ]) {
      const once = await check(c, { pass: "weight", dispatches: 2 })
      const again = await check({ ...c, mostWorkgroups: 3 }, { pass: "weight", dispatches: 2 })
      expect(again.bytes).toEqual(once.bytes)
    }
  })

  it("of no images has no results, and weights whose gradient is zero", async () => {
    const c = { ...CASES["2d"], images: 0 }
    await check(c, { pass: "forward", dispatches: 0 })
    await check(c, { pass: "input", dispatches: 0 })
    await check(c, { pass: "weight" })
  })
})
