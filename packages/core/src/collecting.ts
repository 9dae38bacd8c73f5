/**
 * When to make the engine collect, where the host can: after a budget of growth, which follows what collections cost, at points
 * where somebody waits anyway, or far beyond it at an allocation.
 */
import type { Collecting, Held } from "./pressure.ts"

const MB = 2 ** 20
/** Between these the budget follows what collections cost; above, it may be as large as what is in use. */
const LEAST_BUDGET = 4 * MB
/** Where most loops settle: one that begins much lower would hold several times as much after a while as at its beginning. */
const FIRST_BUDGET = 32 * MB
const MOST_BUDGET = 256 * MB
/** What so many collections took is remembered, and the middle one counts; a few must be known. */
const REMEMBERED = 9
const FEWEST = 3
/** Of the time between collections, what they may take before the budget is raised, and below which it is halved. */
const DEAR = 0.045
const CHEAP = 0.015
/** How often the young are left out after they were of no help: which freed less than this share. */
const SKIPS = 8
const HELP = 0.25
/** Tasks to wait for finalizers after a collection. */
const PATIENCE = 6
/** Growth by more than this share, after the young were collected, calls for a collection of all. */
const LITTLE = 0.5

/** By how much to change the budget, where collections took these parts of the time: raised at once, and by no more than is needed. */
function factorFor(shares: readonly number[]): number {
  const median = [...shares].sort((a, b) => a - b)[shares.length >> 1]
  if (median > DEAR) return median / DEAR
  return median < CHEAP ? 0.5 : 1
}

/**
 * So many registrations taken back call for a collection. In older engines what was registered outlives its youth, and a few
 * kilobytes a step pile up until the engine finds some 50 MB worth its while.
 */
const TAKEN_BACK = 2 ** 16
/** Of the time, what these collections may take. */
const SWEEPING = 0.01

/** Collects garbage, all of it or only what is young, before it returns. */
export type Collect = (what: "all" | "young") => void

const NOTHING_HELD: Held = { liveBytes: 0, base: 0, seen: 0, collected: false, arm() {} }

export class CollectingByCost implements Collecting {
  budget = FIRST_BUDGET
  /** May be replaced, by who measures. */
  collect: Collect
  private readonly now: () => number
  private held = NOTHING_HELD
  private limit = Number.POSITIVE_INFINITY
  /** So many times more the young are not tried alone: they were of no help (older engines finalize nothing then). */
  private skips = 0
  /** Where an allocation asks for a collection by itself: loops that await nothing of the library. */
  private alarm = 2 * FIRST_BUDGET
  private relieving = false
  private lastEnd: number | null = null
  private lastRing = Number.NEGATIVE_INFINITY
  /** Registrations taken back since the last collection of all, and when the next sweep may be. */
  private takenBack = 0
  private nextSweep = Number.NEGATIVE_INFINITY
  /** The parts of the time that the last few collections took. */
  private shares: number[] = []

  /**
   * `now`: milliseconds from any origin, best of the processor's time, so that other processes do not make collections look
   * dear, for which memory would be held for good.
   */
  constructor(collect: Collect, now: () => number = Date.now) {
    this.collect = collect
    this.now = now
  }

  begin(held: Held, limit: number): void {
    this.held = held
    this.limit = limit
    this.budget = Math.min(this.budget, limit / 4)
    this.collected()
  }

  collected(): void {
    this.alarm = this.held.base + 2 * this.budget
  }

  allocated(): void {
    if (this.held.liveBytes > this.alarm) this.ring()
  }

  unregistered(): void {
    if (++this.takenBack > TAKEN_BACK) this.sweep()
  }

  async relieve(nextTask: () => Promise<void>): Promise<void> {
    const { held } = this
    if (this.relieving || held.liveBytes - held.base <= this.budget) return
    this.relieving = true
    try {
      const start = this.now()
      if (this.skips > 0) this.skips--
      else {
        const before = held.liveBytes
        await this.collectAndWait("young", nextTask)
        if (before - held.liveBytes < (before - held.base) * HELP) this.skips = SKIPS
      }
      if (held.liveBytes - held.base > this.budget * LITTLE) {
        await this.collectAndWait("all", nextTask)
        held.base = held.liveBytes
      }
      held.seen = held.liveBytes
      const end = this.now()
      if (this.lastEnd !== null) this.adapt(end - start, start - this.lastEnd)
      this.lastEnd = end
    } finally {
      this.relieving = false
    }
  }

  /** Collects what registrations left behind. */
  private sweep(): void {
    this.takenBack = 0
    const start = this.now()
    if (start < this.nextSweep) return
    this.collect("all")
    const end = this.now()
    this.nextSweep = end + (end - start) / SWEEPING
  }

  private async collectAndWait(what: "all" | "young", nextTask: () => Promise<void>): Promise<void> {
    this.held.arm(true)
    this.collect(what)
    if (what === "all") this.takenBack = 0
    for (let i = 0; i < PATIENCE && !this.held.collected; i++) await nextTask()
  }

  /**
   * An allocation far beyond the budget: whoever awaits, if not of the library, lets the finalizers run. What is still in use
   * cannot be collected, so a loop that needs much at a time raises the budget by what this costs it.
   */
  private ring(): void {
    this.held.arm()
    const start = this.now()
    this.collect("all")
    const end = this.now()
    if (end - start > DEAR * (start - this.lastRing)) this.setBudget(2 * this.budget)
    this.lastRing = end
    this.alarm = this.held.liveBytes + this.budget
  }

  /** A collection cost so much after so long a time. */
  private adapt(cost: number, since: number): void {
    this.shares.push(cost / Math.max(since, cost))
    if (this.shares.length > REMEMBERED) this.shares.shift()
    if (this.shares.length >= FEWEST) this.setBudget(this.budget * factorFor(this.shares))
    this.collected()
  }

  /** Collections cost the same, and come the rarer the larger the budget is. */
  private setBudget(bytes: number): void {
    const before = this.budget
    this.budget = this.bounded(bytes)
    if (this.budget !== before) this.shares = this.shares.map((share) => (share * before) / this.budget)
  }

  private bounded(budget: number): number {
    const most = Math.min(Math.max(MOST_BUDGET, this.held.base), this.limit / 4)
    return Math.min(Math.max(budget, LEAST_BUDGET), most)
  }
}
