/** What each package weighs as it is published, and what it may weigh. */
import { readdirSync, statSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { gzipSync } from "node:zlib"
import { kilobytes, type TableRow } from "@taeda/run-size/table"
import { rolldown } from "rolldown"
import { installed } from "./npm.ts"
import type { Person, Project } from "./project.ts"
import { entriesOf, LIBRARIES, manifestOf, type Published, packageOf, publishedAt } from "./published.ts"

/** Kilobytes (1000 bytes). */
export interface Budget {
  /** Of all its JavaScript, minified and gzipped. */
  readonly code: number
  /** Of what is downloaded when it is installed: code that is not minified, declarations, source maps and the command. */
  readonly download: number
}

/** The first head of the table in docs/performance.md. */
export const TABLE = "package"

export const BUDGETS: Readonly<Record<string, Budget>> = {
  "@taeda/backend-cpu-js": { code: 25, download: 121 },
  "@taeda/backend-cuda": { code: 99, download: 436 },
  "@taeda/backend-wasm-simd": { code: 67, download: 329 },
  "@taeda/backend-webgpu": { code: 47, download: 222 },
  "@taeda/choices": { code: 2, download: 12 },
  "@taeda/conformance": { code: 570, download: 1866 },
  "@taeda/core": { code: 139, download: 735 },
  "@taeda/data": { code: 3.5, download: 18 },
  "@taeda/nn": { code: 18.5, download: 112 },
  "@taeda/optim": { code: 7, download: 39.5 },
  taeda: { code: 3.5, download: 110 },
}

/** In bytes. */
export interface Weight {
  readonly code: number
  readonly minified: number
  /** The packed archive. */
  readonly download: number
  /** What it is unpacked. */
  readonly unpacked: number
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)

/**
 * A package in a project in which it is installed. Its code is everything that can be imported of it, bundled without what it imports of
 * other packages.
 */
async function weighPackage(name: string, { tarball, manifest }: Published, project: Project): Promise<Weight> {
  const bundle = await rolldown({
    cwd: project.folder,
    input: Object.fromEntries(entriesOf(manifest).map((entry) => [entry.replaceAll("/", "-"), entry])),
    platform: "neutral",
    logLevel: "silent",
    external: (id) => !id.startsWith(".") && !isAbsolute(id) && packageOf(id) !== name,
  })
  const { output } = await bundle.generate({ format: "es", minify: true, comments: false })
  const codes = output.flatMap((file) => (file.type === "chunk" ? [file.code] : []))
  return {
    code: codes.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0),
    minified: codes.reduce((sum, code) => sum + Buffer.byteLength(code), 0),
    download: tarball.length,
    unpacked: bytesIn(join(project.folder, "node_modules", name)),
  }
}

/** Every package of the workspace by its name, as a registry has it. */
export async function weighAll(person: Person, registry: string): Promise<Map<string, Weight>> {
  const project = await installed(person, ...LIBRARIES)
  const weights = new Map<string, Weight>()
  for (const name of LIBRARIES) weights.set(name, await weighPackage(name, await publishedAt(registry, name), project))
  return weights
}

/** A package with those that come along when it is installed. */
function withDependencies(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  const { dependencies = {} } = manifestOf(name)
  for (const each of Object.keys(dependencies)) withDependencies(each, found)
  return found
}

const numbersOf = ({ code, minified, download, unpacked }: Weight): number[] =>
  [code, minified, download, unpacked].map(kilobytes)

/** The table's rows: each package, and what `npm install taeda` brings. */
export function rowsOf(weights: ReadonlyMap<string, Weight>): TableRow[] {
  const brought = [...withDependencies("taeda")].map((name) => numbersOf(weights.get(name)!))
  const total = brought.reduce((sums, numbers) => sums.map((sum, k) => sum + numbers[k]!))
  return [
    ...[...weights].map(([name, weight]) => ({ title: `\`${name}\``, numbers: numbersOf(weight) })),
    { title: "`npm install taeda`: it and what it brings", numbers: total },
  ]
}
