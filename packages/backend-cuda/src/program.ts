/**
 * What emitters give and the device runs: pure descriptions of modules and launches. Nothing here knows a driver.
 *
 * A module is PTX text with one entry. Its only parameter is a block of bytes,
 * `.param .align 8 .b8 params[paramBytes]`, which holds first the addresses of `pointers` buffers (u64 each), then the
 * numbers, each at its natural alignment and in the order of `numbers`, then tensor maps, where there are any. An address is that of the view's element 0: an
 * operand's offset is already in it.
 */
import type { DType, ReducedPrecision } from "@taeda/core"
import type { Reading } from "./contraction.ts"
import type { AsyncTile } from "./contraction-async.ts"
import type { CudaDriver, DeviceInfo, PreparedConvolution, PreparedProduct } from "./driver.ts"

/** How a kernel is given a number of the launch. */
export type NumberType = "u32" | "s32" | "u64" | "s64" | "f32" | "f64"

/** A kernel: PTX text for the driver's compiler, and how it is launched. */
export interface Module {
  readonly ptx: string
  /** The name of the entry. */
  readonly entry: string
  /** The compute capability that it needs, such as 75 or 80. */
  readonly target: number
  /** Threads in a block: the text says `.reqntid threads`. */
  readonly threads: number
  /** Bytes of shared memory beyond what the text declares by itself. */
  readonly dynamicSharedBytes: number
  readonly pointers: number
  readonly numbers: readonly NumberType[]
  /** The pointers of its tensor maps, which are the last of its parameters. */
  readonly maps?: readonly number[]
}

/**
 * A buffer of a launch: an operand by its number, temporary memory of the plan by its number, or the words in which faults
 * are reported (eight u32, the first of which is claimed atomically).
 */
export type BufferRef = { readonly operand: number } | { readonly temporary: number } | { readonly faults: true }

export interface KernelLaunch {
  readonly module: Module
  readonly buffers: readonly BufferRef[]
  /** In the order and the types of `module.numbers`; 64-bit integers may be numbers where these are safe integers. */
  readonly numbers: readonly (number | bigint)[]
  /** Blocks of threads: x to 2^31 - 1, y and z to 65535. */
  readonly blocks: readonly [x: number, y: number, z: number]
  /** The numbers of each of its tensor maps (`tensor-maps.ts`). */
  readonly maps?: readonly Float64Array[]
}

/** A product that cuBLASLt computes: alpha·a·b + beta·c + bias. */
export interface ProductLaunch {
  readonly product: PreparedProduct
  readonly alpha: number
  readonly beta: number
  /** a, b, c, d, bias, workspace; null for what it has not. */
  readonly buffers: readonly (BufferRef | null)[]
  /** How many bytes behind the beginning of its buffer each begins; left out, all begin there. */
  readonly starts?: readonly number[] | undefined
}

/** A convolution that cuDNN computes. */
export interface ConvolutionLaunch {
  readonly convolution: PreparedConvolution
  /** x, w, y, workspace; null where there is none. */
  readonly buffers: readonly (BufferRef | null)[]
}

/** What a launch of the core becomes, in order. */
export interface Plan {
  readonly launches: readonly (KernelLaunch | ProductLaunch | ConvolutionLaunch)[]
  /** Bytes of each temporary; they begin at multiples of 256. */
  readonly temporaries: readonly number[]
}

/** An operand of a launch as plans see it, in elements of its dtype; buffers begin at multiples of 256 bytes. */
export interface PlacedOperand {
  readonly offset: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

export interface Tuning {
  /** The tile of products in tensor cores. */
  readonly tile?: AsyncTile
  /** Whether convolutions copy operands that could not be read several elements at once. */
  readonly copies?: "always" | "never"
}

/** What the device at hand allows. */
export interface DeviceLimits {
  /** The compute capability: 75, 80, 86, 89, 90, 100, 120. */
  readonly target: number
  readonly multiprocessors: number
  /** Shared memory that a block may have. */
  readonly sharedBytes: number
  /** Whether the products of warpgroups can be used: of compute capability 9.0 alone, by drivers for CUDA 12.0 and later. */
  readonly warpgroups?: boolean
  /** Whether the tensor memory accelerator copies for these: where the driver encodes tensor maps. */
  readonly tensorMaps?: boolean
  /**
   * Whether kernels with a tile give what they should on the device. Where it is not known, a small product finds out; it may also answer
   * no because now is not the time. Where this is absent, all do.
   */
  readonly trusts?: (trial: KernelTrial) => boolean
  /** For measurements: what is used in place of what the plan would choose. */
  readonly tuning?: Tuning
}

/** What is tried once before it is used: a tile, the type and precision of its factors, and how these are read. */
export interface KernelTrial {
  readonly tile: AsyncTile
  readonly dtype: DType
  readonly precision: ReducedPrecision | undefined
  readonly reading: Reading
}

/** Those of a device under a driver. */
export function limitsOf(
  { computeCapability: [major, minor], multiprocessors, sharedBytes }: DeviceInfo,
  { version, tensorMaps }: Pick<CudaDriver, "version" | "tensorMaps">,
): DeviceLimits {
  const warpgroups = major === 9 && minor === 0 && version >= 12000
  return { target: 10 * major + minor, multiprocessors, sharedBytes, warpgroups, tensorMaps: warpgroups && tensorMaps }
}
