/** Starts the measuring, of the start or what is named, under a Node that runs TypeScript as it is. The packages must be built. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"

const cli = join(import.meta.dirname, "src", process.argv[2] ?? "startup-cli.ts")
spawn(currentNode(), ["--disable-warning=ExperimentalWarning", cli], { stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1
})
