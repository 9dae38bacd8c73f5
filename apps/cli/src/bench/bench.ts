/** The backends of this machine beside each other, in rounds that take turns. */
import { spawn } from "node:child_process"
import { availableParallelism, cpus, loadavg } from "node:os"
import { createInterface } from "node:readline"
import { type Library, type TableWork, WORK_NAMES, WORKS } from "@taeda/examples"
import type { DeviceReport } from "taeda"
import { bar } from "../bar.ts"
import { type Output, terminal } from "../output.ts"
import type { Measured, Order } from "./protocol.ts"
import { type Result, resultOf, spread, type Times } from "./rounds.ts"
import { times as timesText, timeText } from "./times.ts"

export interface BenchOptions {
  /** By their own names or by what is written in code; all that work here where it is left out. */
  readonly backend?: readonly string[]
  /** Only the works with this in their name. */
  readonly work?: string
  readonly rounds: number
  readonly json?: true
}

/** What is measured unless somebody asks for another: what a network is made of, and two training steps. */
const USUAL: readonly TableWork[] = [
  "add 1M",
  "gelu 1M",
  "softmax 1000x1000",
  "sum 1M",
  "matmul 512",
  "conv2d 3x3",
  "mlp step",
  "cnn step",
]

/** Rounds that differ by more than this part of their median say that something else was going on. */
const UNSTEADY = 0.25

function chosenWorks(text: string | undefined): readonly TableWork[] {
  if (text === undefined) return USUAL
  const works = WORK_NAMES.filter((name) => name.includes(text))
  if (works.length === 0) throw new Error(`no work has ${text} in its name; there are ${WORK_NAMES.join(", ")}`)
  return works
}

const isNamed = ({ choice }: DeviceReport, name: string): boolean =>
  [choice.name, choice.device].includes(name as never)

/** The backends to measure, the slowest first: the others are compared with it. */
async function chosenBackends(torch: Library, names: readonly string[] | undefined): Promise<DeviceReport[]> {
  const reports = await torch.devices()
  const unknown = names?.find((name) => !reports.some((report) => isNamed(report, name)))
  if (unknown !== undefined)
    throw new Error(`there is no backend ${unknown}; there are ${reports.map(({ choice }) => choice.name).join(", ")}`)
  // One that the processor imitates says nothing of a GPU; who names it gets it.
  const isUsual = ({ device }: DeviceReport): boolean => device !== null && !device.backend.capabilities.software
  const wanted = reports.filter((report) => names?.some((name) => isNamed(report, name)) ?? isUsual(report))
  const missing = wanted.find(({ device }) => !device)
  if (missing) throw new Error(missing.reason)
  return wanted.sort((a, b) => a.choice.rank - b.choice.rank)
}

/** One round of one backend, in a process of its own; each measurement is told as it comes. */
async function round(
  device: string,
  works: readonly TableWork[],
  signal: AbortSignal,
  onMeasured: (measured: Measured) => void,
): Promise<void> {
  const order: Order = { device, works }
  const args = [...process.execArgv, process.argv[1], "bench", "--worker", JSON.stringify(order)]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  const stop = (): void => void child.kill("SIGKILL")
  signal.addEventListener("abort", stop)
  let complaint = ""
  child.stderr.on("data", (chunk) => (complaint += chunk))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) onMeasured(JSON.parse(line) as Measured)
  const code = await ended
  signal.removeEventListener("abort", stop)
  signal.throwIfAborted()
  if (code !== 0) throw new Error(`${device}: ${complaint.trim().replace(/^taeda: /, "") || `it ended with ${code}`}`)
}

/** What a reader has to know to make something of the numbers. */
function notes(reports: readonly DeviceReport[], results: readonly Result[], rounds: number, busy: number): string[] {
  const cores = availableParallelism()
  const unsteady = results.filter((result) => spread(result) > UNSTEADY)
  const [first] = reports
  return [
    `Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, in which the backends took turns; n×: that many times as fast as ${first.choice.name}.`,
    `Node ${process.version}, ${process.platform} ${process.arch}, ${cores} cores (${cpus()[0]?.model.trim() ?? "unknown"}).`,
    ...reports.map(({ choice, notes: has }) => `${choice.name}: ${has.join(", ")}.`),
    ...(unsteady.length > 0
      ? [
          `The rounds of ${unsteady.length} of ${results.length} figures differ by more than ${100 * UNSTEADY} % (marked ~).`,
        ]
      : []),
    ...(busy > cores / 2
      ? [`The machine was busy when this began (load ${busy.toFixed(1)}): measure again when it is not.`]
      : []),
  ]
}

function printTable(results: readonly Result[], backends: readonly string[], works: readonly TableWork[], out: Output) {
  const cell = (work: TableWork, backend: string): string => {
    const result = results.find((each) => each.work === work && each.backend === backend)!
    if (result.ms === null) return "–"
    const mark = spread(result) > UNSTEADY ? "~" : ""
    const ratio = backend === backends[0] || result.ratio === null ? "" : ` (${timesText(result.ratio)})`
    return `${mark}${timeText(result.ms)}${ratio}`
  }
  const rows = [["", ...backends], ...works.map((work) => [work, ...backends.map((backend) => cell(work, backend))])]
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  const lines = rows.map((row) =>
    row.map((each, c) => (c === 0 ? each.padEnd(widths[c]) : each.padStart(widths[c]))).join("   "),
  )
  const meanings = works.map((work) => `   ${WORKS[work]}`)
  // What the works are is said where there is room for it.
  const room = out.interactive ? out.columns() : Number.POSITIVE_INFINITY
  const fits = meanings.every((text) => lines[0].length + text.length <= room)
  for (const [i, line] of lines.entries())
    out.line(i === 0 ? out.bold(line) : line + out.dim(fits ? meanings[i - 1] : ""))
}

/** Measures and prints; rejects soon after the signal is aborted. */
export async function bench(torch: Library, options: BenchOptions, out: Output, signal: AbortSignal): Promise<void> {
  const works = chosenWorks(options.work)
  const reports = await chosenBackends(torch, options.backend)
  const [busy] = loadavg()
  const backends = reports.map(({ choice }) => choice.name)
  const times = new Map<string, (number | null)[]>()
  const timesOf = (work: TableWork, backend: string): Times => times.get(`${backend}\n${work}`) ?? []
  const reasons = new Set<string>()
  const total = options.rounds * reports.length * works.length
  const shown = bar(total, terminal(process.stderr))
  let done = 0
  try {
    for (let n = 1; n <= options.rounds; n++)
      for (const { choice } of reports)
        await round(choice.device, works, signal, ({ work, ms, reason }) => {
          const key = `${choice.name}\n${work}`
          times.set(key, [...(times.get(key) ?? []), ms])
          if (reason) reasons.add(`${choice.name}, ${work}: ${reason}`)
          shown.update(++done, `round ${n}/${options.rounds}  ${choice.name}  ${work}`)
        })
  } finally {
    shown.stop()
  }
  const results = works.flatMap((work) =>
    backends.map((backend) => resultOf(work, backend, timesOf(work, backend), timesOf(work, backends[0]))),
  )
  if (options.json) {
    out.line(
      JSON.stringify(
        { backends: reports.map(({ choice, notes: has }) => ({ name: choice.name, notes: has })), results },
        null,
        1,
      ),
    )
    return
  }
  printTable(results, backends, works, out)
  out.line()
  for (const line of [...reasons, ...notes(reports, results, options.rounds, busy)]) out.line(line)
}
