/** From what somebody has to what they type, and why. */
import {
  BACKENDS,
  type BackendChoice,
  importLines,
  installCommand,
  misfit,
  type PackageManagerChoice,
  RUNTIMES,
  type RuntimeChoice,
  type SystemChoice,
  titleOf,
} from "@taeda/choices"
import type { Machine } from "./machine.ts"

export interface Wish {
  readonly system: SystemChoice["name"]
  readonly manager: PackageManagerChoice["name"]
  readonly runtime: RuntimeChoice["name"]
  readonly compute: BackendChoice["name"]
}

export interface Advice {
  /** Null where there is nothing to install. */
  readonly command: string | null
  readonly code: string | null
  /** Sentences. */
  readonly why: readonly string[]
}

const packageText = ({ included, package: name }: BackendChoice): string =>
  included ? "The package taeda brings it along." : `It is a package of its own, ${name}.`

/** What a machine's own report adds about a backend. */
function here(name: BackendChoice["name"], machine: Machine): string[] {
  const found = machine.find((each) => each.name === name)
  if (!found) return []
  if (!found.works) return [`It does not work in this browser: ${found.reason.replace(/\.$/, "")}.`]
  return [`It works in this browser${found.notes.length > 0 ? `: ${found.notes.join(", ")}` : ""}.`]
}

/** `machine` is what this browser has, as far as that is known; it counts where the runtime is a browser. */
export function adviceFor(wish: Wish, machine: Machine = []): Advice {
  const backend = BACKENDS.find(({ name }) => name === wish.compute) ?? BACKENDS[BACKENDS.length - 1]
  const wrong = misfit(backend, wish)
  if (wrong)
    return {
      command: null,
      code: null,
      why: [`${titleOf(backend)}: ${wrong}.`, "Take another compute: the same code runs on each of them."],
    }
  const { note } = RUNTIMES.find(({ name }) => name === wish.runtime) ?? RUNTIMES[0]
  return {
    command: installCommand(backend, wish.manager, wish.runtime),
    code: importLines(backend, wish.runtime),
    why: [
      `${titleOf(backend)}. It needs ${backend.needs}.`,
      packageText(backend),
      ...(wish.runtime === "browser" ? here(backend.name, machine) : []),
      ...(note ? [note] : []),
      "Nothing is compiled or downloaded afterwards, and no install script runs: the command is the same on every system.",
    ],
  }
}

function rank({ name, included, rank }: BackendChoice, machine: Machine): number {
  const found = machine.find((each) => each.name === name)
  const works = found?.works ? (found.software ? 200 : 400) : 0
  // As long as nobody knows what works here, what comes along and needs nothing else.
  return works + (machine.length === 0 && included ? 50 : 0) + rank
}

/** The backends in the order of a machine: what works here, the fastest first and imitated GPUs last, then the others. */
export const computesFor = (machine: Machine): readonly BackendChoice[] =>
  BACKENDS.toSorted((a, b) => rank(b, machine) - rank(a, machine))
