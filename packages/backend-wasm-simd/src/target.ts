/** What code is emitted for: the abilities of the engine, and how its memory was made. */

export interface Target {
  /** Fused (or at least fast) multiply-add: WebAssembly's relaxed SIMD. */
  readonly relaxed: boolean
  /** Addresses of 64 bits. */
  readonly memory64: boolean
  /** The memory is shared between threads. */
  readonly shared: boolean
  /** The most pages of 64 KiB that the memory may have. */
  readonly maximumPages: number
}

/** The type of addresses, sizes and strides. */
export const pointerType = (target: Target): "i32" | "i64" => (target.memory64 ? "i64" : "i32")
