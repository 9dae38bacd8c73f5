/** Looks at the machine and tries every backend. */
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

/** Those that share a GPU, or the processor, would get in each other's way. */
const TURNS: readonly (readonly BackendChoice[])[] = [true, false].map((included) =>
  BACKENDS_BY_RANK.filter((backend) => backend.included === included),
)

async function tryAll(where: Where): Promise<ReadonlyMap<BackendChoice, Trial>> {
  const trials = new Map<BackendChoice, Trial>()
  const inTurn = async (backends: readonly BackendChoice[]): Promise<void> => {
    for (const backend of backends) trials.set(backend, await tryBackend(backend, where))
  }
  await Promise.all(TURNS.map(inTurn))
  return trials
}

export async function survey(where: Where): Promise<Survey> {
  const [machine, trials] = await Promise.all([lookAtMachine(), tryAll(where)])
  const packages = installedPackages(where)
  const isInstalled = (backend: BackendChoice): boolean => packages.some(({ name }) => name === backend.package)
  const verdicts = BACKENDS_BY_RANK.map((backend) =>
    verdictHere(backend, machine, trials.get(backend)!, isInstalled(backend)),
  )
  return { machine, packages, verdicts }
}
