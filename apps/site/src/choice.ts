/** What somebody chose, and what follows: the command and the first lines, from the table that the installer reads too. */
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

export const backendOf = ({ backend }: Choice): BackendChoice => BACKENDS.find(({ name }) => name === backend)!

const noteOf = ({ runtime }: Choice): string => RUNTIMES.find(({ name }) => name === runtime)?.note ?? ""

export function outcomeOf(choice: Choice): Outcome {
  const backend = backendOf(choice)
  const wrong = misfit(backend, choice)
  if (wrong !== undefined) return { notes: [`${titleOf(backend)}: ${wrong}. The same code runs on the others.`] }
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
