/** A fresh project of one kind. */
import type { Launched } from "@taeda/browser"
import type { Person } from "./project.ts"

/** What scenarios share in a run. */
export interface Run {
  readonly person: Person
  /** The address of the registry. */
  readonly registry: string
  /** Started when it is first asked for. */
  browser(): Promise<Launched>
}

export interface Scenario {
  readonly name: string
  /** @throws {Error} where the packages do not work there. */
  run(run: Run): Promise<void>
}
