/**
 * The functions that PyTorch has as methods alone (`x.view(2, 3)`, `x.add_(1)`), with the tensor first: for programs that do
 * without the methods.
 */
export { add_, div_, floorDivide_, fmod_, mul_, remainder_, sub_, trueDivide_ } from "./ops/arithmetic.ts"
export {
  bitwiseAnd_,
  bitwiseLeftShift_,
  bitwiseNot_,
  bitwiseOr_,
  bitwiseRightShift_,
  bitwiseXor_,
} from "./ops/bitwise.ts"
export {
  eq_,
  ge_,
  greater_,
  greaterEqual_,
  gt_,
  le_,
  less_,
  lessEqual_,
  logicalAnd_,
  logicalNot_,
  logicalOr_,
  logicalXor_,
  lt_,
  ne_,
  notEqual_,
} from "./ops/comparison.ts"
export { to, type, typeAs } from "./ops/conversion.ts"
export { contiguous, copy_ } from "./ops/copying.ts"
export { at, setAt } from "./ops/indexing.ts"
export {
  addcdiv_,
  addcmul_,
  arctan2_,
  atan2_,
  copysign_,
  floatPower_,
  heaviside_,
  hypot_,
  lerp_,
  nextafter_,
  pow_,
} from "./ops/math.ts"
export { addbmm_, addmm_, addr_, baddbmm_ } from "./ops/matmul.ts"
export { format } from "./ops/printing-methods.ts"
export { bernoulli_, cauchy_, exponential_, geometric_, logNormal_, normal_, random_, uniform_ } from "./ops/random.ts"
export { repeat } from "./ops/repeating.ts"
export { cumprod_, cumsum_ } from "./ops/scan.ts"
export {
  indexAdd_,
  indexCopy_,
  indexFill_,
  maskedScatter_,
  put_,
  scatter_,
  scatterAdd_,
  scatterReduce_,
} from "./ops/scattering.ts"
export { maskedFill_ } from "./ops/selection.ts"
export { tril_, triu_ } from "./ops/triangular.ts"
export { absolute_, digamma_, erfinv_, lgamma_, mvlgamma_, polygamma_, sgn_, sign_ } from "./ops/unary.ts"
export {
  expand,
  expandAs,
  reshapeAs,
  squeeze_,
  swapaxes_,
  swapdims_,
  t_,
  transpose_,
  unfold,
  unsqueeze_,
  view,
  viewAs,
} from "./ops/views.ts"
