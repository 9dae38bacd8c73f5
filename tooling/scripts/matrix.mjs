/** `pnpm matrix`: the published packages in fresh projects of every kind. All arguments go to tooling/packages. */
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { build, install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  await build()
  return run(currentNode(), [
    "--disable-warning=ExperimentalWarning",
    join(ROOT, "tooling", "packages", "src", "matrix.ts"),
    ...process.argv.slice(2),
  ])
})
