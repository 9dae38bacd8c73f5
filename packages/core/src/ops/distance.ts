/** Distances and similarities. */
import { type Args, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating, requireNumbers, requireTensors } from "../checks.ts"
import { sizesText } from "../errors.ts"
import { broadcastSizes, sameSizes } from "../shape.ts"
import { type Tensor, viewOf } from "../tensor.ts"
import type { CDist, CosineSimilarity, PairwiseDistance } from "../types/layer-signatures.ts"
import type { ElementwiseFunction } from "../types/patterns.ts"
import { add, div, mul, sub } from "./arithmetic.ts"
import { BOUNDED } from "./formulas.ts"
import { norm, vectorNorm } from "./linear-algebra.ts"
import { sum } from "./reduction.ts"
import { clampMin } from "./selection.ts"
import { expand, expandAs, unsqueeze } from "./views.ts"

function check(
  name: string,
  tensors: Readonly<Record<string, Tensor>>,
  numbers: Readonly<Record<string, unknown>>,
): void {
  requireTensors(name, tensors)
  requireFloating(name, ...Object.values(tensors))
  requireNumbers(name, numbers)
}

/**
 * Σ x1·x2 / (max(|x1|, eps)·max(|x2|, eps)) along `dim`, the tensors broadcast: without that dim, in [−1, 1].
 */
export const cosineSimilarity: CosineSimilarity = op(
  "cosineSimilarity(x1, x2, dim?, eps?)",
  (a: Tensor, b: Tensor, dim = 1, eps = 1e-8) => {
    check("cosineSimilarity", { x1: a, x2: b }, { dim, eps })
    const unit = (x: Tensor): Tensor => div(x, BOUNDED.call(vectorNorm(x, 2, dim, true), eps))
    const shape = broadcastSizes("cosineSimilarity", a.shape, b.shape)
    const [p, q] = [a, b].map((x) => (sameSizes(x.shape, shape) ? x : expand(x, shape)))
    return sum(mul(unit(p!), unit(q!)), dim)
  },
)

const named = (name: string): Rule => ({ name, backward: (_node, g) => [g] })
const NORM = named("NormBackward1")
const CDIST = named("CdistBackward0")

/** A p-norm over the last dim as the node that PyTorch has for it. */
function lengths(difference: Tensor, p: number, keepdim: boolean, node: Rule): Tensor {
  const y = norm(difference, p, -1, keepdim)
  return viewOf(y, y.shape, y.strides, y.offset, node)
}

/** The p-norm of x1 − x2 + eps along the last dim, the tensors broadcast. */
export const pairwiseDistance: PairwiseDistance = op(
  "pairwiseDistance(x1, x2, p?, eps?, keepdim?)",
  (a: Tensor, b: Tensor, p = 2, eps = 1e-6, keepdim = false) => {
    check("pairwiseDistance", { x1: a, x2: b }, { p, eps })
    return lengths(add(sub(a, b), eps), p, keepdim, NORM)
  },
)

/** The p-norm distances between all rows: x1 [.., p, m], x2 [.., r, m] → [.., p, r], the dims before broadcast. */
export const cdist: CDist = op("cdist(x1, x2, p?)", (a: Tensor, b: Tensor, p = 2) => {
  check("cdist", { x1: a, x2: b }, { p })
  if (a.ndim < 2 || b.ndim < 2)
    throw new RangeError(`cdist: the inputs must have at least 2 dims, got ${sizesText(a)} and ${sizesText(b)}`)
  if (a.shape.at(-1) !== b.shape.at(-1))
    throw new RangeError(
      `cdist: x1 and x2 must have the same number of columns, got ${sizesText(a)} and ${sizesText(b)}`,
    )
  if (!(p >= 0)) throw new RangeError(`cdist: only supports non-negative p values, got ${p}`)
  return lengths(sub(unsqueeze(a, -2), unsqueeze(b, -3)), p, false, CDIST)
})

/** input / max(|input|_p, eps), the norm along `dim`: vectors of length 1. Floating dtypes. */
export const normalize: ElementwiseFunction<"same", Args<[["p", number], ["dim", number], ["eps", number]]>> = op(
  "normalize(input, p?, dim?, eps?)",
  (x: Tensor, p = 2, dim = 1, eps = 1e-12) => {
    check("normalize", { input: x }, { p, dim, eps })
    return div(x, expandAs(clampMin(norm(x, p, dim, true), eps), x))
  },
)
