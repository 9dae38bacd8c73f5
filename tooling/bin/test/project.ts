/** A person's project that has the packages of this workspace installed, and the command as it lies in the package. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const ROOT = join(import.meta.dirname, "..", "..", "..")
export const TAEDA = join(ROOT, "packages", "taeda")
export const BIN = join(TAEDA, "bin", "taeda.cjs")

/** The Node that the person's npm runs under: the published command must do with an old one. */
const NODE = process.env.TAEDA_HOST_NODE ?? process.execPath

/** Where packages of the workspace are. */
const FOLDERS: Readonly<Record<string, string>> = {
  taeda: "packages/taeda",
  "@taeda/backend-cpu-js": "packages/backend-cpu-js",
  "@taeda/conformance": "packages/conformance",
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Arguments of Node itself. */
  readonly node?: readonly string[]
  /** Told the child and what it has written, to both streams, whenever it has written more. */
  readonly watch?: (child: ChildProcess, written: string) => void
}

export function run(folder: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const env = { ...process.env, HOME: folder, NODE_OPTIONS: "", NO_COLOR: "1", ...options.env }
  const child = spawn(NODE, [...(options.node ?? []), ...args], { cwd: folder, env })
  let [stdout, stderr] = ["", ""]
  child.stdout.on("data", (chunk) => {
    stdout += chunk
    options.watch?.(child, stdout + stderr)
  })
  child.stderr.on("data", (chunk) => {
    stderr += chunk
    options.watch?.(child, stdout + stderr)
  })
  // A child that ends at once leaves nobody to read.
  child.stdin.on("error", () => undefined)
  child.stdin.end(options.input ?? "")
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })))
}

export interface Project extends Disposable {
  readonly folder: string
  taeda(args: readonly string[], options?: RunOptions): Promise<Ended>
}

/** Links a package of the workspace, or one that is at a path, into a project. */
export function link(folder: string, name: string, from = join(ROOT, FOLDERS[name])): void {
  const target = join(folder, "node_modules", name)
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(realpathSync(from), target, "junction")
}

/** A new project with these packages of the workspace. */
export function project(...packages: readonly string[]): Project {
  const folder = mkdtempSync(join(tmpdir(), "taeda-project-"))
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  for (const name of packages) link(folder, name)
  return {
    folder,
    taeda: (args, options) => run(folder, [BIN, ...args], options),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
