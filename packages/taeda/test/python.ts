/** Host values and tensors as Python's `repr` shows them, so that an expectation is PyTorch's own output. */

import { isTensor } from "taeda"
import { expect, test } from "vitest"

/** Arrays are tuples, null is None, strings are quoted. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "string") return `'${value.replaceAll("\n", "\\n")}'`
  if (Array.isArray(value)) return value.length === 1 ? `(${repr(value[0])},)` : `(${value.map(repr).join(", ")})`
  if (isTensor(value)) return value.toString()
  return String(value)
}

/** A test per program: what it gives is what the same program gave in PyTorch 2.13. */
export function programs(table: Readonly<Record<string, readonly [program: () => unknown, printed: string]>>): void {
  for (const [name, [program, printed]] of Object.entries(table))
    test(name, async () => expect(repr(await program())).toBe(printed))
}

/** A test per program that must throw an error with these words. */
export function refusals(
  table: Readonly<Record<string, readonly [program: () => unknown, words: RegExp | string]>>,
): void {
  for (const [name, [program, words]] of Object.entries(table))
    test(name, async () => await expect((async () => program())()).rejects.toThrow(words))
}

/** `[name, output]` per edge of a node, as PyTorch's `next_functions`. */
export const edges = (
  node: { nextFunctions: readonly (readonly [{ name(): string } | null, number])[] } | null,
): unknown[] => node!.nextFunctions.map(([n, output]) => [n?.name() ?? null, output])
