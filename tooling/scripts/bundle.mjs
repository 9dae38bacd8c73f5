/**
 * Bundles the current package's sources into a file for each entry and one for what they share: a program would take longer to
 * find and read a few hundred modules than to run them. Names stay as they are written, for stack traces; of comments those stay
 * that tools read; other packages stay imports.
 *
 * Files of their own besides are what has effects and is shared (the manifest's `sideEffects`), what is imported dynamically, and what
 * is exported as a namespace (`export * as linalg`): bundlers look into modules, and not into objects.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { rolldown } from "rolldown"
import { marked } from "./pure.mjs"

const { name, exports: entries, sideEffects } = JSON.parse(readFileSync("package.json", "utf8"))

/** `src/autograd/index.ts` is built to `autograd.js`, `src/linalg.ts` to `linalg.js`. */
const nameOf = (file) => basename(basename(file) === "index.ts" ? dirname(file) : file, ".ts")

/** The files to build, by the names of what they are built to. */
const input = Object.fromEntries(
  Object.values(entries).map((entry) => [basename(entry.default, ".js"), resolve(entry["@taeda/source"])]),
)

/** Stands for the file of a namespace. */
const SCHEME = "namespace:"
/** The namespaces, by the modules that export them and by how they are spelled there. */
const namespaces = new Map()
for (const file of readdirSync("src", { recursive: true }).filter((each) => each.endsWith(".ts"))) {
  const from = resolve("src", file)
  for (const [, to] of readFileSync(from, "utf8").matchAll(/^export \* as \w+ from "(\.[^"]+)"/gm)) {
    const target = resolve(dirname(from), to)
    const known = (input[nameOf(target)] ??= target)
    if (known !== target) throw new Error(`${known} and ${target} cannot both be built to ${nameOf(target)}.js`)
    namespaces.set(`${from} ${to}`, SCHEME + nameOf(target))
  }
}

const withEffects = new Set([sideEffects].flat().map((file) => file && resolve(file)))
const built = new Set(Object.values(input))

/** What comes with one of `from` whether or not it is asked for. */
function reached(from, graph) {
  const found = new Set()
  const visit = (id) => {
    if (found.has(id)) return
    found.add(id)
    graph.getModuleInfo(id)?.importedIds.forEach(visit)
  }
  from.forEach(visit)
  return found
}

let common = null
/** The modules that entries share. One that a single entry has is as well off there, but for effects, which only who asks for them gets. */
function shared(id, graph) {
  common ??= reached(built, graph)
  return built.size > 1 && common.has(id) && !built.has(id) && !withEffects.has(id) ? basename(name) : null
}
const bundle = await rolldown({
  input,
  external: /^(?![./]|[A-Za-z]:\\)/,
  platform: "neutral",
  transform: { target: "es2022" },
  plugins: [
    {
      name: "namespaces",
      resolveId(to, from) {
        const id = namespaces.get(`${from} ${to}`)
        return id && { id, external: true }
      },
    },
  ],
})
const { output } = await bundle.generate({
  sourcemap: true,
  comments: { legal: true, annotation: true, jsdoc: false },
  paths: (id) => (id.startsWith(SCHEME) ? `./${id.slice(SCHEME.length)}.js` : id),
  chunkFileNames: "[name].js",
  // Of use to who reads them.
  minifyInternalExports: false,
  codeSplitting: { groups: [{ debugName: "shared", name: shared }] },
})
mkdirSync("dist", { recursive: true })
for (const { type, fileName, code, map } of output) {
  if (type !== "chunk") continue
  // What only hands on what others export leads nowhere.
  const result = marked(
    code,
    map ?? { version: 3, file: fileName, sources: [], sourcesContent: [], names: [], mappings: "" },
  )
  const lines = result.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n")
  writeFileSync(join("dist", fileName), `${lines}//# sourceMappingURL=${fileName}.map\n`)
  writeFileSync(join("dist", `${fileName}.map`), JSON.stringify(result.map))
}
