/** `npm run playground`: the page on this machine, from the sources. Further arguments go to vite (`-- --port 3000`). */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { currentNode } from "../node/index.mjs"
import { run } from "./process.mjs"
import { main } from "./steps.mjs"
import { install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  const cwd = join(ROOT, "apps", "playground")
  const vite = dirname(createRequire(join(cwd, "package.json")).resolve("vite/package.json"))
  return run(currentNode(), [join(vite, "bin", "vite.js"), ...process.argv.slice(2)], { cwd })
})
