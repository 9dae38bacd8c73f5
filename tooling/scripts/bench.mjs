/** `pnpm bench`: taeda beside its peers. All arguments go to tooling/bench; stdout carries nothing but its report. */
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { build, install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  await build()
  return run(currentNode(), [join(ROOT, "tooling", "bench", "src", "cli.ts"), ...process.argv.slice(2)])
})
