/**
 * Stable sorting of rows, NaN being the greatest: types of up to 32 bits by counting digits of keys that order as the
 * values do, 64-bit types by merging.
 */
import {
  bfloat16ToNumber,
  type DType,
  float16ToNumber,
  type Operand,
  type SortKernel,
  type TypedArray,
} from "@taeda/core"
import type { Launch } from "./compile.ts"
import { arrayOf, forEachOffset } from "./operands.ts"

const scratchFloat = new Float32Array(1)
const scratchWord = new Int32Array(scratchFloat.buffer)

/** Bits that order as float32 values do: -0 as 0, every NaN alike and above infinity. */
function floatKey(x: number): number {
  if (x !== x) return 0xffffffff
  scratchFloat[0] = x + 0
  const bits = scratchWord[0]
  // Adding 0 turns -0 into 0; negative values order backwards.
  return (bits < 0 ? ~bits : bits | 0x80000000) >>> 0
}

const signedKey = (x: number): number => (x ^ 0x80000000) >>> 0

/** Unsigned 32-bit keys by dtype; the types without one are compared. */
const KEYS: Partial<Readonly<Record<DType, (raw: number) => number>>> = {
  float32: floatKey,
  float16: (raw) => floatKey(float16ToNumber(raw)),
  bfloat16: (raw) => floatKey(bfloat16ToNumber(raw)),
  int8: signedKey,
  int16: signedKey,
  int32: signedKey,
  uint8: (raw) => raw,
  bool: (raw) => raw,
}

/** Below this length merging beats the passes over digits. */
const RADIX_FROM = 128
const RUN = 12

/** Sorts `order` (0 to n - 1 at first) by `keys`, stably, by merging runs; `spare` is as long as `order`. */
function mergeSort(keys: ArrayLike<number | bigint>, order: Int32Array, spare: Int32Array, n: number): void {
  for (let from = 0; from < n; from += RUN) insertionSort(keys, order, from, Math.min(n, from + RUN))
  let [source, target] = [order, spare]
  for (let width = RUN; width < n; width *= 2) {
    for (let from = 0; from < n; from += 2 * width)
      merge(keys, source, target, from, Math.min(n, from + width), Math.min(n, from + 2 * width))
    ;[source, target] = [target, source]
  }
  if (source !== order) order.set(source.subarray(0, n))
}

function insertionSort(keys: ArrayLike<number | bigint>, order: Int32Array, from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const moved = order[i]
    const key = keys[moved]
    let j = i
    for (; j > from && keys[order[j - 1]] > key; j--) order[j] = order[j - 1]
    order[j] = moved
  }
}

function merge(
  keys: ArrayLike<number | bigint>,
  source: Int32Array,
  target: Int32Array,
  from: number,
  middle: number,
  to: number,
): void {
  let left = from
  let right = middle
  for (let k = from; k < to; k++)
    target[k] =
      left < middle && (right >= to || keys[source[left]] <= keys[source[right]]) ? source[left++] : source[right++]
}

const counts = new Uint32Array(2048)

/** Three passes of 11 bits, each a stable distribution; a pass whose digit is the same everywhere is left out. */
function radixSort(keys: Uint32Array, order: Int32Array, spare: Int32Array, n: number): void {
  let [source, target] = [order, spare]
  for (let shift = 0; shift < 32; shift += 11) {
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[(keys[i] >>> shift) & 2047]++
    if (counts[(keys[0] >>> shift) & 2047] === n) continue
    let sum = 0
    for (let digit = 0; digit < 2048; digit++) {
      const count = counts[digit]
      counts[digit] = sum
      sum += count
    }
    for (let i = 0; i < n; i++) {
      const moved = source[i]
      target[counts[(keys[moved] >>> shift) & 2047]++] = moved
    }
    ;[source, target] = [target, source]
  }
  if (source !== order) order.set(source.subarray(0, n))
}

/** Keys that order as int64 or float64 values do, ascending; NaN counts as beyond infinity by its own code. */
function wideKeys(
  dtype: DType,
  n: number,
  descending: boolean,
): { keys: Float64Array | BigInt64Array; key: (x: never) => number | bigint } {
  if (dtype === "int64") return { keys: new BigInt64Array(n), key: descending ? (x: bigint) => ~x : (x: bigint) => x }
  return { keys: new Float64Array(n), key: descending ? (x: number) => -x : (x: number) => x }
}

/** The stable order of a row of `n` raw values at `at`, `stride` apart. */
type RowSorter = (data: TypedArray, at: number, stride: number, order: Int32Array, spare: Int32Array) => void

function narrowSorter(key: (raw: number) => number, n: number, descending: boolean): RowSorter {
  const keys = new Uint32Array(n)
  const flip = descending ? 0xffffffff : 0
  return (data, at, stride, order, spare) => {
    for (let i = 0, p = at; i < n; i++, p += stride) {
      keys[i] = key(data[p] as number) ^ flip
      order[i] = i
    }
    if (n < RADIX_FROM) mergeSort(keys, order, spare, n)
    else radixSort(keys, order, spare, n)
  }
}

function wideSorter(dtype: DType, n: number, descending: boolean): RowSorter {
  const { keys, key } = wideKeys(dtype, n, descending)
  const nan = new Int32Array(n)
  return (data, at, stride, order, spare) => {
    // NaN compares with nothing, so it is set apart, in its order.
    let numbers = 0
    let nans = 0
    for (let i = 0, p = at; i < n; i++, p += stride) {
      const raw = data[p]
      if (raw !== raw) nan[nans++] = i
      else {
        keys[i] = key(raw as never)
        order[numbers++] = i
      }
    }
    mergeSort(keys, order, spare, numbers)
    if (nans === 0) return
    if (descending) order.copyWithin(nans, 0, numbers)
    order.set(nan.subarray(0, nans), descending ? 0 : numbers)
  }
}

/** Runs the sort kernel: operands x, values, indices. */
export function sortLaunch({ dtype, descending }: SortKernel): Launch {
  const key = KEYS[dtype]
  return (sizes, operands) => {
    if (sizes.includes(0)) return
    const n = sizes[sizes.length - 1] ?? 1
    const [x, values, indices] = operands
    const [from, to] = [x, values].map((o) => arrayOf(o, dtype))
    const places = arrayOf(indices, "int32")
    const sorter = key ? narrowSorter(key, n, descending) : wideSorter(dtype, n, descending)
    const order = new Int32Array(n)
    const spare = new Int32Array(n)
    const last = Math.max(0, sizes.length - 1)
    const strideOf = (o: Operand): number => o.strides[last] ?? 1
    const steps = [x, values, indices].map(strideOf)
    forEachOffset(sizes, last, operands, (at) => {
      sorter(from, at[0], steps[0], order, spare)
      for (let i = 0; i < n; i++) {
        to[at[1] + i * steps[1]] = from[at[0] + order[i] * steps[0]]
        places[at[2] + i * steps[2]] = order[i]
      }
    })
  }
}
