/**
 * `pnpm cuda:card [FOLDER]`: packs a folder that runs the suite and the measurements of the backend cuda on a machine with a GPU
 * and nothing else; docs/cuda.md says how.
 */
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  const cli = join(ROOT, "tooling", "cuda-card", "src", "pack-cli.ts")
  return run(currentNode(), ["--conditions=@taeda/source", cli, ...process.argv.slice(2)])
})
