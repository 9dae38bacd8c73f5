/** The frame of a sort: the numbers of its slots, by which the plan writes them and the kernel reads them. Strides are in bytes. */

export const SLOT = {
  length: 0,
  rows: 1,
  rowsPerUnit: 2,
  temporary: 3,
  partBytes: 4,
  /** Address and stride along the row, of x, values and indices. */
  operands: 5,
  /** Strides of the outermost dim. */
  outermost: 11,
  /** How many outer dims there are besides the outermost one, and, from the innermost, their sizes and strides. */
  dimCount: 14,
  dims: 15,
} as const
export const SLOT_BYTES = 8
/** Slots of an outer dim. */
export const DIM_SLOTS = 4
