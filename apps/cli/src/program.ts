/** The program: its commands, each of which puts itself there, and what all of them share. */
import { readFileSync } from "node:fs"
import { Command } from "commander"
import { registerDoctor } from "./commands/doctor.ts"
import { registerInstall } from "./commands/install.ts"
import { registerRepl } from "./commands/repl.ts"
import { registerTour } from "./commands/tour.ts"
import { registerTrain } from "./commands/train.ts"
import { registerTrial } from "./commands/trial.ts"

/** Adds a command to the program. Its work is imported when it runs, so that help and mistakes answer at once. */
export type Register = (program: Command) => void

/** In the order of the help. */
const COMMANDS: readonly Register[] = [
  registerInstall,
  registerDoctor,
  registerTour,
  registerTrain,
  registerRepl,
  registerTrial,
]

// One folder up from the sources and from what is built of them.
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }

export function createProgram(): Command {
  const program = new Command("taeda")
    .description("taeda: PyTorch for TypeScript")
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError("(--help lists what there is)")
  for (const register of COMMANDS) register(program)
  return program
}
