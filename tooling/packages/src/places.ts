/** Where things are in the checkout. */
import { readFileSync } from "node:fs"
import { join } from "node:path"

export const ROOT = join(import.meta.dirname, "..", "..", "..")

/** What is kept between runs: downloads. */
export const CACHE = join(ROOT, "node_modules", ".cache", "taeda-packages")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly sideEffects?: boolean | readonly string[]
  readonly packageManager?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const manifestIn = (...folder: string[]): Manifest =>
  JSON.parse(readFileSync(join(...folder, "package.json"), "utf8")) as Manifest

/** pnpm in the version that this workspace names: what `npx` is given. */
export const pnpmVersion = (): string => manifestIn(ROOT).packageManager!

/** The Node that the person's npm runs under. The tests' own is newer. */
export const HOST_NODE: string = process.env.TAEDA_HOST_NODE ?? process.execPath
