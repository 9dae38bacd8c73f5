import { createRequire } from "node:module"
import { join } from "node:path"
import { BACKENDS } from "@taeda/choices"
import type { Command } from "commander"
import { library } from "../library.ts"

/** Whether a file in this folder would find the package. */
function isInstalled(): boolean {
  try {
    return createRequire(join(process.cwd(), "package.json")).resolve("taeda") !== ""
  } catch {
    return false
  }
}

/** What `install` and `doctor` run in processes of their own; nobody types it. */
export function registerTrial(program: Command): void {
  program
    .command("trial", { hidden: true })
    .addArgument(program.createArgument("<device>").choices(BACKENDS.map(({ device }) => device)))
    .option("--project", "with the project's own library, or not at all")
    .action(async (name: string, { project = false }: { project?: boolean }) => {
      const [{ MARK }, { trial }] = await Promise.all([import("../backends/try.ts"), import("../backends/trial.ts")])
      const backend = BACKENDS.find(({ device }) => device === name)!
      const result =
        project && !isInstalled()
          ? { state: "failed", message: "the package taeda is not found from this project" }
          : await trial(await library(), backend)
      // Devices may keep the process alive, or take it down at its end: once this is written, nothing matters any more.
      process.stdout.write(`\n${MARK}${JSON.stringify(result)}\n`, () => process.exit())
    })
}
