import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

const root = import.meta.dirname

/** Tests read the packages' sources, so that none of them needs a build. */
const conditions = ["@taeda/source"]

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** What is made ready before the tests of packages that are something, or depend on it. */
const SETUPS = [
  ["webgpu", "browser/src/vitest-gpu.ts"],
  ["@taeda/cuda-emulator", "cuda-emulator/src/vitest-emulator.ts"],
  ["@taeda/backend-cuda", "cuda-addon/src/vitest-cuda.ts"],
  ["@taeda/run-packages", "packages/src/vitest-registry.ts"],
] as const

/** Every package that has tests is a project of its own, called by its package's name. */
const projects = ["packages", "apps", "tooling"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
  .filter((folder) => existsSync(join(folder, "package.json")) && existsSync(join(folder, "test")))
  .map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
    const names = { [manifest.name]: "", ...manifest.dependencies, ...manifest.devDependencies }
    const globalSetup = SETUPS.filter(([name]) => name in names).map(([, file]) => join(root, "tooling", file))
    return {
      extends: true as const,
      root: folder,
      test: {
        name: manifest.name,
        include: ["test/**/*.test.ts"],
        globalSetup,
      },
    }
  })

export default defineConfig({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  // A busy machine of two cores takes its time for what is quick elsewhere; what hangs ends all the same.
  test: { projects, testTimeout: 120_000, hookTimeout: 120_000 },
})
