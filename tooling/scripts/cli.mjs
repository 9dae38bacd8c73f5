import { join } from "node:path"
import { run } from "./process.mjs"
import { build, install, ROOT, readJson } from "./workspace.mjs"

const CLI = "@taeda/cli"

/** Installs and builds only what the `taeda` command needs. */
export const prepareCli = async () => {
  await install(CLI)
  await build(`${CLI}...`)
}

/** Runs the built `taeda` command at this terminal, under the Node that runs this script; resolves to its exit code. */
export const taeda = (...args) =>
  run(process.execPath, [join(ROOT, "apps", "cli", readJson("apps", "cli", "package.json").bin.taeda), ...args])
