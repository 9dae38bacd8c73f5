/** TypeScript's compilers, at their strictest, over a program, what the packages' pages show, and all declarations. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { installed } from "./npm.ts"
import { typescript as program } from "./programs.ts"
import type { Project } from "./project.ts"
import { ENTRIES, LIBRARIES } from "./published.ts"
import type { Run, Scenario } from "./scenario.ts"

const require = createRequire(import.meta.url)

/** The compilers by their names here. */
const COMPILERS = ["typescript-5", "typescript-6", "typescript"] as const

/** How programs find packages' types: as Node does, and as bundlers do. */
const RESOLUTIONS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
]

/** No DOM, no Node: what the packages' types need beyond the language would be missing. */
const STRICT = {
  target: "es2022",
  lib: ["es2023"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
}

/** It registers tests with vitest, whose declarations want Node and the DOM. */
const OF_A_PLATFORM: ReadonlySet<string> = new Set(["@taeda/conformance/vitest"])

/** A program that leads to every entry of every package. */
const EVERYTHING = ENTRIES.filter((entry) => !OF_A_PLATFORM.has(entry))
  .map((entry) => `export type * as ${entry.replaceAll(/\W/g, "_")} from "${entry}"`)
  .join("\n")

/** The code that the packages' own pages show, each piece a program. */
const examples = (project: Project): Record<string, string> =>
  Object.fromEntries(
    LIBRARIES.flatMap((name) => {
      const text = readFileSync(join(project.folder, "node_modules", name, "README.md"), "utf8")
      const codes = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
      return codes.map((code, k) => [`${name.replaceAll(/\W/g, "-")}-${k}.ts`, `export {}\n${code}`] as const)
    }),
  )

/** What the examples use of a platform. */
const PLATFORM = `declare const console: { log(...values: unknown[]): void }\n`

const compilerPath = (name: string): string => {
  const manifest = require.resolve(`${name}/package.json`)
  const { bin } = require(manifest) as { bin: { tsc: string } }
  return join(dirname(manifest), bin.tsc)
}

const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version

/** One project for all compilers: they change nothing in it. */
const projects = new WeakMap<Run, Promise<Project>>()

async function prepare({ person }: Run): Promise<Project> {
  const project = await installed(person, ...LIBRARIES)
  const shown = examples(project)
  const files = { "train.ts": program("train"), "entries.ts": EVERYTHING, "platform.d.ts": PLATFORM, ...shown }
  await project.write(files)
  for (const resolution of RESOLUTIONS)
    await project.write({
      [`tsconfig.${resolution.module}.json`]: JSON.stringify({
        compilerOptions: { ...STRICT, ...resolution },
        files: Object.keys(files),
      }),
    })
  return project
}

function preparedFor(run: Run): Promise<Project> {
  let project = projects.get(run)
  if (!project) projects.set(run, (project = prepare(run)))
  return project
}

export const TYPESCRIPT: readonly Scenario[] = COMPILERS.map((compiler) => ({
  name: `TypeScript ${versionOf(compiler)}, strict, without skipLibCheck`,
  async run(run) {
    const project = await preparedFor(run)
    for (const { module } of RESOLUTIONS)
      await project.run(process.execPath, [compilerPath(compiler), "--project", `tsconfig.${module}.json`])
  },
}))
