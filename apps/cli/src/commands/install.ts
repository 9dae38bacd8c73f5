import { BACKENDS, PACKAGE_MANAGERS, RUNTIMES, SYSTEMS } from "@taeda/choices"
import { type Command, InvalidArgumentError } from "commander"
import { examples } from "../help.ts"
import type { InstallOptions } from "../install/plan.ts"
import { terminal } from "../output.ts"

const names = (table: readonly { readonly name: string }[]): string[] => table.map(({ name }) => name)

/** "none", or the CUDA that NVIDIA's driver is for. */
function cudaVersion(text: string): "none" | number[] {
  if (text === "none") return text
  if (!/^\d+(\.\d+)?$/.test(text))
    throw new InvalidArgumentError(
      'Expected none, or the version that nvidia-smi shows as "CUDA Version", such as 12.4.',
    )
  return text.split(".").map(Number)
}

export function registerInstall(program: Command): void {
  const option = program.createOption.bind(program)
  const command = program
    .command("install")
    .description("look at this machine, recommend a backend, install it, and prove that it works")
    .addOption(
      option("--backend <name>", "a backend or its device; auto for the fastest that works here").choices([
        "auto",
        ...new Set(BACKENDS.flatMap(({ name, device }) => [name, device])),
      ]),
    )
    .addOption(option("--package-manager <name>", "instead of the project's own").choices(names(PACKAGE_MANAGERS)))
    .addOption(option("--runtime <name>", "where it will run; default: what runs this").choices(names(RUNTIMES)))
    .option("--yes", "ask nothing")
    .option("--dry-run", "change nothing: say what would be done")
    .option("--no-check", "do not try what was installed")
    .option("--json", "the result as JSON and nothing else; without --yes it changes nothing")
    .optionsGroup("For another machine, of which just the command is printed:")
    .addOption(option("--os <name>", "its system").choices(names(SYSTEMS)))
    .addOption(option("--arch <name>", "its processor, as Node names it").choices(["x64", "arm64"]))
    .addOption(option("--libc <name>", "its C library, on Linux").choices(["glibc", "musl"]))
    .option("--cuda <version>", "none, or the CUDA that its NVIDIA driver is for, such as 12.4", cudaVersion)
    .action(async (options: InstallOptions) => {
      const { installCommand } = await import("../install/command.ts")
      await installCommand(options, terminal())
    })
  examples(command, [
    ["taeda install", "looks, asks, installs and tries"],
    ["taeda install --yes", "takes what is recommended, without questions"],
    ["taeda install --backend cuda --package-manager pnpm --yes", "says everything itself, for scripts"],
    ["taeda install --dry-run --json", "what would be done, for programs"],
    ["taeda install --os windows --cuda none", "the command for another machine"],
  ])
}
