/** Starts the measurement under a Node that runs TypeScript as it is. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"

const host = join(import.meta.dirname, "src", "host.ts")
// At real-time priority the collector's threads would stand in the way of the program.
const args = ["--single-threaded-gc", "--conditions=@taeda/source", host, ...process.argv.slice(2)]
spawn(currentNode(), args, { stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1
})
