/** Similarity and distance as modules. */
import { cosineSimilarity, pairwiseDistance } from "@taeda/core"
import { paired, type Settings, showNothing } from "./layer.ts"
import type { Open } from "./types/layer.ts"
import type { DistanceRule, SimilarityRule } from "./types/pair.ts"

const SIMILARITY = [
  ["dim", 1],
  ["eps", 1e-8],
] as const
const DISTANCE = [
  ["p", 2],
  ["eps", 1e-6],
  ["keepdim", false],
] as const

/** x1·x2 / (|x1|·|x2|) along `dim`. */
export class CosineSimilarity<const A extends Settings<typeof SIMILARITY> = Open> extends paired<SimilarityRule>()(
  "CosineSimilarity",
  SIMILARITY,
  (m, x1, x2) => cosineSimilarity(x1, x2, m.dim, m.eps),
  showNothing,
)<A> {}
/** The p-norm of x1 − x2 + eps along the last dim. */
export class PairwiseDistance<const A extends Settings<typeof DISTANCE> = Open> extends paired<DistanceRule>()(
  "PairwiseDistance",
  DISTANCE,
  (m, x1, x2) => pairwiseDistance(x1, x2, m.p, m.eps, m.keepdim),
  showNothing,
)<A> {}
