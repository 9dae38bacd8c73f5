/** What this engine's WebAssembly can do. */
import { Worker } from "node:worker_threads"

export interface WebAssemblyFacts {
  /** Vectors of 128 bits. */
  readonly simd: boolean
  /** Relaxed SIMD: fused multiply-add. */
  readonly relaxedSimd: boolean
  /** Whether a second thread can be woken through shared memory. */
  readonly threads: boolean
}

/** A module with one function that has these instructions. */
function moduleOf(instructions: readonly number[]): Uint8Array<ArrayBuffer> {
  // Without locals, ended by `end`.
  const body = [0x00, ...instructions, 0x0b]
  const sections = [
    [0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // one type: no parameters, no results
    [0x03, 0x02, 0x01, 0x00], // one function, of that type
    [0x0a, body.length + 2, 0x01, body.length, ...body], // its code
  ]
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()])
}

/** i32.const 0, i8x16.splat */
const VECTOR = [0x41, 0x00, 0xfd, 0x0f]
const DROP = 0x1a
const SIMD = moduleOf([...VECTOR, DROP])
/** f32x4.relaxed_madd of three vectors. */
const RELAXED = moduleOf([...VECTOR, ...VECTOR, ...VECTOR, 0xfd, 0x85, 0x02, DROP])

/** The part of it that is used; whether there is one at all, the engine decides. */
interface Engine {
  validate(bytes: Uint8Array): boolean
  readonly Memory: new (limits: object) => { readonly buffer: SharedArrayBuffer }
}

const engine = (): Engine | undefined => (globalThis as { WebAssembly?: Engine }).WebAssembly

/** Milliseconds that a thread may take to start on a busy machine. */
const PATIENCE = 10_000

/** Writes 1 into the shared word. */
const WAKER = `
const { workerData } = require("node:worker_threads")
Atomics.store(new Int32Array(workerData), 0, 1)
`

/** Whether a worker writes into memory that this thread sees. */
async function sharesMemory(): Promise<boolean> {
  let worker: Worker | undefined
  try {
    const { buffer } = new (engine()!.Memory)({ initial: 1, maximum: 1, shared: true })
    if (!(buffer instanceof SharedArrayBuffer)) return false
    const started = new Worker(WAKER, { eval: true, workerData: buffer })
    worker = started
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(reject, PATIENCE, new Error("no thread started"))
      started.once("error", reject)
      started.once("exit", () => resolve())
      started.once("exit", () => clearTimeout(timer))
    })
    return Atomics.load(new Int32Array(buffer), 0) === 1
  } catch {
    return false
  } finally {
    await worker?.terminate()
  }
}

export async function webAssemblyFacts(): Promise<WebAssemblyFacts> {
  const validates = (bytes: Uint8Array): boolean => engine()?.validate(bytes) ?? false
  return { simd: validates(SIMD), relaxedSimd: validates(RELAXED), threads: await sharesMemory() }
}
