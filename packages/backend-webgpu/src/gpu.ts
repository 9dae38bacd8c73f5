/** The parts of WebGPU that are used, typed here: the sources are compiled without any platform's types. */

export interface GpuBuffer {
  destroy(): void
  mapAsync(mode: number, offset?: number, size?: number): Promise<void>
  getMappedRange(offset?: number, size?: number): ArrayBuffer
  unmap(): void
}

export type GpuPipeline = object
export type GpuBindGroup = object
export type GpuBindGroupLayout = object
export type GpuPipelineLayout = object
export type GpuShaderModule = object
export type GpuCommandBuffer = object

export interface GpuComputePass {
  setPipeline(pipeline: GpuPipeline): void
  setBindGroup(index: number, group: GpuBindGroup, dynamicOffsets: readonly number[]): void
  dispatchWorkgroups(x: number, y: number): void
  end(): void
}

export interface GpuEncoder {
  beginComputePass(descriptor?: { readonly label?: string }): GpuComputePass
  copyBufferToBuffer(from: GpuBuffer, fromByte: number, to: GpuBuffer, toByte: number, bytes: number): void
  clearBuffer(buffer: GpuBuffer, offset?: number, size?: number): void
  finish(): GpuCommandBuffer
}

export interface GpuQueue {
  submit(commands: readonly GpuCommandBuffer[]): void
  writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBufferView, from?: number, count?: number): void
  onSubmittedWorkDone(): Promise<void>
}

export interface GpuError {
  readonly message: string
}

export type ErrorFilter = "validation" | "out-of-memory" | "internal"

interface ComputeStage {
  readonly module: GpuShaderModule
  readonly entryPoint: string
}

export interface GpuPipelineDescriptor {
  readonly label?: string
  readonly layout: GpuPipelineLayout
  readonly compute: ComputeStage
}

export interface GpuLayoutEntry {
  readonly binding: number
  readonly visibility: number
  readonly buffer: { readonly type: "read-only-storage" | "storage" | "uniform"; readonly hasDynamicOffset?: boolean }
}

export interface GpuGroupEntry {
  readonly binding: number
  readonly resource: { readonly buffer: GpuBuffer; readonly offset?: number; readonly size?: number }
}

/** The limits that are looked at; adapters have more. */
export interface SupportedLimits {
  readonly maxBufferSize: number
  readonly maxStorageBufferBindingSize: number
  readonly maxStorageBuffersPerShaderStage: number
  readonly maxComputeWorkgroupStorageSize: number
  readonly maxComputeInvocationsPerWorkgroup: number
  readonly maxComputeWorkgroupSizeX: number
  readonly maxComputeWorkgroupsPerDimension: number
  readonly minUniformBufferOffsetAlignment: number
}

export interface GpuDevice {
  readonly limits: SupportedLimits
  readonly features: { has(name: string): boolean }
  readonly queue: GpuQueue
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
  createBuffer(descriptor: { readonly size: number; readonly usage: number; readonly label?: string }): GpuBuffer
  createShaderModule(descriptor: { readonly code: string; readonly label?: string }): GpuShaderModule
  createBindGroupLayout(descriptor: { readonly entries: readonly GpuLayoutEntry[] }): GpuBindGroupLayout
  createPipelineLayout(descriptor: { readonly bindGroupLayouts: readonly GpuBindGroupLayout[] }): GpuPipelineLayout
  createComputePipeline(descriptor: GpuPipelineDescriptor): GpuPipeline
  createComputePipelineAsync(descriptor: GpuPipelineDescriptor): Promise<GpuPipeline>
  createBindGroup(descriptor: {
    readonly layout: GpuBindGroupLayout
    readonly entries: readonly GpuGroupEntry[]
  }): GpuBindGroup
  createCommandEncoder(): GpuEncoder
  pushErrorScope(filter: ErrorFilter): void
  popErrorScope(): Promise<GpuError | null>
  addEventListener(type: "uncapturederror", listener: (event: GpuErrorEvent) => void): void
  destroy(): void
}

export interface GpuErrorEvent {
  readonly error: GpuError
  preventDefault?(): void
}

export interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
  readonly subgroupMaxSize?: number
  /** Whether the processor plays the GPU; browsers of before say it of the adapter. */
  readonly isFallbackAdapter?: boolean
}

export interface GpuAdapter {
  readonly info: AdapterInfo
  readonly isFallbackAdapter?: boolean
  readonly limits: SupportedLimits
  readonly features: { has(name: string): boolean }
  requestDevice(descriptor: {
    readonly requiredFeatures: readonly string[]
    readonly requiredLimits: Readonly<Record<string, number>>
  }): Promise<GpuDevice>
}

export type PowerPreference = "low-power" | "high-performance"

/** The entry point, `navigator.gpu` in browsers. */
export interface Gpu {
  /** What shaders may name in `requires`. */
  readonly wgslLanguageFeatures?: { has(name: string): boolean }
  requestAdapter(options?: { readonly powerPreference?: PowerPreference }): Promise<GpuAdapter | null>
}

/** WebGPU's flags, by their numbers: the names are globals that only browsers have. */
export const USAGE = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const
export const MAP_READ = 1
export const COMPUTE_STAGE = 4
