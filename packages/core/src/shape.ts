/** Sizes and strides: pure arithmetic, no tensors. */
import { shapeText } from "./errors.ts"

export type Sizes = readonly number[]

export function numelOf(sizes: Sizes): number {
  let n = 1
  for (let i = 0; i < sizes.length; i++) n *= sizes[i]!
  return n
}

/** Row-major strides in elements; a dim of size 0 counts as 1, as in PyTorch. */
export function contiguousStrides(sizes: Sizes): number[] {
  const strides = new Array<number>(sizes.length)
  let step = 1
  for (let i = sizes.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= Math.max(sizes[i]!, 1)
  }
  return strides
}

/** Whether the elements lie in row-major order without gaps. */
export function isContiguous(sizes: Sizes, strides: Sizes): boolean {
  let step = 1
  for (let i = sizes.length - 1; i >= 0; i--) {
    const size = sizes[i]!
    if (size === 0) return true
    if (size !== 1) {
      if (strides[i] !== step) return false
      step *= size
    }
  }
  return true
}

export function sameSizes(a: Sizes, b: Sizes): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A dim from 0, given one that may count from the end. Scalars accept 0 and -1. Throws a RangeError in PyTorch's words. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const n = Math.max(rank, 1)
  if (!Number.isInteger(dim)) throw new TypeError(`${op}: dim must be an integer, got ${String(dim)}`)
  if (dim < -n || dim >= n)
    throw new RangeError(`${op}: Dimension out of range (expected to be in range of [${-n}, ${n - 1}], but got ${dim})`)
  return dim < 0 ? dim + n : dim
}

/** Several dims, each once. */
export function normalizeDims(op: string, dims: readonly number[], rank: number): number[] {
  const result = dims.map((d) => normalizeDim(op, d, rank))
  for (let i = 0; i < result.length; i++)
    if (result.indexOf(result[i]!) !== i)
      throw new RangeError(`${op}: dim ${result[i]} appears multiple times in the list of dims`)
  return result
}

/** The shape that all broadcast to. Throws a RangeError that names the op and the shapes. */
export function broadcastSizes(op: string, ...shapes: readonly Sizes[]): Sizes {
  const first = shapes[0]!
  if (shapes.every((s) => sameSizes(s, first))) return first
  let rank = 0
  for (const s of shapes) rank = Math.max(rank, s.length)
  const result = new Array<number>(rank).fill(1)
  for (const s of shapes)
    for (let i = 0; i < s.length; i++) {
      const at = rank - s.length + i
      const size = s[i]!
      if (size === 1) continue
      if (result[at] !== 1 && result[at] !== size)
        throw new RangeError(
          `${op}: shapes ${shapes.map(shapeText).join(" and ")} do not broadcast: at dim ${at} the sizes ${result[at]} and ${size} differ`,
        )
      result[at] = size
    }
  return result
}

/** Strides of a view of `sizes`/`strides` broadcast to `to` (0 where repeated). `to` must be reachable. */
export function broadcastStrides(sizes: Sizes, strides: Sizes, to: Sizes): number[] {
  const result = new Array<number>(to.length).fill(0)
  const shift = to.length - sizes.length
  for (let i = 0; i < sizes.length; i++) if (sizes[i] !== 1 || to[shift + i] === 1) result[shift + i] = strides[i]!
  return result
}

export interface Collapsed {
  readonly sizes: number[]
  /** Strides per operand. */
  readonly strides: number[][]
}

/**
 * The same iteration with fewest dims: size-1 dims dropped, neighbours merged where every operand steps evenly. Keeps
 * the order of iteration, so kernels of many shapes share one structure.
 */
export function collapse(sizes: Sizes, operands: readonly Sizes[]): Collapsed {
  const outSizes: number[] = []
  const out: number[][] = operands.map(() => [])
  for (let d = 0; d < sizes.length; d++) {
    const size = sizes[d]!
    if (size === 1) continue
    const last = outSizes.length - 1
    let merge = last >= 0
    for (let k = 0; merge && k < operands.length; k++) merge = out[k]![last] === operands[k]![d]! * size
    if (merge) {
      outSizes[last]! *= size
      for (let k = 0; k < operands.length; k++) out[k]![last] = operands[k]![d]!
    } else {
      outSizes.push(size)
      for (let k = 0; k < operands.length; k++) out[k]!.push(operands[k]![d]!)
    }
  }
  return { sizes: outSizes, strides: out }
}

/** Strides that see the same elements in another shape, or null where that needs a copy (PyTorch's view rule). */
export function viewStrides(sizes: Sizes, strides: Sizes, to: Sizes): number[] | null {
  if (numelOf(sizes) === 0) return sameSizes(sizes, to) ? [...strides] : contiguousStrides(to)
  const {
    sizes: s,
    strides: [t],
  } = collapse(sizes, [strides])
  const result = new Array<number>(to.length)
  let d = to.length - 1
  for (let k = s.length - 1; k >= 0; k--) {
    let step = t![k]!
    let left = s[k]!
    while (left > 1) {
      if (d < 0) return null
      const size = to[d]!
      if (size === 1) {
        result[d--] = step
        continue
      }
      if (left % size !== 0) return null
      result[d--] = step
      step *= size
      left /= size
    }
  }
  for (; d >= 0; d--) result[d] = d + 1 < to.length ? result[d + 1]! * to[d + 1]! : 1
  return result
}
