/**
 * The namespace `cuda`: PyTorch's `torch.cuda`, as far as it asks about devices, their memory and their time. Nothing is
 * loaded before it is used; the package of the backend cuda may be missing.
 */
import { BACKENDS, deviceAdvice } from "@taeda/choices"
import {
  backendOf,
  type CudaBackend,
  type CudaDevice,
  type LibraryChoice,
  type LibraryReport,
  type MemoryStats,
  type Point,
} from "./cuda-devices.ts"

export type { CudaDevice, LibraryChoice, LibraryName, LibraryReport, MemoryStats } from "./cuda-devices.ts"

/** What a GPU is. */
export interface DeviceProperties {
  readonly name: string
  /** The compute capability. */
  readonly major: number
  readonly minor: number
  /** In bytes. */
  readonly totalMemory: number
  readonly multiProcessorCount: number
  readonly uuid: string
}

/** What is used of its package. */
interface CudaPackage {
  devices(): Promise<
    readonly {
      readonly name: string
      readonly computeCapability: readonly [number, number]
      readonly totalBytes: number
      readonly multiprocessors: number
      readonly uuid: string
    }[]
  >
}

/** Loads the package. @throws Error where it is missing, saying what installs it. */
async function loadPackage(): Promise<CudaPackage> {
  const { package: name } = BACKENDS.find((backend) => backend.name === "cuda")!
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as CudaPackage
  } catch (error) {
    throw new Error(`cuda: ${deviceAdvice("cuda")}`, { cause: error })
  }
}

async function allProperties(): Promise<DeviceProperties[]> {
  const found = await (await loadPackage()).devices()
  return found.map(({ name, computeCapability: [major, minor], totalBytes, multiprocessors, uuid }) => ({
    name,
    major,
    minor,
    totalMemory: totalBytes,
    multiProcessorCount: multiprocessors,
    uuid,
  }))
}

/** How many GPUs this process sees; 0 where the package, the driver or a GPU is missing. */
export async function deviceCount(): Promise<number> {
  try {
    return (await allProperties()).length
  } catch {
    return 0
  }
}

/** Whether there is a GPU that the driver knows. */
export const isAvailable = async (): Promise<boolean> => (await deviceCount()) > 0

/**
 * What the GPU of that number is.
 *
 * @throws Error where the package, the driver or the GPU is missing, saying what to do.
 */
export async function getDeviceProperties(device = 0): Promise<DeviceProperties> {
  const all = await allProperties()
  const properties = all[device]
  if (!properties) throw new RangeError(`cuda.getDeviceProperties: no device ${device}; there are ${all.length}`)
  return properties
}

/** The GPU's name. */
export const getDeviceName = async (device = 0): Promise<string> => (await getDeviceProperties(device)).name

/** The GPU's compute capability, major and minor. */
export async function getDeviceCapability(device = 0): Promise<[number, number]> {
  const { major, minor } = await getDeviceProperties(device)
  return [major, minor]
}

/** Resolves when everything launched on the device is done; rejects with what went wrong there. */
export const synchronize = async (device?: CudaDevice): Promise<void> =>
  backendOf("cuda.synchronize", device).synchronize()

/** What the device's allocator holds. */
export const memoryStats = (device?: CudaDevice): MemoryStats => backendOf("cuda.memoryStats", device).cudaMemoryStats()

/** Bytes that tensors have now. */
export const memoryAllocated = (device?: CudaDevice): number => memoryStats(device).allocatedBytes

/** Bytes that tensors had at most. */
export const maxMemoryAllocated = (device?: CudaDevice): number => memoryStats(device).peakAllocatedBytes

/** Bytes that the driver gave. */
export const memoryReserved = (device?: CudaDevice): number => memoryStats(device).reservedBytes

/** Bytes that the driver had given at most. */
export const maxMemoryReserved = (device?: CudaDevice): number => memoryStats(device).peakReservedBytes

/** What was there at most is counted anew. */
export const resetPeakMemoryStats = (device?: CudaDevice): void =>
  backendOf("cuda.resetPeakMemoryStats", device).resetPeakMemoryStats()

/** Gives the driver the memory that is only kept for reuse, so that other programs can have it. */
export const emptyCache = (device?: CudaDevice): void => backendOf("cuda.emptyCache", device).emptyCache()

/** What became of NVIDIA's libraries on the device, and how often each was used. Looks for those that were not needed so far. */
export const libraries = (device?: CudaDevice): readonly LibraryReport[] =>
  backendOf("cuda.libraries", device).libraries()

/** Changes which of them the device uses. @throws Error where one that is named is missing; the choice stays as it was. */
export const useLibraries = (choice: LibraryChoice, device?: CudaDevice): void =>
  backendOf("cuda.useLibraries", device).useLibraries(choice)

/** A point in a device's work, to measure the time between two. PyTorch's `torch.cuda.Event(enable_timing=True)`. */
export class Event {
  private readonly device: CudaDevice | undefined
  private point: Point | null = null

  /** The device is that of the first `record`: by default the default device then. */
  constructor(options: { readonly device?: CudaDevice } = {}) {
    this.device = options.device
  }

  private recorded(op: string): Point {
    if (!this.point) throw new Error(`cuda.Event.${op}: record() was not called`)
    return this.point
  }

  /** Marks the point that the device's work is at: after everything that was launched so far. */
  record(): void {
    this.point ??= backendOf("cuda.Event.record", this.device).event()
    this.point.record()
  }

  /** Whether the device has passed the point; true where none was recorded. */
  query(): boolean {
    return this.point?.query() ?? true
  }

  /** Waits, blocking, until the device has passed the point. */
  synchronize(): void {
    this.point?.synchronize()
  }

  /** Milliseconds from this point to another; the device must have passed both. */
  elapsedTime(end: Event): number {
    return this.recorded("elapsedTime").elapsedTime(end.recorded("elapsedTime"))
  }
}

/** Launches that were recorded with `graph`, to be queued again as one. */
export class CUDAGraph {
  private recording: ReturnType<CudaBackend["capture"]> | null = null

  /** What `graph` does with it. */
  record(backend: CudaBackend, body: () => void): void {
    if (this.recording) throw new Error("cuda.graph: this graph was recorded already; reset() it first")
    this.recording = backend.capture(body)
  }

  /** Queues everything that was recorded, on what its tensors hold now. */
  replay(): void {
    if (!this.recording) throw new Error("cuda.CUDAGraph.replay: nothing was recorded")
    this.recording.replay()
  }

  /** Forgets what was recorded, and gives its memory back. */
  reset(): void {
    this.recording?.dispose()
    this.recording = null
  }
}

/**
 * Records what `body` launches into `graph`, without computing it. Tensors that it makes have their values after
 * `graph.replay()`. Reading inside is an error, which leaves the graph empty.
 */
export function graph(cudaGraph: CUDAGraph, body: () => void, options: { readonly device?: CudaDevice } = {}): void {
  cudaGraph.record(backendOf("cuda.graph", options.device), body)
}
