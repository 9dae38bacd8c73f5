/** Runs turbo tasks over all packages: `node task.mjs build typecheck`. */
import { main } from "./steps.mjs"
import { install, turbo } from "./workspace.mjs"

await main(async () => {
  await install()
  return turbo(process.argv.slice(2))
})
