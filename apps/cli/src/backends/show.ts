/** A machine and its backends as lines for a person. */
import type { Machine } from "../machine/machine.ts"
import type { Output } from "../output.ts"
import { nvidiaText, type Status, statusText, type Verdict } from "./verdict.ts"

type Paint = "green" | "yellow" | "red" | "dim"

const MARKS: Readonly<Record<Status, readonly [mark: string, paint: Paint]>> = {
  works: ["✓", "green"],
  ready: ["✓", "green"],
  likely: ["✓", "green"],
  imitated: ["~", "yellow"],
  unknown: ["?", "yellow"],
  missing: ["·", "dim"],
  broken: ["✗", "red"],
}

/** Breaks text between words, after a first line that has `margin` columns less, and indents the others by those. */
export function wrapped(text: string, margin: number, columns: number): string {
  const room = Math.max(24, columns - margin - 1)
  const lines = [""]
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1]
    if (last && last.length + 1 + word.length > room) lines.push(word)
    else lines[lines.length - 1] = last ? `${last} ${word}` : word
  }
  return lines.join(`\n${" ".repeat(margin)}`)
}

const GIB = 2 ** 30

/** Lists as people write them. */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`

const RUNTIME_TITLES = { node: "Node", bun: "Bun", deno: "Deno" } as const

/** What there is, a line for each kind. */
export function machineLines({ runtime, system, processor, webAssembly, nvidia, graphics }: Machine): string[] {
  const libc = system.libc && [system.libc, system.libcVersion].filter(Boolean).join(" ")
  const around = [...(system.wsl ? ["under WSL"] : []), ...(system.container ? ["in a container"] : [])]
  const able = [
    ...(webAssembly.simd ? ["SIMD"] : []),
    ...(webAssembly.relaxedSimd ? ["relaxed SIMD"] : []),
    ...(webAssembly.threads ? ["threads"] : []),
  ]
  const cores = processor.usableCores === 1 ? "1 thread" : `${processor.usableCores} threads`
  const others = (graphics.gpus ?? []).filter(({ vendor }) => vendor !== "NVIDIA" || !nvidia.driver)
  const gpus = [...(nvidia.driver ? [nvidiaText(nvidia)] : []), ...others.map(({ vendor, name }) => name ?? vendor)]
  const none = graphics.gpus === null ? "the system does not tell" : "none was found"
  return [
    [system.title, system.arch, ...(libc ? [libc] : []), ...around].join(", "),
    `${processor.model}, ${cores}, ${(processor.memory / GIB).toFixed(1)} GiB of memory`,
    `${RUNTIME_TITLES[runtime.name]} ${runtime.version}, WebAssembly ${able.length > 0 ? `with ${listed(able)}` : "without SIMD"}`,
    `GPU: ${gpus.length > 0 ? [...new Set(gpus)].join("; ") : none}`,
  ]
}

const NAME_WIDTH = 11

/** A line for each backend: whether it works and how that is known; `fixes` adds what to do. */
export function verdictLines(verdicts: readonly Verdict[], out: Output, fixes = false): string[] {
  const margin = NAME_WIDTH + 2
  // Where nobody watches, a line is a line.
  const columns = out.interactive ? out.columns() - 3 : Number.POSITIVE_INFINITY
  return verdicts.flatMap((verdict) => {
    const { backend, status, evidence, fix } = verdict
    const [mark, paint] = MARKS[status]
    const text = wrapped(`${statusText(verdict)}: ${evidence}`, margin, columns)
    const line = `${out[paint](mark)} ${out.bold(backend.name.padEnd(NAME_WIDTH))}${text}`
    return fixes && fix ? [line, `${" ".repeat(margin)}${out.cyan(wrapped(fix, margin, columns))}`] : [line]
  })
}

/** What a trial computed, as a person would have typed it. */
export function trialLines(verdict: Pick<Verdict, "trial">, out: Output): string[] {
  const { trial } = verdict
  if (!trial) return []
  const { device, notes, product, gradient, size, compared, milliseconds } = trial
  const shown = (code: string, result: string): string[] => [out.dim(`> ${code}`), ...result.split("\n")]
  return [
    out.dim("> a = tensor([[1, 2], [3, 4]], { requiresGrad: true }); b = tensor([[5, 6], [7, 8]])"),
    ...shown("a.matmul(b)", product),
    ...shown("a.matmul(b).sum().backward(); a.grad", gradient),
    `${size} × ${size}, product and gradients: ${milliseconds.toFixed(1)} ms; all ${compared} numbers are right`,
    `device ${device}: ${notes.join(", ")}`,
  ]
}
