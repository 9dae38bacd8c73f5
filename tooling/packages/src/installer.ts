/** The command that installs a backend and proves that it works, where packages lie in archives. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict"
import { berry } from "./managers.ts"
import { manifestIn, ROOT } from "./places.ts"
import type { Scenario } from "./scenario.ts"
import { tool, toolVersion } from "./tools.ts"

interface Installed {
  readonly installed: boolean
  readonly command: string
  readonly trial: { readonly device: string } | null
}

interface Examined {
  readonly healthy: boolean
  readonly checks: readonly { readonly name: string; readonly evidence: string }[]
}

const { version } = manifestIn(ROOT, "packages", "taeda")

export const installer: Scenario = {
  name: `the installer and the doctor, in ${toolVersion("yarn 4")}'s Plug'n'Play`,
  async run(run) {
    const project = await berry(run, "pnp")
    const yarn = await tool("yarn 4")
    const bin = `${project.folder}/bin`
    // As a person has it in the PATH, where the command looks for it.
    await project.write({ "bin/yarn": `#!/bin/sh\nexec node ${yarn} "$@"\n` })
    await project.run("node", ["--eval", `fs.chmodSync("bin/yarn", 0o755)`])
    const taeda = (...args: readonly string[]): Promise<string> =>
      project.run("node", [yarn, "taeda", ...args], { PATH: `${bin}:${project.env.PATH}` })
    const { installed, command, trial } = JSON.parse(await taeda("install", "--yes", "--json")) as Installed
    strictEqual(installed, true)
    match(command, /^yarn add taeda\b/)
    // Not a GPU in software, which the installer does not recommend.
    strictEqual(trial?.device, "wasm")
    const { healthy, checks } = JSON.parse(await taeda("doctor", "--json")) as Examined
    strictEqual(healthy, true)
    const evidence = Object.fromEntries(checks.map((check) => [check.name, check.evidence]))
    deepStrictEqual([evidence.library, evidence.copies], [`taeda ${version}`, "one @taeda/core"])
  },
}
