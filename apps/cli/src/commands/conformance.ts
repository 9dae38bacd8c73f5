import type { Command } from "commander"
import { examples } from "../help.ts"
import { interruptible } from "../interruptible.ts"
import { collect } from "../parsers.ts"

/** As the command of the suite takes them. */
export interface ConformanceOptions {
  readonly backend?: string
  readonly op?: readonly string[]
  readonly dtype?: readonly string[]
  readonly template?: readonly string[]
  readonly report: string
  readonly output?: string
  readonly few?: true
  readonly steps?: string
  readonly gaps?: string
}

export function registerConformance(program: Command): void {
  const command = program
    .command("conformance")
    .description("hold a backend to PyTorch's numbers, one of ours or your own")
    .argument("[backend]", "as --backend")
    .option("--backend <name>", "cpu-js, wasm-simd, webgpu, cuda, or a path to a module that exports open()")
    .option("--op <pattern>", "only these ops, * stands for anything; may be given again", collect)
    .option("--dtype <dtype>", "only this dtype; may be given again", collect)
    .option("--template <name>", "only this template (forward, backward, errors, ...); may be given again", collect)
    .addOption(
      program
        .createOption("--report <format>", "what is printed")
        .choices(["text", "html", "junit", "json", "md"])
        .default("text"),
    )
    .option("--output <file>", "the report goes to that file, and the text to the terminal")
    .option("--few", "a few cases of each op")
    .option("--steps <n>", "steps of the training programs: 200, or 10 with --few; for slow backends")
    .option("--gaps <file>", "known gaps: a JSON array of { op, dtype, template, tag, case, reason }")
    .action(async (named: string | undefined, options: ConformanceOptions) => {
      const { conformance } = await import("../conformance.ts")
      await interruptible(async (signal) => {
        process.exitCode = await conformance({ ...options, backend: options.backend ?? named }, signal)
      })
    })
    .addHelpText("after", "\nExit code: 0 all passed, 1 something failed or a gap is closed, 2 it could not run.")
  examples(command, [
    ["taeda conformance wasm-simd --few", "some seconds; without --few some minutes"],
    ['taeda conformance ./my-backend.js --op "conv*"', "a backend of your own, the convolutions"],
    ["taeda conformance cpu-js --report html --output report.html", "a page to read"],
  ])
}
