import type { Command } from "commander"
import type { CreateOptions } from "../create/create.ts"
import { MANAGERS, TEMPLATE_NAMES, TEMPLATES } from "../create/templates.ts"
import { examples } from "../help.ts"
import { terminal } from "../output.ts"

export function registerCreate(program: Command): void {
  const command = program
    .command("create")
    .description("a new project in TypeScript, with a training that runs")
    .argument("[folder]", "a new folder, or an empty one")
    .addOption(
      program
        .createOption("--template <name>", TEMPLATE_NAMES.map((name) => `${name}: ${TEMPLATES[name].title}`).join("; "))
        .choices(TEMPLATE_NAMES),
    )
    .addOption(
      program
        .createOption("--package-manager <name>", "by default the one that starts this command")
        .choices(MANAGERS as string[]),
    )
    .option("--install", "install what it needs at once")
    .option("--no-install", "do not ask whether to")
    .action(async (folder: string | undefined, options: CreateOptions) => {
      const { create } = await import("../create/create.ts")
      process.exitCode = await create(folder, options, terminal())
    })
  examples(command, [
    ["taeda create my-app", "a program for Node; at a terminal it asks for the rest"],
    ["taeda create my-page --template vite --install", "a page, installed and ready for npm run dev"],
    ["pnpm dlx taeda create my-app", "with pnpm"],
  ])
}
