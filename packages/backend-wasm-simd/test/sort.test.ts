import { bfloat16ToNumber, DTYPES, type DType, float16ToNumber, type SortKernel, type TypedArray } from "@taeda/core"
import { describe, expect, test } from "vitest"
import { emitSort } from "../src/sort.ts"
import { planSort, type SortPlan } from "../src/sort-plan.ts"
import type { Target } from "../src/target.ts"

const TYPES = Object.keys(DTYPES) as DType[]
const PLAIN: Target = { relaxed: false, memory64: false, shared: false, maximumPages: 65536 }
const SENTINEL = 0xa5

interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number | bigint): number | bigint
}

/** The parts of the engine's WebAssembly that are used here. */
interface Engine {
  readonly Memory: new (limits: Readonly<Record<string, unknown>>) => WasmMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  validate(bytes: Uint8Array): boolean
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly

type Run = (frame: number, begin: number, end: number, scratch: number) => number

const modules = new Map<string, object>()

function moduleOf(kernel: SortKernel, target: Target): object {
  const key = JSON.stringify([kernel, target])
  let made = modules.get(key)
  if (!made) modules.set(key, (made = new engine.Module(emitSort(kernel, target))))
  return made
}

/** Small numbers by a fixed recurrence. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Bits that a type's order must take care of: zeros, infinities, several NaNs, the ends of integers. */
const SPECIAL: Partial<Readonly<Record<DType, readonly bigint[]>>> = {
  float16: [0n, 0x8000n, 0x7c00n, 0xfc00n, 0x7e00n, 0xfe01n, 0x7c01n, 0xffffn, 1n, 0x8001n],
  bfloat16: [0n, 0x8000n, 0x7f80n, 0xff80n, 0x7fc0n, 0xffc1n, 0x7f81n, 0xffffn, 1n, 0x8001n],
  float32: [0n, 0x80000000n, 0x7f800000n, 0xff800000n, 0x7fc00000n, 0xffc00001n, 0x7f800001n, 0xffffffffn, 1n],
  float64: [
    0n,
    1n << 63n,
    0x7ff0000000000000n,
    0xfff0000000000000n,
    0x7ff8000000000000n,
    0xfff8000000000001n,
    0x7ff0000000000001n,
    (1n << 64n) - 1n,
    1n,
  ],
  int32: [0x80000000n, 0x7fffffffn, 0xffffffffn, 0n],
  int64: [1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n, 0n],
}

/** How the elements of a case are drawn. */
type Drawing = "any bits" | "few values" | "special" | "equal"

/** The raw bits of `n` elements. */
function draw(dtype: DType, n: number, drawing: Drawing, seed: number): bigint[] {
  const random = generator(seed)
  const bits = DTYPES[dtype].bytes * 8
  const any = (): bigint =>
    dtype === "bool"
      ? BigInt(random(2))
      : BigInt.asUintN(bits, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32)))
  const few = Array.from({ length: drawing === "equal" ? 1 : 5 }, any)
  const special = SPECIAL[dtype] ?? few
  const draws: Readonly<Record<Drawing, () => bigint>> = {
    "any bits": any,
    "few values": () => few[random(few.length)],
    special: () => (random(8) ? special[random(special.length)] : any()),
    equal: () => few[0],
  }
  return Array.from({ length: n }, draws[drawing])
}

const UNSIGNED = { 1: "Uint8", 2: "Uint16", 4: "Uint32", 8: "BigUint64" } as const

function setBits(view: DataView, at: number, bytes: number, bits: bigint): void {
  if (bytes === 8) view.setBigUint64(at, bits, true)
  else view[`set${UNSIGNED[bytes as 1 | 2 | 4]}`](at, Number(bits), true)
}

const getBits = (view: DataView, at: number, bytes: number): bigint =>
  BigInt(view[`get${UNSIGNED[bytes as 1 | 2 | 4 | 8]}`](at, true))

/** The numbers that bits stand for. */
function numbers(dtype: DType, bits: readonly bigint[]): (number | bigint)[] {
  const { array: Elements, bytes } = DTYPES[dtype]
  const view = new DataView(new ArrayBuffer(bits.length * bytes))
  bits.forEach((b, k) => setBits(view, k * bytes, bytes, b))
  const elements: TypedArray = new Elements(view.buffer)
  if (dtype === "float16") return Array.from(elements as Uint16Array, float16ToNumber)
  if (dtype === "bfloat16") return Array.from(elements as Uint16Array, bfloat16ToNumber)
  return [...elements]
}

/** The order that a stable sort gives, by comparing. */
function naiveOrder(values: readonly (number | bigint)[], descending: boolean): number[] {
  const compare = (a: number | bigint, b: number | bigint): number =>
    a !== a || b !== b ? Number(a !== a) - Number(b !== b) : a < b ? -1 : a > b ? 1 : 0
  const direction = descending ? -1 : 1
  return values.map((_, k) => k).sort((a, b) => direction * compare(values[a], values[b]))
}

/** Element strides and the element that coordinates 0 are at. */
interface Layout {
  readonly strides: readonly number[]
  readonly offset: number
  readonly elements: number
}

/** Dims stored in the order `order` (outermost first), `gap` elements apart, those of `reversed` backwards. */
function layout(sizes: readonly number[], order: readonly number[], gap = 1, reversed: readonly number[] = []): Layout {
  const strides: number[] = sizes.map(() => 0)
  let step = gap
  let offset = 0
  for (const d of order.toReversed()) {
    strides[d] = reversed.includes(d) ? -step : step
    if (reversed.includes(d)) offset += step * (sizes[d] - 1)
    step *= sizes[d]
  }
  return { strides, offset, elements: step }
}

interface Case {
  readonly dtype: DType
  readonly sizes: readonly number[]
  readonly drawing?: Drawing
  readonly descending?: boolean
  readonly layouts?: readonly [Layout, Layout, Layout]
  readonly target?: Target
  /** Units at a time. */
  readonly piece?: number
  readonly threads?: number
}

const PAGE = 65536
const SCRATCH = 2 << 20
const GUARD = 64

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

const memories = new Map<string, WasmMemory>()

/** A memory of at least so many bytes for a target, kept from case to case. */
function memoryOf({ memory64, shared }: Target, bytes: number): WasmMemory {
  const key = `${memory64} ${shared}`
  const pages = Math.ceil(bytes / PAGE)
  let memory = memories.get(key)
  if (!memory) {
    const limits = memory64 ? { address: "i64", initial: 1n, maximum: 65536n } : { initial: 1, maximum: 65536, shared }
    memories.set(key, (memory = new engine.Memory(limits)))
  }
  const missing = pages - memory.buffer.byteLength / PAGE
  if (missing > 0) memory.grow(memory64 ? BigInt(missing) : missing)
  return memory
}

/** The scratch memory begins after a page of sentinels, and the frame follows it. */
const FRAME = PAGE + SCRATCH

/** A launch whose operands stand in memory, not yet run. */
interface Prepared {
  readonly memory: WasmMemory
  readonly plan: SortPlan
  /** The addresses of elements 0. */
  readonly addresses: readonly number[]
  /** Where the temporary memory begins: behind the operands. */
  readonly temporary: number
  /** Runs `piece` units at a time. */
  run(piece?: number): void
}

function prepare(
  kernel: SortKernel,
  sizes: readonly number[],
  layouts: readonly Layout[],
  target: Target,
  threads?: number,
): Prepared {
  const { bytes } = DTYPES[kernel.dtype]
  let free = FRAME + 1024
  const operands = layouts.map(({ offset, elements, strides }, k) => {
    const width = k === 2 ? 4 : bytes
    const start = free + GUARD
    free = roundUp(start + elements * width + GUARD, 64)
    return { address: start + offset * width, sizes, strides }
  })
  const plan = planSort(kernel, sizes, operands, threads)
  const temporary = free
  const memory = memoryOf(target, temporary + plan.temporaryBytes + GUARD)
  new Uint8Array(memory.buffer, 0, PAGE).fill(SENTINEL)
  new Uint8Array(memory.buffer, FRAME, temporary + plan.temporaryBytes + GUARD - FRAME).fill(SENTINEL)
  const view = new DataView(memory.buffer)
  plan.slots.forEach((slot, k) => view.setBigInt64(FRAME + 8 * k, BigInt(slot), true))
  if (plan.temporaryBytes) view.setBigInt64(FRAME + 8 * plan.temporarySlot, BigInt(temporary), true)
  const { run } = new engine.Instance(moduleOf(kernel, target), { env: { memory } }).exports as { run: Run }
  return {
    memory,
    plan,
    addresses: operands.map((o) => o.address),
    temporary,
    run: (piece = plan.units) => {
      for (let from = 0; from < plan.units; from += piece)
        expect(run(FRAME, from, Math.min(plan.units, from + piece), PAGE)).toBe(0)
    },
  }
}

/** Sorts by the module, and checks values, indices and everything around them. */
function check({
  dtype,
  sizes,
  drawing = "any bits",
  descending = false,
  layouts,
  target = PLAIN,
  piece,
  threads,
}: Case): void {
  const inOrder = layout(sizes, [...sizes.keys()])
  const places = layouts ?? [inOrder, inOrder, inOrder]
  const { bytes } = DTYPES[dtype]
  const widths = [bytes, bytes, 4]
  const kernel: SortKernel = { kind: "sort", rank: sizes.length, dtype, descending }
  const { memory, plan, addresses, temporary, run } = prepare(kernel, sizes, places, target, threads)
  const view = new DataView(memory.buffer)
  const n = sizes.at(-1) ?? 1
  const rows = sizes.slice(0, -1).reduce((a, b) => a * b, 1)
  const drawn = draw(dtype, n * rows, drawing, n * 31 + rows)
  const addressOf = (k: number, row: number, i: number): number => {
    let at = addresses[k] + i * widths[k] * (places[k].strides.at(-1) ?? 0)
    let rest = row
    for (let d = sizes.length - 2; d >= 0; d--) {
      at += (rest % sizes[d]) * widths[k] * places[k].strides[d]
      rest = Math.floor(rest / sizes[d])
    }
    return at
  }
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < n; i++) setBits(view, addressOf(0, row, i), bytes, drawn[row * n + i])
  const expected = Uint8Array.from(new Uint8Array(memory.buffer, FRAME, temporary - FRAME))
  const wanted = new DataView(expected.buffer)
  for (let row = 0; row < rows; row++) {
    // What was written last is what stands there, where an input repeats itself.
    const stored = Array.from({ length: n }, (_, i) => getBits(view, addressOf(0, row, i), bytes))
    naiveOrder(numbers(dtype, stored), descending).forEach((from, to) => {
      setBits(wanted, addressOf(1, row, to) - FRAME, bytes, stored[from])
      wanted.setInt32(addressOf(2, row, to) - FRAME, from, true)
    })
  }
  run(piece)
  // Everything but the scratch and temporary memory is as it should be.
  expect(Buffer.compare(Buffer.from(memory.buffer, FRAME, expected.length), expected)).toBe(0)
  for (const [at, length] of [
    [0, PAGE],
    [temporary + plan.temporaryBytes, GUARD],
  ])
    expect(Buffer.compare(Buffer.from(memory.buffer, at, length), Buffer.alloc(length, SENTINEL))).toBe(0)
}

/** About the lengths where the method changes. */
const LENGTHS = [0, 1, 2, 3, 7, 11, 13, 23, 25, 47, 49, 63, 95, 97, 127, 300, 999, 2000, 2047, 2049]
const DRAWINGS: readonly Drawing[] = ["any bits", "few values", "special", "equal"]

describe.each(TYPES)("sort %s", (dtype) => {
  test.each([false, true])("every length, descending: %s", (descending) => {
    for (const n of LENGTHS) for (const drawing of DRAWINGS) check({ dtype, sizes: [n], drawing, descending })
  })

  test("every length from 0 to 140 in rows", () => {
    for (let n = 0; n <= 140; n++) check({ dtype, sizes: [3, n], drawing: DRAWINGS[n % 4], descending: n % 3 === 0 })
  })

  test("rank 0", () => {
    check({ dtype, sizes: [] })
  })

  test("strides of all kinds", () => {
    for (const n of [5, 130, 2100]) {
      const sizes = [2, 3, n]
      const straight = layout(sizes, [0, 1, 2])
      const transposed = layout(sizes, [2, 1, 0])
      const spread = layout(sizes, [1, 2, 0], 3)
      const backwards = layout(sizes, [0, 1, 2], 1, [2])
      const turned = layout(sizes, [2, 0, 1], 2, [0, 1, 2])
      const repeated: Layout = { strides: [0, 0, 1], offset: 0, elements: n }
      const constant: Layout = { strides: [1, 2, 0], offset: 0, elements: 6 }
      const all: readonly (readonly [Layout, Layout, Layout])[] = [
        [transposed, straight, straight],
        [straight, transposed, spread],
        [spread, backwards, transposed],
        [backwards, turned, turned],
        [turned, spread, backwards],
        [repeated, straight, straight],
        [constant, straight, transposed],
      ]
      for (const layouts of all) check({ dtype, sizes, layouts, drawing: "special" })
    }
  })

  test("in pieces", () => {
    const sizes = [3, 1, 5, 33]
    const turned = layout(sizes, [3, 0, 1, 2])
    const straight = layout(sizes, [0, 1, 2, 3])
    for (const piece of [1, 4]) check({ dtype, sizes, piece, layouts: [turned, straight, turned], descending: true })
  })

  test("empty", () => {
    for (const sizes of [[0], [0, 3], [3, 0], [2, 0, 4]]) check({ dtype, sizes })
  })
})

test.each<readonly [DType, number]>([
  ["float32", 140_000],
  ["int32", 140_000],
  ["float64", 70_000],
  ["bfloat16", 270_000],
])("rows of %s longer than the scratch memory", (dtype, n) => {
  const sizes = [3, n]
  const plan = planSort({ kind: "sort", rank: 2, dtype, descending: false }, sizes, [])
  expect(plan.temporaryBytes).toBeGreaterThan(n * 8 * plan.units)
  check({ dtype, sizes })
  check({ dtype, sizes: [n, 1].toReversed(), drawing: "special", descending: true })
})

test("more long rows than parts of temporary memory", () => {
  const sizes = [3, 135_000]
  const operand = { address: 64, sizes, strides: [135_000, 1] }
  const kernel: SortKernel = { kind: "sort", rank: 2, dtype: "float32", descending: false }
  const plan = planSort(kernel, sizes, [operand, operand, operand], 2)
  expect(plan.units).toBe(2)
  check({ dtype: "float32", sizes, piece: 1, threads: 2 })
})

test("shared memory, and addresses of 64 bits where the engine has them", () => {
  for (const dtype of TYPES)
    for (const n of [20, 200, 3000]) {
      check({ dtype, sizes: [2, n], drawing: "special", target: { ...PLAIN, shared: true, relaxed: true } })
      const target = { ...PLAIN, memory64: true }
      const kernel: SortKernel = { kind: "sort", rank: 2, dtype, descending: false }
      if (engine.validate(emitSort(kernel, target))) check({ dtype, sizes: [2, n], drawing: "special", target })
    }
})

/** The shortest of a few runs, in milliseconds. */
function shortest(run: () => void): number {
  const times = Array.from({ length: 4 }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return Math.min(...times)
}

test("a row of a million, in less time than the engine sorts the values alone", () => {
  const n = 1 << 20
  const sizes = [n]
  const random = generator(7)
  const x = Float32Array.from({ length: n }, () => (random(2 ** 24) - 2 ** 23 + 0.5) / 1024)
  const kernel: SortKernel = { kind: "sort", rank: 1, dtype: "float32", descending: false }
  const row = layout(sizes, [0])
  const { memory, addresses, run } = prepare(kernel, sizes, [row, row, row], PLAIN)
  new Float32Array(memory.buffer, addresses[0], n).set(x)
  const ours = shortest(() => run())
  const values = new Float32Array(memory.buffer, addresses[1], n)
  const indices = new Int32Array(memory.buffer, addresses[2], n)
  expect(Buffer.compare(Buffer.from(x.toSorted().buffer), Buffer.from(memory.buffer, addresses[1], 4 * n))).toBe(0)
  const misplaced = indices.findIndex(
    (at, k) => x[at] !== values[k] || (values[k] === values[k + 1] && at > indices[k + 1]),
  )
  expect(misplaced).toBe(-1)
  expect(ours).toBeLessThan(shortest(() => x.toSorted()))
})

test("a row of a million wide values", () => {
  const n = (1 << 20) + 1
  const sizes = [n]
  const random = generator(9)
  const x = Float64Array.from({ length: n }, () => (random(2 ** 32) - 2 ** 31) * (random(2 ** 20) + 0.5))
  const kernel: SortKernel = { kind: "sort", rank: 1, dtype: "float64", descending: false }
  const row = layout(sizes, [0])
  const { memory, addresses, run } = prepare(kernel, sizes, [row, row, row], PLAIN)
  new Float64Array(memory.buffer, addresses[0], n).set(x)
  run()
  const values = new Float64Array(memory.buffer, addresses[1], n)
  const indices = new Int32Array(memory.buffer, addresses[2], n)
  expect(Buffer.compare(Buffer.from(x.toSorted().buffer), Buffer.from(memory.buffer, addresses[1], 8 * n))).toBe(0)
  expect(indices.findIndex((at, k) => x[at] !== values[k])).toBe(-1)
})
