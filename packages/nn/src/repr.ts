/** Modules as PyTorch prints them. */
import { formatRepr } from "@taeda/core"
import type { Module } from "./module.ts"
import { keyOf } from "./names.ts"

/** A value as Python writes it: None, True, 'text', (2, 3). Integral numbers as integers. */
export function python(value: unknown): string {
  if (value === null || value === undefined) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "string") return `'${value}'`
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : formatRepr(value)
  if (Array.isArray(value)) return value.length === 1 ? `(${python(value[0])},)` : `(${value.map(python).join(", ")})`
  return String(value)
}

/** A float as Python writes it, integral or not: `1.0`. */
export const pythonFloat = (value: unknown): string => (typeof value === "number" ? formatRepr(value) : python(value))

/** `in_features=784, bias=True` from the values of these fields. */
export const named = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${keyOf(name)}=${python(value)}`)
    .join(", ")

const indent = (text: string): string => text.replaceAll("\n", "\n  ")

/** `(0): ReLU()` for each child, further lines indented. */
export const childLines = (children: Iterable<readonly [string, Module | null]>): string[] =>
  Array.from(children, ([key, child]) => `(${key}): ${indent(child === null ? "None" : String(child))}`)

/** As `childLines` of a list, with equal neighbours as one: `(0-2): 3 x ReLU()`. */
export function collapsedLines(children: readonly Module[]): string[] {
  const runs: { text: string; first: number; last: number }[] = []
  children.forEach((child, i) => {
    const text = String(child)
    const run = runs.at(-1)
    if (run?.text === text) run.last = i
    else runs.push({ text, first: i, last: i })
  })
  return runs.map(({ text, first, last }) =>
    indent(first === last ? `(${first}): ${text}` : `(${first}-${last}): ${last - first + 1} x ${text}`),
  )
}

/** `Name(extra)` or, with children, the tree. */
export function tree(name: string, extra: string, children: readonly string[]): string {
  if (children.length === 0 && !extra.includes("\n")) return `${name}(${extra})`
  const lines = [...(extra ? extra.split("\n") : []), ...children]
  return `${name}(\n  ${lines.join("\n  ")}\n)`
}
