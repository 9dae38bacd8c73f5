/** The backend's linear memory: made as large as the engine lets it become, seen through typed arrays, shared out by the allocator. */
import { Allocator } from "./allocator.ts"
import { PAGE, type WasmMemory, webAssembly } from "./webassembly.ts"

/** Bytes that belong to one thread alone while it runs a kernel. */
export const SCRATCH_BYTES = 2 * 2 ** 20

/**
 * The low end of the memory, which no buffer ever gets. The first kilobyte stays unused, so that address 0 is never a buffer's;
 * then come the words by which threads agree (`threads.ts`) and the arguments of the launch that is running.
 */
export const LAYOUT = { control: 1024, controlBytes: 3072, frame: 4096, frameBytes: 28672, scratch: 32768 } as const

/** Every block is followed by so many bytes at least that are inside the memory, so that a vector may be read over its end. */
const TAIL = 64

/** Room for the first tensors, so that a small program never grows its memory. */
const FIRST_BYTES = 16 * 2 ** 20

/** The most pages of memories with addresses of 32 and of 64 bits; the latter is what engines allow today. */
const MOST_PAGES = 65536
const MOST_PAGES_64 = 262144
const LEAST_PAGES = 256

export interface LinearMemoryOptions {
  /** Whether other threads can use it. */
  readonly shared: boolean
  /** Addresses of 64 bits. */
  readonly memory64: boolean
  /** Threads that get a scratch area. */
  readonly threads: number
  /** The most bytes that it may have. Default: what the engine allows. */
  readonly maximumBytes?: number
}

export class LinearMemory {
  readonly memory: WasmMemory
  readonly shared: boolean
  readonly memory64: boolean
  /** What the memory was made with, and therefore what modules must state. */
  readonly maximumPages: number
  readonly threads: number
  readonly allocator: Allocator
  /** The whole memory. These are replaced when it grows: read the field, do not keep the array. */
  u8!: Uint8Array
  i8!: Int8Array
  u16!: Uint16Array
  i16!: Int16Array
  u32!: Uint32Array
  i32!: Int32Array
  f32!: Float32Array
  f64!: Float64Array
  i64!: BigInt64Array

  /** @throws RangeError when the engine refuses even a small memory. */
  constructor({ shared, memory64, threads, maximumBytes }: LinearMemoryOptions) {
    this.shared = shared
    this.memory64 = memory64
    this.threads = threads
    const start = LAYOUT.scratch + threads * SCRATCH_BYTES
    const first = Math.ceil((start + FIRST_BYTES) / PAGE)
    const most = Math.min(memory64 ? MOST_PAGES_64 : MOST_PAGES, Math.ceil((maximumBytes ?? Number.MAX_VALUE) / PAGE))
    const { memory, maximumPages } = reserve(Math.min(first, most), most, shared, memory64)
    this.memory = memory
    this.maximumPages = maximumPages
    this.refresh()
    this.allocator = new Allocator({
      start,
      end: memory.buffer.byteLength - TAIL,
      limit: maximumPages * PAGE - TAIL,
      grow: (minimum, preferred) => this.grow(minimum, preferred),
      advice: memory64 ? "" : ADVICE_64,
    })
  }

  /** The address of a thread's own memory, 64-byte aligned; the caller of launches is thread 0. */
  scratch(thread: number): number {
    return LAYOUT.scratch + thread * SCRATCH_BYTES
  }

  /** Where the blocks may end then. */
  private grow(minimum: number, preferred: number): number {
    for (const end of [preferred, minimum]) {
      const pages = Math.ceil((end + TAIL) / PAGE) - this.u8.length / PAGE
      try {
        this.memory.grow(this.memory64 ? BigInt(pages) : pages)
        this.refresh()
        break
      } catch {
        // The engine refused: a smaller step may do, and otherwise the allocator says what is to be said.
      }
    }
    return this.u8.length - TAIL
  }

  private refresh(): void {
    const { buffer } = this.memory
    this.u8 = new Uint8Array(buffer)
    this.i8 = new Int8Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.i16 = new Int16Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.f32 = new Float32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.i64 = new BigInt64Array(buffer)
  }
}

/** The core adds what else a person can do. */
const ADVICE_64 = "Where the engine has 64-bit memories, the backend's option `memory64: true` goes beyond 4 GiB."

/** A memory whose maximum is as large as the engine is ready to reserve, which on phones is far less than is possible. */
function reserve(
  first: number,
  most: number,
  shared: boolean,
  memory64: boolean,
): { memory: WasmMemory; maximumPages: number } {
  const { Memory } = webAssembly()
  for (let maximum = most; ; maximum = Math.floor(maximum / 2)) {
    try {
      const memory = memory64
        ? new Memory({ initial: BigInt(first), maximum: BigInt(maximum), shared, address: "i64" })
        : new Memory({ initial: first, maximum, shared })
      return { memory, maximumPages: maximum }
    } catch (error) {
      if (maximum / 2 < Math.max(first, LEAST_PAGES)) {
        const kind = `${shared ? "shared " : ""}memory of ${memory64 ? 64 : 32}-bit addresses`
        throw new RangeError(`wasm: the engine refuses a ${kind}, even of ${(maximum * PAGE) / 2 ** 20} MiB: ${error}`)
      }
    }
  }
}
