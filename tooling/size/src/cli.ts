/** Weighs every program, and prints the table of docs/performance.md. */
import { join } from "node:path"
import { SCENARIOS } from "./scenarios.ts"
import { weigh } from "./weigh.ts"

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1)

const folder = join(import.meta.dirname, "..", "node_modules", ".cache", "size")
console.log("| what the page has | gzipped, KB | minified, KB |\n| --- | ---: | ---: |")
for (const { program, title, asked } of SCENARIOS) {
  const { bytes, minified } = await weigh(program, join(folder, program), asked)
  console.log(`| ${title} | ${kilobytes(bytes)} | ${kilobytes(minified)} |`)
}
