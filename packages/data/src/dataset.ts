/** Datasets: a length and samples by index. */
import {
  type Args,
  bind,
  defaultGenerator,
  type Generator,
  indexSelect,
  isTensor,
  parseSignature,
  permutation,
  select,
  type Tensor,
  tensor,
  valueText,
} from "@taeda/core"
import type { Batch, Slices } from "./types/batch.ts"

/** Samples by index. A plain array is one; a sample that is an array is a tuple. */
export interface DatasetLike<T = unknown> {
  readonly length: number
  /** The sample at an index, or a promise of it. */
  at(index: number): T | Promise<T> | undefined
  /** Whole batches at once, where that is faster than sample by sample: what the default collation would give. */
  batch?(indices: readonly number[]): unknown
}

/** The base class of datasets. */
export abstract class Dataset<T = unknown> implements DatasetLike<T> {
  /** For the compiler alone: what a loader makes of the samples. */
  declare readonly batches?: Batch<T>

  abstract get length(): number
  abstract at(index: number): T | Promise<T>
}

/** Tensors whose first dims agree: sample `i` is the tuple of their `i`-th slices. */
export class TensorDataset<T extends readonly Tensor[] = Tensor[]> extends Dataset<Slices<T>> {
  readonly tensors: T

  constructor(...tensors: T) {
    super()
    if (tensors.length === 0) throw new TypeError("TensorDataset: expected at least one tensor")
    for (const t of tensors) {
      if (!isTensor(t)) throw new TypeError(`TensorDataset: expected tensors, got ${valueText(t)}`)
      if (t.ndim === 0 || t.shape[0] !== tensors[0].shape[0])
        throw new RangeError(
          `TensorDataset: size mismatch between tensors: the first dims must agree, got ${tensors.map(valueText).join(", ")}`,
        )
    }
    this.tensors = tensors
  }

  get length(): number {
    return this.tensors[0].shape[0]
  }

  at(index: number): Slices<T> {
    return this.tensors.map((t) => select(t, 0, index)) as Slices<T>
  }

  /** One gather per tensor. */
  batch(indices: readonly number[]): Batch<Slices<T>> {
    const picked = new Map<unknown, Tensor>()
    return this.tensors.map((t) => {
      let index = picked.get(t.device)
      if (!index) picked.set(t.device, (index = tensor(Int32Array.from(indices), { device: t.device })))
      return indexSelect(t, 0, index)
    }) as Batch<Slices<T>>
  }
}

/** Some samples of a dataset, in the order of `indices`. */
export class Subset<T = unknown> extends Dataset<T> {
  readonly dataset: DatasetLike<T>
  readonly indices: readonly number[]
  declare readonly batch?: (indices: readonly number[]) => unknown

  constructor(dataset: DatasetLike<T>, indices: readonly number[]) {
    super()
    this.dataset = dataset
    this.indices = indices
    if (dataset.batch) this.batch = (at) => dataset.batch!(at.map((i) => indices[i]))
  }

  get length(): number {
    return this.indices.length
  }

  at(index: number): T | Promise<T> {
    return sampleAt(this.dataset, this.indices[place("Subset", index, this.length)])
  }
}

/** Datasets one after the other. */
export class ConcatDataset<T = unknown> extends Dataset<T> {
  readonly datasets: readonly DatasetLike<T>[]
  /** Where each dataset ends. */
  readonly cumulativeSizes: readonly number[]

  constructor(datasets: Iterable<DatasetLike<T>>) {
    super()
    this.datasets = [...datasets]
    if (this.datasets.length === 0) throw new RangeError("ConcatDataset: datasets should not be an empty iterable")
    let end = 0
    this.cumulativeSizes = this.datasets.map((d) => (end += d.length))
  }

  get length(): number {
    return this.cumulativeSizes.at(-1)!
  }

  at(index: number): T | Promise<T> {
    const i = place("ConcatDataset", index, this.length)
    const which = this.cumulativeSizes.findIndex((end) => i < end)
    return sampleAt(this.datasets[which], which === 0 ? i : i - this.cumulativeSizes[which - 1])
  }
}

/** An index, negative ones from the end. Throws for one outside. */
function place(name: string, index: number, length: number): number {
  const i = index < 0 ? index + length : index
  if (!Number.isInteger(i) || i < 0 || i >= length)
    throw new RangeError(`${name}: index ${index} is out of range for ${length} samples`)
  return i
}

/** A sample that must be there. */
export function sampleAt<T>(dataset: DatasetLike<T>, index: number): T | Promise<T> {
  const sample = dataset.at(index)
  if (sample === undefined) throw new RangeError(`dataset: no sample at index ${index} (length ${dataset.length})`)
  return sample
}

const SPLIT = parseSignature("randomSplit(dataset, lengths, *, generator?)")

/**
 * Splits at random into subsets of these lengths, or of these shares when they sum to 1 (what rounding leaves over goes to
 * the first ones). Draws one permutation from the generator. Throws when the lengths do not sum to the dataset's.
 */
export function randomSplit<T, const L extends readonly number[]>(
  dataset: DatasetLike<T>,
  lengths: L,
  ...rest: Args<[], { generator: Generator | null }>
): { -readonly [K in keyof L]: Subset<T> } {
  const [, , generator] = bind(SPLIT, [dataset, lengths, ...rest]) as [unknown, unknown, Generator | null | undefined]
  const sizes = sizesOf(lengths, dataset.length)
  const total = sizes.reduce((a, b) => a + b, 0)
  if (total !== dataset.length)
    throw new RangeError(
      `randomSplit: sum of input lengths (${total}) does not equal the length of the input dataset (${dataset.length})`,
    )
  const order = Array.from(permutation(generator ?? defaultGenerator(), total))
  let start = 0
  return sizes.map((size) => new Subset(dataset, order.slice(start, (start += size)))) as {
    -readonly [K in keyof L]: Subset<T>
  }
}

function sizesOf(lengths: readonly number[], total: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0)
  if (Math.abs(sum - 1) > 1e-9 * Math.max(1, Math.abs(sum)) || sum > 1 + 1e-9) return [...lengths]
  for (const [i, share] of lengths.entries())
    if (share < 0 || share > 1)
      throw new RangeError(`randomSplit: fraction at index ${i} is not between 0 and 1, got ${share}`)
  const sizes = lengths.map((share) => Math.floor(total * share))
  const left = total - sizes.reduce((a, b) => a + b, 0)
  for (let i = 0; i < left; i++) sizes[i % sizes.length]++
  return sizes
}
