import type { Command } from "commander"
import type { DoctorOptions } from "../doctor/command.ts"
import { examples } from "../help.ts"
import { terminal } from "../output.ts"

export function registerDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description("what of this machine matters, whether each backend works, and what to do where one does not")
    .option("--json", "as JSON for a bug report, without names of users and without paths")
    .action(async (options: DoctorOptions) => {
      const { doctorCommand } = await import("../doctor/command.ts")
      await doctorCommand(options, program.version() ?? "unknown", terminal())
    })
  examples(command, [
    ["taeda doctor", "for people; the exit code is 1 where something that is installed does not work"],
    ["taeda doctor --json > report.json", "for a bug report"],
  ])
}
