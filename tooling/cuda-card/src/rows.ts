/** What a run finds, line by line: processes write lines of JSON, and the report is made of them at any time. */

/** A time of a work. */
export interface TimeRow {
  readonly kind: "time"
  readonly part: string
  readonly work: string
  /** "taeda", "taeda with cuBLASLt", "PyTorch", … */
  readonly who: string
  /** The median of one run, on the device's clock, or the host's where launches are what is measured. */
  readonly ms: number
  readonly amount: number
  readonly unit: string
}

/** Something that is said of the machine or of a part. */
export interface FactRow {
  readonly kind: "fact"
  readonly part: string
  readonly name: string
  readonly text: string
}

/** What an op of the suite came to. */
export interface SuiteRow {
  readonly kind: "suite"
  readonly part: string
  readonly op: string
  readonly passed: number
  readonly failed: number
  readonly gaps: number
  readonly failures: readonly string[]
}

/** Something that went wrong; the run goes on. */
export interface FailureRow {
  readonly kind: "failure"
  readonly part: string
  readonly what: string
  readonly text: string
}

export type Row = TimeRow | FactRow | SuiteRow | FailureRow

/** The rows in what a process printed; lines that are none are for people. */
export function rowOf(line: string): Row | null {
  if (!line.startsWith('{"kind"')) return null
  try {
    return JSON.parse(line) as Row
  } catch {
    return null
  }
}

export const print = (row: Row): void => {
  process.stdout.write(`${JSON.stringify(row)}\n`)
}

/** Says what went wrong in `what`, and gives null then. */
export async function attempt<T>(part: string, what: string, body: () => T | Promise<T>): Promise<T | null> {
  try {
    return await body()
  } catch (error) {
    print({ kind: "failure", part, what, text: String((error as Error).message ?? error).slice(0, 2000) })
    return null
  }
}
