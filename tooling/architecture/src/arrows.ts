import { isBuiltin } from "node:module"
import { dirname, join, sep } from "node:path"
import { type Import, importsOf } from "./imports.ts"
import type { Layer } from "./layers.ts"
import type { Manifest } from "./workspace.ts"

const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")

const isDeclared = (name: string, { dependencies, peerDependencies, optionalDependencies }: Manifest): boolean =>
  [dependencies, peerDependencies, optionalDependencies].some((group) => group?.[name] !== undefined)

/** Where a package stands: its manifest, its layer, and its folder of sources from the root. */
export interface Place {
  readonly manifest: Manifest
  readonly layer: Layer
  readonly src: string
}

const complaint = (
  { from, kind }: Import,
  file: string,
  { manifest, layer, src }: Place,
  names: ReadonlySet<string>,
) => {
  if (from.startsWith(".")) {
    return join(dirname(file), from).startsWith(src + sep) ? null : `leaves ${src}`
  }
  if (isBuiltin(from)) return layer.node || kind === "type" ? null : "is Node's own: this package runs anywhere"
  const name = packageOf(from)
  if (names.has(name)) {
    const isAllowed = layer.imports.includes(name) || (kind !== "static" && layer.loads?.includes(name))
    if (!isAllowed) return layer.loads?.includes(name) ? "must be loaded by import()" : "points the wrong way"
  }
  return isDeclared(name, manifest) ? null : "is not in the package's dependencies"
}

/** What is wrong with a file's imports, one sentence each; `names` are the workspace's packages. */
export const wrongImports = (file: string, source: string, place: Place, names: ReadonlySet<string>): string[] =>
  importsOf(file, source).flatMap((each) => {
    const reason = complaint(each, file, place, names)
    return reason ? [`${file}: "${each.from}" ${reason}`] : []
  })
