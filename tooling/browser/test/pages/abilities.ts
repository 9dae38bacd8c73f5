/** What the page can do. */
export interface Abilities {
  readonly isolated: boolean
  readonly sharedMemory: boolean
  readonly threads: string
  readonly simd: boolean
  readonly relaxedSimd: boolean
  readonly generatedCode: string
  readonly wasm: string
}

/** The bytes of a WebAssembly module with one function `(v128, v128, v128) -> v128` of one instruction. */
const moduleWith = (...opcode: number[]): Uint8Array<ArrayBuffer> => {
  const body = [0, 0x20, 0, 0x20, 1, 0x20, 2, ...opcode, 0x0b]
  const types = [1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b]
  const section = (id: number, content: number[]) => [id, content.length, ...content]
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(3, [1, 0]),
    ...section(10, [1, body.length, ...body]),
  ])
}

/** `v128.bitselect` and `f32x4.relaxed_madd`. */
const SIMD = moduleWith(0xfd, 0x52)
const RELAXED = moduleWith(0xfd, 0x85, 0x02)

/** "ok", or the name of the error. */
async function attempt(work: () => unknown): Promise<string> {
  try {
    await work()
    return "ok"
  } catch (error) {
    return (error as Error).name
  }
}

/** A worker adds to shared memory while this thread awaits the change, which it also tells the worker to have seen. */
async function shareWithWorker(): Promise<void> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const cell = new Int32Array(memory.buffer)
  const worker = new Worker(new URL("./adder.ts", import.meta.url), { type: "module" })
  try {
    const changed = Atomics.waitAsync(cell, 0, 0, 10_000)
    worker.postMessage(cell)
    if ((await changed.value) === "timed-out" || Atomics.load(cell, 0) !== 42) throw new RangeError("no change came")
  } finally {
    worker.terminate()
  }
}

export async function main(): Promise<Abilities> {
  return {
    isolated: crossOriginIsolated,
    sharedMemory: typeof SharedArrayBuffer === "function",
    threads: await attempt(shareWithWorker),
    simd: WebAssembly.validate(SIMD),
    relaxedSimd: WebAssembly.validate(RELAXED),
    generatedCode: await attempt(() => new Function("return 1")()),
    wasm: await attempt(() => new WebAssembly.Module(SIMD)),
  }
}
