/** Looks at the machine and tries every backend. */
import { createRequire } from "node:module"
import type { BackendChoice } from "@taeda/choices"
import { lookAtMachine, type Machine } from "../machine/machine.ts"
import { type InstalledPackage, installedPackages } from "../project/packages.ts"
import type { Trial } from "./trial.ts"
import { tryBackend, type Where } from "./try.ts"
import { BACKENDS_BY_RANK, type Verdict, verdictHere } from "./verdict.ts"

export interface Survey {
  readonly machine: Machine
  /** Of taeda's, in the project. */
  readonly packages: readonly InstalledPackage[]
  /** Of every backend, the fastest first. */
  readonly verdicts: readonly Verdict[]
}

/** Whether this command's own library has a package beside it, as where both were installed globally. */
function isOwn(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

/** Those that share a GPU, or the processor, would get in each other's way: one after the other. */
const TURNS: readonly (readonly BackendChoice[])[] = [true, false].map((included) =>
  BACKENDS_BY_RANK.filter((backend) => backend.included === included),
)

/** @param tries whether backends are tried, or only told of by what the machine has. */
export async function survey(where: Where, tries = true): Promise<Survey> {
  const packages = installedPackages(where)
  const isInstalled = (backend: BackendChoice): boolean => packages.some(({ name }) => name === backend.package)
  const isHere = (backend: BackendChoice): boolean => backend.included || isInstalled(backend) || isOwn(backend.package)
  const trials = new Map<BackendChoice, Trial>()
  const inTurn = async (backends: readonly BackendChoice[]): Promise<void> => {
    for (const backend of backends) if (isHere(backend)) trials.set(backend, await tryBackend(backend, where))
  }
  const [machine] = await Promise.all([lookAtMachine(), ...(tries ? TURNS.map(inTurn) : [])])
  const verdicts = BACKENDS_BY_RANK.map((backend) =>
    verdictHere(backend, machine, trials.get(backend), isInstalled(backend)),
  )
  return { machine, packages, verdicts }
}
