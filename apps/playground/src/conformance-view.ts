/** The section that holds the backends of this browser to PyTorch's numbers. */
import type { Report } from "@taeda/conformance"
import { computesFor } from "./advice.ts"
import { type BundledName, isBundled } from "./bundled.ts"
import type { FromSuite, SuiteWish } from "./conformance-messages.ts"
import { byId, el, fillSelect } from "./dom.ts"
import type { Machine } from "./machine.ts"
import { type Filter, filtered, type OpRow, type Outcome, rowsOf } from "./outcomes.ts"

/** Failures that a cell shows in full. */
const SHOWN = 20

const statusOf = ({ failed, gaps }: Outcome): "failed" | "gap" | "passed" =>
  failed > 0 ? "failed" : gaps > 0 ? "gap" : "passed"

function outcomeText({ passed, failed, gaps }: Outcome): string {
  const total = passed + failed + gaps
  const parts = [failed > 0 ? `${failed} failed` : "", gaps > 0 ? `${gaps} known` : ""].filter(Boolean)
  return parts.length === 0 ? `✓ ${total}` : `${failed > 0 ? "✗" : "·"} ${passed} of ${total}, ${parts.join(", ")}`
}

function cell(outcome: Outcome | undefined): HTMLTableCellElement {
  if (!outcome) return el("td", {}, "–")
  const made = el("td", { className: statusOf(outcome) })
  if (outcome.wrong.length === 0) {
    made.append(outcomeText(outcome))
    return made
  }
  const found = outcome.wrong.slice(0, SHOWN).map(({ id, gap, failures = [] }) => {
    const text = failures.map(({ template, problems }) => `${template}: ${problems.join("; ")}`).join("\n")
    return el("pre", { className: "wrong" }, `${id}${gap ? ` (${gap})` : ""}\n${text}`)
  })
  made.append(el("details", {}, el("summary", {}, outcomeText(outcome)), ...found))
  return made
}

const row = ({ op, outcomes }: OpRow): HTMLTableRowElement =>
  el("tr", {}, el("th", { scope: "row" }, el("code", {}, op)), ...outcomes.map(cell))

const summary = ({ backend, passed, failed, gaps, milliseconds }: Report): string =>
  `${backend}: ${passed.toLocaleString("en")} passed, ${failed} failed, ${gaps} known ${gaps === 1 ? "gap" : "gaps"}, in ${(milliseconds / 1000).toFixed(1)} s`

const namesOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)

/** Fills the section, and gives what tells it of the machine once that is known. */
export function conformanceView(): (machine: Machine) => void {
  const form = byId("suite-form", HTMLFormElement)
  const backend = byId("suite-backend", HTMLSelectElement)
  const size = byId("suite-size", HTMLSelectElement)
  const ops = byId("suite-ops", HTMLInputElement)
  const start = byId("suite-start", HTMLButtonElement)
  const stop = byId("suite-stop", HTMLButtonElement)
  const bar = byId("suite-progress", HTMLProgressElement)
  const now = byId("suite-now", HTMLElement)
  const status = byId("suite-status", HTMLElement)
  const results = byId("suite-results", HTMLDivElement)
  const text = byId("suite-text", HTMLInputElement)
  const only = byId("suite-only", HTMLSelectElement)
  const shown = byId("suite-shown", HTMLElement)
  const head = byId("suite-head", HTMLTableRowElement)
  const body = byId("suite-body", HTMLTableSectionElement)

  const backends = (machine: Machine): void =>
    fillSelect(
      backend,
      computesFor(machine)
        .filter((backend) => isBundled(backend) && machine.every(({ name, works }) => name !== backend.name || works))
        .map(({ name, title }) => ({ value: name, label: `${name}: ${title}` })),
    )
  backends([])

  /** The last of each backend, so that they stand side by side. */
  const reports = new Map<string, Report>()
  const show = (): void => {
    const rows = rowsOf([...reports.values()])
    const left = filtered(rows, { text: text.value, only: only.value as Filter["only"] })
    results.hidden = rows.length === 0
    head.replaceChildren(
      el("th", { scope: "col" }, "op"),
      ...[...reports.keys()].map((name) => el("th", { scope: "col" }, name)),
    )
    body.replaceChildren(...left.map(row))
    shown.textContent = `${left.length} of ${rows.length} ops`
  }

  let worker: Worker | undefined
  const setRunning = (isRunning: boolean): void => {
    start.disabled = isRunning
    stop.disabled = !isRunning
    bar.hidden = !isRunning
    now.textContent = ""
  }
  const end = (said: string): void => {
    worker?.terminate()
    worker = undefined
    status.textContent = said
    setRunning(false)
  }

  const HEARD: { readonly [K in FromSuite["kind"]]: (message: Extract<FromSuite, { kind: K }>) => void } = {
    progress: ({ progress: { done, total, failed, op, template } }) => {
      bar.value = done / total
      now.textContent = `${done} of ${total}, ${failed} failed: ${op}, ${template}`
    },
    report: ({ report, notes }) => {
      if (report.cases.length > 0) reports.set(report.backend, report)
      show()
      end(
        report.cases.length > 0
          ? `${summary(report)}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}.`
          : "No op has such a name.",
      )
    },
    error: ({ text }) => end(text),
  }
  const hear = (message: FromSuite): void => (HEARD[message.kind] as (message: FromSuite) => void)(message)

  form.addEventListener("submit", (event) => {
    event.preventDefault()
    status.textContent = `Running on ${backend.value} …`
    setRunning(true)
    bar.value = 0
    worker = new Worker(new URL("./conformance-worker.ts", import.meta.url), { type: "module" })
    worker.onmessage = ({ data }: MessageEvent<FromSuite>) => hear(data)
    worker.onerror = (error) => end(error.message || "The worker does not start.")
    worker.postMessage({
      backend: backend.value as BundledName,
      full: size.value === "full",
      ops: namesOf(ops.value),
    } satisfies SuiteWish)
  })
  stop.addEventListener("click", () => end("Stopped."))
  text.addEventListener("input", show)
  only.addEventListener("change", show)
  setRunning(false)
  return backends
}
