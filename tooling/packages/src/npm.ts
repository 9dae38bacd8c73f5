/** Node, with packages that npm installed. */
import { javascript } from "./programs.ts"
import { type Person, Project } from "./project.ts"
import { checkReport } from "./report.ts"
import type { Scenario } from "./scenario.ts"

export const PROGRAM = {
  "train.mjs": javascript("train"),
  "print.mjs": javascript("print"),
}

/** A project in which npm installed taeda. */
export async function installed(person: Person, ...others: readonly string[]): Promise<Project> {
  const project = await Project.create(person)
  await project.install("taeda", ...others)
  return project
}

export const npm: Scenario = {
  name: "npm, in the Node that runs it",
  async run({ person }) {
    const project = await installed(person)
    await project.write(PROGRAM)
    checkReport(await project.run("node", ["print.mjs"]))
  },
}
