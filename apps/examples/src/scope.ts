/** Names for a prompt. */
import type { Library } from "./library.ts"

/** Puts `torch` into a scope, and everything in it by its own name where JavaScript has no other use for that. */
export function putInScope(torch: Library, scope: object): void {
  const taken = new Set(Object.getOwnPropertyNames(scope))
  for (const [name, value] of Object.entries({ torch, ...torch }))
    if (!taken.has(name))
      Object.defineProperty(scope, name, { value, writable: true, configurable: true, enumerable: true })
}
