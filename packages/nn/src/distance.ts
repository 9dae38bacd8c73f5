/** Similarity and distance as modules. */
import { cosineSimilarity, pairwiseDistance, type Tensor } from "@taeda/core"
import { layer, showNothing } from "./layer.ts"

/** x1·x2 / (|x1|·|x2|) along `dim`. */
export class CosineSimilarity extends layer(
  "CosineSimilarity",
  [
    ["dim", 1],
    ["eps", 1e-8],
  ],
  (m, x1: Tensor, x2: Tensor) => cosineSimilarity(x1, x2, m.dim, m.eps),
  showNothing,
) {}
/** The p-norm of x1 − x2 + eps along the last dim. */
export class PairwiseDistance extends layer(
  "PairwiseDistance",
  [
    ["p", 2],
    ["eps", 1e-6],
    ["keepdim", false],
  ],
  (m, x1: Tensor, x2: Tensor) => pairwiseDistance(x1, x2, m.p, m.eps, m.keepdim),
  showNothing,
) {}
