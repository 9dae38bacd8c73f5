/** Prints the tables of docs/performance.md: the first gradient under every Node of the matrix, and beside the peers. */
import { join } from "node:path"
import { CACHE } from "./places.ts"
import { newPerson, Project } from "./project.ts"
import { openRegistry } from "./registry.ts"
import { CACHED, measureStartup, NOTHING, PEERS, type Starting, TAEDA, type Taken } from "./startup.ts"
import { NODES, node } from "./tools.ts"

const TIMES = 15

await using registry = await openRegistry({ cache: join(CACHE, "registry") })
await using person = await newPerson(registry.url)
const programs: readonly Starting[] = [NOTHING, TAEDA, CACHED, ...PEERS]
const project = await Project.create(person)
await project.install(...new Set(programs.flatMap(({ packages }) => packages)))

const cells = (of: (taken: Taken) => number, taken: readonly Taken[]): string => {
  const [nothing, ...others] = taken.map(of)
  return [
    `${nothing!.toFixed(0)} ms`,
    ...others.map((each) => `${each.toFixed(0)} ms, ${(each / nothing!).toFixed(1)}×`),
  ].join(" | ")
}
console.log(`| Node, time | ${programs.map(({ title }) => title).join(" | ")} |`)
console.log(`| --- |${" ---: |".repeat(programs.length)}`)
for (const version of NODES) {
  const taken = await measureStartup(project, await node(version), programs, TIMES)
  console.log(`| ${version}, elapsed | ${cells(({ elapsed }) => elapsed, taken)} |`)
  console.log(`| ${version}, worked | ${cells(({ worked }) => worked, taken)} |`)
}
