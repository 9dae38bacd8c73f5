import type { ConvKernel, DType } from "@taeda/core"
import { expect, test } from "vitest"
import { get } from "../src/assembler.ts"
import { op } from "../src/code.ts"
import { emitConv } from "../src/conv.ts"
import { planConv } from "../src/conv-plan.ts"
import type { EmitEpilogue } from "../src/product-block.ts"
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half-numbers.ts"
import {
  describeTarget,
  forEachIndex,
  Machine,
  numbers,
  type PlacedArray,
  stridesOf,
  target64,
  targets,
} from "./launch.ts"

const machine = new Machine()

interface Case {
  readonly images: number
  readonly groups?: number
  /** Channels of a group. */
  readonly ci: number
  readonly co: number
  readonly input: readonly number[]
  readonly kernel: readonly number[]
  readonly stride?: readonly number[]
  readonly padding?: readonly number[]
  readonly dilation?: readonly number[]
  /** The order of the dims of all operands in memory, and the distance of elements. */
  readonly order?: readonly number[]
  readonly gap?: number
}

type Pass = ConvKernel["pass"]
const PASSES: readonly Pass[] = ["forward", "input", "weight"]

interface Geometry {
  readonly groups: number
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly output: readonly number[]
}

function geometryOf(c: Case): Geometry {
  const { input, kernel } = c
  const stride = c.stride ?? input.map(() => 1)
  const padding = c.padding ?? input.map(() => 0)
  const dilation = c.dilation ?? input.map(() => 1)
  const output = input.map((size, k) =>
    Math.floor((size + 2 * padding[k] - dilation[k] * (kernel[k] - 1) - 1) / stride[k] + 1),
  )
  return { groups: c.groups ?? 1, stride, padding, dilation, output }
}

const CODECS: Partial<Record<DType, { from: (bits: number) => number; to: (x: number) => number }>> = {
  float16: { from: fromFloat16, to: toFloat16 },
  bfloat16: { from: fromBfloat16, to: toBfloat16 },
}
const ROUNDING: Partial<Record<DType, readonly [sum: number, stored: number]>> = {
  float32: [2 ** -24, 0],
  float64: [2 ** -53, 0],
  float16: [2 ** -24, 2 ** -11],
  bfloat16: [2 ** -24, 2 ** -8],
}

/** All numbers of an operand in row-major order. */
function dense(array: PlacedArray, dtype: DType): Float64Array {
  const decode = CODECS[dtype]?.from
  const values: number[] = []
  forEachIndex(array.sizes, (...index) => {
    const x = Number(array.get(...index))
    values.push(decode ? decode(x) : x)
  })
  return Float64Array.from(values)
}

/** Calls `visit` for every product of an element of x and one of w that goes to one of y, by their places in row-major order. */
function forEachProduct(c: Case, visit: (x: number, w: number, y: number) => void): void {
  const { groups, stride, padding, dilation, output } = geometryOf(c)
  const rank = c.input.length
  const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
  const [inputs, taps, outputs] = [count(c.input), count(c.kernel), count(output)]
  // The pairs of a tap and a position that hit the input.
  const hits: [number, number, number][] = []
  forEachIndex([...output, ...c.kernel], (...index) => {
    let [x, k, y] = [0, 0, 0]
    for (let d = 0; d < rank; d++) {
      const at = index[d] * stride[d] + index[rank + d] * dilation[d] - padding[d]
      if (at < 0 || at >= c.input[d]) return
      x = x * c.input[d] + at
      k = k * c.kernel[d] + index[rank + d]
      y = y * output[d] + index[d]
    }
    hits.push([x, k, y])
  })
  for (let n = 0; n < c.images; n++)
    for (let g = 0; g < groups; g++)
      for (let co = 0; co < c.co; co++)
        for (let ci = 0; ci < c.ci; ci++) {
          const [o, i] = [g * c.co + co, g * c.ci + ci]
          const x0 = (n * groups * c.ci + i) * inputs
          const y0 = (n * groups * c.co + o) * outputs
          const w0 = (o * c.ci + ci) * taps
          for (const [x, k, y] of hits) visit(x0 + x, w0 + k, y0 + y)
        }
}

function shapesOf(c: Case): Record<"x" | "w" | "y", readonly number[]> {
  const { groups, output } = geometryOf(c)
  return {
    x: [c.images, groups * c.ci, ...c.input],
    w: [groups * c.co, c.ci, ...c.kernel],
    y: [c.images, groups * c.co, ...output],
  }
}

/** Which of x, w and y a pass takes and gives. */
const ROLES = { forward: ["x", "w", "y"], input: ["y", "w", "x"], weight: ["x", "y", "w"] } as const

const scalarsOf = (c: Case): number[] => {
  const { stride, padding, dilation, groups } = geometryOf(c)
  return [...stride, ...padding, ...dilation, groups]
}

function fill(array: PlacedArray, dtype: DType, next: () => number): void {
  forEachIndex(array.sizes, (...index) => {
    const x = next() * 2 - 1
    array.set(CODECS[dtype]?.to(Math.fround(x)) ?? x, ...index)
  })
}

type Run = ReturnType<Machine["instantiate"]>

function checkCase(machine: Machine, run: Run, kernel: ConvKernel, c: Case): void {
  machine.reset()
  const { dtype, pass } = kernel
  const shapes = shapesOf(c)
  const names = ROLES[pass]
  const arrays = names.map((name) => {
    const sizes = shapes[name]
    return machine.place(dtype, sizes, stridesOf(sizes, c.order, c.gap))
  })
  const [a, b, out] = arrays
  const next = numbers(c.images * 31 + c.ci * 7 + c.co)
  fill(a, dtype, next)
  fill(b, dtype, next)
  const what = `${dtype} ${pass} of ${JSON.stringify(c)}`
  let first: Uint8Array | undefined
  for (const [threads, piece] of [
    [1, undefined],
    [4, 1],
    [3, 2],
  ] as const) {
    out.clear()
    machine.launch(run, planConv(kernel, arrays, scalarsOf(c), threads), piece)
    if (!out.isIntact()) throw new Error(`${what}: written outside of the result`)
    if (first) {
      expect(Buffer.compare(first, out.snapshot()), `${what} in pieces`).toBe(0)
      continue
    }
    first = out.snapshot()
    const values = { [names[0]]: dense(a, dtype), [names[1]]: dense(b, dtype) }
    const got = dense(out, dtype)
    const [sums, magnitudes, counts] = [got, got, got].map((g) => new Float64Array(g.length))
    const [p, q] = [values[names[0]], values[names[1]]]
    forEachProduct(c, (x, w, y) => {
      const at = { x, w, y }
      const product = p[at[names[0]]] * q[at[names[1]]]
      const to = at[names[2]]
      sums[to] += product
      magnitudes[to] += Math.abs(product)
      counts[to]++
    })
    const [roundoff, stored] = ROUNDING[dtype]!
    got.forEach((value, k) => {
      const steps = Math.min(counts[k], 520) + counts[k] / 128 + 8
      const bound = roundoff * steps * magnitudes[k] + stored * Math.abs(sums[k]) * 1.01 + (stored && 2 ** -25)
      if (!(Math.abs(value - sums[k]) <= bound)) throw new Error(`${what}: [${k}] is ${value}, not ${sums[k]}`)
    })
  }
}

/** Small ones, for every dtype. */
const small: readonly Case[] = [
  { images: 1, ci: 1, co: 1, input: [1], kernel: [1] },
  { images: 2, ci: 3, co: 5, input: [11], kernel: [3] },
  { images: 2, ci: 2, co: 4, input: [13], kernel: [4], stride: [2], padding: [2] },
  { images: 1, ci: 2, co: 2, input: [17], kernel: [3], stride: [3], padding: [1], dilation: [2] },
  { images: 2, ci: 1, co: 8, input: [9, 10], kernel: [5, 5] },
  { images: 1, ci: 3, co: 7, input: [6, 7], kernel: [3, 3], padding: [1, 1] },
  { images: 2, ci: 4, co: 3, input: [7, 8], kernel: [3, 2], stride: [2, 2], padding: [1, 0] },
  { images: 1, ci: 2, co: 3, input: [9, 8], kernel: [3, 3], dilation: [2, 3], padding: [2, 3] },
  { images: 1, ci: 2, co: 3, input: [9, 9], kernel: [3, 3], stride: [2, 3], dilation: [2, 2], padding: [1, 2] },
  { images: 2, groups: 3, ci: 2, co: 2, input: [5, 6], kernel: [3, 3], padding: [1, 1] },
  { images: 1, groups: 6, ci: 1, co: 1, input: [8, 9], kernel: [3, 3], padding: [1, 1] },
  { images: 1, groups: 4, ci: 1, co: 2, input: [8, 9], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  { images: 2, ci: 5, co: 6, input: [4, 5], kernel: [1, 1] },
  { images: 2, ci: 5, co: 6, input: [5, 5], kernel: [1, 1], stride: [2, 2] },
  { images: 1, ci: 3, co: 4, input: [8, 8], kernel: [4, 4], stride: [4, 4] },
  { images: 1, ci: 3, co: 4, input: [9, 10], kernel: [2, 2], stride: [4, 3] },
  { images: 1, ci: 2, co: 3, input: [4, 5, 6], kernel: [2, 3, 2], padding: [1, 1, 0] },
  { images: 2, ci: 2, co: 2, input: [5, 4, 7], kernel: [3, 2, 3], stride: [2, 1, 2], padding: [1, 0, 1] },
  { images: 1, groups: 2, ci: 1, co: 2, input: [3, 4, 5], kernel: [2, 2, 2], dilation: [1, 2, 1], padding: [0, 1, 0] },
  // other layouts: channels last, transposed, with gaps
  { images: 2, ci: 3, co: 5, input: [6, 7], kernel: [3, 3], order: [0, 2, 3, 1], padding: [1, 1] },
  { images: 2, ci: 3, co: 5, input: [6, 7], kernel: [3, 2], order: [1, 0, 3, 2], stride: [2, 1] },
  { images: 2, ci: 3, co: 5, input: [6, 7], kernel: [2, 3], gap: 2 },
  { images: 2, ci: 3, co: 2, input: [4, 4], kernel: [1, 1], gap: 2 },
  { images: 2, ci: 3, co: 2, input: [5, 1], kernel: [3, 1] },
  { images: 2, ci: 2, co: 2, input: [1, 5], kernel: [1, 3], padding: [0, 1], order: [1, 0, 2, 3] },
  // padding beyond the kernel's reach, kernels as large as the input, nothing at all
  { images: 1, ci: 1, co: 2, input: [3, 3], kernel: [2, 2], padding: [4, 3] },
  { images: 2, ci: 2, co: 2, input: [4, 5], kernel: [4, 5] },
  { images: 0, ci: 2, co: 2, input: [4, 4], kernel: [3, 3] },
  { images: 2, ci: 0, co: 2, input: [4, 4], kernel: [3, 3] },
]

/** Larger than one block in some direction. */
const large: readonly Case[] = [
  { images: 1, ci: 70, co: 101, input: [9, 6], kernel: [3, 3], padding: [1, 1] },
  { images: 1, ci: 2, co: 3, input: [60, 59], kernel: [24, 23] },
  { images: 9, ci: 3, co: 7, input: [6, 6], kernel: [3, 3] },
  { images: 1, ci: 2, co: 2, input: [9000], kernel: [9], padding: [4] },
  { images: 1, ci: 1, co: 1, input: [9000], kernel: [600], stride: [3] },
  // a copy that is too large for a thread's own memory
  { images: 1, ci: 1, co: 1, input: [230_017], kernel: [2], dilation: [230_000], padding: [2] },
  { images: 1, ci: 64, co: 2, input: [70, 40], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
]

for (const target of targets)
  for (const dtype of ["float32", "float64", "float16", "bfloat16"] as const)
    test(`${dtype} convolutions and their gradients, ${describeTarget(target)}`, () => {
      for (const pass of PASSES)
        for (const spatial of [1, 2, 3]) {
          const kernel: ConvKernel = { kind: "conv", pass, spatial, dtype, epilogue: null }
          const run = machine.instantiate(emitConv(kernel, target))
          for (const c of small) if (c.input.length === spatial) checkCase(machine, run, kernel, c)
        }
    })

for (const pass of PASSES)
  test(`convolutions of several blocks, ${pass}`, () => {
    for (const spatial of [1, 2]) {
      const kernel: ConvKernel = { kind: "conv", pass, spatial, dtype: "float32", epilogue: null }
      const run = machine.instantiate(emitConv(kernel, targets[0]))
      for (const c of large) if (c.input.length === spatial) checkCase(machine, run, kernel, c)
    }
  })

test("convolutions in a memory of 64-bit addresses", () => {
  const large = new Machine(true)
  for (const pass of PASSES) {
    const kernel: ConvKernel = { kind: "conv", pass, spatial: 2, dtype: "float32", epilogue: null }
    const run = large.instantiate(emitConv(kernel, target64))
    for (const c of small) if (c.input.length === 2) checkCase(large, run, kernel, c)
  }
})

/** max(result + bias, 0), element by element. */
const biasAndRelu: EmitEpilogue = (f, _module, { rows, columns, result, out, inputs: [bias] }) => {
  const [i, j] = [f.local("ptr"), f.local("ptr")]
  const at = (p: typeof result) =>
    f.op(
      "ptr.add",
      get(p.address),
      f.op("ptr.add", f.op("ptr.mul", get(i), get(p.row)), f.op("ptr.mul", get(j), get(p.column))),
    )
  f.for(i, f.ptr(0), get(rows), f.ptr(1), () => {
    f.for(j, f.ptr(0), get(columns), f.ptr(1), () => {
      const sum = op("f32.add", f.load("f32.load", at(result)), f.load("f32.load", at(bias)))
      f.store("f32.store", at(out), op("f32.max", sum, [0x43, 0, 0, 0, 0]))
    })
  })
}

test("an epilogue sees every element once, in every pass", () => {
  for (const pass of PASSES)
    for (const spatial of [1, 2, 3]) {
      const kernel: ConvKernel = {
        kind: "conv",
        pass,
        spatial,
        dtype: "float32",
        // The expression is what `biasAndRelu` does; the emitter only counts the inputs.
        epilogue: { inputs: [{ dtype: "float32", access: "strided" }], scalars: [], body: undefined as never },
      }
      const run = machine.instantiate(emitConv(kernel, targets[0], biasAndRelu))
      const plain: ConvKernel = { ...kernel, epilogue: null }
      const runPlain = machine.instantiate(emitConv(plain, targets[0]))
      for (const c of small.filter((s) => s.input.length === spatial && s.ci > 0 && s.images > 0))
        for (const perChannel of [true, false]) {
          machine.reset()
          const shapes = shapesOf(c)
          const [a, b, out, sums] = [...ROLES[pass], ROLES[pass][2]].map((name) =>
            machine.place("float32", shapes[name], stridesOf(shapes[name], c.order, c.gap)),
          )
          const strides = stridesOf(out.sizes).map((s, k) => (k === 1 || !perChannel ? s : 0))
          const bias = machine.place("float32", out.sizes, strides)
          const next = numbers(c.co)
          for (const array of [a, b, bias]) fill(array, "float32", next)
          const plan = planConv(kernel, [a, b, bias, out], scalarsOf(c), 3)
          machine.launch(run, plan, 1)
          const moved = [a, b, bias, out].map((o) => machine.duplicate("float32", o))
          moved[3].clear()
          machine.relaunch(run, plan, moved)
          expect(Buffer.compare(moved[3].snapshot(), out.snapshot())).toBe(0)
          machine.launch(runPlain, planConv(plain, [a, b, sums], scalarsOf(c), 3))
          expect(out.isIntact()).toBe(true)
          forEachIndex(out.sizes, (...index) => {
            const expected = Math.max(0, Math.fround(Number(sums.get(...index)) + Number(bias.get(...index))))
            if (out.get(...index) !== expected)
              throw new Error(`${pass} of ${JSON.stringify(c)}: [${index}] is ${out.get(...index)}, not ${expected}`)
          })
        }
    }
})

test("what stands beside a sum never gets into it", () => {
  // One infinite element: only results that it belongs to may be anything but finite.
  for (const pass of PASSES) {
    const kernel: ConvKernel = { kind: "conv", pass, spatial: 2, dtype: "float32", epilogue: null }
    const run = machine.instantiate(emitConv(kernel, targets[0]))
    for (const padding of [0, 1]) {
      const c: Case = { images: 2, ci: 2, co: 3, input: [5, 6], kernel: [3, 3], padding: [padding, padding] }
      machine.reset()
      const shapes = shapesOf(c)
      const names = ROLES[pass]
      const arrays = names.map((name) => machine.place("float32", shapes[name], stridesOf(shapes[name])))
      forEachIndex(arrays[0].sizes, (...index) => arrays[0].set(1, ...index))
      forEachIndex(arrays[1].sizes, (...index) => arrays[1].set(1, ...index))
      arrays[0].set(Number.POSITIVE_INFINITY, 0, 1, 2, 2)
      machine.launch(run, planConv(kernel, arrays, scalarsOf(c), 1))
      const [first, , third] = arrays.map((array) => dense(array, "float32"))
      const expected = new Float64Array(third.length)
      forEachProduct(c, (x, w, y) => {
        const at = { x, w, y }
        expected[at[names[2]]] += first[at[names[0]]]
      })
      expect(third, `${pass}, padding ${padding}`).toEqual(expected)
    }
  }
})

test("integers and a missing epilogue are refused", () => {
  const kernel: ConvKernel = { kind: "conv", pass: "forward", spatial: 1, dtype: "int32", epilogue: null }
  expect(() => emitConv(kernel, targets[0])).toThrow("int32")
  const epilogue = { inputs: [], scalars: [], body: undefined as never }
  expect(() => emitConv({ ...kernel, dtype: "float32", epilogue }, targets[0])).toThrow("epilogue")
})
