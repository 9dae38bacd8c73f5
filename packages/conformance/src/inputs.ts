/**
 * The elements of every input tensor, computed from a seed by an integer hash.
 *
 * tooling/golden/ops.py computes the same elements; a checksum of them stands with every golden value. Floating
 * elements are odd multiples of a power of two with at most eight significant bits, so they are exact in every floating
 * dtype and never hit a kink that lies on a multiple of the step (0, 1, 0.5, ...).
 */

import type { DType } from "@taeda/core"
import type { Content, Layout, TensorSpec } from "./row.ts"

/** A tensor of a case with everything settled: element k of the storage is element k of the seeded sequence. */
export interface TensorInput {
  readonly spec: "tensor"
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
  /** Elements in the storage. */
  readonly length: number
  readonly layout: Layout
  readonly seed: number
  readonly low: number
  readonly high: number
  readonly kind: Content
  readonly distinct: boolean
  readonly values?: readonly number[]
  readonly requiresGrad: boolean
}

const isFloat = (dtype: DType): boolean => dtype.includes("float")
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** 32 bits from a seed and a position: murmur3's finalizer over both. */
export function hash32(seed: number, position: number): number {
  let h = Math.imul(seed, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Row-major strides of a shape. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  for (let dim = shape.length - 1, step = 1; dim >= 0; dim--) {
    strides[dim] = step
    step *= Math.max(shape[dim], 1)
  }
  return strides
}

type Placement = { strides: number[]; offset: number; length: number }

const LAYOUTS: Record<Layout, (shape: readonly number[]) => Placement> = {
  contiguous: (shape) => ({ strides: contiguousStrides(shape), offset: 0, length: product(shape) }),
  transposed: (shape) => ({
    strides: contiguousStrides([...shape].reverse()).reverse(),
    offset: 0,
    length: product(shape),
  }),
  // Every other element of the last dim, from the second on.
  sliced: (shape) => {
    const base = shape.map((size, dim) => (dim === shape.length - 1 ? 2 * size : size))
    const strides = contiguousStrides(base).map((stride, dim) => (dim === shape.length - 1 ? 2 * stride : stride))
    return { strides, offset: product(shape) === 0 ? 0 : 1, length: product(base) + 1 }
  },
  expanded: (shape) => {
    const wide = shape.findIndex((size) => size > 1)
    const base = shape.map((size, dim) => (dim === wide ? 1 : size))
    const strides = contiguousStrides(base).map((stride, dim) => (dim === wide ? 0 : stride))
    return { strides, offset: 0, length: product(base) }
  },
  offset: (shape) => ({ strides: contiguousStrides(shape), offset: 3, length: product(shape) + 5 }),
}

/** Settles a spec for a case of `dtype`; `position` is the tensor's place among the sample's tensors. */
export function settle(spec: TensorSpec, dtype: DType, position: number, grad: boolean): TensorInput {
  const kind = spec.kind ?? "value"
  const own = spec.dtype ?? (kind === "value" ? dtype : "int32")
  const layout = spec.layout ?? "contiguous"
  return {
    spec: "tensor",
    dtype: own,
    shape: spec.shape,
    ...LAYOUTS[layout](spec.shape),
    layout,
    seed: spec.seed ?? position + 1,
    low: spec.low ?? (kind === "value" ? -2 : 0),
    high: spec.high ?? 2,
    kind,
    distinct: (spec.distinct ?? false) || kind === "permutation",
    values: spec.values,
    requiresGrad: isFloat(own) && (spec.requiresGrad ?? grad),
  }
}

/** The gradient that output number `output`, of `shape` and `dtype`, is given going backward. */
export const cotangent = (shape: readonly number[], dtype: DType, output = 0): TensorInput =>
  settle({ spec: "tensor", shape, dtype, seed: 1000 + output }, dtype, 0, false)

/** What the gradient of input number `input` is multiplied by, element by element, and summed for second derivatives. */
export const secondCotangent = (shape: readonly number[], dtype: DType, input: number): TensorInput =>
  settle({ spec: "tensor", shape, dtype, seed: 2000 + input }, dtype, 0, true)

/** The grid of an input's elements: element = first + k * step for k below count. */
export function gridOf(input: TensorInput): { first: number; step: number; count: number } {
  const { dtype, kind, low, high } = input
  if (dtype === "bool") return { first: 0, step: 1, count: 2 }
  if (!isFloat(dtype) || kind !== "value") {
    // Integers take a wider range than the floating default, so that quotients and bits have something to show.
    const [from, to] = low === -2 && high === 2 && kind === "value" ? [-9, 10] : [Math.ceil(low), Math.ceil(high)]
    const first = dtype === "uint8" ? Math.max(from, 0) : from
    return { first, step: 1, count: Math.max(to - first, 1) }
  }
  const half = 2 ** (Math.ceil(Math.log2(Math.max(Math.abs(low), Math.abs(high)))) - 8)
  const from = Math.ceil(low / (2 * half))
  return { first: (2 * from + 1) * half, step: 2 * half, count: Math.max(Math.floor(high / (2 * half)) - from, 1) }
}

/** The whole storage of an input, element by element (int64 and bool as numbers). */
export function storageOf(input: TensorInput): Float64Array {
  const out = new Float64Array(input.length)
  if (input.values) {
    out.set(input.values)
    return out
  }
  const { first, step, count } = gridOf(input)
  const slot = input.distinct && input.length <= count ? distinctSlots(input, count) : null
  for (let i = 0; i < out.length; i++) out[i] = first + step * (slot ? slot[i] : hash32(input.seed, i) % count)
  return out
}

/** Slots spread over `count`, in the order of the elements' hashes. */
function distinctSlots(input: TensorInput, count: number): number[] {
  const hashes = Array.from({ length: input.length }, (_, i) => hash32(input.seed, i))
  const order = hashes.map((_, i) => i).sort((a, b) => hashes[a] - hashes[b] || a - b)
  const slots = new Array<number>(order.length)
  order.forEach((at, rank) => {
    slots[at] = Math.floor((rank * count) / order.length)
  })
  return slots
}

/** The elements of an input in row-major order. */
export function valuesOf(input: TensorInput): Float64Array {
  const storage = storageOf(input)
  const out = new Float64Array(product(input.shape))
  const at = input.shape.map(() => 0)
  for (let i = 0; i < out.length; i++) {
    out[i] = storage[at.reduce((sum, k, dim) => sum + k * input.strides[dim], input.offset)]
    for (let dim = at.length - 1; dim >= 0 && ++at[dim] === input.shape[dim]; dim--) at[dim] = 0
  }
  return out
}

/** FNV-1a over the bytes of the storages (float64, little endian): the golden values carry it. */
export function checksum(inputs: readonly TensorInput[]): number {
  let h = 0x811c9dc5
  for (const input of inputs) {
    const storage = storageOf(input)
    const view = new DataView(new ArrayBuffer(8))
    for (const value of storage) {
      view.setFloat64(0, value, true)
      // Every NaN counts as one.
      for (let i = 0; i < 8; i++) h = Math.imul(h ^ (Number.isNaN(value) ? 0xff : view.getUint8(i)), 0x01000193)
    }
  }
  return h >>> 0
}
