/** A short tour: code and result, line by line, from a first tensor to a gradient and the reason for its value. */
import { createContext, runInContext } from "node:vm"
import { BACKENDS } from "@taeda/choices"
import type { Library } from "./library.ts"
import type { Output } from "./output.ts"

export interface Chapter {
  readonly title: string
  /** What a person should know before the code. */
  readonly text: string
  /** Lines that are run one by one; a line that is an expression shows its value. */
  readonly code: readonly string[]
}

export const CHAPTERS: readonly Chapter[] = [
  {
    title: "Tensors",
    text: "A tensor from nested arrays, and one of random numbers:",
    code: [
      "torch.tensor([[1, 2], [3, 4]])",
      "torch.manualSeed(0); torch.rand(2, 2)",
    ],
  },
  {
    title: "Autograd",
    text: "A tensor that requires a gradient remembers what was done with it; one that does not, does not:",
    code: [
      "const x = torch.ones(2, 2, { requiresGrad: true })",
      "x",
      "const y = x.add(2)",
      "y",
      "y.gradFn.name()",
      "torch.ones(2, 2).add(2)",
    ],
  },
  {
    title: "Gradients",
    text: "z = 3·y², and out is its mean. backward() computes the gradient of out with respect to x:",
    code: ["const z = y.mul(y).mul(3)", "z", "const out = z.mean()", "out", "out.backward()", "x.grad"],
  },
]

/** Whether a line gives a value to show: not a declaration and not a call for its effect. */
const shows = (line: string): boolean => !/^const /.test(line) && !/\.backward\(\)$/.test(line)

/** A value as the REPL shows it. */
async function show(torch: Library, value: unknown): Promise<string> {
  if (torch.isTensor(value)) return value.format()
  return typeof value === "string" ? value : String(value)
}

export interface TourStep {
  readonly code: string
  /** Null for a line that shows nothing. */
  readonly result: string | null
}

/** Runs the code of a chapter's list in one scope. The lines are those that are printed. */
export async function runChapters(torch: Library, chapters = CHAPTERS): Promise<TourStep[][]> {
  const context = createContext({ torch })
  const results: TourStep[][] = []
  for (const chapter of chapters) {
    const steps: TourStep[] = []
    for (const code of chapter.code) {
      const value: unknown = runInContext(code, context, { filename: "tour" })
      steps.push({ code, result: shows(code) ? await show(torch, value) : null })
    }
    results.push(steps)
  }
  return results
}

/** The gradient of the tour's function at all ones by central differences in float64, [2][2]. */
export async function numericGradient(torch: Library, eps = 1e-6): Promise<number[][]> {
  const f = async (values: number[][]): Promise<number> => {
    const y = torch.tensor(values, { dtype: "float64" }).add(2)
    return Number(await y.mul(y).mul(3).mean().item())
  }
  const result = [
    [0, 0],
    [0, 0],
  ]
  for (const i of [0, 1])
    for (const j of [0, 1]) {
      const at = (by: number) => [0, 1].map((r) => [0, 1].map((c) => (r === i && c === j ? 1 + by : 1)))
      result[i][j] = ((await f(at(eps))) - (await f(at(-eps)))) / (2 * eps)
    }
  return result
}

/** What this machine has, one line per backend. */
async function backends(torch: Library, out: Output): Promise<void> {
  const reports = await torch.devices()
  const width = Math.max(...BACKENDS.map((b) => b.name.length))
  for (const { choice, device, reason, install } of reports) {
    const verdict = device ? out.green("works here") : out.dim(reason)
    out.line(`  ${choice.name.padEnd(width)}  ${choice.title} (needs ${choice.needs}): ${verdict}`)
    if (install) out.line(out.dim(`  ${" ".repeat(width)}  ${install}`))
  }
  const best = reports.find((r) => r.device)
  if (best) out.line(`  The best here: ${best.choice.name}, the device "${best.choice.device}".`)
}

/** Prints the whole tour. */
export async function tour(torch: Library, out: Output): Promise<void> {
  out.line(out.bold("Backends"))
  await backends(torch, out)
  const steps = await runChapters(torch)
  CHAPTERS.forEach((chapter, i) => {
    out.line()
    out.line(out.bold(chapter.title))
    out.line(chapter.text)
    for (const { code, result } of steps[i]) {
      out.line(`${out.dim(">")} ${code}`)
      if (result !== null) out.line(result)
    }
  })
  out.line()
  out.line(out.bold("Why 4.5?"))
  out.line("out = (1/4) Σ 3·(xᵢ + 2)², so ∂out/∂xᵢ = (1/4)·3·2·(xᵢ + 2) = (3/2)·(xᵢ + 2), and at xᵢ = 1 that is 4.5.")
  const numeric = await numericGradient(torch)
  const text = numeric.map((row) => row.map((v) => v.toFixed(6)).join(", ")).join("; ")
  out.line(`Checked by central differences in float64, (out(x + ε) − out(x − ε)) / 2ε with ε = 1e-6: ${text}`)
}
