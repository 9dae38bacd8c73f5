/** The processor and the memory. */
import { availableParallelism, cpus, totalmem } from "node:os"

export interface ProcessorFacts {
  readonly model: string
  /** Threads that the machine runs at once, and those that this process may use. */
  readonly logicalCores: number
  readonly usableCores: number
  /** In bytes. */
  readonly memory: number
}

export function processorFacts(): ProcessorFacts {
  const all = cpus()
  return {
    // Some systems, such as Android, tell nothing.
    model: all[0]?.model.replace(/\s+/g, " ").trim() || "unknown",
    logicalCores: all.length,
    usableCores: availableParallelism(),
    memory: totalmem(),
  }
}
