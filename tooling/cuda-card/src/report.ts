/** The report as Markdown: a table for each part, made anew whenever a line comes in. */
import { limitOf, peaksOf } from "./peaks.ts"
import type { FailureRow, Row, SuiteRow, TimeRow } from "./rows.ts"

const OURS = "taeda"
const SHOWN_FAILURES = 200

export const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const only =
  <K extends Row["kind"]>(kind: K) =>
  (row: Row): row is Extract<Row, { kind: K }> =>
    row.kind === kind

const digits = (x: number): string => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toPrecision(3))

/** A rate such as "612 TFLOP/s" or a time in microseconds. */
function rateOf({ ms, amount, unit }: TimeRow): number {
  if (amount === 0) return ms * 1000
  return amount / (ms / 1000) / (unit === "TFLOP/s" ? 1e12 : 1e9)
}

function timesTable(rows: readonly TimeRow[], peaks: ReturnType<typeof peaksOf>): string {
  const whos = [...new Set(rows.map(({ who }) => who))]
  const works = [...new Set(rows.map(({ work }) => work))]
  const limited = peaks !== null && rows.some((row) => limitOf(peaks, row) !== null)
  const head = ["", "unit", ...whos, ...(limited ? ["of the peak"] : [])]
  const lines = works.map((work) => {
    const mine = rows.filter((row) => row.work === work)
    const ours = mine.find(({ who }) => who === OURS)
    const cells = whos.map((who) => {
      const row = mine.find((each) => each.who === who)
      if (!row) return ""
      // How many times our own time it takes.
      const ratio = ours && ours !== row ? ` (${(row.ms / ours.ms).toFixed(2)}×)` : ""
      return digits(rateOf(row)) + ratio
    })
    const limit = ours && peaks && limitOf(peaks, ours)
    return [
      work,
      mine[0].amount === 0 ? "µs" : mine[0].unit,
      ...cells,
      ...(limited ? [ours && limit ? `${((100 * rateOf(ours)) / limit).toFixed(0)} %` : ""] : []),
    ]
  })
  return table(head, lines)
}

function suiteText(rows: readonly SuiteRow[]): string {
  const sum = (of: (row: SuiteRow) => number): number => rows.reduce((n, row) => n + of(row), 0)
  const failures = rows.flatMap(({ op, failures: texts }) => texts.map((text) => `- ${op}: ${text}`))
  const shown = failures.slice(0, SHOWN_FAILURES)
  return [
    `${sum((r) => r.passed)} passed, ${sum((r) => r.failed)} failed, ${sum((r) => r.gaps)} known gaps, of ${rows.length} ops.`,
    ...(shown.length ? ["", ...shown] : []),
    ...(failures.length > shown.length ? [`- and ${failures.length - shown.length} more`] : []),
  ].join("\n")
}

const failuresText = (rows: readonly FailureRow[]): string =>
  rows.map(({ what, text }) => `- **${what}**: ${text.replaceAll("\n", " ")}`).join("\n")

export function toMarkdown(rows: readonly Row[], titles: Readonly<Record<string, string>>): string {
  const facts = rows.filter(only("fact"))
  const peaks = peaksOf(facts.find(({ name }) => name === "GPU")?.text ?? "")
  const sections = Object.entries(titles).flatMap(([part, title]) => {
    const mine = rows.filter((row) => row.part === part)
    if (mine.length === 0) return []
    const said = mine.filter(only("fact"))
    const times = mine.filter(only("time"))
    const suite = mine.filter(only("suite"))
    const failures = mine.filter(only("failure"))
    return [
      `## ${title}`,
      ...(said.length
        ? [
            table(
              ["", ""],
              said.map(({ name, text }) => [name, text]),
            ),
          ]
        : []),
      ...(times.length ? [timesTable(times, peaks)] : []),
      ...(suite.length ? [suiteText(suite)] : []),
      ...(failures.length ? ["Went wrong:", failuresText(failures)] : []),
    ]
  })
  return `${[
    "# The backend cuda on a GPU",
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC. Medians; n× is that one's time over taeda's own.`,
    ...sections,
  ].join("\n\n")}\n`
}
