/** The works that are measured: each library does the same, with its own public functions. */

/** One work of one library, ready to run. */
export interface Runner {
  /** Does the work `repeat` times (once where there is no `repeat`). */
  run(): unknown
  /** How often `run` does the work: tiny works are measured in bulk, or the clock would be what is measured. */
  readonly repeat?: number
}

/** What a library offers: a missing work is left out of its column. */
export interface Library {
  readonly name: string
  /** Threads that compute at once, where it says. */
  readonly threads?: number
  /** Prepares a work. Null: this library has nothing for it. */
  prepare(work: TableWork): Promise<Runner | null>
  /** Prepares an operation on so many elements. */
  prepareGrowth?(op: GrowthOp, elements: number): Promise<Runner>
}

export const WORKS = {
  "add 2x2": "two 2×2 tensors",
  "add 2x2 recorded": "two 2×2 tensors, one of which requires a gradient",
  "add 1M": "two tensors of 1,000,000 elements",
  "gelu 1M": "erf form, 1,000,000 elements",
  "chain 1M": "tanh(x·y + y)·0.5 + x, op by op, 1,000,000 elements",
  "chain fused 1M": "the same as one kernel, where the library has a way; PyTorch op by op",
  "softmax 1000x1000": "over the last dim",
  "sum 1M": "all elements",
  "sum dim 0 1M": "1000×1000, over the first dim",
  "matmul 256": "256×256 by 256×256",
  "matmul 512": "512×512 by 512×512",
  "matmul 1024": "1024×1024 by 1024×1024",
  "conv2d 3x3": "8×32×28×28, 64 channels out, 3×3, no padding",
  "mlp step": "784-256-10, batch 64, cross-entropy, one SGD step",
  "cnn step": "two 5×5 convolutions of 16 and 32 channels, batch 64, one SGD step",
} as const

/** A line of the table. */
export type TableWork = keyof typeof WORKS
export const WORK_NAMES = Object.keys(WORKS) as TableWork[]

/** The operations whose time is followed as the tensors grow; what they do is written as in the table. */
export const GROWTH_OPS = ["add", "gelu", "sum"] as const
export type GrowthOp = (typeof GROWTH_OPS)[number]
/** From 2⁸ to 2²⁴ elements. */
export const GROWTH_POWERS = [8, 10, 12, 14, 16, 18, 20, 22, 24] as const
export type GrowthWork = `${GrowthOp} 2^${(typeof GROWTH_POWERS)[number]}`
export const GROWTH_NAMES = GROWTH_OPS.flatMap((op) => GROWTH_POWERS.map((power): GrowthWork => `${op} 2^${power}`))

/** The parts of a growth work's name, or null for other works. */
export function parseGrowth(work: WorkName): { readonly op: GrowthOp; readonly elements: number } | null {
  const [op, power] = work.split(" 2^")
  return power === undefined ? null : { op: op as GrowthOp, elements: 2 ** Number(power) }
}

export type WorkName = TableWork | GrowthWork

/** Small works are repeated in one run. */
export const BULK = 2000

/** As large as half a millisecond or so makes the smallest of the growing works, and 1 for large ones. */
export const growthRepeat = (elements: number): number => Math.max(1, 2 ** 18 / elements)

/** Deterministic inputs of about unit size. */
export function numbers(n: number, seed = 1): Float32Array<ArrayBuffer> {
  const out = new Float32Array(n)
  let state = seed >>> 0
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    out[i] = state / 2 ** 31 - 1
  }
  return out
}

/** Labels from 0 to 9. */
export const labels = (n: number): Int32Array<ArrayBuffer> => Int32Array.from({ length: n }, (_, i) => (i * 7) % 10)
