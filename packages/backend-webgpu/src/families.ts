/** The functions beyond arithmetic, comparisons, sqrt, exp, expm1, log, tanh and sigmoid, by what they are for. */
import { provideDirect } from "./contraction.ts"
import { directLoop } from "./direct.ts"
import { exchanges } from "./exchanges.ts"
import { provideExchanges } from "./meeting.ts"
import { ERROR } from "./wgsl-error.ts"
import { GAMMA } from "./wgsl-gamma.ts"
import { HALF } from "./wgsl-half.ts"
import { type Functions, provide } from "./wgsl-math.ts"
import { POWERS } from "./wgsl-powers.ts"
import { TRIGONOMETRIC } from "./wgsl-trigonometric.ts"

/** sin, cos, tan, asin, acos, atan, atan2, sinh, cosh; also what draws normal numbers. */
export const trigonometric: Functions = TRIGONOMETRIC
/** erf, erfc, erfinv, and so the exact gelu. */
export const error: Functions = ERROR
/** pow, of floats and integers, exp2, log2, log10, log1p (and so softplus and binary cross-entropy), and remainders of floats (fmod, remainder). */
export const powers: Functions = POWERS
/** lgamma, digamma, polygamma, with the functions of angles that these need. */
export const gamma: Functions = { ...TRIGONOMETRIC, ...GAMMA }

/** The dtypes float16 and bfloat16. */
export const half: Functions = HALF

/** And subgroups, and direct tiles. */
export const provideAll = (): void => {
  provideDirect(directLoop)
  provideExchanges(exchanges)
  for (const family of [trigonometric, error, powers, gamma, half]) provide(family)
}
