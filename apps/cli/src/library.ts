/**
 * What the command loads when it needs it: the library and packages beside it, from the project that the person stands in,
 * where they are installed there, and otherwise from where this command is.
 */
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Library } from "@taeda/examples"

/** The file behind a specifier, or null where the package is not installed. */
export function locate(specifier: string, from = process.cwd()): string | null {
  for (const place of [join(from, "package.json"), import.meta.url]) {
    try {
      return createRequire(place).resolve(specifier)
    } catch {
      // Not from there.
    }
  }
  return null
}

/** A module of a package. Rejects, where it is not installed, with what to do about it. */
export async function load<Module>(specifier: string, advice: string, from?: string): Promise<Module> {
  const file = locate(specifier, from)
  if (file === null) throw new Error(advice)
  return (await import(pathToFileURL(file).href)) as Module
}

export const library = (from?: string): Promise<Library> =>
  load("taeda", "the package taeda is not installed here: npm install taeda", from)
