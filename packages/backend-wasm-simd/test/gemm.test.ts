import { DTYPES, type DType, type MatmulKernel } from "@taeda/core"
import { expect, test } from "vitest"
import { emitMatmul } from "../src/matmul.ts"
import { planMatmul } from "../src/matmul-plan.ts"
import type { EmitEpilogue } from "../src/product-block.ts"
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
import { biasAndRelu, dense, fillFloats, ROUNDING } from "./products.ts"

const machine = new Machine()

/** A tensor's layout: the order of its dims from the outermost to the innermost, and the distance of elements. */
interface Layout {
  readonly transposed?: boolean
  readonly gap?: number
  readonly negative?: boolean
}

interface Case {
  readonly batch?: readonly number[]
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a?: Layout
  readonly b?: Layout
  readonly out?: Layout
  /** Batch dims along which a, b are repeated. */
  readonly repeated?: readonly [a: readonly number[], b: readonly number[]]
}

const BITS: Partial<Record<DType, number>> = { int8: 8, uint8: 8, int16: 16, int32: 32, int64: 64 }

function layoutStrides(sizes: readonly number[], layout: Layout = {}, repeated: readonly number[] = []): number[] {
  const rank = sizes.length
  const order = [...sizes.keys()]
  if (layout.transposed) order.splice(rank - 2, 2, rank - 1, rank - 2)
  const strides = [...stridesOf(sizes, order, layout.gap ?? 1)]
  if (layout.negative) strides[rank - 1] *= -1
  for (const dim of repeated) strides[dim] = 0
  return strides
}

function fill(array: PlacedArray, dtype: DType, next: () => number): void {
  if (DTYPES[dtype].kind === "float") {
    fillFloats(array, dtype, next)
    return
  }
  const half = 2 ** (BITS[dtype]! - 1)
  forEachIndex(array.sizes, (...index) => {
    const x = next() * 2 - 1
    array.set(dtype === "int64" ? BigInt(Math.floor(x * 2 ** 40)) * 8191n : Math.floor(x * half), ...index)
  })
}

/** Compares with sums in float64. */
function checkFloats(dtype: DType, sizes: readonly number[], a: PlacedArray, b: PlacedArray, out: PlacedArray): void {
  const [m, n, depth] = sizes.slice(-3)
  const [as, bs, got] = [a, b, out].map((array) => dense(array, dtype))
  const [roundoff, stored] = ROUNDING[dtype]!
  const steps = Math.min(depth, 400) + depth / 192 + 4
  for (let at = 0; at < got.length; at++) {
    const [row, j] = [Math.floor(at / n), at % n]
    const z = Math.floor(row / m)
    let [sum, magnitude] = [0, 0]
    for (let l = 0; l < depth; l++) {
      const product = as[row * depth + l] * bs[(z * depth + l) * n + j]
      sum += product
      magnitude += Math.abs(product)
    }
    const bound = roundoff * steps * magnitude + stored * Math.abs(sum) * 1.01 + (stored && 2 ** -25)
    if (!(Math.abs(got[at] - sum) <= bound)) throw new Error(`[${z}, ${row % m}, ${j}] is ${got[at]}, not ${sum}`)
  }
}

/** Compares with exact sums, wrapped. */
function checkIntegers(dtype: DType, sizes: readonly number[], a: PlacedArray, b: PlacedArray, out: PlacedArray): void {
  const batch = sizes.length - 3
  const depth = sizes[sizes.length - 1]
  const big = dtype === "int64"
  const wrap = dtype === "uint8" ? BigInt.asUintN : BigInt.asIntN
  forEachIndex(out.sizes, (...index) => {
    const outer = index.slice(0, batch)
    const [i, j] = index.slice(batch)
    let [sum, low] = [0n, 0]
    for (let l = 0; l < depth; l++) {
      const [x, y] = [a.get(...outer, i, l), b.get(...outer, l, j)]
      if (big) sum += BigInt(x) * BigInt(y)
      else low = (low + Math.imul(Number(x), Number(y))) | 0
    }
    const exact = wrap(BITS[dtype]!, big ? sum : BigInt(low))
    if (BigInt(out.get(...index)) !== exact) throw new Error(`[${index}] is ${out.get(...index)}, not ${exact}`)
  })
}

const describeLayout = (name: string, l?: Layout): string =>
  l ? ` ${name}${l.transposed ? "T" : ""}${l.gap ? `/${l.gap}` : ""}${l.negative ? "-" : ""}` : ""

const describeCase = (c: Case): string =>
  `${c.batch?.join("×") ?? ""} ${c.m}×${c.k}·${c.k}×${c.n}${describeLayout("a", c.a)}${describeLayout("b", c.b)}${describeLayout("out", c.out)}`

type Run = ReturnType<Machine["instantiate"]>

const runner = (kernel: MatmulKernel, target: (typeof targets)[number], epilogue?: EmitEpilogue): Run =>
  machine.instantiate(emitMatmul(kernel, target, epilogue))

function checkCase(machine: Machine, run: Run, kernel: MatmulKernel, c: Case): void {
  machine.reset()
  const batch = c.batch ?? []
  const { dtype } = kernel
  const sizes = [...batch, c.m, c.n, c.k]
  const [sa, sb, so] = [
    [...batch, c.m, c.k],
    [...batch, c.k, c.n],
    [...batch, c.m, c.n],
  ]
  const a = machine.place(dtype, sa, layoutStrides(sa, c.a, c.repeated?.[0]))
  const b = machine.place(dtype, sb, layoutStrides(sb, c.b, c.repeated?.[1]))
  const out = machine.place(dtype, so, layoutStrides(so, c.out))
  const next = numbers(c.m * 31 + c.n * 7 + c.k)
  fill(a, dtype, next)
  fill(b, dtype, next)
  let whole: Uint8Array | undefined
  for (const [threads, piece] of [
    [1, undefined],
    [4, 1],
    [3, 3],
  ] as const) {
    out.clear()
    machine.launch(run, planMatmul(kernel, sizes, [a, b, out], threads), piece)
    if (!out.isIntact()) throw new Error(`${describeCase(c)}: written outside of the result`)
    if (!whole) {
      try {
        ;(ROUNDING[dtype] ? checkFloats : checkIntegers)(dtype, sizes, a, b, out)
      } catch (error) {
        throw new Error(`${dtype} ${describeCase(c)}: ${(error as Error).message}`)
      }
      whole = out.snapshot()
    }
    expect(Buffer.compare(whole, out.snapshot()), `${describeCase(c)} in pieces`).toBe(0)
  }
}

const T: Layout = { transposed: true }
const GAP: Layout = { gap: 2 }

/** Shapes that take every way and every edge; the layouts of all three operands vary. */
const shapes: readonly (readonly [m: number, n: number, k: number])[] = [
  [1, 1, 1],
  [1, 1, 70],
  [1, 1, 5000],
  [1, 9, 1],
  [7, 1, 3],
  [2, 2, 2],
  [3, 5, 4],
  [1, 67, 33],
  [2, 45, 19],
  [3, 31, 8],
  [4, 40, 65],
  [67, 1, 33],
  [45, 2, 17],
  [30, 3, 9],
  [9, 4, 21],
  [5, 6, 7],
  [6, 8, 16],
  [13, 17, 11],
  [64, 10, 40],
  [10, 64, 40],
  [25, 31, 450],
  [50, 70, 3],
]

const layouts: readonly Pick<Case, "a" | "b" | "out">[] = [
  {},
  { a: T },
  { b: T },
  { a: T, b: T },
  { out: T },
  { a: GAP, b: { gap: 3, negative: true }, out: GAP },
  { a: { negative: true }, b: { transposed: true, gap: 2 }, out: { transposed: true, gap: 2 } },
]

const cases: readonly Case[] = [
  ...shapes.flatMap(([m, n, k]) => layouts.map((layout): Case => ({ m, n, k, ...layout }))),
  { batch: [5], m: 3, n: 4, k: 2 },
  { batch: [2, 3], m: 4, n: 9, k: 7, a: T },
  { batch: [2, 3], m: 4, n: 9, k: 7, b: T, repeated: [[1], [0]] },
  { batch: [3, 1, 2], m: 1, n: 5, k: 6, repeated: [[], [0, 2]] },
  { m: 5, n: 4, k: 0 },
  { m: 1, n: 3, k: 0 },
  { m: 0, n: 4, k: 3 },
  { m: 3, n: 0, k: 3 },
  { batch: [0], m: 3, n: 2, k: 3 },
]

/** Larger than a block in every direction. */
const large: readonly Case[] = [
  { m: 205, n: 133, k: 401 },
  { m: 203, n: 261, k: 33, a: T, out: T },
  { m: 2, n: 300, k: 1100 },
  { m: 300, n: 2, k: 1100, b: T },
]

const dtypes: readonly DType[] = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
]

// The code for integers is the same with and without relaxed instructions.
for (const target of targets)
  for (const dtype of dtypes.filter((d) => target.relaxed || DTYPES[d].kind === "float"))
    test(`${dtype} products, ${describeTarget(target)}`, () => {
      const made = new Map<number, [MatmulKernel, Run]>()
      for (const c of dtype === "float32" ? [...cases, ...large] : cases) {
        const batch = c.batch?.length ?? 0
        let entry = made.get(batch)
        if (!entry) {
          const kernel: MatmulKernel = { kind: "matmul", batch, dtype, epilogue: null }
          made.set(batch, (entry = [kernel, runner(kernel, target)]))
        }
        checkCase(machine, entry[1], entry[0], c)
      }
    })

test("products in a memory of 64-bit addresses", () => {
  const large = new Machine(true)
  for (const dtype of ["float32", "float16", "int64"] as const) {
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype, epilogue: null }
    const run = large.instantiate(emitMatmul(kernel, target64))
    for (const c of cases) if (!c.batch) checkCase(large, run, kernel, c)
  }
})

test("an epilogue sees every element once, in any way and orientation", () => {
  const kernel: MatmulKernel = {
    kind: "matmul",
    batch: 1,
    dtype: "float32",
    // The expression is what `biasAndRelu` does; the emitter only counts the inputs.
    epilogue: { inputs: [{ dtype: "float32", access: "strided" }], scalars: [], body: undefined as never },
  }
  for (const target of targets) {
    const run = runner(kernel, target, biasAndRelu)
    for (const [m, n, k] of shapes)
      for (const outLayout of [{}, T, GAP]) {
        machine.reset()
        const [sa, sb, so] = [
          [2, m, k],
          [2, k, n],
          [2, m, n],
        ]
        const a = machine.place("float32", sa, stridesOf(sa))
        const b = machine.place("float32", sb, stridesOf(sb))
        const bias = machine.place("float32", so, [0, 0, 1])
        const out = machine.place("float32", so, layoutStrides(so, outLayout))
        const next = numbers(m + n + k)
        for (const array of [a, b, bias]) fill(array, "float32", next)
        const plan = planMatmul(kernel, [2, m, n, k], [a, b, bias, out], 2)
        machine.launch(run, plan, 1)
        expect(out.isIntact()).toBe(true)
        const moved = [a, b, bias, out].map((o) => machine.duplicate("float32", o))
        moved[3].clear()
        machine.relaunch(run, plan, moved)
        expect(Buffer.compare(moved[3].snapshot(), out.snapshot())).toBe(0)
        forEachIndex(so, (z, i, j) => {
          let sum = Number(bias.get(z, i, j))
          for (let l = 0; l < k; l++) sum += Number(a.get(z, i, l)) * Number(b.get(z, l, j))
          expect(Math.abs(Number(out.get(z, i, j)) - Math.max(sum, 0))).toBeLessThan(1e-4)
        })
      }
  }
})

test("bool and a missing epilogue are refused", () => {
  const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "bool", epilogue: null }
  expect(() => emitMatmul(kernel, targets[0])).toThrow("bool")
  const epilogue = { inputs: [], scalars: [], body: undefined as never }
  expect(() => emitMatmul({ ...kernel, dtype: "float32", epilogue }, targets[0])).toThrow("epilogue")
})
