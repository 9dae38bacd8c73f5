/** A short tour: code and result, line by line, from a first tensor to a gradient and the reason for its value. */
import { CHAPTERS, type Library, type Tensor, tourFunction } from "@taeda/examples"
import type { DeviceReport } from "taeda"
import type { Output } from "./output.ts"

export interface TourStep {
  readonly code: string
  /** Null for a line that shows nothing. */
  readonly result: string | null
}

/** What a line's value looks like, or null where there is none to show. */
async function shown(torch: Library, value: unknown): Promise<string | null> {
  if (torch.isTensor(value)) return value.format()
  return typeof value === "string" ? value : null
}

/** A line that keeps its value: of a declaration what is declared, otherwise the expression's. */
function keeping(code: string): string {
  const declared = /^const (\w+) =/.exec(code)?.[1]
  return declared ? `${code}\nkeep(${declared})` : `keep(\n${code}\n)`
}

/** Runs the chapters' code, as printed, in one scope. */
export async function runChapters(torch: Library, chapters = CHAPTERS): Promise<TourStep[][]> {
  const results: Promise<string | null>[] = []
  const body = chapters.flatMap(({ code }) => code.map(keeping)).join("\n")
  // One function of this realm, so that the lines see each other's names and nothing else does.
  new Function("torch", "keep", `"use strict"\n${body}`)(torch, (value: unknown) => results.push(shown(torch, value)))
  const texts = (await Promise.all(results)).values()
  return chapters.map(({ code }) => code.map((line) => ({ code: line, result: texts.next().value ?? null })))
}

export interface GradientCheck {
  /** By autograd, in row-major order. */
  readonly autograd: readonly number[]
  /** By central differences, likewise. */
  readonly numeric: readonly number[]
}

/** The gradient of `f` at a tensor of ones, [2, 2], by autograd and by central differences, both in float64. */
export async function checkGradient(
  torch: Library,
  f: (x: Tensor) => Tensor = tourFunction,
  eps = 1e-6,
): Promise<GradientCheck> {
  const x = torch.ones(2, 2, { dtype: "float64", requiresGrad: true })
  f(x).backward()
  const at = async (i: number, by: number): Promise<number> => {
    const moved = torch.ones(4, { dtype: "float64" })
    moved.setAt(i, 1 + by)
    return Number(await f(moved.view(2, 2)).item())
  }
  const numeric: number[] = []
  for (let i = 0; i < 4; i++) numeric.push(((await at(i, eps)) - (await at(i, -eps))) / (2 * eps))
  return { autograd: Array.from((await x.grad!.data()) as Float64Array), numeric }
}

const WHY = ["out = ¼ Σ 3·(xᵢ + 2)²", "∂out/∂xᵢ = ¼ · 3 · 2·(xᵢ + 2) = 3/2·(xᵢ + 2), which at xᵢ = 1 is 4.5."]

async function why(torch: Library, out: Output): Promise<void> {
  const { autograd, numeric } = await checkGradient(torch)
  const furthest = Math.max(...numeric.map((value, i) => Math.abs(value - autograd[i])))
  out.line(out.bold("Why 4.5?"))
  for (const line of WHY) out.line(`  ${line}`)
  out.line("Checked numerically, moving one xᵢ at a time by ε = 10⁻⁶ (float64):")
  out.line(`  (out(xᵢ + ε) − out(xᵢ − ε)) / 2ε = ${numeric.map((value) => value.toFixed(6)).join("  ")}`)
  out.line(
    `  ${furthest < 1e-6 ? out.green("✓") : "✗"} at most ${furthest.toExponential(0)} from what backward() gives`,
  )
}

/** What is missing, and the command that brings it where there is one; what else to do is told to who asks for the device. */
function missing(reason: string): string[] {
  const what = /^.*?\.(?= [A-Z])/s.exec(reason)?.[0] ?? reason
  const [command] = /npm install \S.*$/.exec(reason.slice(what.length)) ?? []
  return command ? [what, command] : [what]
}

/** What there is to say of a backend, each on a line of its own. */
function details({ device, notes, reason, install }: DeviceReport): string[] {
  return device ? [notes.join(", "), install] : missing(reason)
}

/** What this machine has, three lines per backend at most; what works comes first. */
async function backends(torch: Library, out: Output): Promise<void> {
  const reports = await torch.devices()
  const best = reports.find((r) => r.device)
  const width = Math.max(...reports.map((r) => r.choice.name.length)) + 2
  const indent = " ".repeat(width + 4)
  out.line(out.bold("Backends"))
  for (const report of reports.toSorted((a, b) => Number(!a.device) - Number(!b.device))) {
    const { choice, device } = report
    const works = device === best?.device ? "works here, the best that does" : "works here"
    const verdict = device ? out.green(works) : out.dim("not here")
    out.line(`  ${device ? out.green("✓") : out.dim("·")} ${choice.name.padEnd(width)}${choice.title}: ${verdict}`)
    for (const line of details(report)) if (line) out.line(out.dim(`${indent}${line}`))
  }
}

/** Prints the whole tour. */
export async function tour(torch: Library, out: Output): Promise<void> {
  const steps = await runChapters(torch)
  out.line()
  out.line(out.bold("taeda is PyTorch for TypeScript. A short tour:"))
  out.line()
  await backends(torch, out)
  CHAPTERS.forEach(({ title, text }, i) => {
    out.line()
    out.line(out.bold(title))
    out.line(text)
    for (const { code, result } of steps[i]) {
      out.line(`${out.dim(">")} ${out.cyan(code)}`)
      if (result !== null) out.line(result)
    }
  })
  out.line()
  await why(torch, out)
}
