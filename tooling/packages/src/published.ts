/** What a registry has of this workspace. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { type Manifest, manifestIn, ROOT } from "./places.ts"

const folders = (...path: string[]): string[] =>
  readdirSync(join(ROOT, ...path))
    .map((name) => join(ROOT, ...path, name))
    .filter((folder) => existsSync(join(folder, "package.json")))

const manifests = (...path: string[]): Manifest[] =>
  folders(...path)
    .map((folder) => manifestIn(folder))
    .filter((manifest) => !manifest.private)

const libraries = manifests("packages")

/** The packages of JavaScript. */
export const LIBRARIES: readonly string[] = libraries.map(({ name }) => name)

export const manifestOf = (name: string): Manifest => libraries.find((each) => each.name === name)!

/** What can be imported of a package, as programs spell it. */
export const entriesOf = ({ name, exports = {} }: Manifest): string[] =>
  Object.keys(exports).map((path) => name + path.slice(1))

export const ENTRIES: readonly string[] = libraries.flatMap(entriesOf)

/** The package of `@taeda/core/methods`. */
export const packageOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")

/** Those that hold the native part of the backend cuda for a platform, and nothing else. */
export const NATIVES: readonly string[] = manifests("packages", "backend-cuda", "platforms").map(({ name }) => name)

export interface Published {
  readonly manifest: Manifest & { readonly dist: { readonly tarball: string } }
  readonly tarball: Uint8Array<ArrayBuffer>
}

interface Document {
  readonly "dist-tags": { readonly latest: string }
  readonly versions: Readonly<Record<string, Published["manifest"]>>
}

/** The newest version of a package, as a registry hands it out. */
export async function publishedAt(registry: string, name: string): Promise<Published> {
  const found = (await (await fetch(`${registry}${name.replace("/", "%2f")}`)).json()) as Document
  const manifest = found.versions[found["dist-tags"].latest]!
  return { manifest, tarball: new Uint8Array(await (await fetch(manifest.dist.tarball)).arrayBuffer()) }
}
