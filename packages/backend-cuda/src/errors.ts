/** The driver's errors, and what they mean. */
import type { CudaError, LibraryError } from "./driver.ts"

const OUT_OF_MEMORY = 2

/** The driver's error, unless it is something else. */
export function cudaErrorOf(error: unknown): CudaError | undefined {
  const { code, number } = (error ?? {}) as Partial<CudaError>
  return error instanceof Error && typeof number === "number" && typeof code === "string"
    ? (error as CudaError)
    : undefined
}

/** The error of one of NVIDIA's libraries, unless it is something else. */
export function libraryErrorOf(error: unknown): LibraryError | undefined {
  return error instanceof Error && error.name === "LibraryError" ? (error as LibraryError) : undefined
}

export const isOutOfMemory = (error: unknown): boolean => cudaErrorOf(error)?.number === OUT_OF_MEMORY

/** The device went away, and with it everything on it. */
export class DeviceLostError extends Error {
  override name = "DeviceLostError"
}
