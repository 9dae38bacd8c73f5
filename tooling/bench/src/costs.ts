/** What a work has to do, whoever does it, and which limit of the machine that runs into. */
import type { ProbeName } from "./probes.ts"
import type { TableWork } from "./works.ts"

export interface Cost {
  readonly limit: ProbeName
  /** Floating-point operations for `fma`, bytes for the others. */
  readonly amount: number
}

const compute = (multiplyAdds: number): Cost => ({ limit: "fma", amount: 2 * multiplyAdds })
/** Arrays of 1,000,000 float32 elements, read and written. */
const move = (arrays: number): Cost => ({ limit: "stream", amount: 4e6 * arrays })
const READ_ONE: Cost = { limit: "read", amount: 4e6 }

const BATCH = 64
/** A layer's step is three products of one size: forward, the gradient of the weights, and that of the input. */
const FULL_STEP = 3
/** The first layer's input needs no gradient. */
const FIRST_STEP = 2

/** Null: what costs there is the call. */
export const COSTS: Record<TableWork, Cost | null> = {
  "add 2x2": null,
  "add 2x2 recorded": null,
  "add 1M": move(3),
  "gelu 1M": move(2),
  // Op by op: mul and add of two arrays, tanh, mul by a number, add of two arrays.
  "chain 1M": move(3 + 3 + 2 + 2 + 3),
  "chain fused 1M": move(3),
  "softmax 1000x1000": move(2),
  "sum 1M": READ_ONE,
  "sum dim 0 1M": READ_ONE,
  "matmul 256": compute(256 ** 3),
  "matmul 512": compute(512 ** 3),
  "matmul 1024": compute(1024 ** 3),
  "conv2d 3x3": compute(8 * 64 * 26 * 26 * 32 * 3 * 3),
  "mlp step": compute(BATCH * (FIRST_STEP * 784 * 256 + FULL_STEP * 256 * 10)),
  "cnn step": compute(
    BATCH * (FIRST_STEP * 16 * 24 * 24 * 5 * 5 + FULL_STEP * 32 * 8 * 8 * 16 * 5 * 5 + FULL_STEP * 512 * 10),
  ),
}
