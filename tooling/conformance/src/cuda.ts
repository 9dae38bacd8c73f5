/** The backend cuda in Node: on the emulator that stands in for NVIDIA's driver, unless the options name another. */

import { createCuda } from "@taeda/backend-cuda"
import type { Backend } from "@taeda/core"
import { emulated, emulatedWithLibraries } from "@taeda/cuda-addon"

/** What the emulator's devices are called. */
const EMULATED = /^Emulated /

/**
 * `{ driver: "libcuda.so.1" }` is the system's driver, with the system's libraries. A backend on the emulator says so in its name,
 * and so in all reports; `{ libraries: ["cublasLt"] }` are the emulator's stand-ins there.
 */
export async function openCuda(options: Readonly<Record<string, unknown>> = {}): Promise<Backend> {
  process.env.CUDA_EMULATOR_QUIET ??= "1"
  const { libraries = "none", driver } = options
  const found = driver
    ? { addon: (await emulated()).addon }
    : await (libraries === "none" ? emulated() : emulatedWithLibraries())
  const backend = await createCuda({ ...found, ...options })
  if (EMULATED.test(backend.device.name)) Object.defineProperty(backend, "name", { value: "cuda (emulated)" })
  return backend
}
