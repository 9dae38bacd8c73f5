/** `pnpm conformance`: the published command, and besides it a place to run in, and how the backend is opened. */

import { openBrowser, useSoftwareGpu } from "@taeda/browser"
import type { Report } from "@taeda/conformance"
import { command, runHere, type Task, UsageError } from "@taeda/conformance/command"
import { BACKENDS } from "./backends.ts"
import { conformanceIn } from "./chromium.ts"
import { main, type PageTask } from "./page.ts"

const USAGE = `
  --in PLACE        node (default), chromium, or chromium-plain: without cross-origin isolation, so without shared memory
  --options JSON    how the backend is opened: an object that its create function takes
`

/** How the backend is opened; undefined where nobody said. */
type Options = PageTask["options"]

function parseOptions(text: string | undefined): Options {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Options
  } catch (error) {
    throw new UsageError(`--options is no JSON: ${(error as Error).message}`)
  }
}

function checkName(backend: string): void {
  if (!Object.hasOwn(BACKENDS, backend))
    throw new UsageError(`there is no backend ${backend} here; there are ${Object.keys(BACKENDS).join(", ")}`)
}

async function inNode(backend: string, { onGroup, ...task }: Task, options: Options): Promise<Report> {
  if (backend.startsWith("webgpu")) await useSoftwareGpu()
  if (!options && backend !== "cuda") return runHere(backend, { ...task, onGroup })
  checkName(backend)
  return main({ ...task, backend, options }, onGroup)
}

const inChromium =
  (isolated: boolean) =>
  async (backend: string, { onGroup, ...task }: Task, options: Options): Promise<Report> => {
    checkName(backend)
    await using browser = await openBrowser()
    return await conformanceIn(browser, { ...task, backend, options }, { isolated, onGroup })
  }

const PLACES: Readonly<Record<string, typeof inNode>> = {
  node: inNode,
  chromium: inChromium(true),
  "chromium-plain": inChromium(false),
}

process.exitCode = await command(process.argv.slice(2), {
  usage: USAGE,
  options: {
    in: { type: "string", default: "node" },
    options: { type: "string" },
  },
  execute(backend, task, values) {
    const place = PLACES[values.in as string]
    if (!place) throw new UsageError(`there is no place ${values.in}; there are ${Object.keys(PLACES).join(", ")}`)
    return place(backend, task, parseOptions(values.options as string | undefined))
  },
})
