/** `npm run site`: the documentation as static pages, with the playground in a folder of its own, in apps/site/dist. */
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { main, say } from "./steps.mjs"
import { build, install, ROOT } from "./workspace.mjs"

await main(async () => {
  await install()
  await build("@taeda/playground...")
  await build("@taeda/site...")
  const site = join(ROOT, "apps", "site", "dist")
  const playground = join(site, "playground")
  rmSync(playground, { recursive: true, force: true })
  cpSync(join(ROOT, "apps", "playground", "dist"), playground, { recursive: true })
  say(`  ${site}`)
})
