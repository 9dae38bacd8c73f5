/** Runs the programs of a folder, in the order of its `order.json`, and writes what they did to its `outcomes.json`. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { format } from "node:util"
import * as torch from "taeda"

export interface Printed {
  /** The line of `console.log`. */
  readonly line: number
  readonly text: string
}

/** What a cell of a table gave: its text, and what JSON can say of it. */
export interface CellValue {
  readonly text: string
  readonly isTensor: boolean
  readonly value: unknown
}

export interface Outcome {
  readonly printed: readonly Printed[]
  readonly error?: string
  readonly cells?: Readonly<Record<string, CellValue>>
}

interface Rows {
  readonly cells?: Readonly<Record<string, () => Promise<unknown>>>
}

/** Every program begins with these. */
async function reset(): Promise<void> {
  await torch.setDefaultDevice("cpu")
  torch.setDefaultDtype("float32")
  torch.setGradEnabled(true)
  torch.setPrintoptions({ profile: "default" })
  torch.manualSeed(0)
}

/** The line of a file in the stack of whoever asks. */
function callerLine(file: string): number {
  const at = new Error().stack?.split("\n").find((line) => line.includes(file))
  return Number(/:(\d+):\d+\)?$/.exec(at ?? "")?.[1] ?? 0)
}

/** A tensor of another library. */
interface Foreign {
  array(): Promise<unknown>
}
const isForeign = (value: unknown): value is Foreign =>
  typeof value === "object" && value !== null && typeof (value as Partial<Foreign>).array === "function"

async function toCellValue(value: unknown): Promise<CellValue> {
  if (torch.isTensor(value)) return { text: await value.format(), isTensor: true, value: await value.toArray() }
  if (isForeign(value)) return { text: String(value), isTensor: true, value: await value.array() }
  return { text: typeof value === "function" ? String(value) : format(value), isTensor: false, value }
}

async function runOne(path: string): Promise<Outcome> {
  const printed: Printed[] = []
  const file = pathToFileURL(path).href
  console.log = (...values) => {
    printed.push({ line: callerLine(file), text: format(...values) })
  }
  try {
    await reset()
    const { cells } = (await import(file)) as Rows
    if (!cells) return { printed }
    const values: Record<string, CellValue> = {}
    for (const [column, cell] of Object.entries(cells)) values[column] = await toCellValue(await cell())
    return { printed, cells: values }
  } catch (error) {
    return { printed, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

const folder = process.argv[2]!
const outcomes: Outcome[] = []
for (const file of JSON.parse(readFileSync(join(folder, "order.json"), "utf8")) as string[])
  outcomes.push(await runOne(join(folder, file)))
writeFileSync(join(folder, "outcomes.json"), JSON.stringify(outcomes))
// Whatever a program left running (workers, timers) ends here.
process.exit()
