/**
 * The native addon as TypeScript sees it: the driver's calls, thin and checked. Memory, modules and streams are objects of
 * the addon, never addresses; each call checks that they are alive and that bytes lie inside of them. A call that the
 * driver refuses throws a CudaError.
 */

/** An error of the driver. */
export interface CudaError extends Error {
  /** The driver's own name for it, such as "CUDA_ERROR_OUT_OF_MEMORY". */
  readonly code: string
  /** The driver's number for it, such as 2. */
  readonly number: number
}

export interface DeviceInfo {
  readonly name: string
  /** Major and minor: [8, 0]. */
  readonly computeCapability: readonly [number, number]
  readonly totalBytes: number
  readonly multiprocessors: number
  /** Shared memory that a block may have, at most. */
  readonly sharedBytes: number
  /** "GPU-" and hexadecimal digits. */
  readonly uuid: string
}

export type DeviceMemory = object & { readonly bytes: number }
export type PinnedMemory = object & { readonly bytes: Uint8Array }
export type DriverModule = object
export type DriverFunction = object
export type DriverEvent = object
export type DriverGraph = object

export interface CudaDriver {
  /** What the driver supports: 12040 for CUDA 12.4. */
  readonly version: number
  devices(): readonly DeviceInfo[]
  /** The primary context of a device, with a stream of its own. */
  open(ordinal: number): CudaContext
}

export interface CudaContext {
  allocate(bytes: number): DeviceMemory
  free(memory: DeviceMemory): void
  memoryInfo(): { readonly free: number; readonly total: number }
  allocatePinned(bytes: number): PinnedMemory
  freePinned(memory: PinnedMemory): void

  /** Copies are queued on the stream. The pinned memory must stay untouched until the stream has passed. */
  upload(to: DeviceMemory, toByte: number, from: PinnedMemory, fromByte: number, bytes: number): void
  download(to: PinnedMemory, toByte: number, from: DeviceMemory, fromByte: number, bytes: number): void
  copy(to: DeviceMemory, toByte: number, from: DeviceMemory, fromByte: number, bytes: number): void
  /** Sets every byte. */
  fill(memory: DeviceMemory, byte: number, value: number, bytes: number): void

  /** The driver compiles the PTX text; its log is in the error's message. */
  loadModule(ptx: string): DriverModule
  unloadModule(module: DriverModule): void
  function(module: DriverModule, entry: string, dynamicSharedBytes: number): DriverFunction
  /**
   * Queues a kernel. `params` is its block of parameters, in which the addon writes the addresses: that of
   * `memories[i]` + `begins[i]` at byte 8·i. The kernel may touch bytes `lows[i]` up to `highs[i]` of the memory, which the
   * addon checks against its size.
   */
  launch(
    kernel: DriverFunction,
    blocks: readonly [number, number, number],
    threads: number,
    params: Uint8Array,
    memories: readonly DeviceMemory[],
    begins: readonly number[],
    lows: readonly number[],
    highs: readonly number[],
  ): void

  /** Waits, blocking. */
  synchronize(): void
  /** Resolves when what is queued now is done; waits on a thread of its own. */
  finished(): Promise<void>

  createEvent(): DriverEvent
  record(event: DriverEvent): void
  isDone(event: DriverEvent): boolean
  waitFor(event: DriverEvent): void
  /** Milliseconds between two events that are done. */
  elapsed(from: DriverEvent, to: DriverEvent): number
  destroyEvent(event: DriverEvent): void

  beginCapture(): void
  endCapture(): DriverGraph
  replay(graph: DriverGraph): void
  destroyGraph(graph: DriverGraph): void

  dispose(): void
}
