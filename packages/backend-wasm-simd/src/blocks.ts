/** Cutting a size into blocks. */

export const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

/** The block that cuts `size` into at most so many equal parts, a multiple of `multiple`. */
export const equalParts = (size: number, parts: number, multiple = 1): number =>
  roundUp(Math.ceil(size / parts), multiple)

/** The block that cuts `size` into as few equal parts as it takes for none to be larger than `most`, a multiple of `multiple`. */
export const equalBlock = (size: number, most: number, multiple = 1): number =>
  Math.max(1, equalParts(size, Math.max(1, Math.ceil(size / Math.max(1, most))), multiple))
