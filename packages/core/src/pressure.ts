/**
 * How much memory is held that the engine's collector does not know, and when to make it collect.
 *
 * Storages that nobody holds are freed by finalizers, which run after a collection and between tasks. The engine, seeing
 * only the few hundred bytes of each tensor, would collect far too late. So the bytes are counted, and after a budget of
 * growth a collection is asked for: by a function of the host's where there is one, else by ballast, memory that the engine
 * does see, tied to the storages. Where the library is awaited anyway (`item`, `data`, loaders), it then waits for one task
 * more, so that the finalizers come to run. The core knows no platform: who does installs a `Host`.
 */

/** What the platform offers. */
export interface Host {
  /** Collects garbage, all of it or only what is young, before it returns. Absent where the engine has no such thing. */
  readonly collect?: (what: "all" | "young") => void
  /** Resolves in a later task (not a microtask), soon. Without it nothing waits for finalizers. */
  readonly nextTask?: () => Promise<void>
  /**
   * Milliseconds from any origin: best of the processor's time, so that other processes do not make collections look dear,
   * for which memory would be held for good.
   */
  readonly now?: () => number
}

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
/** A tensor's own objects, which live as long as its memory. */
const OVERHEAD = 1024
/** One lot of ballast, and how many bytes of ours it stands for: the engine collects every 64 MB of its own or so. */
const LOT = 4 * MB
const LOT_STANDS_FOR = 8 * MB
/** How often the young are left out after they were of no help. */
const SKIPS = 8
/** Tasks to wait for finalizers after a collection. */
const PATIENCE = 6
/** Growth by so much, or this share of the budget, makes await points wait for a task: the engine may have collected by itself. */
const EARLY_BYTES = 2 * MB
const EARLY = 0.25
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

/** What the engine holds for a finalizer. */
interface Finalizable {
  finalize(): void
}

export class Pressure {
  private host: Host = {}
  private live = 0
  /** What was in use after the last collection of all. */
  private base = 0
  /** What was in use when finalizers were last given a task, or less. */
  private seen = 0
  /** So many times more the young are not tried alone: they were of no help (older engines finalize nothing then). */
  private skips = 0
  private budget = FIRST_BUDGET
  /** Where an allocation asks for a collection by itself: loops that await nothing of the library. */
  private alarm = 2 * FIRST_BUDGET
  /** The most that the devices have, where they say so. */
  private limit = Number.POSITIVE_INFINITY
  private lot: object | null = null
  private lotLeft = 0
  private registry: FinalizationRegistry<Finalizable> | null = null
  private armed = false
  private collected = false
  private relieving = false
  private lastEnd: number | null = null
  private lastRing = Number.NEGATIVE_INFINITY
  /** Registrations taken back since the last collection of all, and when the next sweep may be. */
  private takenBack = 0
  private nextSweep = Number.NEGATIVE_INFINITY
  /** The parts of the time that the last few collections took. */
  private shares: number[] = []

  /** Takes what the platform offers, in place of what was known. */
  install(host: Host): void {
    this.host = host
  }

  /** A device has so many bytes in all: a budget is never more than a quarter of that. */
  atMost(bytes: number): void {
    if (bytes < this.limit) this.limit = bytes
    this.budget = Math.min(this.budget, this.limit / 4)
    this.alarm = this.base + 2 * this.budget
  }

  /** Bytes held, with what their tensors take. */
  get liveBytes(): number {
    return this.live
  }

  /** How many more bytes are let live, beyond those in use, before a collection is asked for. */
  get budgetBytes(): number {
    return this.budget
  }

  /** Calls `held.finalize` after `owner` was collected. */
  register(owner: WeakKey, held: Finalizable): void {
    this.finalizers().register(owner, held, owner)
  }

  unregister(owner: WeakKey): void {
    this.registry?.unregister(owner)
    if (++this.takenBack > TAKEN_BACK) this.sweep()
  }

  /** Notes an allocation. What it returns must live as long as the memory does. */
  allocated(bytes: number): object | null {
    this.live += bytes + OVERHEAD
    if (this.collected) this.settle()
    if (this.host.collect) {
      if (this.live > this.alarm) this.ring()
      return null
    }
    this.lotLeft -= bytes + OVERHEAD
    if (this.lotLeft >= 0) return this.lot
    this.lotLeft = LOT_STANDS_FOR - ((bytes + OVERHEAD) % LOT_STANDS_FOR)
    this.lot = new ArrayBuffer(LOT * Math.min(Math.ceil((bytes + OVERHEAD) / LOT_STANDS_FOR), 16))
    return this.lot
  }

  /** Notes that memory was given back. */
  freed(bytes: number): void {
    this.live -= bytes + OVERHEAD
    this.lotLeft = Math.min(this.lotLeft + bytes + OVERHEAD, LOT_STANDS_FOR)
  }

  /** Whether `relieve` would do anything: cheap, for await points. */
  get waits(): boolean {
    if (this.collected) this.settle()
    if (!this.host.nextTask) return false
    if (this.live < this.seen) this.seen = this.live
    return this.live - Math.max(this.base, this.seen) > Math.min(EARLY_BYTES, this.budget * EARLY)
  }

  /** Lets finalizers run and collects, where it is time and the host can. */
  async relieve(): Promise<void> {
    const { collect, nextTask } = this.host
    if (!this.waits || !nextTask) return
    this.arm()
    await nextTask()
    this.seen = this.live
    if (!collect || this.relieving || this.live - this.base <= this.budget) return
    this.relieving = true
    try {
      const start = this.now()
      if (this.skips > 0) this.skips--
      else {
        const before = this.live
        await this.collectAndWait("young", nextTask)
        if (before - this.live < (before - this.base) * EARLY) this.skips = SKIPS
      }
      if (this.live - this.base > this.budget * LITTLE) {
        await this.collectAndWait("all", nextTask)
        this.base = this.live
      }
      this.seen = this.live
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
    if (!this.host.collect || start < this.nextSweep) return
    this.host.collect("all")
    const end = this.now()
    this.nextSweep = end + (end - start) / SWEEPING
  }

  private async collectAndWait(what: "all" | "young", nextTask: () => Promise<void>): Promise<void> {
    this.armed = false
    this.collected = false
    this.arm()
    this.host.collect!(what)
    if (what === "all") this.takenBack = 0
    for (let i = 0; i < PATIENCE && !this.collected; i++) await nextTask()
  }

  /**
   * An allocation far beyond the budget: whoever awaits, if not of the library, lets the finalizers run. What is still in use
   * cannot be collected, so a loop that needs much at a time raises the budget by what this costs it.
   */
  private ring(): void {
    this.arm()
    const start = this.now()
    this.host.collect!("all")
    const end = this.now()
    if (end - start > DEAR * (start - this.lastRing)) this.setBudget(2 * this.budget)
    this.lastRing = end
    this.alarm = this.live + this.budget
  }

  /** A collection cost so much after so long a time. */
  private adapt(cost: number, since: number): void {
    this.shares.push(cost / Math.max(since, cost))
    if (this.shares.length > REMEMBERED) this.shares.shift()
    if (this.shares.length >= FEWEST) this.setBudget(this.budget * factorFor(this.shares))
    this.alarm = this.base + 2 * this.budget
  }

  /** Collections cost the same, and come the rarer the larger the budget is. */
  private setBudget(bytes: number): void {
    const before = this.budget
    this.budget = this.bounded(bytes)
    if (this.budget !== before) this.shares = this.shares.map((share) => (share * before) / this.budget)
  }

  private bounded(budget: number): number {
    const most = Math.min(Math.max(MOST_BUDGET, this.base), this.limit / 4)
    return Math.min(Math.max(budget, LEAST_BUDGET), most)
  }

  /** The engine has collected; all or only the young, nobody knows. */
  private settle(): void {
    this.collected = false
    if (!this.host.collect || this.live < this.base) this.base = this.live
    this.alarm = this.base + 2 * this.budget
  }

  /** Lets an object go, whose finalizer tells of the next collection. */
  private arm(): void {
    if (this.armed) return
    this.armed = true
    const sign: Finalizable = {
      finalize: () => {
        this.armed = false
        this.collected = true
      },
    }
    this.finalizers().register({}, sign)
  }

  private finalizers(): FinalizationRegistry<Finalizable> {
    return (this.registry ??= new FinalizationRegistry((held) => held.finalize()))
  }

  private now(): number {
    return this.host.now ? this.host.now() : Date.now()
  }
}

/** Of all devices together: a collection is of everything. */
export const pressure = new Pressure()

/**
 * Tells the library what the platform offers for memory that the engine's collector does not know: a way to collect, and a
 * way to wait for the next task. `taeda` does so when it opens a device that needs it; who opens backends by hand may.
 */
export const installHost = (host: Host): void => pressure.install(host)

/**
 * For code that is awaited once in a while, as a loader is: lets memory that nobody holds any more be given back, where
 * enough of it waits. Returns null, and costs nothing, where there is nothing to wait for.
 */
export const relief = (): Promise<void> | null => (pressure.waits ? pressure.relieve() : null)
