/** Node's package managers, each with every Node. */
import { dirname } from "node:path"
import { installed, PROGRAM } from "./npm.ts"
import { Project } from "./project.ts"
import { checkReport } from "./report.ts"
import type { Run, Scenario } from "./scenario.ts"
import { NODES, node, tool, toolVersion } from "./tools.ts"

interface Manager {
  readonly name: string
  /** A project in which it installed taeda. */
  prepare(run: Run): Promise<Project>
  /** What a Node is told to run a script of the project. */
  arguments?(script: string): Promise<readonly string[]>
}

/** A project that yarn of now installed. */
export async function berry({ person, registry }: Run, linker: string): Promise<Project> {
  const project = await Project.create(person)
  const settings = {
    npmRegistryServer: registry,
    unsafeHttpWhitelist: ["127.0.0.1"],
    nodeLinker: linker,
    enableTelemetry: false,
    // What was published a minute ago is what is tested.
    npmMinimalAgeGate: 0,
  }
  await project.write({ ".yarnrc.yml": JSON.stringify(settings), "yarn.lock": "" })
  await project.run("node", [await tool("yarn 4"), "add", "taeda"])
  return project
}

const MANAGERS: readonly Manager[] = [
  { name: "npm", prepare: ({ person }) => installed(person) },
  {
    name: toolVersion("pnpm"),
    async prepare({ person }) {
      const project = await Project.create(person)
      // What was published a minute ago is what is tested.
      await project.write({ "pnpm-workspace.yaml": "minimumReleaseAge: 0\n" })
      await project.run(await tool("pnpm"), ["add", "taeda"])
      return project
    },
  },
  {
    name: toolVersion("yarn 1"),
    async prepare({ person, registry }) {
      const project = await Project.create(person)
      await project.write({ ".yarnrc": `registry "${registry}"\n` })
      await project.run("node", [await tool("yarn 1"), "add", "taeda"])
      return project
    },
  },
  { name: `${toolVersion("yarn 4")} with node_modules`, prepare: (run) => berry(run, "node-modules") },
  {
    name: `${toolVersion("yarn 4")} with Plug'n'Play`,
    prepare: (run) => berry(run, "pnp"),
    arguments: async (script) => [await tool("yarn 4"), "node", script],
  },
]

/** One project for all Nodes: they change nothing in it. */
const projects = new WeakMap<Run, Map<Manager, Promise<Project>>>()

function projectOf(manager: Manager, run: Run): Promise<Project> {
  const made = projects.get(run) ?? new Map<Manager, Promise<Project>>()
  projects.set(run, made)
  const before = made.get(manager)
  if (before) return before
  const project = manager.prepare(run).then(async (each) => {
    await each.write(PROGRAM)
    return each
  })
  made.set(manager, project)
  return project
}

export const IN_NODE: readonly Scenario[] = MANAGERS.flatMap((manager) =>
  NODES.map((version) => ({
    name: `${manager.name}, Node ${version}`,
    async run(run) {
      const project = await projectOf(manager, run)
      const executable = await node(version)
      const args = (await manager.arguments?.("print.mjs")) ?? ["print.mjs"]
      // Whatever starts a Node by its name starts this one.
      const path = `${dirname(executable)}:${project.env.PATH}`
      checkReport(await project.run(executable, args, { PATH: path }))
    },
  })),
)
