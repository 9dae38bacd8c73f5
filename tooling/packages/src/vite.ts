/** Vite: a page as it is built. */
import { join } from "node:path"
import { build } from "vite"
import { installed } from "./npm.ts"
import { javascript } from "./programs.ts"
import type { Project } from "./project.ts"
import { checkReport } from "./report.ts"
import type { Scenario } from "./scenario.ts"
import { reportOf, serveFolder } from "./site.ts"

export const PAGE = {
  "train.mjs": javascript("train"),
  "page.mjs": javascript("page"),
  "index.html": `<!doctype html><html lang="en"><title></title><link rel="icon" href="data:,"><script type="module" src="/page.mjs"></script></html>`,
}

const builtBy = async (project: Project): Promise<string> => {
  await build({ root: project.folder, configFile: false, envDir: false, logLevel: "error" })
  return join(project.folder, "dist")
}

export const vite: Scenario = {
  name: "Vite, a built page",
  async run({ person, browser }) {
    const project = await installed(person)
    await project.write(PAGE)
    await using site = await serveFolder(await builtBy(project))
    checkReport(await reportOf(await browser(), site.url))
  },
}
