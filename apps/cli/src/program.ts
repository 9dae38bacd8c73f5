/** The program: its commands, each of which puts itself there, and what all of them share. */
import { Command } from "commander"
import { registerBench } from "./commands/bench.ts"
import { registerConformance } from "./commands/conformance.ts"
import { registerCreate } from "./commands/create.ts"
import { registerRepl } from "./commands/repl.ts"
import { registerTour } from "./commands/tour.ts"
import { registerTrain } from "./commands/train.ts"
import { version } from "./version.ts"

/** Adds a command to the program. Its work is imported when it runs, so that help and mistakes answer at once. */
export type Register = (program: Command) => void

/** In the order of the help. */
const COMMANDS: readonly Register[] = [
  registerTour,
  registerTrain,
  registerRepl,
  registerCreate,
  registerBench,
  registerConformance,
]

export function createProgram(): Command {
  const program = new Command("taeda")
    .description("taeda: PyTorch for TypeScript")
    .version(version())
    .showSuggestionAfterError()
    .showHelpAfterError("(--help lists what there is)")
  for (const register of COMMANDS) register(program)
  return program
}
