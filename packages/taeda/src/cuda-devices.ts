/** What the backend cuda has besides what every backend has, and the devices that have it. */
import { type Backend, type Device, deviceByName, getDefaultDevice } from "@taeda/core"

/** What a device's allocator holds, in bytes. */
export interface MemoryStats {
  readonly allocatedBytes: number
  readonly peakAllocatedBytes: number
  readonly reservedBytes: number
  readonly peakReservedBytes: number
  /** Of the driver's. */
  readonly segments: number
  readonly segmentAllocations: number
  /** How often everything cached was given back because the driver had no more. */
  readonly retries: number
}

/** One of NVIDIA's libraries: cuBLASLt for products of matrices, cuDNN for convolutions. */
export type LibraryName = "cublasLt" | "cudnn"

/** What became of one of NVIDIA's libraries. */
export interface LibraryReport {
  readonly name: LibraryName
  /** "ready": it works; "missing": the machine has none; "failed": it has one that is of no use. */
  readonly state: "ready" | "missing" | "failed"
  /** Whether it may be used. */
  readonly enabled: boolean
  /** Such as "13.1.0"; null where none was loaded. */
  readonly version: string | null
  readonly file: string | null
  /** Why it is not ready, in words; empty where it is. */
  readonly reason: string
  /** How often something was computed with it. */
  readonly calls: number
}

/**
 * Which of them are used. "auto": those that the machine has, where they are likely to be faster than the backend's own kernels.
 * "none": none. Names: these, for all that they can do; it is an error where one is missing or fails.
 */
export type LibraryChoice = "auto" | "none" | readonly LibraryName[]

/** A point in a device's work, as its backend has it. */
export interface Point {
  record(): void
  query(): boolean
  synchronize(): void
  elapsedTime(end: Point): number
}

/** What the backend cuda has besides what every backend has. */
export interface CudaBackend extends Backend {
  cudaMemoryStats(): MemoryStats
  resetPeakMemoryStats(): void
  emptyCache(): void
  event(): Point
  libraries(): readonly LibraryReport[]
  useLibraries(choice: LibraryChoice): void
  isLibraryEnabled(name: LibraryName): boolean
  enableLibrary(name: LibraryName, enabled: boolean): void
  readonly capture: NonNullable<Backend["capture"]>
}

/** A device by its number, its name, or as it is. Default: the default device where that is one of cuda's, else "cuda:0". */
export type CudaDevice = number | string | Device

export const isCuda = (device: Device): boolean => /^cuda:\d+$/.test(device.name)

function deviceOf(op: string, device: CudaDevice | undefined): Device {
  if (device === undefined) {
    const standard = getDefaultDevice()
    return isCuda(standard) ? standard : deviceByName(op, "cuda:0")
  }
  const found = deviceByName(op, typeof device === "number" ? `cuda:${device}` : device)
  if (!isCuda(found)) throw new TypeError(`${op}: ${found.name} is no device of cuda`)
  return found
}

export const backendOf = (op: string, device?: CudaDevice): CudaBackend => deviceOf(op, device).backend as CudaBackend
