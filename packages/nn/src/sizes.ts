/** Sizes for each spatial dim. */
import { valueText } from "@taeda/core"

/** One number for all dims, or one for each. */
export type Size = number | readonly number[]

/** One number for each of `rank` dims. Throws for anything else, naming the argument. */
export function each(name: string, argument: string, value: unknown, rank: number, least: number): number[] {
  const list = Array.isArray(value) ? [...value] : new Array<unknown>(rank).fill(value)
  if (list.length !== rank || list.some((v) => typeof v !== "number" || !Number.isInteger(v) || v < least))
    throw new RangeError(
      `${name}: ${argument} must be an integer of at least ${least} or ${rank} of them, got ${Array.isArray(value) ? `[${value.join(", ")}]` : valueText(value)}`,
    )
  return list as number[]
}
