/** Prints the table of docs/performance.md: the first gradient under every Node of the matrix. */
import { installed } from "./npm.ts"
import { newPerson } from "./project.ts"
import { openRegistry } from "./registry.ts"
import { measureStartup } from "./startup.ts"
import { NODES, node } from "./tools.ts"

await using registry = await openRegistry()
await using person = await newPerson(registry.url)
const project = await installed(person)
console.log("| Node | nothing, ms | first gradient, ms | times |\n| --- | ---: | ---: | ---: |")
for (const version of NODES) {
  const { nothing, gradient, ratio } = await measureStartup(project, await node(version), 15)
  console.log(`| ${version} | ${nothing.toFixed(0)} | ${gradient.toFixed(0)} | ${ratio.toFixed(1)} |`)
}
