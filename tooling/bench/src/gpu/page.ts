/** One library in a page of its own: what it asks of the GPU, and how long that takes. */
import { COUNT_NAMES, countGpu, difference, type GpuCounts } from "./counts.ts"
import { MODEL_NAMES, type ModelName } from "./models.ts"
import { type GpuLibrary, ISSUED, TINY_NAMES, type TinyOp } from "./works.ts"

const LIBRARIES = {
  taeda: async () => (await import("./taeda.ts")).openTaeda(),
  tfjs: async () => (await import("./tfjs.ts")).openTfjs(),
  jax: async () => (await import("./jax.ts")).openJax(),
  ort: async () => (await import("./ort.ts")).openOrt(),
} as const satisfies Record<string, () => Promise<GpuLibrary>>
export type LibraryName = keyof typeof LIBRARIES

export interface GpuTask {
  readonly library: LibraryName
  readonly works: readonly string[]
  /** How often all works are measured, one after the other. */
  readonly rounds: number
}

/** What a work takes, and what it does to the GPU, each time. */
export interface GpuSample {
  readonly work: string
  /** Milliseconds. */
  readonly ms: number
  /** Tiny operations: milliseconds of one and the reading of its result. */
  readonly latencyMs?: number
  readonly counts: GpuCounts
  /** What came out at first, to be compared with the others': losses of the first steps, or a result. */
  readonly values: readonly number[]
}

/** What the page tells. "turn" asks for the machine, and waits until it has it; "done" gives it back. */
export type Told = "turn" | "done" | { readonly adapter: string } | GpuSample | GpuFailure
export interface GpuFailure {
  readonly work: string
  readonly error: string
}

/** The first runs: pipelines are compiled, and buffers for reuse collect. */
const WARM_UP = 5
const BUDGET_MS = 700
const LEAST = 3
const MOST = 200

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

type State = () => GpuCounts
type Measured = Pick<GpuSample, "ms" | "latencyMs" | "counts">

/** A work that is ready: what came out of its first runs, and what measures it. */
interface Ready {
  readonly values: readonly number[]
  measure(): Promise<Measured>
}

/** Medians of the time and of each count, over runs that come one after the other. */
async function medians(state: State, run: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = []
  const counts: GpuCounts[] = []
  const end = performance.now() + BUDGET_MS
  while (times.length < LEAST || (times.length < MOST && performance.now() < end)) {
    const before = state()
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
    counts.push(difference(before, state()))
    // Finalizers run between tasks; what they do is no part of the work.
    await new Promise((resolve) => setTimeout(resolve))
  }
  const middle = COUNT_NAMES.map((name) => [name, median(counts.map((c) => c[name]))])
  return { ms: median(times), counts: Object.fromEntries(middle) }
}

/** Runs it a few times, and gives all that came out. */
async function warmUp(run: () => Promise<ArrayLike<number>>): Promise<number[]> {
  const values: number[] = []
  for (let i = 0; i < WARM_UP; i++) values.push(...Array.from(await run()))
  return values
}

type Maker = (library: GpuLibrary, state: State) => Promise<Ready | null>

const training =
  (model: ModelName): Maker =>
  async (library, state) => {
    const step = library.train(model)
    if (!step) return null
    return { values: await warmUp(async () => [await step()]), measure: () => medians(state, step) }
  }

const inference =
  (model: ModelName): Maker =>
  async (library, state) => {
    const forward = await library.forward(model)
    return { values: await warmUp(forward), measure: () => medians(state, forward) }
  }

const tiny =
  (op: TinyOp): Maker =>
  async (library, state) => {
    const issue = await library.tiny(op)
    if (!issue) return null
    const values = await warmUp(() => issue(1))
    await issue(ISSUED)
    return {
      values,
      async measure() {
        const { ms, counts } = await medians(state, () => issue(ISSUED))
        const { ms: latencyMs } = await medians(state, () => issue(1))
        const each = COUNT_NAMES.map((name) => [name, counts[name] / ISSUED])
        return { ms: ms / ISSUED, latencyMs, counts: Object.fromEntries(each) }
      },
    }
  }

const MAKERS: ReadonlyMap<string, Maker> = new Map([
  ...MODEL_NAMES.map((name) => [`${name} step`, training(name)] as const),
  ...MODEL_NAMES.map((name) => [`${name} forward`, inference(name)] as const),
  ...TINY_NAMES.map((name) => [name, tiny(name)] as const),
])

async function adapterText(): Promise<string> {
  const adapter = await navigator.gpu?.requestAdapter()
  if (!adapter) throw new Error("there is no WebGPU in this page")
  const { vendor, architecture, device, description } = adapter.info
  return [vendor, architecture, device, description].filter((text) => text !== "").join(" ")
}

export async function main(
  { library: name, works, rounds }: GpuTask,
  tell: (told: Told) => Promise<void>,
): Promise<void> {
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    await tell("turn")
    try {
      return await work()
    } finally {
      await tell("done")
    }
  }
  await tell({ adapter: await adapterText() })
  const state = countGpu()
  const library = await inTurn(LIBRARIES[name])
  const prepared = new Map<string, Ready | null>()
  const prepare = async (work: string): Promise<Ready | null> => {
    if (!prepared.has(work)) {
      prepared.set(work, null)
      prepared.set(work, await MAKERS.get(work)!(library, state))
    }
    return prepared.get(work)!
  }
  for (let round = 0; round < rounds; round++)
    for (const work of works)
      await inTurn(async () => {
        try {
          const ready = await prepare(work)
          if (ready) await tell({ work, values: ready.values, ...(await ready.measure()) })
        } catch (error) {
          await tell({ work, error: String((error as Error)?.message ?? error) })
        }
      })
}
