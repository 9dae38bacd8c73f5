/** Dropout: zeros at random while training, the rest scaled so that the expectation stays. */
import { type Args, op } from "../args.ts"
import { valueText } from "../errors.ts"
import type { Tensor } from "../tensor.ts"
import type { ElementwiseFunction } from "../types/patterns.ts"
import { div_, mul, mul_ } from "./arithmetic.ts"
import { emptyLike, ones, zerosLike } from "./creation.ts"
import { bernoulli_ } from "./random.ts"

type DropoutArgs = Args<[["p", number], ["training", boolean], ["inplace", boolean]]>
type Dropout = ElementwiseFunction<"same", DropoutArgs>

function checkProbability(name: string, p: unknown): asserts p is number {
  if (typeof p !== "number" || !(p >= 0 && p <= 1))
    throw new RangeError(`${name}: dropout probability has to be between 0 and 1, but got ${valueText(p)}`)
}

/** What the elements that `shape` says share: one draw for each, 0 or 1/(1 − p). */
function mask(x: Tensor, shape: readonly number[], p: number): Tensor {
  const noise = bernoulli_(shape === x.shape ? emptyLike(x) : ones(shape, { dtype: x.dtype, device: x.device }), 1 - p)
  return div_(noise, 1 - p)
}

function define(name: string, sharedFrom: number | null): Dropout {
  return op<Dropout>(
    `${name}(input, p?, training?, inplace?)`,
    (x: Tensor, p: unknown = 0.5, training = true, inplace = false) => {
      checkProbability(name, p)
      if (!training || p === 0 || x.numel() === 0) return x
      const shape = sharedFrom === null ? x.shape : x.shape.map((s, d) => (d < sharedFrom ? s : 1))
      const noise = p === 1 ? zerosLike(x) : mask(x, shape, p)
      return inplace ? mul_(x, noise) : mul(x, noise)
    },
  )
}

/** Each element zero with probability `p`, the others times 1/(1 − p); the input itself unless `training`. */
export const dropout: Dropout = define("dropout", null)
/** Whole channels of an [N, C, L] input. */
export const dropout1d: Dropout = define("dropout1d", 2)
/** Whole channels of an [N, C, H, W] input. */
export const dropout2d: Dropout = define("dropout2d", 2)
/** Whole channels of an [N, C, D, H, W] input. */
export const dropout3d: Dropout = define("dropout3d", 2)
