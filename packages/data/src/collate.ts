/** Samples into batches. */
import { isOptions, isTensor, stack, type Tensor, tensor, valueText } from "@taeda/core"
import type { Batch } from "./types/batch.ts"

/**
 * A batch from samples: tensors and typed arrays are stacked; numbers make a tensor, int32 where all are integral and float
 * otherwise; BigInts make int64 and booleans bool; arrays and plain objects are collated place by place; strings stay a
 * list. Throws where the samples differ in structure or size.
 */
export function defaultCollate<T>(batch: readonly T[]): Batch<T> {
  return collated(batch) as Batch<T>
}

function collated(batch: readonly unknown[]): unknown {
  const [first] = batch
  if (isTensor(first)) return stack(batch as Tensor[])
  if (ArrayBuffer.isView(first)) return stack(batch.map((each) => tensor(each as Float32Array)))
  switch (typeof first) {
    case "number":
      return tensor(batch as number[], batch.every(Number.isInteger) ? { dtype: "int32" } : {})
    case "boolean":
    case "bigint":
      return tensor(batch as bigint[])
    case "string":
      return [...batch]
  }
  if (Array.isArray(first)) {
    const rows = batch as readonly (readonly unknown[])[]
    const odd = rows.find((row) => !Array.isArray(row) || row.length !== first.length)
    if (odd)
      throw new RangeError(
        `defaultCollate: each element in list of batch should be of equal size, got ${valueText(first)} and ${valueText(odd)}`,
      )
    return first.map((_, i) => collated(rows.map((row) => row[i])))
  }
  if (isOptions(first)) {
    const rows = batch as readonly Record<string, unknown>[]
    return Object.fromEntries(Object.keys(first).map((key) => [key, collated(rows.map((row) => field(row, key)))]))
  }
  throw new TypeError(
    `defaultCollate: batch must contain tensors, numbers, booleans, BigInts, strings, arrays or plain objects; found ${valueText(first)}. Pass a collateFn.`,
  )
}

function field(row: Record<string, unknown>, key: string): unknown {
  if (!Object.hasOwn(row, key))
    throw new RangeError(`defaultCollate: a sample has no ${JSON.stringify(key)}, it is ${valueText(row)}`)
  return row[key]
}

/** A lone sample with typed arrays as tensors: what a loader without batches gives. */
export function defaultConvert(sample: unknown): unknown {
  if (ArrayBuffer.isView(sample)) return tensor(sample as Float32Array)
  if (Array.isArray(sample)) return sample.map(defaultConvert)
  if (isOptions(sample))
    return Object.fromEntries(Object.entries(sample).map(([key, value]) => [key, defaultConvert(value)]))
  return sample
}
