/** Pages that other bundlers build: with their defaults for a page, and no word of warning. */
import { join } from "node:path"
import { installed } from "./npm.ts"
import { checkReport } from "./report.ts"
import type { Run, Scenario } from "./scenario.ts"
import { reportOf, serveFolder } from "./site.ts"
import { PAGE } from "./vite.ts"

export interface Bundler {
  readonly name: string
  readonly packages: readonly string[]
  /** A script that builds a file of `dist`, and prints what the bundler warns of. */
  readonly build: string
}

const webpack = (entry: string): Bundler => ({
  name: "webpack",
  packages: ["webpack@5.113.0"],
  build: `
import webpack from "webpack"
const output = { path: process.cwd() + "/dist", filename: "${entry}.js" }
webpack({ mode: "production", entry: "./${entry}.mjs", output, performance: false }, (error, stats) => {
  if (error || stats.hasErrors()) throw error ?? new Error(stats.toString())
  for (const { message } of stats.toJson().warnings) console.log(message)
})`,
})

/** Rollup, which keeps what is loaded by `import()` in parts of its own. */
export const inParts = (entry: string): Bundler => ({
  name: "Rollup",
  packages: ["rollup@4.68.8", "@rollup/plugin-node-resolve@16.0.3"],
  build: `
import { nodeResolve } from "@rollup/plugin-node-resolve"
import { rollup } from "rollup"
// Functions of one module call those of another, and theirs of the first: none does so while it loads.
const onwarn = ({ code, message }) => code === "CIRCULAR_DEPENDENCY" || console.log(message)
const bundle = await rollup({ input: "${entry}.mjs", plugins: [nodeResolve({ browser: true })], onwarn })
await bundle.write({ dir: "dist", format: "es", entryFileNames: "[name].js" })`,
})

const esbuild = (entry: string, splitting: boolean): Bundler => ({
  name: `esbuild, ${splitting ? "in parts" : "in one file"}`,
  packages: ["esbuild@0.28.2"],
  build: `
import { build } from "esbuild"
const options = { outdir: "dist", bundle: true, format: "esm", splitting: ${splitting}, minify: true, logLevel: "silent" }
const { warnings } = await build({ entryPoints: { "${entry}": "${entry}.mjs" }, ...options })
for (const { text } of warnings) console.log(text)`,
})

/** esbuild, which puts everything into one file: what is loaded by `import()` as well. */
export const oneFile = (entry: string): Bundler => esbuild(entry, false)

const HTML = `<!doctype html><html lang="en"><title>page</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script></html>`

/** The folder of a page whose script, or another, a bundler built, with these files besides. */
export async function pageBuiltBy(
  { packages, build }: Bundler,
  { person }: Run,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const project = await installed(person, ...packages)
  await project.write({ ...PAGE, "build.mjs": build, "dist/index.html": HTML, ...files })
  const warnings = await project.run("node", ["build.mjs"])
  if (warnings) throw new Error(`the bundler warns: ${warnings}`)
  return join(project.folder, "dist")
}

const BUNDLERS = [webpack("page"), inParts("page"), esbuild("page", true), oneFile("page")]

export const BUNDLED: readonly Scenario[] = BUNDLERS.map((bundler) => ({
  name: `${bundler.name}, a built page`,
  async run(run) {
    await using site = await serveFolder(await pageBuiltBy(bundler, run))
    checkReport(await reportOf(await run.browser(), site.url))
  },
}))
