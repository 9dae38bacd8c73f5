/**
 * The library, loaded when a command needs it: from the project that the person stands in, where it is installed, and
 * otherwise the one that came with this command.
 */
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Library } from "@taeda/examples"

export async function library(from = process.cwd()): Promise<Library> {
  let entry = "taeda"
  try {
    entry = pathToFileURL(createRequire(join(from, "package.json")).resolve("taeda")).href
  } catch {
    // Not installed there: the command's own.
  }
  return (await import(entry)) as Library
}
