/** TypeScript's compilers, at their strictest, over a program and all declarations that it leads to. */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { installed } from "./npm.ts"
import { typescript as program } from "./programs.ts"
import type { Project } from "./project.ts"
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

/** Every entry of every package that runs without Node. */
const ENTRIES = `
export type * as taeda from "taeda"
export type * as lean from "taeda/lean"
export type * as core from "@taeda/core"
export type * as functions from "@taeda/core/functions"
export type * as methods from "@taeda/core/methods"
export type * as torch from "@taeda/core/torch"
export type * as collecting from "@taeda/core/collecting"
export type * as nn from "@taeda/nn"
export type * as optim from "@taeda/optim"
export type * as data from "@taeda/data"
export type * as choices from "@taeda/choices"
export type * as cpuJs from "@taeda/backend-cpu-js"
export type * as wasmSimd from "@taeda/backend-wasm-simd"
export type * as webgpu from "@taeda/backend-webgpu"
export type * as webgpuLean from "@taeda/backend-webgpu/lean"
export type * as cuda from "@taeda/backend-cuda"
export type * as conformance from "@taeda/conformance"
`

const compilerPath = (name: string): string => {
  const manifest = require.resolve(`${name}/package.json`)
  const { bin } = require(manifest) as { bin: { tsc: string } }
  return join(dirname(manifest), bin.tsc)
}

const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version

/** One project for all compilers: they change nothing in it. */
const projects = new WeakMap<Run, Promise<Project>>()

async function prepare({ person }: Run): Promise<Project> {
  const project = await installed(person, "@taeda/backend-webgpu", "@taeda/backend-cuda", "@taeda/conformance")
  await project.write({ "train.ts": program("train"), "entries.ts": ENTRIES })
  for (const resolution of RESOLUTIONS)
    await project.write({
      [`tsconfig.${resolution.module}.json`]: JSON.stringify({
        compilerOptions: { ...STRICT, ...resolution },
        files: ["train.ts", "entries.ts"],
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
