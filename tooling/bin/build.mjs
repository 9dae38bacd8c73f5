/** Starts the bundling under a Node that runs TypeScript as it is. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"

const script = join(import.meta.dirname, "src", "build.ts")
spawn(currentNode(), [script], { stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1
})
