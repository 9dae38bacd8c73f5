/** The plan of a sort's launch: what its frame holds, and how the rows are shared. */
import { DTYPES, type SortKernel } from "@taeda/core"
import { roundUp } from "./blocks.ts"
import type { PlacedOperand } from "./launch-plan.ts"
import { DIM_SLOTS, SLOT } from "./sort-frame.ts"
import { bitsOf, workBytes } from "./sort-method.ts"

export interface SortPlan {
  /** What the frame holds, by 8-byte slots. */
  readonly slots: readonly number[]
  /** The slot that takes the address (a multiple of 64) of `temporaryBytes` of memory, if that isn't 0. */
  readonly temporarySlot: number
  readonly temporaryBytes: number
  /** Units of work, independent of each other; each is a row, or several where the rows need temporary memory. */
  readonly units: number
  readonly grain: number
}

/** The memory of a thread of its own, in bytes. */
const SCRATCH = 2 << 20
/** A thread should take about this many elements at a time. */
const ELEMENTS_PER_CHUNK = 16384
/** Rows that don't fit the scratch memory are shared among at most this many units, each with its part of temporary memory. */
const MOST_PARTS = 16

interface OuterDim {
  readonly size: number
  readonly strides: readonly number[]
}

/** The outer dims, from the innermost, without those of size 1; neighbours that are one dim to every operand are merged. */
function outerDims(sizes: readonly number[], byteStrides: readonly (readonly number[])[]): OuterDim[] {
  const dims: OuterDim[] = []
  for (let d = sizes.length - 2; d >= 0; d--) {
    if (sizes[d] === 1) continue
    const strides = byteStrides.map((s) => s[d])
    const inner = dims.at(-1)
    if (inner?.strides.every((s, k) => s * inner.size === strides[k]))
      dims[dims.length - 1] = { size: inner.size * sizes[d], strides: inner.strides }
    else dims.push({ size: sizes[d], strides })
  }
  return dims
}

/** What a launch needs: operands x, values, indices. */
export function planSort(
  { dtype }: SortKernel,
  sizes: readonly number[],
  operands: readonly PlacedOperand[],
  threads = MOST_PARTS,
): SortPlan {
  const bits = bitsOf(dtype)
  const length = sizes.at(-1) ?? 1
  const rows = sizes.slice(0, -1).reduce((a, b) => a * b, 1)
  const elementBytes = [DTYPES[dtype].bytes, DTYPES[dtype].bytes, DTYPES.int32.bytes]
  const byteStrides = operands.map(({ strides }, k) => strides.map((s) => s * elementBytes[k]))
  const dims = outerDims(sizes, byteStrides)
  const outermost = dims.pop()

  const bytes = workBytes(bits, length)
  const partBytes = bytes > SCRATCH ? roundUp(bytes, 64) : 0
  const rowsPerUnit = partBytes ? Math.ceil(rows / Math.min(threads, MOST_PARTS)) : 1
  const units = length === 0 ? 0 : Math.ceil(rows / Math.max(1, rowsPerUnit))

  const slots = new Array<number>(SLOT.dims + dims.length * DIM_SLOTS).fill(0)
  slots[SLOT.length] = length
  slots[SLOT.rows] = rows
  slots[SLOT.rowsPerUnit] = rowsPerUnit
  slots[SLOT.partBytes] = partBytes
  slots[SLOT.dimCount] = dims.length
  operands.forEach(({ address }, k) => {
    slots[SLOT.operands + 2 * k] = address
    slots[SLOT.operands + 2 * k + 1] = byteStrides[k].at(-1) ?? 0
    slots[SLOT.outermost + k] = outermost?.strides[k] ?? 0
  })
  dims.forEach(({ size, strides }, d) => {
    const at = SLOT.dims + d * DIM_SLOTS
    slots[at] = size
    strides.forEach((s, k) => {
      slots[at + 1 + k] = s
    })
  })
  return {
    slots,
    temporarySlot: SLOT.temporary,
    temporaryBytes: partBytes * units,
    units,
    grain: partBytes ? 1 : Math.max(1, Math.floor(ELEMENTS_PER_CHUNK / Math.max(1, length))),
  }
}
