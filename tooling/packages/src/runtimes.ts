/** Bun and Deno, with packages that they installed themselves. */
import { PROGRAM } from "./npm.ts"
import { Project } from "./project.ts"
import { checkReport } from "./report.ts"
import type { Scenario } from "./scenario.ts"
import { type Tool, tool, toolVersion } from "./tools.ts"

interface Runtime {
  readonly tool: Tool
  readonly add: readonly string[]
  readonly run: readonly string[]
}

const RUNTIMES: readonly Runtime[] = [
  { tool: "Bun", add: ["add", "taeda"], run: ["run", "print.mjs"] },
  // It may ask nobody for permissions.
  {
    tool: "Deno",
    add: ["add", "--minimum-dependency-age=0", "npm:taeda"],
    run: ["run", "--allow-all", "print.mjs"],
  },
]

export const RUNTIME_SCENARIOS: readonly Scenario[] = RUNTIMES.map(({ tool: name, add, run }) => ({
  name: toolVersion(name),
  async run({ person, registry }) {
    const executable = await tool(name)
    const project = await Project.create(person)
    await project.write(PROGRAM)
    const env = { NPM_CONFIG_REGISTRY: registry }
    await project.run(executable, add, env)
    checkReport(await project.run(executable, run, env))
  },
}))
