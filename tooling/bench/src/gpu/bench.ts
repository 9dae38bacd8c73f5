/** taeda's webgpu beside its peers', in pages of one Chromium, work by work in turn. */
import { fileURLToPath } from "node:url"
import { type Browser, openBrowser } from "@taeda/browser"
import { asMarkdown, asText } from "../table.ts"
import { type GpuContestant, gpuContestants, OURS } from "./contestants.ts"
import type { GpuFailure, GpuSample, GpuTask, Told } from "./page.ts"
import { disagreements, type GpuRow, rowOf } from "./rows.ts"
import { gpuGrid } from "./table.ts"
import { type Turnstile, turnstile } from "./turnstile.ts"
import { ISSUED } from "./works.ts"

export interface GpuBenchOptions {
  readonly works: readonly string[]
  /** Names out of `GPU_PEERS`. */
  readonly peers: readonly string[]
  /** How often all works are measured. */
  readonly rounds: number
  readonly markdown: boolean
  readonly json: boolean
}

const PAGE = fileURLToPath(new URL("./page.ts", import.meta.url))
const HOUR = 3_600_000

/** What one library told. */
interface Report extends GpuContestant {
  readonly adapter: string
  readonly rows: readonly GpuRow[]
  readonly failures: readonly GpuFailure[]
}

async function measure(
  browser: Browser,
  contestant: GpuContestant,
  turns: Turnstile,
  { works, rounds }: Pick<GpuBenchOptions, "works" | "rounds">,
): Promise<Report> {
  const { library, name } = contestant
  const samples = new Map<string, GpuSample[]>()
  const failures: GpuFailure[] = []
  let adapter = ""
  let release = (): void => undefined
  const failed = (failure: GpuFailure): void => {
    failures.push(failure)
    console.error(`${name}: ${failure.work}: ${failure.error}`)
  }
  const onTold = async (told: Told): Promise<void> => {
    if (told === "turn") release = await turns.take()
    else if (told === "done") release()
    else if ("adapter" in told) adapter = told.adapter
    else if ("error" in told) failed(told)
    else {
      const { work, ms, counts } = told
      samples.set(work, [...(samples.get(work) ?? []), told])
      console.error(`${name}: ${work}: ${ms.toFixed(3)} ms, ${counts.dispatches} dispatches`)
    }
  }
  const args: GpuTask = { library, works, rounds }
  try {
    await browser.run(PAGE, { args, timeout: HOUR, onTold: (told) => onTold(told as Told) })
  } catch (error) {
    failed({ work: "all that is left", error: (error as Error).message })
  } finally {
    release()
  }
  return { ...contestant, adapter, rows: [...samples.values()].map((each) => rowOf(name, each)), failures }
}

/** What a reader has to know of the run. */
function notes(reports: readonly Report[], wrong: readonly string[], rounds: number, chromium: string): string[] {
  const [date] = new Date().toISOString().split("T")
  const versions = reports.flatMap(({ name, version }) => (version ? [`${name} ${version}`] : []))
  const adapters = [...new Set(reports.map(({ adapter }) => adapter))].filter((text) => text !== "")
  return [
    `Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}; n× is that library's time over taeda's. "of many": one of ${ISSUED}, of which the last is read.`,
    `Adapter: ${adapters.join(", ")}. Chromium ${chromium}, ${process.platform} ${process.arch}, ${date}.`,
    ...(versions.length > 0 ? [`Versions: ${versions.join(", ")}.`] : []),
    ...reports.flatMap(({ name, failures }) => failures.map(({ work, error }) => `${name}, ${work}: ${error}`)),
    ...wrong.map((what) => `The results differ from taeda's: ${what}.`),
  ]
}

/** Measures and prints. The exit code: 0 where taeda did all its works and everybody's results agree. */
export async function benchGpu({ works, peers, rounds, markdown, json }: GpuBenchOptions): Promise<number> {
  await using browser = await openBrowser()
  const turns = turnstile()
  const reports = await Promise.all(
    gpuContestants(peers).map((each) => measure(browser, each, turns, { works, rounds })),
  )
  const rows = reports.flatMap((report) => report.rows)
  const wrong = disagreements(rows, OURS.name)
  if (json) console.log(JSON.stringify(rows, null, 1))
  else {
    const grid = gpuGrid(rows)
    const lines = notes(reports, wrong, rounds, browser.version)
    console.log(`${markdown ? asMarkdown(grid) : asText(grid)}\n\n${lines.join("\n")}`)
  }
  const [ours] = reports
  return wrong.length > 0 || ours.failures.length > 0 ? 1 : 0
}
