import type { Command } from "commander"
import { examples } from "../help.ts"
import { library } from "../library.ts"

export function registerRepl(program: Command): void {
  const command = program
    .command("repl")
    .description("a prompt with everything in scope")
    .action(async () => {
      const { repl } = await import("../repl.ts")
      await repl(await library())
    })
  examples(command, [
    ["taeda repl", "then, say: x = rand(2, 2)"],
    ["taeda repl < lines.js", "runs the lines of a file one after another, each shown with its value"],
  ])
}
