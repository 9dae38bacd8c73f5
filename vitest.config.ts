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

/** Every package that has tests is a project of its own, called by its package's name. */
const projects = ["packages", "apps", "tooling"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
  .filter((folder) => existsSync(join(folder, "package.json")) && existsSync(join(folder, "test")))
  .map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
    const needsGpu = "webgpu" in { ...manifest.dependencies, ...manifest.devDependencies }
    return {
      extends: true as const,
      root: folder,
      test: {
        name: manifest.name,
        include: ["test/**/*.test.ts"],
        ...(needsGpu && { globalSetup: join(root, "tooling", "browser", "src", "vitest-gpu.ts") }),
      },
    }
  })

export default defineConfig({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: { projects },
})
