/**
 * Prints what a long training loop holds. Arguments: "node", "chromium" or the path of a Node; "await" or "scope"; and the
 * numbers of steps, inputs, hidden units and samples in a batch. `--device webgpu`, or cuda (in Node, emulated), instead of wasm.
 */
import { parseArgs } from "node:util"
import { openBrowser } from "@taeda/browser"
import { growth, inNode, inPage, onCuda, type Run } from "./runs.ts"
import type { Task } from "./training.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { device: { type: "string", default: "wasm" } },
})
const [where = "node", ending = "await", ...numbers] = positionals
const device = values.device === "webgpu" || values.device === "cuda" ? values.device : "wasm"
const [steps = 10_000, inputs = 784, hidden = 256, batch = 64] = numbers.map(Number)
const task: Task = { device, steps, ending: ending === "scope" ? "scope" : "await", inputs, hidden, batch }
const MB = 2 ** 20

async function inChromium(): Promise<Run> {
  await using browser = await openBrowser()
  return await inPage(task, browser)
}

const node = where === "node" ? process.execPath : where
const onNode = device === "cuda" ? onCuda : inNode
const run = where === "chromium" ? await inChromium() : await onNode(task, node)
for (const [i, { step, live, held }] of run.samples.entries()) {
  const parts = { "in use": live, held, process: run.resident[i] }
  const text = Object.entries(parts).map(([name, bytes]) => `${name} ${(bytes / MB).toFixed(1)} MB`)
  console.log(`step ${step}: ${text.join(", ")}`)
}
if ("native" in run) console.log("pinned bytes and modules at these steps:", JSON.stringify(run.native))
for (const { step } of run.samples.slice(0, 2))
  console.log(`${growth(run, step).toFixed(2)} times the process of step ${step}`)
console.log(`${run.stepMs.toFixed(3)} ms a step, ${(run.share * 100).toFixed(2)} % of it for memory`)
