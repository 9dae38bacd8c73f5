/** NVIDIA's assembler, for machines that have it: that it takes what the emulator took. */

import { execFile, spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"

/** Whether `ptxas` is on the PATH. */
export const hasAssembler = (): boolean => spawnSync("ptxas", ["--version"]).status === 0

/** Entries in one run: enough that its start costs nothing, few enough that all the CPU's cores end together. */
const BATCH = 100

/** Where functions, variables and entries begin: at the start of a line, as nothing within them does. */
const PART = /^(?=\.(?:func|global|const|visible|extern) )/m

/** What stands before the first part: the version, the target, the size of addresses. */
const headerOf = (text: string): string => text.split(PART, 1)[0]

/** The device that texts with a header are assembled for, where `target` or a newer one will do: "90", or "90a" for what that alone has. */
function deviceFor(header: string, target: number): string {
  const [, capability, specific] = /^\.target sm_(\d+)(a?)$/m.exec(header) ?? []
  if (!capability) throw new Error(`no header of PTX: ${header}`)
  return specific ? `${capability}a` : String(Math.max(target, Number(capability)))
}

/** One text with the entries of all, each under a name of its own; functions and variables that they share stand once. */
function merge(header: string, texts: readonly string[]): string {
  const shared = new Set<string>()
  const entries = texts.map((text, i) => {
    const parts = text.slice(header.length).split(PART)
    const entry = parts.pop()
    if (!entry?.startsWith(".visible .entry kernel(")) throw new Error(`no text of one kernel: ${text}`)
    for (const part of parts) shared.add(part.trimEnd())
    return entry.replace("kernel(", `kernel${i}(`)
  })
  return [header.trimEnd(), ...shared, ...entries].join("\n")
}

/** What the assembler says against a text; undefined where it takes it. */
function refusal(file: string, target: string, flags: readonly string[]): Promise<string | undefined> {
  const args = [`-arch=sm_${target}`, ...flags, "-o", `${file}.cubin`, file]
  return new Promise((resolve) => {
    execFile("ptxas", args, (error, _, stderr) => resolve(error ? `${error.message}\n${stderr}` : undefined))
  })
}

export interface AssembleOptions {
  /** The compute capability, such as 75. Texts for newer ones are assembled for theirs. */
  readonly target: number
  /** Further arguments, such as "-O1". */
  readonly flags?: readonly string[]
}

/**
 * Shows the assembler modules of one kernel each, many in one run, on all cores. Resolves to what it says against them,
 * with the text that it refuses: nothing where it takes all.
 */
export async function assemble(texts: Iterable<string>, { target, flags = [] }: AssembleOptions): Promise<string[]> {
  const byHeader = new Map<string, string[]>()
  for (const text of new Set(texts)) {
    const header = headerOf(text)
    const mine = byHeader.get(header)
    if (mine) mine.push(text)
    else byHeader.set(header, [text])
  }
  const batches = [...byHeader].flatMap(([header, all]) => {
    const device = deviceFor(header, target)
    return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) => ({
      header,
      device,
      texts: all.slice(i * BATCH, (i + 1) * BATCH),
    }))
  })
  const folder = await mkdtemp(join(tmpdir(), "taeda-ptx-"))
  const refusals: string[] = []
  let files = 0
  const check = async ({ header, device, texts }: (typeof batches)[number]): Promise<void> => {
    const file = join(folder, `${files++}.ptx`)
    await writeFile(file, merge(header, texts))
    const reason = await refusal(file, device, flags)
    await rm(file)
    if (reason === undefined) return
    if (texts.length === 1) {
      refusals.push(`${reason}\n${texts[0]}`)
      return
    }
    // Which it is, is found by halves: positions in a merged text say little.
    const middle = texts.length / 2
    for (const half of [texts.slice(0, middle), texts.slice(middle)]) await check({ header, device, texts: half })
  }
  const worker = async (): Promise<void> => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) await check(batch)
  }
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
  } finally {
    await rm(folder, { recursive: true })
  }
  return refusals
}
