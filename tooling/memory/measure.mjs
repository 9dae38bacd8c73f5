/** Starts the measurement under a Node that runs TypeScript as it is. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"

const measure = join(import.meta.dirname, "src", "measure.ts")
const args = ["--conditions=@taeda/source", measure, ...process.argv.slice(2)]
spawn(currentNode(), args, { stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1
})
