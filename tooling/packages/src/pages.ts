/** Pages without a bundler, and pages and workers under strict policies. */
import { type Bundler, inParts, oneFile, pageBuiltBy } from "./bundlers.ts"
import { installed } from "./npm.ts"
import { manifestIn } from "./places.ts"
import type { Project } from "./project.ts"
import { checkRefused, checkReport } from "./report.ts"
import type { Scenario } from "./scenario.ts"
import { reportOf, serveFolder } from "./site.ts"
import { PAGE } from "./vite.ts"

/** Where a page finds the packages that taeda needs: as they lie on the server. */
function importMap({ folder }: Project): string {
  const { dependencies = {} } = manifestIn(folder, "node_modules", "taeda")
  const imports = ["taeda", ...Object.keys(dependencies)].flatMap((name) =>
    Object.entries(manifestIn(folder, "node_modules", name).exports ?? {}).map(([path, entry]) => [
      name + path.slice(1),
      `/node_modules/${name}${(entry as { default: string }).default.slice(1)}`,
    ]),
  )
  return JSON.stringify({ imports: Object.fromEntries(imports) })
}

const noBundler: Scenario = {
  name: "a page with no bundler, by an import map",
  async run({ person, browser }) {
    const project = await installed(person)
    const map = `<script type="importmap">${importMap(project)}</script>`
    await project.write({ ...PAGE, "index.html": PAGE["index.html"].replace("<script", `${map}<script`) })
    await using site = await serveFolder(project.folder)
    checkReport(await reportOf(await browser(), site.url))
  },
}

const policy = (...sources: string[]): Record<string, string> => ({
  "Content-Security-Policy": `default-src 'none'; img-src data:; script-src 'self' ${sources.join(" ")}`,
})

/** Code from strings is forbidden: the kernels of cpu-js are closures there. */
const withWasm: Scenario = {
  name: "a page without unsafe-eval, with wasm-unsafe-eval",
  async run(run) {
    const folder = await pageBuiltBy(oneFile("page"), run)
    await using site = await serveFolder(folder, policy("'wasm-unsafe-eval'"))
    checkReport(await reportOf(await run.browser(), site.url))
  },
}

const withoutWasm: Scenario = {
  name: "a page with neither: cpu-js",
  async run(run) {
    const folder = await pageBuiltBy(oneFile("page"), run)
    await using site = await serveFolder(folder, policy())
    checkRefused(await reportOf(await run.browser(), site.url), /wasm-unsafe-eval/)
  },
}

/** What Chromium gives the pages and workers of an extension (Manifest V3). */
const EXTENSION = { "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" }

const extensionPage: Scenario = {
  name: "a page under an extension's policy, in parts",
  async run(run) {
    const folder = await pageBuiltBy(inParts("page"), run)
    await using site = await serveFolder(folder, EXTENSION)
    checkReport(await reportOf(await run.browser(), site.url))
  },
}

/** Answers with what the program reported, and with whether `import()` was refused, as it is in service workers. */
const ANSWERING = `
import { train } from "./train.mjs"
const report = train().then(JSON.stringify, String)
const refused = import(location.origin + "/page.js").then(() => false, () => true)
addEventListener("message", ({ ports: [port] }) => {
  Promise.all([report, refused]).then(([text, yes]) => port.postMessage(yes ? text : "import() works here"))
})
`

/** What stays in a part of its own must not be asked for by `import()`: it is named, and comes along. */
const REGISTERED = `
import { open } from "@taeda/backend-wasm-simd"
import { registerBackend } from "taeda"
registerBackend("wasm", open)
${ANSWERING}`

const ASKING = `
await navigator.serviceWorker.register("/worker.js", { type: "module" })
const { active } = await navigator.serviceWorker.ready
const { port1, port2 } = new MessageChannel()
port1.onmessage = ({ data }) => { document.documentElement.dataset.report = data }
active.postMessage(null, [port2])
`

const serviceWorker = (name: string, bundler: Bundler, worker: string): Scenario => ({
  name: `a service worker under an extension's policy, ${name}`,
  async run(run) {
    const files = { "worker.mjs": worker, "dist/page.js": ASKING }
    const folder = await pageBuiltBy(bundler, run, files)
    await using site = await serveFolder(folder, EXTENSION)
    checkReport(await reportOf(await run.browser(), site.url))
  },
})

export const PAGES: readonly Scenario[] = [
  noBundler,
  withWasm,
  withoutWasm,
  extensionPage,
  serviceWorker("in one file", oneFile("worker"), ANSWERING),
  serviceWorker("in parts", inParts("worker"), REGISTERED),
]
