/** The addon for this machine, on the emulator that stands in for NVIDIA's driver (tooling/cuda-emulator). */
import { createRequire } from "node:module"
import { dirname } from "node:path"
import type { Addon, CudaContext, CudaDriver } from "../src/driver.ts"
import { type CudaBackend, type CudaOptions, createCuda } from "../src/index.ts"

export * from "../../../tooling/testing/kernels.ts"

const named = (name: string): string => {
  const value = process.env[name]
  const { TAEDA_CUDA_ABSENCE: absence } = process.env
  if (!value && absence) throw new Error(`these tests need the native addon, and ${absence}`)
  if (!value) throw new Error(`${name} is not set: the global setup of the tests did not run`)
  return value
}

/** How a backend finds both, and none of NVIDIA's libraries. */
export const EMULATED = {
  addon: named("TAEDA_CUDA_ADDON"),
  driver: named("TAEDA_CUDA_DRIVER"),
  libraryFolder: dirname(named("TAEDA_CUDA_DRIVER")),
} as const

/** The folder with stand-ins of NVIDIA's libraries. */
export const STAND_INS = named("TAEDA_CUDA_STAND_INS")

export const addon = createRequire(import.meta.url)(EMULATED.addon) as Addon

export const loadDriver = (): CudaDriver => addon.load([EMULATED.driver])

export const openEmulated = (options: CudaOptions = {}): Promise<CudaBackend> => createCuda({ ...EMULATED, ...options })

/** Runs `body` with settings of the emulator, such as { DEVICES: "2" }. */
export async function withSettings<T>(
  settings: Readonly<Record<string, string>>,
  body: () => T | Promise<T>,
): Promise<T> {
  const names = Object.keys(settings).map((name) => `CUDA_EMULATOR_${name}`)
  const before = names.map((name) => process.env[name])
  for (const [name, value] of Object.entries(settings)) process.env[`CUDA_EMULATOR_${name}`] = value
  try {
    return await body()
  } finally {
    names.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name]
      else process.env[name] = before[i]
    })
  }
}

/** Runs `body` on a context, which is disposed after it. */
export async function onContext<T>(body: (context: CudaContext) => T | Promise<T>): Promise<T> {
  const context = loadDriver().open(0)
  try {
    return await body(context)
  } finally {
    context.dispose()
  }
}

/** `from`, `from + 1` and so on. */
export const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from)
