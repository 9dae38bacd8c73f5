/**
 * The backend interface: memory, and kernels to run over it. This page is all that a machine needs to implement.
 *
 * A backend is given typed loops (`kernel.ts`), never op names. It must run `map` and `reduce`; for every other kind
 * `supports` may give a reason, and the core then composes the kernel of those two. Work is queued in order: a `read`
 * sees everything launched before it, and nothing inside an op ever waits for a device.
 */
import type { DType } from "./dtype.ts"
import type { Scalar } from "./expr.ts"
import type { Kernel } from "./kernel.ts"
import type { Core } from "./this-core.ts"

/** Memory of a backend; the core only passes it on. */
export type Buffer = object
/** A compiled kernel of a backend; the core only passes it on. */
export type Executable = object

/** A strided view of a buffer. Offset and strides count elements of the operand's dtype. */
export interface Operand {
  readonly buffer: Buffer
  readonly offset: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

/** What a backend has, so that nobody has to try. */
export interface Capabilities {
  /** Element types that buffers may hold and kernels may use. */
  readonly dtypes: ReadonlySet<DType>
  /** Whether `readSync` exists. */
  readonly syncRead: boolean
  /**
   * Whether errors of values (`KernelFault`) come with the next `read`, `readSync` or `synchronize` although reads are synchronous: on a
   * device that is ahead of its host for long, waiting for each launch would cost too much.
   */
  readonly lateFaults?: boolean
  /**
   * Whether the engine's own garbage collector frees buffers and counts their bytes; `free` is then only a hint. Where it
   * does not, the core counts the bytes, makes the engine collect in time, and frees every buffer exactly once; the launches
   * queued before may still need it.
   */
  readonly collectedMemory: boolean
  /** Whether NaN, infinity and -0 behave as IEEE 754 says in every kernel. */
  readonly strictNaN: boolean
  /** Which random stream the device's tensors draw from: the host's mt19937, or Philox on the device. */
  readonly random: "mt19937" | "philox"
  /** The most operands of one launch. */
  readonly maxOperands: number
  /** The largest buffer, in bytes. */
  readonly maxBufferBytes: number
  /** All the memory that buffers can have, in bytes, where that is known. */
  readonly memoryBytes?: number
  /** Threads that compute at once; 1 where there is only the caller's. */
  readonly threads: number
  /**
   * Whether the machine is only imitated by the processor, as a GPU is where there is none. It computes the same, slower
   * than a backend made for the processor; so `"auto"` takes it last.
   */
  readonly software?: boolean
  /** What else a person may want to know: adapter, SIMD level, driver. */
  readonly notes: readonly string[]
}

/** What a backend's allocator holds. */
export interface MemoryStats {
  /** Bytes in buffers that are allocated and not freed. */
  readonly liveBytes: number
  readonly liveBuffers: number
  /** Bytes held for reuse. */
  readonly pooledBytes: number
  readonly peakBytes: number
}

/** A machine that computes: memory, and kernels that are compiled and launched. */
export interface Backend {
  /** "cpu-js", "wasm-simd", "webgpu", "cuda". */
  readonly name: string
  readonly capabilities: Capabilities
  /** CORE, as this backend imports it: by that, another copy of core refuses it in words. Left out, nobody checks. */
  readonly core?: Core

  /**
   * A buffer of at least `bytes`, contents undefined. `dtype` says how it will be seen first. May reuse freed memory. Throws
   * an OutOfMemoryError where there is none; the core adds what a person can do.
   */
  allocate(bytes: number, dtype: DType): Buffer
  free(buffer: Buffer): void
  /** Copies host bytes in; they may be changed by the caller as soon as this returns. */
  write(buffer: Buffer, bytes: Uint8Array, byteOffset?: number): void
  /** Copies between two buffers of this backend. */
  copy(from: Buffer, fromByte: number, to: Buffer, toByte: number, bytes: number): void
  /**
   * Copies bytes of another backend's buffer to the start of one of this, without a detour through the host and in order
   * with what was launched on both; false, and nothing is done, where this one knows no way.
   */
  copyFrom?(to: Buffer, source: Backend, from: Buffer, fromByte: number, bytes: number): boolean
  read(buffer: Buffer, byteOffset: number, bytes: number): Promise<Uint8Array>
  /** Exactly when `capabilities.syncRead`. */
  readSync?(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array

  /** `true`, or the reason a person reads. */
  supports(kernel: Kernel): true | string
  /** Compiles; the core caches by structure, so this is called once per kernel. */
  compile(kernel: Kernel): Executable
  /** Compiles ahead of use, without blocking. */
  warm(kernels: readonly Kernel[]): Promise<void>
  /**
   * Runs over the iteration space `sizes`. Where reads are synchronous, a `fault` load or scatter outside its operand
   * throws KernelFault at once; elsewhere, and with `lateFaults`, the next read or `synchronize` does.
   */
  launch(
    executable: Executable,
    sizes: readonly number[],
    operands: readonly Operand[],
    scalars: readonly Scalar[],
  ): void

  /** Resolves when everything launched is done. */
  synchronize(): Promise<void>
  memoryStats(): MemoryStats
  dispose(): void
  /** Whether the machine went away, such as a GPU that was reset, and all values with it: opening its device again makes a new one. */
  readonly lost?: boolean

  /** A recording of launches that can be replayed (CUDA graphs), where the machine has such a thing. */
  capture?(record: () => void): { replay(): void; dispose(): void }
}

/** There is no more memory. A backend says how much was asked for, how much is held, and why there is no more. */
export class OutOfMemoryError extends RangeError {
  override name = "OutOfMemoryError"
}

/** What the core adds to an OutOfMemoryError of `allocate`; a backend does to one of a launch, or one that comes later. */
export const HOW_TO_FREE =
  "Tensors that nobody holds any more give their memory back between tasks, never while a loop runs without a pause: await something of the library once a step (await loss.item(), or a loader), run each step in scope(() => ...), or call dispose(tensor). If all of it is in use, take smaller batches or a smaller model."

/** An index outside its operand, found while a kernel ran. Nothing out of bounds was touched. */
export class KernelFault extends RangeError {
  override name = "KernelFault"
}
