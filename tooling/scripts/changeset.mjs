/** The release tool under a Node that it accepts, and with the pnpm by which it publishes. All arguments go to it. */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { main } from "./steps.mjs"
import { install, pnpm } from "./workspace.mjs"

await main(async () => {
  await install()
  const folder = dirname(createRequire(import.meta.url).resolve("@changesets/cli/package.json"))
  return pnpm(["exec", currentNode(), join(folder, "bin.js"), ...process.argv.slice(2)])
})
