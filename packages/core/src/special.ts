/** The namespace `special`: functions of mathematical physics and their kin, some of them under a second name. */

export { xlog1py, xlogy } from "./ops/math.ts"
export { logsumexp } from "./ops/reduction.ts"
export { logSoftmax, softmax } from "./ops/softmax.ts"
export {
  digamma,
  digamma as psi,
  entr,
  erf,
  erfc,
  erfinv,
  exp2,
  expm1,
  lgamma as gammaln,
  log1p,
  logit,
  logNdtr,
  mvlgamma as multigammaln,
  ndtr,
  polygamma,
  round,
  sigmoid as expit,
  sinc,
} from "./ops/unary.ts"
