/** The backend: memory and launches, all synchronous. */
import {
  type Backend,
  type Buffer,
  CORE,
  DTYPE_NAMES,
  describeKernel,
  type Executable,
  isFloating,
  type Kernel,
  kernelKey,
  type Operand,
  type Scalar,
} from "@taeda/core"
import { addressOfBuffer, WasmBuffer } from "./buffer.ts"
import { type Launch, mapLaunch, reduceLaunch, scanLaunch, scatterLaunch } from "./launch-loops.ts"
import { convLaunch, matmulLaunch } from "./launch-products.ts"
import { sortLaunch } from "./launch-sort.ts"
import { Machine } from "./machine.ts"
import { LinearMemory } from "./memory.ts"
import { detect, requireSimd } from "./platform.ts"
import { findSpawn } from "./spawn.ts"
import type { Target } from "./target.ts"
import { ThreadPool } from "./threads.ts"
import { PAGE } from "./webassembly.ts"

export interface WasmSimdOptions {
  /** Threads that compute, the caller's included. Default: one per core where memory can be shared with workers, else 1. */
  readonly threads?: number
  /** Whether to use relaxed SIMD (fused multiply-add). Default: where the engine has it. */
  readonly relaxed?: boolean
  /** A memory of 64-bit addresses, which may be larger than 4 GiB, and is a little slower. Default: false. */
  readonly memory64?: boolean
  /** The most bytes of memory. Default: what the engine allows. */
  readonly maximumBytes?: number
}

/** A compiled kernel. */
class WasmExecutable {
  readonly run: Launch
  constructor(run: Launch) {
    this.run = run
  }
}

/** `true`, or why the core had better compose a kernel of maps and reductions. */
function supports(kernel: Kernel): true | string {
  if (kernel.kind === "matmul" && kernel.dtype === "bool") return "a sum of bool products is not a sum of numbers"
  if (kernel.kind === "conv" && !isFloating(kernel.dtype))
    return `convolutions here are of floats, not of ${kernel.dtype}`
  if (kernel.kind === "rows") return "a reduction for each stage and a map keep more of what they compute"
  return true
}

function launchOf(kernel: Kernel, machine: Machine): Launch {
  switch (kernel.kind) {
    case "map":
      return mapLaunch(kernel, machine)
    case "reduce":
      return reduceLaunch(kernel, machine)
    case "scan":
      return scanLaunch(kernel, machine)
    case "scatter":
      return scatterLaunch(kernel, machine)
    case "sort":
      return sortLaunch(kernel, machine)
    case "matmul":
      return matmulLaunch(kernel, machine)
    case "conv":
      return convLaunch(kernel, machine)
    case "rows":
      throw new TypeError(String(supports(kernel)))
  }
}

/**
 * Opens a wasm-simd backend: WebAssembly with SIMD, on all cores where the engine lets threads share memory.
 *
 * @throws Error where the engine has no WebAssembly with SIMD, or not what an option asks for, saying what to do.
 */
export async function createWasmSimd(options: WasmSimdOptions = {}): Promise<Backend> {
  const platform = await detect()
  requireSimd(platform)
  const relaxed = options.relaxed ?? platform.relaxed
  if (relaxed && !platform.relaxed)
    throw new Error("wasm: this engine has no relaxed SIMD; leave out the option `relaxed`")
  const memory64 = options.memory64 ?? false
  if (memory64 && !platform.memory64)
    throw new Error("wasm: this engine has no memories of 64-bit addresses; leave out the option `memory64`")
  const wanted = options.threads ?? platform.hardwareConcurrency
  const spawn = wanted > 1 && platform.threads ? await findSpawn() : null
  const threads = spawn ? Math.max(1, Math.floor(wanted)) : 1
  const memory = new LinearMemory({ shared: threads > 1, memory64, threads, maximumBytes: options.maximumBytes })
  const pool = new ThreadPool(memory, spawn)
  await pool.started
  const target: Target = { relaxed, memory64, shared: memory.shared, maximumPages: memory.maximumPages }
  const machine = new Machine(memory, pool, target)
  const { allocator } = memory
  const warmed = new Map<string, WasmExecutable>()
  let open = true

  const check = (): void => {
    if (!open) throw new Error("wasm: the backend was disposed; open a new one with createWasmSimd()")
  }
  const checked = (buffer: Buffer, from: number, count: number): number => {
    check()
    const address = addressOfBuffer(buffer)
    const { bytes } = buffer as unknown as WasmBuffer
    if (from < 0 || count < 0 || from + count > bytes)
      throw new RangeError(`wasm: bytes ${from} to ${from + count} lie outside a buffer of ${bytes} bytes`)
    return address + from
  }
  const readSync = (buffer: Buffer, byteOffset: number, bytes: number): Uint8Array => {
    const from = checked(buffer, byteOffset, bytes)
    const copy = new Uint8Array(bytes)
    copy.set(memory.u8.subarray(from, from + bytes))
    return copy
  }
  const notes = (): string[] => {
    const why = platform.withoutThreads ?? pool.note
    return [
      relaxed ? "relaxed SIMD (fused multiply-add)" : "SIMD without fused multiply-add",
      `${pool.threads > 1 ? `${pool.threads} threads` : "one thread"}${why ? `: ${why}` : ""}`,
      ...(memory64 ? ["64-bit addresses"] : []),
    ]
  }

  return {
    name: "wasm-simd",
    core: CORE,
    capabilities: {
      dtypes: new Set(DTYPE_NAMES),
      syncRead: true,
      collectedMemory: false,
      strictNaN: true,
      random: "mt19937",
      maxOperands: Infinity,
      maxBufferBytes: memory.maximumPages * PAGE,
      memoryBytes: memory.maximumPages * PAGE,
      get threads() {
        return pool.threads
      },
      get notes() {
        return notes()
      },
    },
    allocate(bytes) {
      check()
      return new WasmBuffer(allocator.allocate(bytes), bytes) as unknown as Buffer
    },
    free(buffer) {
      const mine = buffer as unknown as WasmBuffer
      if (mine.address === 0) return
      if (open) allocator.free(mine.address)
      mine.address = 0
    },
    write(buffer, bytes, byteOffset = 0) {
      memory.u8.set(bytes, checked(buffer, byteOffset, bytes.length))
    },
    copy(from, fromByte, to, toByte, bytes) {
      const source = checked(from, fromByte, bytes)
      memory.u8.copyWithin(checked(to, toByte, bytes), source, source + bytes)
    },
    read: async (buffer, byteOffset, bytes) => readSync(buffer, byteOffset, bytes),
    readSync,
    supports,
    compile(kernel: Kernel): Executable {
      check()
      const support = supports(kernel)
      if (support !== true) throw new TypeError(`wasm: cannot compile ${describeKernel(kernel)}: ${support}`)
      const ready = warmed.size > 0 && warmed.get(kernelKey(kernel))
      if (ready) return ready as unknown as Executable
      return new WasmExecutable(launchOf(kernel, machine)) as unknown as Executable
    },
    async warm(kernels) {
      // One after the other: each wait lets others have the thread between two kernels.
      for (const kernel of kernels) {
        check()
        if (supports(kernel) !== true || warmed.has(kernelKey(kernel))) continue
        warmed.set(kernelKey(kernel), await machine.ahead(() => new WasmExecutable(launchOf(kernel, machine))))
      }
    },
    launch(executable: Executable, sizes: readonly number[], operands: readonly Operand[], scalars: readonly Scalar[]) {
      if (!open) check()
      ;(executable as unknown as WasmExecutable).run(sizes, operands, scalars)
    },
    async synchronize() {},
    memoryStats: () => allocator.stats(),
    dispose() {
      open = false
      pool.dispose()
    },
  }
}

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createWasmSimd()
