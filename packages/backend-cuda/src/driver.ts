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

export type DeviceMemory = object & { readonly bytes: number; readonly number: number }
/** Memory of the host that the device reaches. Its array has no bytes any more once it was given back. */
export type PinnedMemory = object & { readonly bytes: Uint8Array }
export type DriverModule = object
export type DriverFunction = object & { readonly number: number }
export type DriverEvent = object
export type DriverGraph = object

/** A library of NVIDIA's, loaded into this process. */
export type CublasLt = object & { readonly file: string; readonly version: readonly [number, number, number] }
/** The library's own state for a context. */
export type CublasLtHandle = object
/** A product whose sizes and layouts are settled. */
export type PreparedProduct = object & { readonly workspaceBytes: number }

export type Cudnn = object & { readonly file: string; readonly version: readonly [number, number, number] }
export type CudnnHandle = object
/** A convolution whose sizes and layouts are settled. */
export type PreparedConvolution = object & { readonly workspaceBytes: number }

/** An error that one of NVIDIA's libraries gave. */
export interface LibraryError extends Error {
  readonly library: "cublasLt" | "cudnn"
  /** The library's own name for it, such as "CUBLAS_STATUS_EXECUTION_FAILED". */
  readonly code: string
  readonly number: number
}

/** A matrix of columns: element (i, j) of batch z lies at i + j·lead + z·step. */
export interface ColumnMatrix {
  readonly lead: number
  readonly step: number
  /** A power of two, up to 256, that the address of its first element is a multiple of, in bytes. */
  readonly alignment: number
}

/** d = alpha·a·b + beta·c + bias, of matrices of columns; the bias has an element for each row. */
export interface ProductSpec {
  readonly rows: number
  readonly columns: number
  readonly depth: number
  readonly batches: number
  /** Of a and b. */
  readonly type: "float32" | "float64" | "float16" | "bfloat16"
  /** Of c, d and the bias. */
  readonly result: ProductSpec["type"]
  /** Whether factors of float32 may be rounded to TF32. */
  readonly tf32: boolean
  /** Where transposed, a has columns of `depth` elements, and b of `columns`. */
  readonly a: ColumnMatrix & { readonly transposed: boolean }
  readonly b: ColumnMatrix & { readonly transposed: boolean }
  readonly c: ColumnMatrix | null
  readonly d: ColumnMatrix
  readonly bias: Pick<ColumnMatrix, "alignment"> | null
  /** What it may take at most. */
  readonly workspaceBytes: number
}

export interface LibraryTensor {
  readonly sizes: readonly number[]
  /** In elements, from 0 on. */
  readonly strides: readonly number[]
  /** A power of two, up to 256, that the address of its first element is a multiple of, in bytes. */
  readonly alignment: number
}

/** A cross-correlation of x [N, G·Ci, S..] by w [G·Co, Ci, K..] into y [N, G·Co, O..], or one of its gradients. */
export interface ConvolutionSpec {
  /** Which of them is computed: y, x or w. */
  readonly pass: "forward" | "input" | "weight"
  readonly type: ProductSpec["type"]
  /** Whether factors of float32 may be rounded to TF32. */
  readonly tf32: boolean
  readonly x: LibraryTensor
  readonly w: LibraryTensor
  readonly y: LibraryTensor
  /** A number for each of the spatial dims, of which there are two or three. */
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  /** What it may take at most. */
  readonly workspaceBytes: number
}

/** What the native module exports. */
export interface Addon {
  /**
   * Loads the driver's library, the first of the files that there is, and initialises it. Throws a CudaError, or an Error
   * whose `code` is one of LoadCode.
   */
  load(files: readonly string[]): CudaDriver
}

/** No file loads; the driver is older than CUDA 11.0; it lacks a function. */
export type LoadCode = "ERR_CUDA_LIBRARY" | "ERR_CUDA_OLD" | "ERR_CUDA_SYMBOL"

export interface CudaDriver {
  /** What the driver supports: 12040 for CUDA 12.4. */
  readonly version: number
  /** Whether it encodes tensor maps, as drivers for CUDA 12.0 and later do. */
  readonly tensorMaps: boolean
  devices(): readonly DeviceInfo[]
  /** The primary context of a device, with a stream of its own. */
  open(ordinal: number): CudaContext
  /** Loads the first of the files that there is. Throws an Error whose `code` is one of LoadCode. */
  loadCublasLt(files: readonly string[]): CublasLt
  loadCudnn(files: readonly string[]): Cudnn
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
  /** Whether it is another context of this addon and this driver, to whose memory `copyToPeer` can copy. */
  isPeer(other: CudaContext): boolean
  /**
   * Queues a copy of this context's memory to another one's, which may be another device: after what is queued on both
   * streams, and before what is queued later on either.
   */
  copyToPeer(to: DeviceMemory, toByte: number, from: DeviceMemory, fromByte: number, bytes: number): void
  /** Throws where an error took the device down, also where no call has said so since the last copy to or from a peer. */
  probe(): void
  /** Sets every byte. */
  fill(memory: DeviceMemory, byte: number, value: number, bytes: number): void

  /** The driver compiles the PTX text; its log is in the error's message. */
  loadModule(ptx: string): DriverModule
  /** The same on another thread, with one of its entries, which drivers load late otherwise. */
  loadModuleAsync(ptx: string, entry: string): Promise<DriverModule>
  unloadModule(module: DriverModule): void
  /**
   * A kernel whose blocks have `threads` threads. It keeps its module. Its last parameters are `maps` tensor maps, which the
   * addon makes, and checks, at each launch: of numbers that stand in their place (`tensor-maps.ts`).
   */
  function(
    module: DriverModule,
    entry: string,
    threads: number,
    dynamicSharedBytes: number,
    maps?: number,
  ): DriverFunction
  /**
   * Queues a kernel. `params` begins with its block of `paramBytes` bytes of parameters, in which the addon puts the
   * addresses: that of `memories[i]` + begin at byte 8·i. `ranges` has three numbers for each: where it begins, and the
   * bytes from which up to which the kernel may touch the memory, which the addon checks against its size. Nothing of it is
   * kept, so that the same arrays serve each launch.
   */
  launch(
    kernel: DriverFunction,
    blocks: readonly [number, number, number],
    params: Uint8Array,
    paramBytes: number,
    memories: readonly DeviceMemory[],
    ranges: Float64Array,
  ): void

  /** Where the next `launchCommand` is written down: command.ts. */
  readonly command: ArrayBuffer
  /**
   * `launch` of what the command says, which is checked in the same way; functions and memory are given by their `number`, which is no
   * other's in this process. Nothing is handed over but the call.
   */
  launchCommand(): void

  /** Each of these throws a LibraryError where the library refuses. */
  openCublasLt(library: CublasLt): CublasLtHandle
  /** Null where the library has no such product. */
  prepareProduct(handle: CublasLtHandle, spec: ProductSpec): PreparedProduct | null
  /**
   * Queues a product. Its memory and where in it each begins, in bytes: a, b, c, d, bias, workspace; what the product has not
   * is not looked at. Nothing of it is kept.
   */
  multiply(
    product: PreparedProduct,
    alpha: number,
    beta: number,
    memories: readonly (DeviceMemory | null)[],
    begins: Float64Array,
  ): void
  openCudnn(library: Cudnn): CudnnHandle
  /** Null where the library has no such convolution that gives the same each time and rounds no more than was allowed. */
  prepareConvolution(handle: CudnnHandle, spec: ConvolutionSpec): PreparedConvolution | null
  /** Queues a convolution. Its memory and where in it each begins, in bytes: x, w, y, workspace. */
  convolve(convolution: PreparedConvolution, memories: readonly (DeviceMemory | null)[], begins: Float64Array): void

  /** Waits, blocking. */
  synchronize(): void
  /** Resolves when what is queued now is done; waits on a thread of its own. */
  finished(): Promise<void>

  createEvent(): DriverEvent
  record(event: DriverEvent): void
  isDone(event: DriverEvent): boolean
  /** Waits, blocking. */
  waitFor(event: DriverEvent): void
  /** Milliseconds between two events that are done. */
  elapsed(from: DriverEvent, to: DriverEvent): number
  destroyEvent(event: DriverEvent): void

  beginCapture(): void
  endCapture(): DriverGraph
  replay(graph: DriverGraph): void
  destroyGraph(graph: DriverGraph): void

  /** Whether an error took the context down. Whatever is called then throws that error; opening the device again makes a new one. */
  isLost(): boolean
  /** Waits, and gives everything back. */
  dispose(): void
}
