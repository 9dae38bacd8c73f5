/** Bundles the command of apps/cli, and says whose code is in it. */
import { cpSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { rolldown } from "rolldown"
import { type Bundled, licencesText, packagesOf } from "./licences.ts"

const CLI = dirname(createRequire(import.meta.url).resolve("@taeda/cli/package.json"))

/** What is the project's own and may be in the bundle: all else of the library is loaded from where it is installed. */
const OURS = ["@taeda/choices", "@taeda/examples"]

const isExternal = (id: string): boolean => /^(taeda|@taeda\/[^/]+)(\/|$)/.test(id) && !OURS.includes(id)

export interface CommandBundle {
  /** The paths of all modules in it. */
  readonly modules: readonly string[]
  /** Files by their names, with the bytes of each. */
  readonly files: ReadonlyMap<string, number>
  /** Whose code is in it, besides the project's own. */
  readonly bundled: readonly Bundled[]
}

/** Writes `taeda.mjs`, the parts that it loads, the templates of new projects, and LICENSES.txt into `folder`, which holds nothing else then. */
export async function bundleCommand(folder: string): Promise<CommandBundle> {
  const bundle = await rolldown({
    input: { taeda: join(CLI, "src", "cli.ts") },
    platform: "node",
    external: isExternal,
    resolve: { conditionNames: ["@taeda/source", "import", "node", "default"] },
    onLog(level, log) {
      if (level === "warn") throw new Error(log.message)
    },
  })
  rmSync(folder, { recursive: true, force: true })
  const { output } = await bundle.write({
    dir: folder,
    format: "es",
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
    comments: false,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name].mjs",
  })
  const chunks = output.filter((file) => file.type === "chunk")
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds)
  const bundled = packagesOf(modules)
  cpSync(join(CLI, "templates"), join(folder, "templates"), { recursive: true })
  writeFileSync(join(folder, "LICENSES.txt"), licencesText(bundled))
  return { modules, bundled, files: new Map(chunks.map(({ fileName, code }) => [fileName, Buffer.byteLength(code)])) }
}
