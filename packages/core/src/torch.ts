// `using _ = noGrad()` in the declarations: their readers may compile with an older `lib`.
/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The namespace `torch` as its users see it, without the parts for writers of backends. It holds what PyTorch's top level
 * holds, by family: functions that PyTorch keeps in `torch.nn.functional` alone are reached there, and methods without a
 * function of the same name stay methods. Left out are PyTorch's undocumented doubles of functional ops that take other
 * arguments than those (`torch.embedding(weight, indices)`, `torch.batch_norm`, the losses with a number for `reduction`).
 */
import "./essential-methods.ts"

export { CATALOGUE, type Signature } from "./args.ts"
export * as autograd from "./autograd/index.ts"
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from "./autograd/mode.ts"
export type { GradNode, RemovableHandle } from "./autograd/node.ts"
export type { Backend, Capabilities, MemoryStats } from "./backend.ts"
export { Device, getDefaultDevice, open, openDevices, registerBackend, withDevice } from "./device.ts"
export { canCast, type DType, getDefaultDtype, promoteTypes, setDefaultDtype } from "./dtype.ts"
export {
  bfloat16,
  bool,
  double,
  float,
  float16,
  float32,
  float64,
  half,
  int,
  int8,
  int16,
  int32,
  int64,
  long,
  short,
  uint8,
} from "./dtype-names.ts"
export * as linalg from "./linalg.ts"
export { getFloat32MatmulPrecision, type MatmulPrecision, setFloat32MatmulPrecision } from "./matmul-precision.ts"
export { memoryStats } from "./memory.ts"
export {
  celu,
  celu_,
  hardshrink,
  prelu,
  relu,
  relu_,
  rrelu,
  rrelu_,
  selu,
  selu_,
  threshold,
  threshold_,
} from "./ops/activation.ts"
export { add, div, floorDivide, fmod, mul, remainder, rsub, sub, trueDivide } from "./ops/arithmetic.ts"
export { bitwiseAnd, bitwiseLeftShift, bitwiseNot, bitwiseOr, bitwiseRightShift, bitwiseXor } from "./ops/bitwise.ts"
export {
  allclose,
  allcloseSync,
  eq,
  equal,
  equalSync,
  ge,
  greater,
  greaterEqual,
  gt,
  isclose,
  le,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  ne,
  notEqual,
} from "./ops/comparison.ts"
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from "./ops/convolution.ts"
export { clone } from "./ops/copying.ts"
export {
  arange,
  asTensor,
  empty,
  emptyLike,
  emptyStrided,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from "./ops/creation.ts"
export { cdist, cosineSimilarity, pairwiseDistance } from "./ops/distance.ts"
export { dropout } from "./ops/dropout.ts"
export { einsum } from "./ops/einsum.ts"
export { dynamic, expect } from "./ops/expectation.ts"
export { amax, amin, aminmax, argmax, argmin, max, min } from "./ops/extremes.ts"
export { fill_, zero_ } from "./ops/filling.ts"
export { gather, indexSelect, maskedSelect, maskedSelectSync, take, takeAlongDim } from "./ops/gathering.ts"
export { indexPut, indexPut_, slice } from "./ops/indexing.ts"
export { channelShuffle, pixelShuffle, pixelUnshuffle } from "./ops/interpolation.ts"
export {
  atleast1d,
  atleast2d,
  atleast3d,
  blockDiag,
  broadcastTensors,
  cartesianProd,
  cat,
  columnStack,
  concat,
  concatenate,
  dstack,
  hstack,
  meshgrid,
  rowStack,
  stack,
  vstack,
} from "./ops/joining.ts"
export { bilinear } from "./ops/linear.ts"
export { cross, dist, norm, trace } from "./ops/linear-algebra.ts"
export {
  addcdiv,
  addcmul,
  arctan2,
  atan2,
  copysign,
  floatPower,
  fmax,
  fmin,
  gcd,
  gcd_,
  heaviside,
  hypot,
  lcm,
  lcm_,
  ldexp,
  ldexp_,
  lerp,
  logaddexp,
  logaddexp2,
  maximum,
  minimum,
  nextafter,
  pow,
  square,
  square_,
  xlogy,
  xlogy_,
} from "./ops/math.ts"
export {
  addbmm,
  addmm,
  addmv,
  addmv_,
  addr,
  baddbmm,
  bmm,
  chainMatmul,
  dot,
  ger,
  inner,
  kron,
  matmul,
  mm,
  mv,
  outer,
  tensordot,
  vdot,
} from "./ops/matmul.ts"
export { groupNorm, layerNorm, rmsNorm } from "./ops/normalization.ts"
export { adaptiveAvgPool1d, adaptiveMaxPool1d, avgPool1d, maxPool1d, maxPool2d, maxPool3d } from "./ops/pooling.ts"
export {
  bernoulli,
  defaultGenerator,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  multinomial,
  normal,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  seed,
  setRngState,
} from "./ops/random.ts"
export { all, any, countNonzero, logsumexp, mean, nanmean, nansum, prod, sum } from "./ops/reduction.ts"
export { flip, fliplr, flipud, repeatInterleave, repeatInterleaveSync, roll, rot90, tile } from "./ops/repeating.ts"
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp } from "./ops/scan.ts"
export {
  diagonalScatter,
  indexAdd,
  indexCopy,
  indexFill,
  maskedScatter,
  put,
  scatter,
  scatterAdd,
  scatterReduce,
  selectScatter,
  sliceScatter,
} from "./ops/scattering.ts"
export {
  argwhere,
  argwhereSync,
  bincount,
  bincountSync,
  bucketize,
  histc,
  isin,
  nonzero,
  nonzeroSync,
  searchsorted,
  unique,
  uniqueConsecutive,
  uniqueConsecutiveSync,
  uniqueSync,
} from "./ops/searching.ts"
export {
  clamp,
  clamp_,
  clampMax,
  clampMax_,
  clampMin,
  clampMin_,
  clip,
  clip_,
  maskedFill,
  where,
} from "./ops/selection.ts"
export { logSoftmax, softmax } from "./ops/softmax.ts"
export { argsort, kthvalue, msort, sort, topk } from "./ops/sorting.ts"
export {
  corrcoef,
  cov,
  type Interpolation,
  median,
  mode,
  nanmedian,
  nanquantile,
  quantile,
  std,
  stdMean,
  var,
  varMean,
} from "./ops/statistics.ts"
export { diag, diagEmbed, diagflat, tril, trilIndices, triu, triuIndices } from "./ops/triangular.ts"
export {
  abs,
  abs_,
  absolute,
  acos,
  acos_,
  acosh,
  acosh_,
  arccos,
  arccos_,
  arccosh,
  arccosh_,
  arcsin,
  arcsin_,
  arcsinh,
  arcsinh_,
  arctan,
  arctan_,
  arctanh,
  arctanh_,
  asin,
  asin_,
  asinh,
  asinh_,
  atan,
  atan_,
  atanh,
  atanh_,
  ceil,
  ceil_,
  cos,
  cos_,
  cosh,
  cosh_,
  deg2rad,
  deg2rad_,
  digamma,
  erf,
  erf_,
  erfc,
  erfc_,
  erfinv,
  exp,
  exp_,
  exp2,
  exp2_,
  expm1,
  expm1_,
  fix,
  fix_,
  floor,
  floor_,
  frac,
  frac_,
  isfinite,
  isinf,
  isnan,
  isneginf,
  isposinf,
  lgamma,
  log,
  log_,
  log1p,
  log1p_,
  log2,
  log2_,
  log10,
  log10_,
  logit,
  logit_,
  mvlgamma,
  nanToNum,
  nanToNum_,
  neg,
  neg_,
  negative,
  negative_,
  polygamma,
  positive,
  rad2deg,
  rad2deg_,
  reciprocal,
  reciprocal_,
  round,
  round_,
  rsqrt,
  rsqrt_,
  sgn,
  sigmoid,
  sigmoid_,
  sign,
  signbit,
  sin,
  sin_,
  sinc,
  sinc_,
  sinh,
  sinh_,
  sqrt,
  sqrt_,
  tan,
  tan_,
  tanh,
  tanh_,
  trunc,
  trunc_,
} from "./ops/unary.ts"
export {
  asStrided,
  broadcastTo,
  chunk,
  detach,
  detach_,
  diagonal,
  dsplit,
  flatten,
  hsplit,
  moveaxis,
  movedim,
  narrow,
  permute,
  ravel,
  reshape,
  select,
  split,
  squeeze,
  swapaxes,
  swapdims,
  t,
  tensorSplit,
  transpose,
  unbind,
  unflatten,
  unsqueeze,
  vsplit,
} from "./ops/views.ts"
export { type Formula, Pointwise, type PointwiseOptions } from "./pointwise.ts"
export { getPrintoptions, type PrintOptions, setPrintoptions } from "./printing.ts"
export { resultType } from "./promotion.ts"
export { dispose, scope } from "./scope.ts"
export * as special from "./special.ts"
export { isTensor, Parameter, Tensor } from "./tensor.ts"
export * from "./types/config.ts"
export * from "./types/public.ts"
