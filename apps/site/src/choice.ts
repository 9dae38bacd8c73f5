/** What somebody chose, and what follows: the command and the first lines, from the table that the installer reads too. */
import {
  BACKENDS,
  type BackendChoice,
  importLines,
  installCommand,
  type PackageManagerChoice,
  RUNTIMES,
  type RuntimeChoice,
  SYSTEMS,
  type SystemChoice,
} from "@taeda/choices"

export interface Choice {
  readonly system: SystemChoice["name"]
  readonly runtime: RuntimeChoice["name"]
  readonly manager: PackageManagerChoice["name"]
  readonly backend: BackendChoice["name"]
}

export const FIRST: Choice = { system: "linux", runtime: "node", manager: "npm", backend: "wasm-simd" }

export interface Outcome {
  readonly command?: string
  readonly code?: string
  readonly notes: readonly string[]
}

const titled = (
  table: readonly { readonly name: string; readonly title: string }[],
  names: readonly string[],
): string => names.map((name) => table.find((each) => each.name === name)?.title ?? name).join(" and ")

/** Why a backend cannot be had; undefined where it can. */
export function misfit({ runtimes, systems }: BackendChoice, { runtime, system }: Choice): string | undefined {
  if (runtimes && !runtimes.includes(runtime)) return `only in ${titled(RUNTIMES, runtimes)}`
  if (systems && !systems.includes(system)) return `only on ${titled(SYSTEMS, systems)}`
  return undefined
}

export const backendOf = ({ backend }: Choice): BackendChoice => BACKENDS.find(({ name }) => name === backend)!

const noteOf = ({ runtime }: Choice): string => RUNTIMES.find(({ name }) => name === runtime)?.note ?? ""

export function outcomeOf(choice: Choice): Outcome {
  const backend = backendOf(choice)
  const wrong = misfit(backend, choice)
  if (wrong !== undefined)
    return { notes: [`The backend ${backend.name}: ${wrong}. The same code runs on the others.`] }
  return {
    command: installCommand(backend, choice.manager, choice.runtime),
    code: importLines(backend, choice.runtime),
    notes: [`It needs ${backend.needs}.`, noteOf(choice)].filter(Boolean),
  }
}

/** A runtime comes with the package manager that people use with it. */
export const withRuntime = (choice: Choice, runtime: Choice["runtime"]): Choice => ({
  ...choice,
  runtime,
  manager: RUNTIMES.find(({ name }) => name === runtime)?.manager ?? choice.manager,
})
