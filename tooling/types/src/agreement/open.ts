/** What the types do not say, with the reasons. An entry that is no longer true fails the build. */

const BY_VALUES = "its shape depends on the values"
const ONE_PATTERN = "it takes and gives any shape: its arguments follow a pattern of their own"

/** Ops whose results' shapes or dtypes are unknown even where all sizes are given. */
export const OPEN: Readonly<Record<string, string>> = {
  argwhere: BY_VALUES,
  bincount: BY_VALUES,
  maskedSelect: BY_VALUES,
  nonzero: BY_VALUES,
  unique: BY_VALUES,
  uniqueConsecutive: BY_VALUES,
  trilIndices: "its length is a sum over rows",
  triuIndices: "its length is a sum over rows",
  histc: ONE_PATTERN,
  searchsorted: ONE_PATTERN,
  bucketize: ONE_PATTERN,
  isin: ONE_PATTERN,
  "nn.functional.marginRankingLoss": ONE_PATTERN,
  "nn.functional.cosineEmbeddingLoss": ONE_PATTERN,
  "nn.functional.tripletMarginLoss": ONE_PATTERN,
  "nn.functional.gaussianNllLoss": ONE_PATTERN,
  "nn.functional.multilabelSoftMarginLoss": ONE_PATTERN,
}

const REST = "what is given one by one has no name to the compiler"
const NUMBER = "the number in front is given by position"
const SECOND = "its other tensor is given by position"

/** Ops that the types do not let be called with all arguments by name, though the run does. */
export const NOT_BY_NAME: Readonly<Record<string, string>> = {
  reshape: REST,
  "Tensor.view": REST,
  permute: REST,
  "Tensor.expand": REST,
  "Tensor.repeat": REST,
  tile: REST,
  flip: REST,
  einsum: REST,
  polygamma: NUMBER,
  mvlgamma: NUMBER,
  pow: NUMBER,
  xlogy: NUMBER,
  floatPower: NUMBER,
  "special.xlog1py": NUMBER,
  max: SECOND,
  min: SECOND,
  searchsorted: SECOND,
  "Tensor.expandAs": SECOND,
  "Tensor.viewAs": SECOND,
  "Tensor.reshapeAs": SECOND,
  "Tensor.newTensor": "the data are given by position",
}
