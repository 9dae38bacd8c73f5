import { BACKENDS } from "@taeda/choices"
import type { Command } from "commander"
import { library } from "../library.ts"

/** What `install` and `doctor` run in processes of their own; nobody types it. */
export function registerTrial(program: Command): void {
  program
    .command("trial", { hidden: true })
    .addArgument(program.createArgument("<device>").choices(BACKENDS.map(({ device }) => device)))
    .action(async (name: string) => {
      const [{ MARK }, { trial }] = await Promise.all([import("../backends/try.ts"), import("../backends/trial.ts")])
      const result = await trial(await library(), BACKENDS.find(({ device }) => device === name)!)
      // Devices may keep the process alive, or take it down at its end: once this is written, nothing matters any more.
      process.stdout.write(`\n${MARK}${JSON.stringify(result)}\n`, () => process.exit())
    })
}
