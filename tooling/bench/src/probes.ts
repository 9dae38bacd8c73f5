/**
 * WebAssembly modules that do nothing but reach a limit of the machine: `fma(iterations)` keeps the multiply-add units busy,
 * `stream(bytes)` writes the sum of two arrays, `read(bytes)` sums one. Assembled here, byte by byte.
 */

type Bytes = readonly number[]

/** LEB128: seven bits a byte, the lowest first. */
function unsigned(value: number): Bytes {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))]
}
/** The signed form of a number that is not negative: bit 6 of the last byte is the sign. */
const positive = (value: number): Bytes => (value < 64 ? [value] : [(value % 128) + 128, ...positive(value >>> 7)])

const list = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()]
const sized = (bytes: Bytes): Bytes => [...unsigned(bytes.length), ...bytes]
const section = (id: number, items: readonly Bytes[]): Bytes => [id, ...sized(list(items))]
const name = (text: string): Bytes => sized([...new TextEncoder().encode(text)])

const I32 = 0x7f
const F32 = 0x7d
const V128 = 0x7b
const EMPTY = 0x40

const simd = (code: number): Bytes => [0xfd, ...unsigned(code)]
/** Vectors start at multiples of 16 bytes, written as a power of two. */
const ALIGNMENT = 4
const get = (local: number): Bytes => [0x20, local]
const set = (local: number): Bytes => [0x21, local]
const i32 = (value: number): Bytes => [0x41, ...positive(value)]
const f32 = (value: number): Bytes => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)]
const ADD_I32: Bytes = [0x6a]
const SUB_I32: Bytes = [0x6b]
const ADD_F32: Bytes = [0x92]
const SPLAT = simd(0x13)
const FIRST_LANE: Bytes = [...simd(0x1f), 0]
const ADD = simd(0xe4)
const MUL = simd(0xe6)
const RELAXED_MADD = simd(0x105)
const load = (offset: number): Bytes => [...simd(0x00), ALIGNMENT, ...unsigned(offset)]
const store = (offset: number): Bytes => [...simd(0x0b), ALIGNMENT, ...unsigned(offset)]

/** Repeats `body` until it leaves 0 on the stack. */
const loop = (...body: readonly Bytes[]): Bytes => [0x03, EMPTY, ...body.flat(), 0x0d, 0, 0x0b]
const repeat = (n: number, part: (k: number) => readonly Bytes[]): Bytes =>
  Array.from({ length: n }, (_, k) => part(k).flat()).flat()

interface Func {
  readonly name: string
  readonly params: readonly number[]
  readonly locals: readonly number[]
  readonly results: readonly number[]
  readonly body: Bytes
}

/** A module with one function and `pages` of memory, 64 KiB each, both exported. */
function assemble({ name: exported, params, locals, results, body }: Func, pages: number): Uint8Array<ArrayBuffer> {
  const types = (t: readonly number[]): Bytes => list(t.map((one) => [one]))
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...types(params), ...types(results)]]),
    ...section(3, [[0]]),
    ...section(5, [[0, ...unsigned(pages)]]),
    ...section(7, [
      [...name(exported), 0, 0],
      [...name("memory"), 2, 0],
    ]),
    ...section(10, [sized([...list(locals.map((type) => [1, type])), ...body, 0x0b])]),
  ])
}

/** Enough to hide the latency of two units of four cycles each; with the factors they still fit into 16 registers. */
const ACCUMULATORS = 12
const UNROLL = 4
/** What one iteration of `fma` computes: a multiplication and an addition on four lanes each time. */
export const FLOPS_PER_ITERATION = 8 * ACCUMULATORS * UNROLL

/** The locals from `first` on. */
const localsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, k) => first + k)
/** The sum of the first lanes of vectors, so that none of them is dead. */
const total = (locals: readonly number[]): Bytes =>
  locals.flatMap((local, k) => [...get(local), ...FIRST_LANE, ...(k === 0 ? [] : ADD_F32)])

/** Locals: 0 the iterations, 1 and 2 the factors, then the accumulators. */
function fma(step: (accumulator: number) => readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const accumulators = localsFrom(3, ACCUMULATORS)
  return assemble(
    {
      name: "fma",
      params: [I32],
      locals: [V128, V128, ...accumulators.map(() => V128)],
      results: [F32],
      body: [
        ...[f32(0.5), SPLAT, set(1), f32(0.25), SPLAT, set(2)].flat(),
        // No two start alike, or one could stand for both.
        ...accumulators.flatMap((a) => [...f32(a), ...SPLAT, ...set(a)]),
        ...loop(
          repeat(UNROLL, () => accumulators.flatMap((a) => [...step(a), set(a)])),
          [get(0), i32(1), SUB_I32, set(0), get(0)].flat(),
        ),
        ...total(accumulators),
      ],
    },
    0,
  )
}

/** Adds the product to the accumulator, as a matrix product does. */
const fused = (): Uint8Array<ArrayBuffer> => fma((a) => [get(1), get(2), get(a), RELAXED_MADD])
/** Without it the product would be the same every time, and computed once: here the accumulator is a factor. */
export const unfused = (): Uint8Array<ArrayBuffer> => fma((a) => [get(a), get(1), MUL, get(2), ADD])

/** Vectors that one round of the loops over memory takes. */
const VECTORS = 8
const VECTOR_BYTES = 16
const PAGE_BYTES = 65536

/** Locals: 0 the bytes that are left, 1 where to go on. Both loops go from the start of memory up. */
const advance: Bytes = [
  ...[get(1), i32(VECTORS * VECTOR_BYTES), ADD_I32, set(1)].flat(),
  ...[get(0), i32(VECTORS * VECTOR_BYTES), SUB_I32, set(0), get(0)].flat(),
]

/** A module for arrays of `bytes`, a multiple of 64 KiB. */
const stream = (bytes: number): Uint8Array<ArrayBuffer> =>
  assemble(
    {
      name: "stream",
      params: [I32],
      locals: [I32],
      results: [],
      body: loop(
        repeat(VECTORS, (k) => {
          const at = k * VECTOR_BYTES
          return [get(1), get(1), load(bytes + at), get(1), load(2 * bytes + at), ADD, store(at)]
        }),
        advance,
      ),
    },
    (3 * bytes) / PAGE_BYTES,
  )

const read = (bytes: number): Uint8Array<ArrayBuffer> => {
  const sums = localsFrom(2, VECTORS)
  return assemble(
    {
      name: "read",
      params: [I32],
      locals: [I32, ...sums.map(() => V128)],
      results: [F32],
      body: [
        ...loop(
          repeat(VECTORS, (k) => [get(sums[k]), get(1), load(k * VECTOR_BYTES), ADD, set(sums[k])]),
          advance,
        ),
        ...total(sums),
      ],
    },
    bytes / PAGE_BYTES,
  )
}

/** Whether this engine has fused multiply-add; without it a multiplication and an addition are the most there is. */
export const hasFusedMultiplyAdd = (): boolean => WebAssembly.validate(fused())

export const PROBE_NAMES = ["fma", "stream", "read"] as const
export type ProbeName = (typeof PROBE_NAMES)[number]

export interface Probe {
  /** Passed to the module's function, once a round. */
  readonly argument: number
  /** What a round does: floating-point operations, or bytes read and written. */
  readonly amount: number
  readonly module: Uint8Array<ArrayBuffer>
}

/** About 2 ms at 100 GFLOP/s. */
const ITERATIONS = 2 ** 19
/** The arrays of the works of 1,000,000 elements, all threads together. */
const ARRAY_BYTES = 2 ** 22

/** The probe that one of `threads` threads runs. */
export function probe(name: ProbeName, threads: number): Probe {
  const bytes = Math.max(1, Math.floor(ARRAY_BYTES / threads / PAGE_BYTES)) * PAGE_BYTES
  const probes: Record<ProbeName, () => Probe> = {
    fma: () => ({
      argument: ITERATIONS,
      amount: ITERATIONS * FLOPS_PER_ITERATION,
      module: hasFusedMultiplyAdd() ? fused() : unfused(),
    }),
    stream: () => ({ argument: bytes, amount: 3 * bytes, module: stream(bytes) }),
    read: () => ({ argument: bytes, amount: bytes, module: read(bytes) }),
  }
  return probes[name]()
}
