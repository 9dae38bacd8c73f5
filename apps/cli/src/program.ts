/** The program: its commands, each of which puts itself there, and what all of them share. */
import { Command } from "commander"
import pc from "picocolors"
import { registerBench } from "./commands/bench.ts"
import { registerConformance } from "./commands/conformance.ts"
import { registerCreate } from "./commands/create.ts"
import { registerDoctor } from "./commands/doctor.ts"
import { registerHelp } from "./commands/help.ts"
import { registerInstall } from "./commands/install.ts"
import { registerRepl } from "./commands/repl.ts"
import { registerTour } from "./commands/tour.ts"
import { registerTrain } from "./commands/train.ts"
import { registerTrial } from "./commands/trial.ts"
import { examples } from "./help.ts"
import { version } from "./version.ts"

/** Adds a command to the program. Its work is imported when it runs, so that help and mistakes answer at once. */
export type Register = (program: Command) => void

/** In the order of the help, under what they are for. */
const COMMANDS: Readonly<Record<string, readonly Register[]>> = {
  "To begin:": [registerInstall, registerTour, registerCreate, registerHelp],
  "To try things out:": [registerRepl, registerTrain],
  "To measure and check:": [registerDoctor, registerBench, registerConformance],
}

const { bold, cyan } = pc.createColors(true)

export function createProgram(): Command {
  const program = new Command("taeda")
    .description("taeda: PyTorch for TypeScript")
    .version(version(), "-v, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    // Commander leaves the colours out where they are not wanted.
    .configureHelp({
      subcommandTerm: (command) => command.name(),
      styleTitle: bold,
      styleCommandText: cyan,
      styleSubcommandTerm: cyan,
      styleOptionTerm: cyan,
    })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help lists what there is)")
  for (const [purpose, registers] of Object.entries(COMMANDS)) {
    program.commandsGroup(purpose)
    for (const register of registers) register(program)
  }
  registerTrial(program)
  return examples(program, [
    ["taeda install", "finds the fastest backend of this machine, installs it, and tries it"],
    ["taeda tour", "what a tensor is, what a gradient is, and what this machine has"],
    ["taeda create my-app", "a project of your own, with a training that runs"],
    ["taeda help train", "what a command takes, with examples"],
  ])
}
