/** From a row to the library's function: where PyTorch's paths are found among the exports of the core. */

import "@taeda/core/methods"
import * as core from "@taeda/core"
import { CATALOGUE, type Signature, Tensor } from "@taeda/core"
import { pathOf, type Row } from "./row.ts"

export type Callable = (...args: unknown[]) => unknown

/** The core is one flat list of names; these paths of the namespace are called otherwise there. */
const RENAMED: Readonly<Record<string, string>> = {
  "nn.functional.unfold": "im2col",
  "nn.functional.fold": "col2im",
  "linalg.cross": "linalgCross",
}

const EXPORTS = core as unknown as Readonly<Record<string, unknown>>
const PROTOTYPE = Tensor.prototype as unknown as Readonly<Record<string, unknown>>

/** The function at a path of the namespace (`add`, `nn.functional.unfold`), or undefined. */
export function functionAt(path: string): Callable | undefined {
  const found = EXPORTS[RENAMED[path] ?? path.slice(path.lastIndexOf(".") + 1)]
  return typeof found === "function" ? (found as Callable) : undefined
}

/** The method as a function with the receiver first, or undefined. */
export function methodNamed(name: string): Callable | undefined {
  if (typeof Object.getOwnPropertyDescriptor(PROTOTYPE, name)?.value !== "function") return undefined
  return (receiver, ...args) => (receiver as Record<string, Callable>)[name](...args)
}

const propertyNamed =
  (name: string): Callable =>
  (receiver) =>
    (receiver as Record<string, unknown>)[name]

/** How a row's op is called. Throws when the library lacks it. */
export function functionOf(row: Row): Callable {
  if (row.property) return propertyNamed(row.name)
  const found = row.in === "Tensor" ? methodNamed(row.name) : functionAt(pathOf(row))
  if (!found) throw new Error(`${pathOf(row)} does not exist`)
  return found
}

/** The catalogue's name of a row's op. */
export const catalogueName = (row: Row): string => RENAMED[pathOf(row)] ?? row.name

/** The signature of a row's op, where the catalogue has one. */
export const signatureOf = (row: Row): Signature | undefined => CATALOGUE.get(catalogueName(row))
