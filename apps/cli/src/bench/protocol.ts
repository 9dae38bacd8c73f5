/** What the process that measures one backend is told, and what it prints, a line of JSON each. */
import type { TableWork } from "@taeda/examples"

export interface Order {
  readonly device: string
  readonly works: readonly TableWork[]
}

export interface Measured {
  readonly work: TableWork
  /** The median, milliseconds; null where the backend cannot do the work. */
  readonly ms: number | null
  /** Why it cannot. */
  readonly reason?: string
}
