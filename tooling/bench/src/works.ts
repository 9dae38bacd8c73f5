/** The works that are measured: each library does the same, with its own public functions. */
import type { Runner, TableWork } from "@taeda/examples"

export { BULK, labels, numbers, type Runner, type TableWork, WORK_NAMES, WORKS } from "@taeda/examples"

/** What a library offers: a missing work is left out of its column. */
export interface Library {
  readonly name: string
  /** Threads that compute at once, where it says. */
  readonly threads?: number
  /** Prepares a work. Null: this library has nothing for it. */
  prepare(work: TableWork): Promise<Runner | null>
  /** Prepares an operation on so many elements. */
  prepareGrowth?(op: GrowthOp, elements: number): Promise<Runner>
}

/** The operations whose time is followed as the tensors grow; what they do is written as in the table. */
export const GROWTH_OPS = ["add", "gelu", "sum"] as const
export type GrowthOp = (typeof GROWTH_OPS)[number]
/** From 2⁸ to 2²⁴ elements. */
export const GROWTH_POWERS = [8, 10, 12, 14, 16, 18, 20, 22, 24] as const
export type GrowthWork = `${GrowthOp} 2^${(typeof GROWTH_POWERS)[number]}`
export const GROWTH_NAMES = GROWTH_OPS.flatMap((op) => GROWTH_POWERS.map((power): GrowthWork => `${op} 2^${power}`))

/** The parts of a growth work's name, or null for other works. */
export function parseGrowth(work: WorkName): { readonly op: GrowthOp; readonly elements: number } | null {
  const [op, power] = work.split(" 2^")
  return power === undefined ? null : { op: op as GrowthOp, elements: 2 ** Number(power) }
}

export type WorkName = TableWork | GrowthWork

/** As large as half a millisecond or so makes the smallest of the growing works, and 1 for large ones. */
export const growthRepeat = (elements: number): number => Math.max(1, 2 ** 18 / elements)
