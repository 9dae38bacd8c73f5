/**
 * What emitters give and the device runs: pure descriptions of shaders and dispatches. Nothing here knows a GPU.
 */

/** How a shader sees a buffer: WGSL's element type; 8- and 16-bit elements lie several to a u32. */
export type Element = "f32" | "i32" | "u32" | "atomic<u32>" | "atomic<i32>" | "f16"

export interface BindingType {
  readonly element: Element
  /** "read" bindings and "write" ones (read_write in WGSL) of one dispatch never share a buffer. */
  readonly access: "read" | "write"
}

/**
 * A compute shader. Its code declares binding i as `@group(0) @binding(i) var<storage, ...> b{i}: array<Element>` in the order of
 * `bindings`, and behind them `@group(0) @binding(n) var<uniform> params: array<vec4u, PARAM_VECTORS>`; its entry point is `main`.
 */
export interface Shader extends Interface {
  readonly code: string
  /** What the code is made of, for a shader that does the work of several. */
  readonly parts: ShaderParts
}

/** What a shader is given. */
export interface Interface {
  readonly bindings: readonly BindingType[]
  /** Vectors of four u32 that the launch's numbers take. */
  readonly paramVectors: number
}

export interface ShaderParts {
  readonly workgroupSize: number
  /** Whether `main` has `subgroupSize` as well, and numbers its invocations subgroup by subgroup. */
  readonly subgroups: boolean
  /** What stands at the module's level besides the bindings, each beginning a line. */
  readonly declarations: readonly string[]
  /** The statements of `main`, which has `group` (the number of its workgroup) and `lane` (the invocation's inside of it). */
  readonly main: readonly string[]
}

/**
 * A buffer of a dispatch: an operand of the launch by its number, temporary memory of the plan by its number, or the words in
 * which faults are reported (`array<atomic<u32>>`, written by the function `fault` of a shader).
 */
export type BufferRef = { readonly operand: number } | { readonly temporary: number } | { readonly faults: true }

export interface Dispatch {
  readonly shader: Shader
  readonly buffers: readonly BufferRef[]
  /** Numbers (sizes, element offsets, strides, bits of scalars) as u32; negative ones as two's complement. */
  readonly params: readonly number[]
  /** Workgroups in all. The device spreads them over two dims where there are more than 65535: the shader counts them by
   * `workgroup_id.x + workgroup_id.y * num_workgroups.x` and must ignore what is too much (pass the true number in `params`). */
  readonly workgroups: number
}

/** What a launch does, in order. */
export interface Plan {
  readonly dispatches: readonly Dispatch[]
  /** Bytes of each temporary. */
  readonly temporaries: readonly number[]
}

/** An operand of a launch as plans see it: where its view begins and how it steps, in elements of its dtype. */
export interface PlacedOperand {
  readonly offset: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

/** What the adapter at hand allows. */
export interface GpuLimits {
  readonly storageBindings: number
  readonly invocations: number
  readonly workgroupBytes: number
  /** The most invocations that a subgroup may have; 0 where shaders use none. */
  readonly subgroups: number
  readonly shaderF16: boolean
  /** Whether workgroup memory is memory of its own, so that it pays to copy there what invocations share. */
  readonly staging: boolean
}
