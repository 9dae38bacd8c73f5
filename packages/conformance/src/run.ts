/** Runs the suite against a backend, without any test framework. */

import type { Backend } from "@taeda/core"
import { type Check, type CheckGroup, checksOf, type Selection } from "./checks.ts"
import { takeUse } from "./compare.ts"
import { GapLedger, type KnownGap } from "./gaps.ts"
import type { CaseResult, Failure, Report } from "./report/report.ts"
import { openSession, type Session } from "./session.ts"

/** What is used of an AbortSignal, which is a type of platforms. */
export interface Signal {
  readonly aborted: boolean
  throwIfAborted(): void
}

export interface RunOptions extends Selection {
  /** A backend of one's own for this run, or how to open one; it is disposed of at the end. */
  readonly backend: Backend | (() => Backend | Promise<Backend>)
  readonly knownGaps?: readonly KnownGap[]
  /** Called after each group with what has been run; a promise that it gives is awaited. */
  readonly onGroup?: (progress: Progress) => unknown
  /** Ends the run before its next group, which then rejects with the signal's reason. */
  readonly signal?: Signal
}

export interface Progress {
  readonly op: string
  readonly template: string
  readonly done: number
  readonly total: number
  readonly failed: number
}

export interface Outcome {
  readonly check: Check
  readonly problems: readonly string[]
  readonly gap?: KnownGap
  readonly milliseconds: number
  /** Of its tolerance, what the loosest element used: 0 to 1. */
  readonly toleranceUsed: number
}

/** Runs the checks of a group one after another. */
export async function runGroup(session: Session, group: CheckGroup, ledger: GapLedger): Promise<Outcome[]> {
  ledger.begin(group)
  const outcomes: Outcome[] = []
  for (const check of group.checks) {
    takeUse()
    const start = performance.now()
    const problems = await session.run(check.run)
    const milliseconds = performance.now() - start
    const gap = ledger.settle(check, problems.length > 0)
    outcomes.push({ check, problems, gap, milliseconds, toleranceUsed: takeUse() })
  }
  return outcomes
}

/** Microseconds are as much as a clock is good for, and three digits as much as an error is. */
const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000
const threeDigits = (share: number): number => Number(share.toPrecision(3))

/** The outcomes of all templates, by case. */
export function byCase(outcomes: readonly Outcome[]): CaseResult[] {
  const cases = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const key = `${outcome.check.op}\n${outcome.check.id}`
    const known = cases.get(key)
    if (known) known.push(outcome)
    else cases.set(key, [outcome])
  }
  return [...cases.values()].map((mine): CaseResult => {
    const { id, op, dtype } = mine[0].check
    const wrong = mine.filter(({ problems }) => problems.length > 0)
    const unexpected = wrong.filter(({ gap }) => !gap)
    const toleranceUsed = Math.max(...mine.map((each) => each.toleranceUsed))
    const failures = wrong.map(({ check, problems }): Failure => ({ template: check.template, problems }))
    return {
      id,
      op,
      dtype,
      status: unexpected.length > 0 ? "failed" : wrong.length > 0 ? "gap" : "passed",
      templates: mine.map(({ check }) => check.template),
      milliseconds: rounded(mine.reduce((sum, each) => sum + each.milliseconds, 0)),
      ...(toleranceUsed > 0 && { toleranceUsed: threeDigits(toleranceUsed) }),
      ...(failures.length > 0 && { failures }),
      ...(wrong.length > unexpected.length && { gap: wrong.find(({ gap }) => gap)!.gap!.reason }),
    }
  })
}

const countOf = (cases: readonly CaseResult[], status: CaseResult["status"]): number =>
  cases.filter((each) => each.status === status).length

/** Runs what the options select and resolves to what was found; it rejects only when the backend cannot be opened. */
export async function runConformance(options: RunOptions): Promise<Report> {
  const start = Date.now()
  const backend = typeof options.backend === "function" ? await options.backend() : options.backend
  const ledger = new GapLedger(options.knownGaps ?? [])
  const groups = await checksOf(backend, options)
  const session = openSession(backend)
  const outcomes: Outcome[] = []
  let failed = 0
  try {
    for (const [done, group] of groups.entries()) {
      options.signal?.throwIfAborted()
      const mine = await runGroup(session, group, ledger)
      failed += mine.filter(({ problems, gap }) => problems.length > 0 && !gap).length
      outcomes.push(...mine)
      await options.onGroup?.({ op: group.op, template: group.template, done: done + 1, total: groups.length, failed })
    }
  } finally {
    backend.dispose()
  }
  const cases = byCase(outcomes)
  return {
    backend: backend.name,
    passed: countOf(cases, "passed"),
    failed: countOf(cases, "failed"),
    gaps: countOf(cases, "gap"),
    closedGaps: ledger.closed(),
    milliseconds: Date.now() - start,
    cases,
  }
}
