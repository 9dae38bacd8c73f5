import type { Command } from "commander"
import type { BenchOptions } from "../bench/bench.ts"
import type { Order } from "../bench/protocol.ts"
import { examples } from "../help.ts"
import { interruptible } from "../interruptible.ts"
import { library } from "../library.ts"
import { terminal } from "../output.ts"
import { collect, count } from "../parsers.ts"

interface Options extends BenchOptions {
  /** What this process alone measures, for the one that started it. */
  readonly worker?: Order
}

const orderOf = (text: string): Order => JSON.parse(text) as Order

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .description("how fast the backends of this machine are, beside each other")
    .option("--backend <name>", "only this backend; may be given again", collect)
    .option("--work <text>", "only works with this in their name, of all that there are")
    .option("--rounds <n>", "how often all is measured, the backends in turn", count, 3)
    .option("--json", "the results as data")
    .addOption(program.createOption("--worker <order>").argParser(orderOf).hideHelp())
    .action(async ({ worker, ...options }: Options) => {
      const torch = await library()
      if (worker !== undefined) {
        const { measureHere } = await import("../bench/worker.ts")
        await measureHere(torch, worker)
        // Threads of a backend may still wait for work.
        process.exit()
      }
      const { bench } = await import("../bench/bench.ts")
      await interruptible((signal) => bench(torch, options, terminal(), signal))
    })
  examples(command, [
    ["taeda bench", "the usual works on every backend that works here, half a minute or so"],
    ["taeda bench --work matmul --backend wasm-simd", "products alone, on one backend"],
    ["taeda bench --rounds 10 --json > bench.json", "data for a page of your own"],
  ])
}
