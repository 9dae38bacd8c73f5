/** NVIDIA's assembler, for machines that have it: that it takes what the emulator took. */

import { execFile, spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"

/** Whether `ptxas` is on the PATH. */
export const hasAssembler = (): boolean => spawnSync("ptxas", ["--version"]).status === 0

/** Entries in one run: enough that its start costs nothing, few enough that all the CPU's cores end together. */
const BATCH = 100

const VERSION = /^\.version (\d+)\.(\d+)$/m
const TARGET = /^\.target sm_(\d+)$/m
/** Where functions, variables and entries begin: at the start of a line, as nothing within them does. */
const PART = /^(?=\.(?:func|global|const|visible) )/m

/** What the header says, as one number: version 7.0 for sm_75 is 70075. */
function headerOf(text: string): number {
  const version = VERSION.exec(text)
  const target = TARGET.exec(text)
  if (!version || !target) throw new Error(`no header of PTX: ${text.slice(0, 100)}`)
  return (Number(version[1]) * 10 + Number(version[2])) * 1000 + Number(target[1])
}

/** One text with the entries of all, each under a name of its own; functions and variables that they share stand once. */
function merge(texts: readonly string[]): string {
  const header = Math.max(...texts.map(headerOf))
  const shared = new Set<string>()
  const entries = texts.map((text, i) => {
    const [, ...parts] = text.split(PART)
    const entry = parts.pop()
    if (!entry?.startsWith(".visible .entry kernel(")) throw new Error(`no text of one kernel: ${text}`)
    for (const part of parts) shared.add(part.trimEnd())
    return entry.replace("kernel(", `kernel${i}(`)
  })
  const version = Math.floor(header / 1000)
  return [
    `.version ${Math.floor(version / 10)}.${version % 10}`,
    `.target sm_${header % 1000}`,
    ".address_size 64",
    ...shared,
    ...entries,
  ].join("\n")
}

/** What the assembler says against a text; undefined where it takes it. */
function refusal(file: string, target: number, flags: readonly string[]): Promise<string | undefined> {
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
  const byDevice = new Map<number, string[]>()
  for (const text of new Set(texts)) {
    const device = Math.max(target, headerOf(text) % 1000)
    const mine = byDevice.get(device)
    if (mine) mine.push(text)
    else byDevice.set(device, [text])
  }
  const batches = [...byDevice].flatMap(([device, all]) =>
    Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) => ({
      device,
      texts: all.slice(i * BATCH, (i + 1) * BATCH),
    })),
  )
  const folder = await mkdtemp(join(tmpdir(), "taeda-ptx-"))
  const refusals: string[] = []
  let files = 0
  const check = async (device: number, some: readonly string[]): Promise<void> => {
    const file = join(folder, `${files++}.ptx`)
    await writeFile(file, merge(some))
    const reason = await refusal(file, device, flags)
    await rm(file)
    if (reason === undefined) return
    // Which it is, is found by halves: positions in a merged text say little.
    if (some.length === 1) refusals.push(`${reason}\n${some[0]}`)
    else for (const half of [some.slice(0, some.length / 2), some.slice(some.length / 2)]) await check(device, half)
  }
  const worker = async (): Promise<void> => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) await check(batch.device, batch.texts)
  }
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
  } finally {
    await rm(folder, { recursive: true })
  }
  return refusals
}
