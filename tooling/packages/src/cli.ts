/** The command that the package `taeda` brings. */
import { match, ok, strictEqual } from "node:assert/strict"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { installed } from "./npm.ts"
import { manifestIn, ROOT } from "./places.ts"
import type { Scenario } from "./scenario.ts"

const { version } = manifestIn(ROOT, "packages", "taeda")

export const cli: Scenario = {
  name: "the command, by npx",
  async run({ person }) {
    const project = await installed(person)
    const taeda = (...args: readonly string[]): Promise<string> => project.run("npx", ["taeda", ...args])
    strictEqual(await taeda("--version"), `${version}\n`)
    match(await taeda("tour"), /> x\.grad\ntensor\(\[\[4\.5000, 4\.5000\],\n/)
    match(await taeda("create", "my-app"), /^Created my-app: .*\n {2}npm install\n {2}npm run train\n$/s)
    const made = manifestIn(project.folder, "my-app")
    strictEqual(made.dependencies?.taeda, `^${version}`)
    for (const file of [".gitignore", "tsconfig.json", join("src", "train.ts")])
      ok(existsSync(join(project.folder, "my-app", file)), `my-app has no ${file}`)
    ok(existsSync(join(project.folder, "node_modules", "taeda", "dist", "cli", "LICENSES.txt")))
  },
}
