import type { Command } from "commander"

/** Commander's own command of that name would answer a mistyped one with the whole program's help. */
export function registerHelp(program: Command): void {
  program
    .helpCommand(false)
    .command("help")
    .description("explain a command, with examples")
    .argument("[command]")
    .action(async (name: string | undefined) => {
      if (name === undefined) program.help()
      program.commands.find((command) => command.name() === name)?.help()
      // There is none: what is said of an unknown command says it best.
      await program.parseAsync([name], { from: "user" })
    })
}
