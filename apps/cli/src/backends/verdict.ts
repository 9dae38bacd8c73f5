/** What is said of a backend: whether it works, how that is known, and what to do. */
import { BACKENDS, type BackendChoice, CUDA_NEEDS, isAtLeast, misfit, type Place } from "@taeda/choices"
import { hardwareDrivers } from "../machine/graphics.ts"
import type { Machine } from "../machine/machine.ts"
import type { NvidiaFacts } from "../machine/nvidia.ts"
import type { Passed, Trial } from "./trial.ts"

/**
 * From the best to the worst: tried and right; everything that it needs was seen; a GPU was seen; tried and right, but
 * imitated by the processor; nobody can say before it is installed; something that it needs is missing; it is installed
 * and fails.
 */
export type Status = "works" | "ready" | "likely" | "imitated" | "unknown" | "missing" | "broken"

export interface Verdict {
  readonly backend: BackendChoice
  readonly status: Status
  /** How that is known. */
  readonly evidence: string
  /** What to do, where something can be done. */
  readonly fix: string | null
  readonly trial: Passed | null
  /** Whether it is said of another machine than this. */
  readonly elsewhere?: true
}

/** In a few words; `where` is "there" for another machine. */
const STATUS_TEXTS: Readonly<Record<Status, (where: string) => string>> = {
  works: (where) => `works ${where}`,
  ready: (where) => `will work ${where}`,
  likely: (where) => `should work ${where}`,
  imitated: (where) => `works ${where}, but slowly`,
  unknown: () => "cannot be known before it is installed",
  missing: (where) => `does not work ${where}`,
  broken: () => "is installed, but does not work",
}

export const statusText = ({ status, elsewhere }: Verdict): string => STATUS_TEXTS[status](elsewhere ? "there" : "here")

/** Those that may be recommended. */
const GOOD: readonly Status[] = ["works", "ready", "likely"]

export const isGood = ({ status }: Verdict): boolean => GOOD.includes(status)

/** The fastest of those that work. */
export const recommended = (verdicts: readonly Verdict[]): Verdict =>
  [...verdicts].filter(isGood).sort((a, b) => b.backend.rank - a.backend.rank)[0] ?? verdicts[verdicts.length - 1]

type Finding = Pick<Verdict, "status" | "evidence"> & { readonly fix?: string | undefined }

const numbers = (version: string): number[] => version.split(".").map(Number)

const DRIVER = "install NVIDIA's driver (nvidia.com/drivers)"

/** What NVIDIA's driver is missing, if it is. */
function driverFinding({ nvidia, system, graphics }: Machine): Finding | undefined {
  const { driver, problem } = nvidia
  if (!driver && problem) {
    const fix = "repair NVIDIA's driver: restarting the machine helps where it was just updated"
    return { status: "missing", evidence: `nvidia-smi says: ${problem}`, fix }
  }
  if (!driver) {
    if (graphics.gpus?.some(({ vendor }) => vendor === "NVIDIA"))
      return { status: "missing", evidence: "there is an NVIDIA GPU, but no driver of NVIDIA's", fix: DRIVER }
    const contained = system.container ? "where the machine has one, start the container with --gpus all" : undefined
    return { status: "missing", evidence: "no NVIDIA GPU and no driver of NVIDIA's were found", fix: contained }
  }
  // Under WSL the driver is Windows's.
  const least = CUDA_NEEDS.driver[system.name === "windows" || system.wsl ? "windows" : "linux"]
  if (isAtLeast(numbers(driver), least)) return undefined
  const needed = `${least.join(".")} is needed (CUDA ${CUDA_NEEDS.cuda.join(".")})`
  return { status: "missing", evidence: `NVIDIA's driver ${driver} is too old: ${needed}`, fix: DRIVER }
}

const isTooOld = (capability: string | null): boolean =>
  capability !== null && !isAtLeast(numbers(capability), CUDA_NEEDS.computeCapability)

/** "NVIDIA A10 (compute capability 8.6), driver 550.54.15". */
export function nvidiaText({ driver, gpus }: NvidiaFacts): string {
  const names = gpus.map(({ name, computeCapability }) =>
    computeCapability ? `${name} (compute capability ${computeCapability})` : name,
  )
  return [...new Set(names), ...(driver ? [`driver ${driver}`] : [])].join(", ")
}

function cudaFinding(machine: Machine): Finding {
  const { nvidia } = machine
  const wrong = driverFinding(machine)
  if (wrong) return wrong
  const evidence = nvidiaText(nvidia)
  if (nvidia.gpus.length === 0) return { status: "missing", evidence: `${evidence}, but no GPU` }
  // It counts them from the first.
  const [{ computeCapability }] = nvidia.gpus
  if (isTooOld(computeCapability)) {
    const least = CUDA_NEEDS.computeCapability.join(".")
    return { status: "missing", evidence: `${evidence}: ${least} is needed, which GPUs have since 2018 (Turing)` }
  }
  return computeCapability
    ? { status: "ready", evidence }
    : { status: "likely", evidence: `${evidence}; the driver does not tell the compute capability` }
}

function webgpuFinding({ graphics, system }: Machine): Finding {
  const { gpus, vulkanDrivers } = graphics
  const seen = [...new Set((gpus ?? []).map(({ vendor, name }) => name ?? vendor))].join(", ")
  if (vulkanDrivers === null) {
    if (seen) return { status: "likely", evidence: seen }
    return { status: "unknown", evidence: "the system did not tell of a GPU" }
  }
  const fix = "install the driver of the GPU, with its part for Vulkan (Mesa's is the package mesa-vulkan-drivers)"
  if (vulkanDrivers.length === 0)
    return {
      status: "missing",
      evidence: seen ? `${seen}, but no driver for Vulkan` : "no GPU and no driver for Vulkan were found",
      fix: system.container ? `${fix}; a container sees a GPU where it is started with it` : fix,
    }
  const hardware = hardwareDrivers(vulkanDrivers)
  if (hardware.length === 0)
    return {
      status: "unknown",
      evidence: "Vulkan's driver here is a program: the processor would imitate a GPU, slowly",
    }
  if (!seen) return { status: "unknown", evidence: `drivers for Vulkan (${hardware.length}), but no GPU was seen` }
  return { status: "likely", evidence: `${seen}, with a driver for Vulkan` }
}

function wasmFinding({ webAssembly: { simd, relaxedSimd, threads } }: Machine): Finding {
  if (!simd) return { status: "missing", evidence: "no WebAssembly with SIMD", fix: "take a newer runtime" }
  return {
    status: "ready",
    evidence: ["SIMD", ...(relaxedSimd ? ["relaxed SIMD"] : []), ...(threads ? ["threads"] : [])].join(", "),
  }
}

/** What the machine says of a backend that was not tried. */
const FINDINGS: Readonly<Record<BackendChoice["name"], (machine: Machine) => Finding>> = {
  cuda: cudaFinding,
  webgpu: webgpuFinding,
  "wasm-simd": wasmFinding,
  "cpu-js": () => ({ status: "ready", evidence: "it needs nothing" }),
}

/** The first sentence, and the others. */
function sentences(message: string): [string, string] {
  const [, first = message, others = ""] = /^(.*?[.)"])\s+(?=[A-Z"])(.*)$/s.exec(message) ?? []
  return [first, others]
}

/** Without the name of the backend, which stands beside it. */
const withoutName = (message: string): string => message.replace(/^(?:cuda|webgpu|wasm|cpu): /, "")

function tried(trial: Trial): Finding | undefined {
  if (trial.state === "absent") return undefined
  if (trial.state !== "passed") {
    const [evidence, fix] = sentences(withoutName(trial.message))
    return { status: "broken", evidence, fix: fix || "install it again, or take another backend" }
  }
  const evidence = trial.notes.join(", ") || "a product and its gradient came out right"
  return trial.software
    ? { status: "imitated", evidence, fix: "install the driver of a GPU, where there is one" }
    : { status: "works", evidence }
}

export const placeOf = ({ runtime, system }: Machine): Place => ({
  runtime: runtime.name,
  system: system.name,
  arch: system.arch,
  ...(system.libc && { libc: system.libc }),
})

/**
 * What is said of a backend on this machine.
 *
 * @param trial undefined where it was not tried.
 * @param installed whether the project has its package; one that only this command has may fail for reasons of its own.
 */
export function verdictHere(
  backend: BackendChoice,
  machine: Machine,
  trial: Trial | undefined,
  installed: boolean,
): Verdict {
  const wrong = misfit(backend, placeOf(machine))
  const passed = trial?.state === "passed" ? trial : null
  const finding = (): Finding => {
    if (wrong && !passed) return { status: "missing", evidence: wrong }
    const seen = trial && (passed || installed || backend.included) ? tried(trial) : undefined
    return seen ?? FINDINGS[backend.name](machine)
  }
  const { status, evidence, fix = null } = finding()
  return { backend, status, evidence, fix, trial: passed }
}

/** What a person says of another machine. */
export interface Elsewhere extends Place {
  /** The CUDA that NVIDIA's driver is for, or that there is none; left out where nobody said. */
  readonly cuda?: "none" | readonly number[]
}

const CUDA_ELSEWHERE = ({ cuda }: Elsewhere): Finding => {
  const least = CUDA_NEEDS.cuda
  if (cuda === undefined) return { status: "unknown", evidence: "nobody said whether there is an NVIDIA GPU (--cuda)" }
  if (cuda === "none") return { status: "missing", evidence: "no NVIDIA GPU" }
  if (!isAtLeast(cuda, least))
    return {
      status: "missing",
      evidence: `the driver is for CUDA ${cuda.join(".")}, and ${least.join(".")} is needed`,
      fix: DRIVER,
    }
  return { status: "ready", evidence: `a driver for CUDA ${cuda.join(".")}; a GPU of 2018 (Turing) or later is needed` }
}

const WEBGPU_ELSEWHERE = ({ runtime, system }: Elsewhere): Finding => {
  if (runtime === "browser") return { status: "unknown", evidence: "depends on the browser and its machine" }
  if (system === "macos") return { status: "ready", evidence: "every Mac has Metal" }
  return { status: "unknown", evidence: "depends on the GPU and its driver" }
}

const FINDINGS_ELSEWHERE: Readonly<Partial<Record<BackendChoice["name"], (elsewhere: Elsewhere) => Finding>>> = {
  cuda: CUDA_ELSEWHERE,
  webgpu: WEBGPU_ELSEWHERE,
}

/** What is said of a backend on a machine that is only told of, or in a page. */
export function verdictElsewhere(backend: BackendChoice, elsewhere: Elsewhere): Verdict {
  const wrong = misfit(backend, elsewhere)
  const finding: Finding = wrong
    ? { status: "missing", evidence: wrong }
    : (FINDINGS_ELSEWHERE[backend.name]?.(elsewhere) ?? { status: "ready", evidence: `needs ${backend.needs}` })
  return { backend, ...finding, fix: finding.fix ?? null, trial: null, elsewhere: true }
}

/** The fastest first. */
export const BACKENDS_BY_RANK: readonly BackendChoice[] = [...BACKENDS].sort((a, b) => b.rank - a.rank)
