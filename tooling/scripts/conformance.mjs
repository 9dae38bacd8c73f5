/**
 * `pnpm conformance`: the suite against one backend. All arguments go to its command; stdout carries nothing but its report.
 * It runs in the folder of a package that depends on every backend, since it looks for them where it is run.
 */
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { build, install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  await build()
  const cwd = join(ROOT, "tooling", "conformance")
  return run(currentNode(), [join(cwd, "src", "cli.ts"), ...process.argv.slice(2)], { cwd })
})
