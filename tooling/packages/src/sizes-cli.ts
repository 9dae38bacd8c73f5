/** Weighs every package, and writes the table of docs/performance.md. */
import { writeTable } from "@taeda/run-size/table"
import { newPerson } from "./project.ts"
import { openRegistry } from "./registry.ts"
import { rowsOf, TABLE, weighAll } from "./weights.ts"

await using registry = await openRegistry()
await using person = await newPerson(registry.url)
const rows = rowsOf(await weighAll(person, registry.url))
for (const { title, numbers } of rows) console.log(title, ...numbers.map((each) => each.toFixed(1)))
writeTable(TABLE, rows)
