/** From answers to what will be done: pure. */
import {
  BACKENDS,
  type BackendChoice,
  importLines,
  misfit,
  type Place,
  packagesFor,
  RUNTIMES,
  type RuntimeChoice,
  type SystemChoice,
  titleOf,
} from "@taeda/choices"
import { BACKENDS_BY_RANK, type Elsewhere, recommended, type Verdict, verdictElsewhere } from "../backends/verdict.ts"
import type { ManagerName } from "../project/project.ts"
import { InstallError } from "./failure.ts"
import { addCommand, type Command } from "./manager.ts"

/** The flags, as they are read. */
export interface InstallOptions {
  /** A backend's or a device's name, or "auto". */
  readonly backend?: string
  readonly packageManager?: ManagerName
  readonly runtime?: RuntimeChoice["name"]
  readonly os?: SystemChoice["name"]
  readonly arch?: string
  readonly libc?: "glibc" | "musl"
  readonly cuda?: "none" | readonly number[]
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
  /** False where the installation is not to be tried. */
  readonly check: boolean
}

/** Whether the flags tell of a machine: then it is another one than this. */
export const isElsewhere = ({ os, arch, libc, cuda }: InstallOptions): boolean =>
  [os, arch, libc, cuda].some((told) => told !== undefined)

export interface Plan {
  readonly backend: BackendChoice
  readonly manager: ManagerName
  readonly runtime: RuntimeChoice["name"]
  readonly packages: readonly string[]
  readonly command: Command
  /** The first lines of code. */
  readonly code: string
  /** Of every backend, the fastest first. */
  readonly verdicts: readonly Verdict[]
  readonly recommended: BackendChoice
}

/** A backend by its own name or its device's. */
export const backendNamed = (name: string): BackendChoice | undefined =>
  BACKENDS.find((backend) => backend.name === name || backend.device === name)

/** What the plan depends on besides the flags. */
export interface Basis {
  readonly place: Place
  readonly verdicts: readonly Verdict[]
  readonly manager: ManagerName
  /** Whether packages are added to the manifest of a workspace. */
  readonly isRoot?: boolean
  /** Of the manager. */
  readonly version?: string
}

/** @throws InstallError where the backend cannot run there. */
export function planFor(options: InstallOptions, { place, verdicts, manager, isRoot, version }: Basis): Plan {
  const best = recommended(verdicts).backend
  const { backend: wish = "auto" } = options
  const backend = wish === "auto" ? best : backendNamed(wish)!
  const wrong = misfit(backend, place)
  if (wrong)
    throw new InstallError(
      "place",
      `${backend.name} cannot run there (${titleOf(backend)}: ${wrong}). Take another: --backend ${best.name}`,
    )
  const runtime = place.runtime ?? "node"
  const packages = packagesFor(backend, runtime)
  return {
    backend,
    manager,
    runtime,
    packages,
    command: addCommand(manager, packages, isRoot, version),
    code: importLines(backend, runtime),
    verdicts,
    recommended: best,
  }
}

/** The plan for a machine that the flags tell of. */
export function planElsewhere(options: InstallOptions): Plan {
  const { os: system, arch, libc, cuda, runtime = "node" } = options
  const elsewhere: Elsewhere = { runtime, system, arch, libc, cuda }
  const verdicts = BACKENDS_BY_RANK.map((backend) => verdictElsewhere(backend, elsewhere))
  const { manager } = RUNTIMES.find(({ name }) => name === runtime)!
  return planFor(options, { place: elsewhere, verdicts, manager: options.packageManager ?? manager })
}
