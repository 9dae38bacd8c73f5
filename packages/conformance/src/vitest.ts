/** The suite as tests: one per op and template, each listing every case that failed and why. */

import type { Backend, DType } from "@taeda/core"
import { type CheckGroup, checksOf } from "./checks.ts"
import { GapLedger, type KnownGap } from "./gaps.ts"
import { type Outcome, runGroup } from "./run.ts"
import { openSession } from "./session.ts"

export interface ConformanceOptions {
  /** Opens a backend of the suite's own. */
  readonly backend: () => Backend | Promise<Backend>
  /** What the backend is known to fail. Each must fail, or the tests do. */
  readonly knownGaps?: readonly KnownGap[]
  /** Only these dtypes; by default all. */
  readonly dtypes?: readonly DType[]
  /** Only these ops (`*` stands for anything); by default all. */
  readonly rows?: readonly string[]
  /** false: a few cases of each op. Default true. */
  readonly full?: boolean
  /** How many of its 200 steps a training program takes: all by default, 10 where not `full`. For slow backends. */
  readonly steps?: number
  /** What the tests are called; by default the backend's name. */
  readonly name?: string
  /** Milliseconds for the cases of one op and template. */
  readonly timeout?: number
}

/** What is used of a test framework. */
export interface TestFramework {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void> | void, timeout?: number): unknown
}

/** By a name that no bundler follows: whoever runs the suite without vitest does not need it. */
async function vitest(): Promise<TestFramework> {
  const name = "vitest"
  return (await import(/* @vite-ignore */ name)) as TestFramework
}

const SHOWN = 20

/** Every failure that is not a known gap, a few lines each. */
function complaint(outcomes: readonly Outcome[]): string | undefined {
  const failed = outcomes.filter(({ problems, gap }) => problems.length > 0 && !gap)
  if (failed.length === 0) return undefined
  const lines = failed.slice(0, SHOWN).map(({ check, problems }) => `${check.id}: ${problems.join("\n    ")}`)
  const more = failed.length > SHOWN ? [`and ${failed.length - SHOWN} more`] : []
  return [`${failed.length} of ${outcomes.length} cases failed`, ...lines, ...more].join("\n  ")
}

/** Groups of one op side by side. */
function byOp(groups: readonly CheckGroup[]): Map<string, CheckGroup[]> {
  const ops = new Map<string, CheckGroup[]>()
  for (const group of groups) {
    const mine = ops.get(group.op)
    if (mine) mine.push(group)
    else ops.set(group.op, [group])
  }
  return ops
}

/**
 * Registers the suite's tests for a backend, with vitest or whatever framework is given. Await it at the top level of a
 * test file.
 */
export async function conformance(options: ConformanceOptions, framework?: TestFramework): Promise<void> {
  const { describe, it } = framework ?? (await vitest())
  const { dtypes, rows: ops, full, steps, timeout = 120_000 } = options
  const backend = await options.backend()
  const ledger = new GapLedger(options.knownGaps ?? [])
  const groups = await checksOf(backend, { dtypes, ops, full, steps })
  const session = openSession(backend)
  describe(`conformance of ${options.name ?? backend.name}`, () => {
    for (const [op, mine] of byOp(groups))
      describe(op, () => {
        for (const group of mine)
          it(
            `${group.template} (${group.checks.length})`,
            async () => {
              const text = complaint(await runGroup(session, group, ledger))
              if (text) throw new Error(text)
            },
            timeout,
          )
      })
    it("has no known gap that is none any more", () => {
      const closed = ledger.closed()
      if (closed.length > 0) throw new Error(closed.join("\n"))
    })
  })
}
