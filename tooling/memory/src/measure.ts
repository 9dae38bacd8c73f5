/**
 * Prints what a long training loop holds. Arguments: "node" or "chromium", "await" or "scope", and the numbers of steps, inputs,
 * hidden units and samples in a batch.
 */
import { join } from "node:path"
import { openBrowser } from "@taeda/browser"
import { type Held, type Task, train } from "./training.ts"

const [where = "node", ending = "await", ...numbers] = process.argv.slice(2)
const [steps = 10_000, inputs = 784, hidden = 256, batch = 64] = numbers.map(Number)
const task: Task = { steps, ending: ending === "scope" ? "scope" : "await", inputs, hidden, batch }
const MB = 2 ** 20
const HOUR = 3_600_000

async function inPage(): Promise<Held> {
  await using browser = await openBrowser()
  return await browser.run<Held>(join(import.meta.dirname, "training.ts"), { args: task, timeout: HOUR })
}

const rss = new Map<number, number>()
const held =
  where === "node" ? await train(task, ({ step }) => rss.set(step, process.memoryUsage.rss())) : await inPage()
for (const { step, live, held: all } of held.samples) {
  const whole = rss.get(step)
  console.log(
    `step ${step}: ${(live / MB).toFixed(1)} MB in use, ${(all / MB).toFixed(1)} MB held${whole ? `, process ${(whole / MB).toFixed(0)} MB` : ""}`,
  )
}
console.log(`${held.stepMs.toFixed(3)} ms a step, ${(held.share * 100).toFixed(2)} % of it for memory`)
process.exit(0)
