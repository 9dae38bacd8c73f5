/** The files of a new project, and how they come to be: all of them or none. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { version } from "../version.ts"
import { type ManagerName, manifestText, type TemplateName } from "./templates.ts"

/** Above the sources and what is built of them; beside this file where the command is bundled. */
function templatesFolder(): string {
  let folder = new URL("templates/", import.meta.url)
  while (!existsSync(folder)) folder = new URL("../../templates/", folder)
  return fileURLToPath(folder)
}

/** What every project has besides the files of its own template. */
const COMMON = "common"

/** Packages are published without files of this name, so the template's is called otherwise. */
const RENAMED: Readonly<Record<string, string>> = { _gitignore: ".gitignore" }

/** A name that npm takes, as near to the folder's as may be. */
export function packageName(folder: string): string {
  const plain = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+|-+$/g, "")
  return plain === "" || plain === "taeda" || plain === "node_modules" ? "taeda-app" : plain
}

/** The files by their paths. */
export function filesOf(folder: string, template: TemplateName, manager: ManagerName): Map<string, string> {
  const name = packageName(folder)
  const words: Readonly<Record<string, string>> = { name, install: `${manager} install`, run: `${manager} run` }
  const fill = (text: string): string => text.replace(/\{\{(\w+)\}\}/g, (_, word: string) => words[word])
  const files = new Map([["package.json", manifestText(name, template, version())]])
  for (const part of [COMMON, template]) {
    const from = join(templatesFolder(), part)
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const to = join(entry.parentPath.slice(from.length + 1), RENAMED[entry.name] ?? entry.name)
      files.set(to, fill(readFileSync(path, "utf8")))
    }
  }
  return files
}

/** Why nothing can be made there, or null. */
export function obstacle(folder: string): string | null {
  try {
    const [first] = readdirSync(folder)
    return first === undefined
      ? null
      : `${folder} is not empty: it has ${first}, for one. Name a new folder, or empty it`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return null
    return code === "ENOTDIR"
      ? `${folder} is a file, or lies in one. Name a new folder`
      : `${folder} cannot be used: ${message}`
  }
}

/** Moves all that is in one folder into another, an empty one; where that fails, the other is empty again. */
function moveInto(from: string, to: string): void {
  const moved: string[] = []
  try {
    for (const name of readdirSync(from)) {
      moved.push(name)
      renameSync(join(from, name), join(to, name))
    }
  } catch (error) {
    for (const name of moved) rmSync(join(to, name), { recursive: true, force: true })
    throw error
  }
}

/**
 * Writes the files into a folder that is not there yet, or empty. They are written beside it first, so that a failure leaves
 * nothing half-written.
 */
export function writeProject(folder: string, files: ReadonlyMap<string, string>): void {
  const unfinished = join(dirname(folder), `.${basename(folder)}.${process.pid}.tmp`)
  try {
    for (const [path, text] of files) {
      const file = join(unfinished, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    // A folder that somebody stands in stays the one that it is.
    if (existsSync(folder)) moveInto(unfinished, folder)
    else renameSync(unfinished, folder)
  } catch (error) {
    throw new Error(`the project cannot be written: ${(error as Error).message}`)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}
