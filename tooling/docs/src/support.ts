/** The page docs/support.md: which op runs where in which dtype, as the conformance suite finds it. */

import { type CaseResult, FAMILIES, idOf } from "@taeda/conformance"
import { DTYPE_NAMES, type DType } from "@taeda/core"

/** In the page's order; a report's name may tell more (`cuda (emulated)`). */
export const BACKENDS = ["cpu-js", "wasm-simd", "webgpu", "cuda"] as const

/** Of a case, what the page shows. */
export type Tried = Pick<CaseResult, "op" | "dtype" | "status" | "templates">

/** A report, as far as the page shows it. */
export interface Tries {
  readonly backend: string
  readonly cases: readonly Tried[]
}

/** What a backend does with an op in a dtype. */
type Found = "computes" | "refuses" | "fails"

const TITLES: Readonly<Record<keyof typeof FAMILIES, string>> = {
  creation: "Making tensors",
  dtypes: "Dtypes",
  unary: "Of each element",
  binary: "Of two tensors",
  reduction: "Reductions and scans",
  shape: "Shapes and views",
  indexing: "Indexing, gathering, scattering",
  sorting: "Sorting and searching",
  linalg: "Linear algebra",
  neural: "Networks",
  loss: "Losses",
}

/** Where a gradient is compared with PyTorch's. */
const GRADIENTS: ReadonlySet<string> = new Set(["backward"])

const isRefusal = (template: string): boolean => template === "unsupportedDtype"

/** What the cases of an op in a dtype come to; undefined where there are none. */
function foundIn(cases: readonly Tried[]): Found | undefined {
  if (cases.length === 0) return undefined
  if (cases.some(({ status }) => status !== "passed")) return "fails"
  return cases.every(({ templates }) => templates.every(isRefusal)) ? "refuses" : "computes"
}

type ByOp = ReadonlyMap<string, readonly Tried[]>
const byOp = (cases: readonly Tried[]): ByOp => Map.groupBy(cases, ({ op }) => op)

const line = (cells: readonly string[]): string => `|${cells.map((cell) => (cell ? ` ${cell} ` : " ")).join("|")}|`

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`

/** A cell, over the backends in their order: where all compute, where one refuses, and whatever else is spelled out. */
function mark(found: readonly (Found | undefined)[]): string {
  const those = (kind: Found): string[] => BACKENDS.filter((_, at) => found[at] === kind)
  if (found.every((each) => each === undefined)) return ""
  if (those("computes").length === BACKENDS.length) return "✓"
  if (those("fails").length > 0) return `not ${listed(those("fails"))}`
  return those("refuses").join() === "webgpu" ? "○" : `only ${listed(those("computes"))}`
}

function tableOf(family: keyof typeof FAMILIES, reports: readonly ByOp[]): string[] {
  const ops = FAMILIES[family].map(idOf)
  const of = (op: string): (readonly Tried[])[] => reports.map((cases) => cases.get(op) ?? [])
  const used = new Set(ops.flatMap((op) => of(op).flatMap((cases) => cases.map(({ dtype }) => dtype))))
  const columns = DTYPE_NAMES.filter((dtype) => used.has(dtype))
  const cell = (op: string, dtype: DType): string =>
    mark(of(op).map((cases) => foundIn(cases.filter((each) => each.dtype === dtype))))
  const gradient = (op: string): string =>
    of(op).every((cases) => cases.some(({ templates }) => templates.some((each) => GRADIENTS.has(each)))) ? "✓" : ""
  return [
    `## ${TITLES[family]}`,
    "",
    line(["Op", ...columns, "gradient"]),
    line(["---", ...columns.map(() => ":-:"), ":-:"]),
    ...ops.map((op) => line([`\`${op}\``, ...columns.map((dtype) => cell(op, dtype)), gradient(op)])),
  ]
}

/** Where the suite was run, by what a report calls its backend. */
const PLACES: Readonly<Record<string, string>> = {
  "cpu-js": "Node",
  "wasm-simd": "Node",
  webgpu: "Node, by Dawn, on a GPU in software (SwiftShader)",
  cuda: "Node, on a GPU of NVIDIA's",
  "cuda (emulated)": "Node, on the emulator of NVIDIA's driver",
}

const introduction = (reports: readonly Tries[]): string => `# What runs where

Every operation, with its gradient, runs on every backend. This page is written from the reports of four runs of the whole
[conformance suite](writing-a-backend.md#6-running-the-suite), which holds each backend to PyTorch 2.13's own numbers:

| Backend | Where it ran | Cases | Passed |
|---|---|--:|--:|
${reports.map(({ backend, cases }) => runLine(backend, cases)).join("\n")}

The last two ran without a GPU: SwiftShader executes the shaders of WebGPU on the processor, and the emulator the backend's PTX
([how](cuda.md)).

| Mark | What it says |
|---|---|
| ✓ | computed on all four backends, and PyTorch's numbers came out |
| ○ | computed on all but webgpu: WGSL has no such dtype, and the error says so |
| | PyTorch does not have it, or the suite does not try it |

\`gradient\`: the derivative is compared with PyTorch's as well, in all floating dtypes of the row. Ops that only move elements take every
dtype; where a cell is empty, the suite has no case of it. An op that says its dtypes itself (\`oneHot\`, \`trilIndices\`) stands under one of them.
`

const passedOf = (cases: readonly Tried[]): number => cases.filter(({ status }) => status === "passed").length

const runLine = (backend: string, cases: readonly Tried[]): string => {
  const place = PLACES[backend]
  if (place === undefined) throw new Error(`nothing is known of where ${backend} ran`)
  return line([columnOf(backend), place, String(cases.length), String(passedOf(cases))])
}

const columnOf = (backend: string): string => backend.replace(/ \(.*\)$/, "")

/** What a page says of its runs: cases by column. */
export function runsOf(page: string): Map<string, { readonly cases: number; readonly passed: number }> {
  const rows = page.matchAll(/^\| ([\w-]+) \| [^|]* \| (\d+) \| (\d+) \|$/gm)
  return new Map([...rows].map(([, name, cases, passed]) => [name!, { cases: Number(cases), passed: Number(passed) }]))
}

const ordered = (reports: readonly Tries[]): Tries[] =>
  BACKENDS.map((name) => {
    const report = reports.find(({ backend }) => columnOf(backend) === name)
    if (!report) throw new Error(`there is no report of ${name}`)
    return report
  })

/** The tables of four reports, one for each backend. */
export function supportTables(reports: readonly Tries[]): string {
  const ops = ordered(reports).map(({ cases }) => byOp(cases))
  const families = Object.keys(TITLES) as (keyof typeof FAMILIES)[]
  return `${families.map((family) => tableOf(family, ops).join("\n")).join("\n\n")}\n`
}

/** The page of four reports, one for each backend. */
export const supportPage = (reports: readonly Tries[]): string =>
  `${introduction(ordered(reports))}\n${supportTables(reports)}`
