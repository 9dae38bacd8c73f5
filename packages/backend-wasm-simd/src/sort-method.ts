/** How a row is sorted, by the bits of its keys and its length, and the memory that this takes. */
import { DTYPES, type DType } from "@taeda/core"

/** How the rows of a type are sorted. */
interface Method {
  /** Rows of up to this length are sorted by insertion. */
  readonly insertion: number
  /** Rows from these lengths on are distributed by digits of so many bits; the last that applies. */
  readonly digits: readonly (readonly [from: number, bits: number])[]
}

/** By the bits of the key; lengths measured. Lists of items that outgrow the caches are better kept in fewer places at once. */
export const METHODS: Readonly<Record<number, Method>> = {
  8: { insertion: 12, digits: [[0, 8]] },
  16: { insertion: 24, digits: [[0, 8]] },
  32: {
    insertion: 48,
    digits: [
      [0, 8],
      [2048, 11],
      [1 << 19, 8],
    ],
  },
  64: {
    insertion: 96,
    digits: [
      [0, 8],
      [2048, 11],
      [1 << 20, 8],
    ],
  },
}

/** Bits of a key. */
export const bitsOf = (dtype: DType): number => DTYPES[dtype].bytes * 8
/** Bytes of an item: a key and its index. */
export const itemBytes = (bits: number): number => (bits === 64 ? 16 : 8)
/** How many digits of so many bits a key has. */
export const passesOf = (bits: number, digit: number): number => Math.ceil(bits / digit)
/** Bytes of the counters of all digits. */
export const counterBytes = (bits: number, digit: number): number => (passesOf(bits, digit) << digit) * 4

function digitBits(bits: number, length: number): number {
  let chosen = 0
  for (const [from, digit] of METHODS[bits].digits) if (length >= from) chosen = digit
  return chosen
}

/** The bytes that sorting one row takes: counters, then one or two lists of items, where the passes need them. */
export function workBytes(bits: number, length: number): number {
  const items = length * itemBytes(bits)
  // Before the items there is one that ends the search for a place.
  if (length <= METHODS[bits].insertion) return 16 + items
  const digit = digitBits(bits, length)
  return counterBytes(bits, digit) + Math.min(2, passesOf(bits, digit) - 1) * items
}
