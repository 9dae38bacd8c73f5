/**
 * `pnpm conformance`: the suite against one backend; `pnpm conformance:all`: against every variant of all of them. All arguments
 * go to the command; stdout carries nothing but its report. It runs in the folder of a package that depends on every backend,
 * since it looks for them where it is run.
 */
import { join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { build, install, ROOT } from "./workspace.mjs"

const given = process.argv.slice(2)
const [file, args] = given[0] === "all" ? ["all.ts", given.slice(1)] : ["cli.ts", given]

await main(async () => {
  await install()
  await build()
  const cwd = join(ROOT, "tooling", "conformance")
  return run(currentNode(), [join(cwd, "src", file), ...args], { cwd })
})
