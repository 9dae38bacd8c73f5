/**
 * A pool of threads over one shared memory. A job is a kernel, its frame and a number of independent units of work; threads claim
 * chunks of these, the caller among them, so that a job is done even if no worker ever starts. `control.ts` has the words by
 * which they agree, `worker-source.ts` the workers' side.
 */
import { CONTROL_WORDS, WORD } from "./control.ts"
import type { KernelRun } from "./instantiate.ts"
import { LAYOUT, type LinearMemory } from "./memory.ts"
import type { Spawn } from "./spawn.ts"

/** A kernel as the pool needs it. */
export interface PooledKernel {
  /** A small number of its own in this memory: 0, 1, 2 and so on. */
  readonly id: number
  /** Its module, from which a worker makes an instance of its own. */
  readonly bytes: Uint8Array
  /** The caller's own instance. */
  readonly run: KernelRun
}

export interface ThreadPoolOptions {
  /**
   * How long a worker looks for work before it goes to sleep, in microseconds. Default 50: long enough for the next launch of a
   * loop, and no more than what waking costs.
   */
  readonly spin?: number
  /** Jobs of fewer microseconds are not shared with workers that are awake. Default 4. */
  readonly worthSharing?: number
  /**
   * For so many microseconds of work one worker that sleeps is woken. Default 60: the call alone takes 10 of the caller's time, and
   * the worker comes later still.
   */
  readonly worthWaking?: number
}

/** Chunks per thread: enough that a thread that was held up leaves its share to the others. */
const CHUNKS_PER_THREAD = 16
/** So many workers the caller wakes itself; they wake the others. */
const WAKES = 2
/** So many milliseconds the caller looks for the end of a job before it lets the system run something else. */
const PATIENCE = 0.1
/** Turns of looking between two looks at the clock. */
const TURNS = 1000
/** What the caller sleeps at a time, in milliseconds: nobody has to wake it. */
const NAP = 1

export class ThreadPool {
  /** Threads that compute when all have started, the caller included. */
  readonly threads: number
  /** Why there are fewer than asked for, for a person. */
  note: string | null = null
  private readonly memory: LinearMemory
  private readonly words: Int32Array
  private readonly ends: (() => void)[] = []
  private readonly mayWait: boolean
  /** The options, in milliseconds. */
  private readonly spin: number
  private readonly worthSharing: number
  private readonly worthWaking: number
  /** Where the bytes of a kernel lie for the workers, by its id. */
  private readonly codes: number[] = []
  /** What a unit took of late, in milliseconds, by the kernel's id. */
  private readonly costs: number[] = []
  /** Work that was done alone of late because workers slept, in milliseconds, and when that was. */
  private missed = 0
  private missedAt = 0
  private disposed = false

  /** Starts a worker for each thread of the memory but the caller's, in the background. Without `spawn` there are none. */
  constructor(memory: LinearMemory, spawn: Spawn | null, options: ThreadPoolOptions = {}) {
    const { spin = 50, worthSharing = 4, worthWaking = 60 } = options
    this.memory = memory
    this.spin = spin / 1000
    this.worthSharing = worthSharing / 1000
    this.worthWaking = worthWaking / 1000
    const workers = spawn && memory.shared ? memory.threads - 1 : 0
    this.threads = workers + 1
    const { buffer } = memory.u8
    // Shared memory is never moved: these words stay where they are when it grows.
    this.words = new Int32Array(buffer, LAYOUT.control, CONTROL_WORDS)
    this.mayWait = workers > 0 && canWait(this.words)
    for (let thread = 1; thread <= workers; thread++) {
      const start = {
        memory: memory.memory,
        control: LAYOUT.control,
        scratch: memory.scratch(thread),
        spin: this.spin,
      }
      const end = (spawn as Spawn)(start, (reason) => {
        this.note = `a worker did not start: ${reason}`
      })
      this.ends.push(end)
    }
  }

  /** Workers that have started so far. */
  get ready(): number {
    return this.threads > 1 && !this.disposed ? Atomics.load(this.words, WORD.ready) : 0
  }

  /**
   * Runs the units [0, units) of a launch, in chunks that are multiples of `grain` units: as many as are worth another thread's
   * while. Returns when all are done: 0, or the first result that was something else.
   *
   * @throws what the kernel threw, in whichever thread.
   */
  run(kernel: PooledKernel, frame: number, units: number, grain: number): number {
    const ready = units > grain ? this.ready : 0
    if (ready === 0) return kernel.run(frame, 0, units, this.memory.scratch(0))
    const expected = (this.costs[kernel.id] ?? Infinity) * units
    if (!this.isWorth(expected, ready) || !this.publish(kernel)) return this.runAlone(kernel, frame, units)
    const most = (ready + 1) * CHUNKS_PER_THREAD
    const size = units > grain * most ? Math.ceil(units / (grain * most)) * grain : grain
    const chunks = Math.ceil(units / size)
    this.open(kernel, frame, units, size, chunks)
    this.wake(Math.min(chunks - 1, this.wakeable(expected)))
    let failure: { error: unknown } | null = null
    try {
      this.work(kernel, frame, units, size, chunks)
    } catch (error) {
      failure = { error }
      this.close()
    }
    this.await(chunks)
    if (failure) throw failure.error
    const { words } = this
    if (words[WORD.thrown] !== 0) throw new Error(`wasm: a kernel failed in a worker: ${this.message()}`)
    return words[WORD.result]
  }

  /** Ends the workers; jobs are the caller's alone from then on. */
  dispose(): void {
    if (this.disposed) return
    this.disposed = true
    if (this.threads === 1) return
    Atomics.store(this.words, WORD.stop, 1)
    Atomics.add(this.words, WORD.signal, 1)
    Atomics.notify(this.words, WORD.signal)
    for (const end of this.ends) end()
  }

  /** Lays the kernel's bytes where workers find them. False if there is no memory for that. */
  private publish({ id, bytes }: PooledKernel): boolean {
    if (this.codes[id] !== undefined) return true
    try {
      const address = this.memory.allocator.reserve(bytes.length)
      this.memory.u8.set(bytes, address)
      this.codes[id] = address
      return true
    } catch {
      return false
    }
  }

  private open({ id, bytes }: PooledKernel, frame: number, units: number, grain: number, chunks: number): void {
    const { words } = this
    Atomics.add(words, WORD.job, 1)
    const code = this.codes[id]
    Atomics.store(words, WORD.kernel, id)
    Atomics.store(words, WORD.codeLow, code | 0)
    Atomics.store(words, WORD.codeHigh, Math.floor(code / 2 ** 32))
    Atomics.store(words, WORD.codeLength, bytes.length)
    words[WORD.frame] = frame
    words[WORD.units] = units
    words[WORD.grain] = grain
    words[WORD.chunks] = chunks
    words[WORD.result] = 0
    words[WORD.thrown] = 0
    words[WORD.done] = 0
    Atomics.store(words, WORD.remaining, chunks)
  }

  /** Whether a job that probably takes so long should be shared. */
  private isWorth(expected: number, ready: number): boolean {
    if (expected < this.worthSharing) return false
    return Atomics.load(this.words, WORD.sleepers) < ready || this.wakeable(expected) > 0
  }

  /** How many workers it is worth waking for a job, and for the others like it that came just before. */
  private wakeable(expected: number): number {
    return this.worthWaking > 0 ? Math.floor((expected + this.missed) / this.worthWaking) : Infinity
  }

  /** Wakes so many workers at most. One that goes to sleep just now has said so before it looks at `remaining` for the last time. */
  private wake(most: number): void {
    const { words } = this
    const count = Math.min(most, Atomics.load(words, WORD.sleepers))
    if (count <= 0) return
    this.missed = 0
    Atomics.store(words, WORD.toWake, count - WAKES)
    Atomics.add(words, WORD.signal, 1)
    Atomics.notify(words, WORD.signal, Math.min(count, WAKES))
  }

  private runAlone(kernel: PooledKernel, frame: number, units: number): number {
    const start = now()
    const result = kernel.run(frame, 0, units, this.memory.scratch(0))
    const end = now()
    this.learn(kernel.id, end - start, units)
    // A stream of short jobs is worth waking somebody for, too.
    this.missed = (start - this.missedAt < this.spin ? this.missed : 0) + end - start
    this.missedAt = end
    return result
  }

  /** The caller's share. */
  private work(kernel: PooledKernel, frame: number, units: number, grain: number, chunks: number): void {
    const { words } = this
    const scratch = this.memory.scratch(0)
    const start = now()
    let done = 0
    for (;;) {
      const left = Atomics.sub(words, WORD.remaining, 1)
      if (left <= 0) break
      const begin = (chunks - left) * grain
      const result = kernel.run(frame, begin, Math.min(units, begin + grain), scratch)
      if (result !== 0) Atomics.compareExchange(words, WORD.result, 0, result)
      Atomics.add(words, WORD.done, 1)
      done++
    }
    if (done > 0) this.learn(kernel.id, now() - start, Math.min(units, done * grain))
  }

  /** Remembers what a unit costs: the mean of late, which also helps where clocks are coarse. */
  private learn(id: number, elapsed: number, units: number): void {
    const cost = elapsed / units
    const before = this.costs[id] ?? cost
    this.costs[id] = before + (cost - before) / 4
  }

  /** The caller's chunk has failed: nobody needs the unclaimed ones any more. */
  private close(): void {
    const left = Math.max(0, Atomics.exchange(this.words, WORD.remaining, 0))
    Atomics.add(this.words, WORD.done, left + 1)
  }

  /** Waits for the chunks that workers have claimed. */
  private await(chunks: number): void {
    const { words } = this
    let deadline = 0
    for (;;) {
      for (let turn = 0; turn < TURNS; turn++) if (Atomics.load(words, WORD.done) === chunks) return
      if (deadline === 0) deadline = now() + PATIENCE
      if (this.mayWait && now() > deadline) this.nap(chunks)
    }
  }

  /** Sleeps until the last chunk is done, or for a moment: a worker may need this very processor. */
  private nap(chunks: number): void {
    const { words } = this
    Atomics.store(words, WORD.callerSleeps, 1)
    const done = Atomics.load(words, WORD.done)
    if (done !== chunks) Atomics.wait(words, WORD.done, done, NAP)
    Atomics.store(words, WORD.callerSleeps, 0)
  }

  private message(): string {
    const { words } = this
    const at = words.byteOffset + 4 * WORD.message
    return String.fromCharCode(...new Uint16Array(words.buffer, at, words[WORD.messageLength]))
  }
}

const clock = (globalThis as unknown as { performance: { now(): number } }).performance
const now = (): number => clock.now()

/** Whether this thread may sleep: a browser's main thread must not. */
function canWait(words: Int32Array): boolean {
  try {
    Atomics.wait(words, WORD.callerSleeps, 1, 0)
    return true
  } catch {
    return false
  }
}
