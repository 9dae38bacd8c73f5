/** Builds the addon under a Node that runs TypeScript as it is: `node build.mjs linux-x64-gnu FOLDER`, or `--all`. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"

const cli = join(import.meta.dirname, "src", "cli.ts")
spawn(currentNode(), [cli, ...process.argv.slice(2)], { stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1
})
