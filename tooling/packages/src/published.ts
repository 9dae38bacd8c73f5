/** What a registry has of this workspace. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { type Manifest, manifestIn, ROOT } from "./places.ts"

const folders = (...path: string[]): string[] =>
  readdirSync(join(ROOT, ...path))
    .map((name) => join(ROOT, ...path, name))
    .filter((folder) => existsSync(join(folder, "package.json")))

const names = (...path: string[]): string[] =>
  folders(...path)
    .map((folder) => manifestIn(folder))
    .filter((manifest) => !manifest.private)
    .map(({ name }) => name)

/** The packages of JavaScript. */
export const LIBRARIES: readonly string[] = names("packages")

/** Those that hold the native part of the backend cuda for a platform, and nothing else. */
export const NATIVES: readonly string[] = names("packages", "backend-cuda", "platforms")

export interface Published {
  readonly manifest: Manifest
  readonly tarball: Uint8Array<ArrayBuffer>
}

interface Document {
  readonly "dist-tags": { readonly latest: string }
  readonly versions: Readonly<Record<string, Manifest & { readonly dist: { readonly tarball: string } }>>
}

/** The newest version of a package, as a registry hands it out. */
export async function publishedAt(registry: string, name: string): Promise<Published> {
  const found = (await (await fetch(`${registry}${name.replace("/", "%2f")}`)).json()) as Document
  const manifest = found.versions[found["dist-tags"].latest]!
  return { manifest, tarball: new Uint8Array(await (await fetch(manifest.dist.tarball)).arrayBuffer()) }
}

/** What can be imported of a package, as programs spell it. */
export const entriesOf = ({ name, exports = {} }: Manifest): string[] =>
  Object.keys(exports).map((path) => name + path.slice(1))
