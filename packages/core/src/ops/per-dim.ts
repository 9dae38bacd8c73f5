/** Arguments that are one number for all spatial dims, or one per dim. */
import { shapeText, valueText } from "../errors.ts"

export type PerDim = number | readonly number[]

/** A number per spatial dim. Throws unless these are integers of at least `least`. */
export function perDim(name: string, what: string, value: PerDim, spatial: number, least: number): readonly number[] {
  const list = typeof value === "number" ? [value] : value
  if (!Array.isArray(list) || (list.length !== 1 && list.length !== spatial))
    throw new TypeError(`${name}: ${what} must be a number or a list of ${spatial}, got ${valueText(value)}`)
  for (const v of list as readonly number[])
    if (!Number.isInteger(v) || v < least)
      throw new RangeError(
        `${name}: ${what} must be ${least === 1 ? "a positive integer" : "a non-negative integer"}, got ${shapeText(list as number[])}`,
      )
  return list.length === 1 ? new Array<number>(spatial).fill(list[0] as number) : (list as readonly number[])
}
