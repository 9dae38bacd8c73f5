/** Opens a device with all that the adapter allows. */
import type { GpuAdapter, GpuDevice, SupportedLimits } from "./gpu.ts"
import type { GpuLimits } from "./program.ts"

/** Features that kernels make use of. */
const FEATURES = ["subgroups", "shader-f16"] as const

/** Limits that are asked for as high as the adapter has them; by default devices have the least that any GPU has. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const satisfies readonly (keyof SupportedLimits)[]

export interface OpenedDevice {
  readonly device: GpuDevice
  readonly limits: GpuLimits
  /** Whether the processor plays the GPU. */
  readonly software: boolean
  readonly notes: readonly string[]
}

/** GPUs that are programs, where the adapter does not say so: those of Chromium, of Mesa and of Windows. */
const PROGRAMS = /swiftshader|llvmpipe|lavapipe|microsoft basic render/i

const isSoftware = ({ info, isFallbackAdapter }: GpuAdapter): boolean =>
  info.isFallbackAdapter === true ||
  isFallbackAdapter === true ||
  PROGRAMS.test(`${info.architecture} ${info.description}`)

/** The vendor whose GPUs have workgroup memory in main memory. */
const UNSTAGED = "arm"

/** What WGSL's own limit on subgroups is. */
const LARGEST_SUBGROUP = 128

/** The most invocations that a subgroup of the device may have. */
const subgroupSize = ({ info }: GpuAdapter): number => info.subgroupMaxSize || LARGEST_SUBGROUP

/** How operands of products reach registers: through workgroup memory, or directly. */
export type Tiles = "staged" | "direct"

/** `subgroups`: whether shaders may use them, where the adapter has them; `tiles`: by default what suits the adapter. */
export async function openDevice(adapter: GpuAdapter, subgroups: boolean, tiles?: Tiles): Promise<OpenedDevice> {
  const device = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  const { limits, features } = device
  const { vendor, architecture, description, device: model } = adapter.info
  const name = [vendor, architecture, description || model].filter(Boolean).join(" ")
  const software = isSoftware(adapter)
  const used = subgroups && features.has("subgroups") ? subgroupSize(adapter) : 0
  return {
    device,
    limits: {
      storageBindings: limits.maxStorageBuffersPerShaderStage,
      invocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      subgroups: used,
      shaderF16: features.has("shader-f16"),
      staging: tiles ? tiles === "staged" : !software && vendor !== UNSTAGED,
    },
    software,
    notes: [
      `GPU: ${name || "the browser does not say which"}`,
      ...(software ? ["in software: the processor computes"] : []),
      used > 0 ? "subgroups" : "no subgroups",
      `${limits.maxStorageBuffersPerShaderStage} buffers in a kernel`,
    ],
  }
}
