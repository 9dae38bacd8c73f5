/** Runs the training loop where it is to be measured, each time in a process of its own: others' garbage would count. */

import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type Browser, bundle, ENTRY, softwareGpu } from "@taeda/browser"
import { emulated } from "@taeda/cuda-addon"
import type { Held, Sample, Task } from "./training.ts"

const TRAINING = join(import.meta.dirname, "training.ts")
const CUDA_CHILD = join(import.meta.dirname, "cuda-child.ts")
const HOUR = 3_600_000

/** What the native part of the backend cuda gave, and did not get back. */
export interface CudaHeld {
  readonly pinnedBytes: number
  readonly modules: number
}

export interface Run extends Held {
  /** The resident memory of the process at each sample; in a page with a GPU, that of the GPU's as well. */
  readonly resident: readonly number[]
}

export interface CudaRun extends Run {
  /** At each sample. */
  readonly native: readonly CudaHeld[]
}

/** Stands beside the bundled loop. Its clock is the processor's time, since other processes have theirs on the same machine. */
const CHILD = `
  import { train } from "./${ENTRY}"
  const resident = []
  const usage = process.threadCpuUsage ?? process.cpuUsage
  const clock = () => {
    const { user, system } = usage.call(process)
    return (user + system) / 1000
  }
  const held = await train(JSON.parse(process.argv[2]), () => { resident.push(process.memoryUsage.rss()) }, clock)
  process.stdout.write(JSON.stringify({ ...held, resident }))
`

/** In a Node, which gets the loop as a bundler makes it: older ones know no TypeScript, and newer ones need memory for it. */
export async function inNode(task: Task, node = process.execPath): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "taeda-memory-"))
  try {
    for (const [name, content] of await bundle(TRAINING)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
    writeFileSync(join(folder, "child.js"), CHILD)
    // The package `webgpu` is found there.
    symlinkSync(join(import.meta.dirname, "..", "node_modules"), join(folder, "node_modules"))
    const env = { ...process.env, ...(task.device === "webgpu" && (await softwareGpu())) }
    return JSON.parse(execFileSync(node, [join(folder, "child.js"), JSON.stringify(task)], { encoding: "utf8", env }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** On cuda, emulated, in a Node that runs TypeScript: pages know no such device, so its sources are not bundled with the loop. */
export async function onCuda(task: Task, node = process.execPath): Promise<CudaRun> {
  const { addon, driver, libraryFolder } = await emulated()
  const env = {
    ...process.env,
    TAEDA_CUDA_ADDON: addon,
    TAEDA_CUDA_DRIVER: driver,
    TAEDA_CUDA_LIBRARIES: libraryFolder,
    CUDA_EMULATOR_QUIET: "1",
  }
  const args = ["--conditions=@taeda/source", CUDA_CHILD, JSON.stringify(task)]
  return JSON.parse(execFileSync(node, args, { encoding: "utf8", env }))
}

/** In a page of its own. What is resident there of a GPU is in a process that pages share. */
export async function inPage(task: Task, browser: Browser): Promise<Run> {
  const resident: number[] = []
  const bytes = async (): Promise<number> =>
    (await browser.pageBytes()) + (task.device === "webgpu" ? await browser.gpuBytes() : 0)
  const onTold = async () => void resident.push(await bytes())
  const held = await browser.run<Held>(TRAINING, { args: task, timeout: HOUR, onTold })
  return { ...held, resident }
}

/** The most that the process had at any sample from the one of step `from` on, as a multiple of what it had then. */
export function growth({ samples, resident }: Run, from = samples[0].step): number {
  const first = samples.findIndex(({ step }) => step >= from)
  return Math.max(...resident.slice(first)) / resident[first]
}

/** What the backend held at most, at any sample. */
export const mostHeld = ({ samples }: Run): number => Math.max(...samples.map(({ held }: Sample) => held))
