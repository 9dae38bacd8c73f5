import type { Command } from "commander"
import { examples } from "../help.ts"
import { library } from "../library.ts"
import { terminal } from "../output.ts"

export function registerTour(program: Command): void {
  const command = program
    .command("tour")
    .description("a short tour: tensors, autograd, a gradient and why it has its value")
    .action(async () => {
      const { tour } = await import("../tour.ts")
      await tour(await library(), terminal())
    })
  examples(command, [["taeda tour", "the backends of this machine, then line by line what tensors do"]])
}
