/** Weighs every program, and writes the table of docs/performance.md. */
import { join } from "node:path"
import { SCENARIOS, TABLE } from "./scenarios.ts"
import { kilobytes, type TableRow, writeTable } from "./table.ts"
import { weigh } from "./weigh.ts"

const folder = join(import.meta.dirname, "..", "node_modules", ".cache", "size")
const rows: TableRow[] = []
for (const { program, title, asked } of SCENARIOS) {
  const { bytes, minified } = await weigh(program, join(folder, program), asked)
  rows.push({ title, numbers: [bytes, minified].map(kilobytes) })
  console.log(
    title,
    rows
      .at(-1)!
      .numbers.map((each) => each.toFixed(1))
      .join(" "),
  )
}
writeTable(TABLE, rows)
