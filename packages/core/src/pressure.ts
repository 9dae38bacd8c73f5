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
  /** Makes the engine collect, when it is time. Absent where the engine has no such thing. */
  readonly collecting?: Collecting
  /** Resolves in a later task (not a microtask), soon. Without it nothing waits for finalizers. */
  readonly nextTask?: () => Promise<void>
}

/** What collections go by, and what they are told (`CollectingByCost`). */
export interface Collecting {
  /** How many more bytes are let live, beyond those in use, before a collection. */
  readonly budget: number
  /** The most that the devices have; from now on `held` is looked at. */
  begin(held: Held, limit: number): void
  /** Memory was allocated. */
  allocated(): void
  /** A registration was taken back. */
  unregistered(): void
  /** The engine has collected. */
  collected(): void
  /** Collects where it is time, at a point where somebody waits anyway. */
  relieve(nextTask: () => Promise<void>): Promise<void>
}

/** What is held. */
export interface Held {
  /** In bytes, with what the tensors take. */
  readonly liveBytes: number
  /** What was in use after the last collection of all. */
  base: number
  /** What was in use when finalizers were last given a task, or less. */
  seen: number
  /** Whether the engine has collected since `arm`. */
  readonly collected: boolean
  /** Watches for the next collection. `again`: whatever was seen of the last. */
  arm(again?: boolean): void
}

const MB = 2 ** 20
/** A tensor's own objects, which live as long as its memory. */
const OVERHEAD = 1024
/** One lot of ballast, and how many bytes of ours it stands for: the engine collects every 64 MB of its own or so. */
const LOT = 4 * MB
const LOT_STANDS_FOR = 8 * MB
/** Growth by so much, or this share of the budget, makes await points wait for a task: the engine may have collected by itself. */
const EARLY_BYTES = 2 * MB
const EARLY = 0.25

/** What the engine holds for a finalizer. */
interface Finalizable {
  finalize(): void
}

export class Pressure implements Held {
  private host: Host = {}
  private live = 0
  base = 0
  seen = 0
  /** The most that the devices have, where they say so. */
  private limit = Number.POSITIVE_INFINITY
  private lot: object | null = null
  private lotLeft = 0
  private registry: FinalizationRegistry<Finalizable> | null = null
  private armed = false
  collected = false

  /** Takes what the platform offers, in place of what was known. */
  install(host: Host): void {
    this.host = host
    host.collecting?.begin(this, this.limit)
  }

  /** A device has so many bytes in all: a budget is never more than a quarter of that. */
  atMost(bytes: number): void {
    if (bytes < this.limit) this.limit = bytes
    this.host.collecting?.begin(this, this.limit)
  }

  get liveBytes(): number {
    return this.live
  }

  /** How many more bytes are let live, beyond those in use, before a collection is asked for. */
  get budgetBytes(): number {
    return this.host.collecting?.budget ?? this.limit / 4
  }

  /** Calls `held.finalize` after `owner` was collected. */
  register(owner: WeakKey, held: Finalizable): void {
    this.finalizers().register(owner, held, owner)
  }

  unregister(owner: WeakKey): void {
    this.registry?.unregister(owner)
    this.host.collecting?.unregistered()
  }

  /** Notes an allocation. What it returns must live as long as the memory does. */
  allocated(bytes: number): object | null {
    this.live += bytes + OVERHEAD
    if (this.collected) this.settle()
    if (this.host.collecting) {
      this.host.collecting.allocated()
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
    return this.live - Math.max(this.base, this.seen) > Math.min(EARLY_BYTES, this.budgetBytes * EARLY)
  }

  /** Lets finalizers run and collects, where it is time and the host can. */
  async relieve(): Promise<void> {
    const { collecting, nextTask } = this.host
    if (!this.waits || !nextTask) return
    this.arm()
    await nextTask()
    this.seen = this.live
    await collecting?.relieve(nextTask)
  }

  /** The engine has collected; all or only the young, nobody knows. */
  private settle(): void {
    const { collecting } = this.host
    this.collected = false
    if (!collecting || this.live < this.base) this.base = this.live
    collecting?.collected()
  }

  /** Lets an object go, whose finalizer tells of the next collection. */
  arm(again = false): void {
    if (again) this.armed = this.collected = false
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
