/**
 * Special functions in double precision. The polynomials are Chebyshev interpolants of the functions named beside them,
 * computed with 60 digits and accurate to 1e-16 on their intervals.
 */

const horner = (coefficients: readonly number[], x: number): number => {
  let sum = coefficients[coefficients.length - 1]
  for (let k = coefficients.length - 2; k >= 0; k--) sum = sum * x + coefficients[k]
  return sum
}

/**
 * erf(√s)/√s for s in [0, 4]. Written out because it runs for every element of a gelu, and with the even and the odd
 * powers apart because two chains of dependent steps run at once.
 */
function erfRatio(s: number): number {
  const u = 0.5 * s - 1
  const v = u * u
  let even = 1.7218858155484183e-11
  even = even * v + 1.1331611787961273e-9
  even = even * v + 6.11973590542225e-8
  even = even * v + 2.475801058763217e-6
  even = even * v + 7.180100878143417e-5
  even = even * v + 0.0014050914235853634
  even = even * v + 0.017128344571823145
  even = even * v + 0.11947913860985163
  even = even * v + 0.674933236039655
  let odd = -1.8874163743967482e-12
  odd = odd * v - 1.401554063331593e-10
  odd = odd * v - 8.617665144205791e-9
  odd = odd * v - 4.045094947367635e-7
  odd = odd * v - 1.3946273727597251e-5
  odd = odd * v - 0.0003351435335293146
  odd = odd * v - 0.005234875836158027
  odd = odd * v - 0.04866277744915509
  odd = odd * v - 0.2611118609312454
  return even + u * odd
}

/** exp(x²)·erfc(x)·(x + 1) for x ≥ 0.5, in 2(x - 0.5)/(x + 2.5) - 1. */
const ERFCX = [
  0.6988214502400243, -0.1839746678444515, 0.05548010734517075, -0.0004887032165504828, -0.009718914950018512,
  0.005072147934957248, -0.0008490022641259475, -0.00029760547037664415, 0.0001462730647304903, 1.733283462096935e-5,
  -1.9820539176485516e-5, -1.7865277192024913e-6, 2.82033877297532e-6, 4.056815915711718e-7, -4.1388326565249604e-7,
  -1.1374614738654156e-7, 5.586554976357816e-8, 2.9454883788881453e-8, -5.454914485801876e-9, -6.421531431207695e-9,
  1.1395110361847412e-10, 1.042341887062437e-9, 4.1874217711896604e-11, -9.24350780778679e-11,
]

/** erfc for x ≥ 0.5. exp(-x²) is taken in two factors, the first of an exact square: x² alone loses digits where it is large. */
export function erfcLarge(x: number): number {
  if (x > 27.5) return 0
  const high = Math.round(x * 1024) / 1024
  const gaussian = Math.exp(-high * high) * Math.exp((high - x) * (high + x))
  return (gaussian * horner(ERFCX, (x - 3.5) / (x + 2.5))) / (x + 1)
}

export function erf(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude < 2) return x * erfRatio(x * x)
  // From 6 on erfc is below half a unit in the last place of 1.
  const value = magnitude < 6 ? 1 - erfcLarge(magnitude) : magnitude >= 6 ? 1 : Number.NaN
  return x < 0 ? -value : value
}

export function erfc(x: number): number {
  if (x !== x) return Number.NaN
  if (x >= 0.5) return erfcLarge(x)
  if (x > -1) return 1 - x * erfRatio(x * x)
  return x < -6 ? 2 : 2 - erfcLarge(-x)
}

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)

/** Halley's iteration from Winitzki's closed form (within 2e-3), in the tail against erfc, where erf has no digits left. */
export function erfinv(y: number): number {
  const magnitude = Math.abs(y)
  if (!(magnitude < 1)) return magnitude === 1 ? y * Infinity : Number.NaN
  if (magnitude < 1e-8) return y / TWO_OVER_SQRT_PI
  const a = 0.147
  const logarithm = Math.log1p(-magnitude * magnitude)
  const half = 2 / (Math.PI * a) + logarithm / 2
  let x = Math.sqrt(Math.sqrt(half * half - logarithm / a) - half)
  for (let step = 0; step < 3; step++) {
    const error = magnitude > 0.5 ? 1 - magnitude - erfc(x) : erf(x) - magnitude
    const newton = error / (TWO_OVER_SQRT_PI * Math.exp(-x * x))
    x -= newton / (1 + x * newton)
  }
  return y < 0 ? -x : x
}

/** lgamma(x)/((x - 1)(x - 2)) on [1, 2], in 2x - 3. */
const LGAMMA_1_2 = [
  0.4831289505409809, -0.07297994795715297, 0.01572785026864121, -0.003913560937631659, 0.0010498186644508718,
  -0.0002945507014009265, 8.510090378468051e-5, -2.509432984849446e-5, 7.5113915317296576e-6, -2.274240971132041e-6,
  6.948440187550096e-7, -2.138843561161159e-7, 6.623601939725099e-8, -2.057761163373013e-8, 6.434152357291201e-9,
  -2.0732827842398214e-9, 6.533268528434416e-10, -1.6393816009998903e-10, 5.18198984494436e-11, -3.533898162275879e-11,
  1.1273354955165048e-11,
]
/** The same on [2, 3], in 2x - 5. */
const LGAMMA_2_3 = [
  0.37957716063055885, -0.03733178707724971, 0.004976288576186563, -0.0007523460658792945, 0.00012181609304315032,
  -2.0582490833615245e-5, 3.5789632136854655e-6, -6.351741560115765e-7, 1.1444982073683402e-7, -2.0863827704230996e-8,
  3.839539061105842e-9, -7.116435030431072e-10, 1.3144414538049703e-10, -2.463354045296038e-11, 5.413675931920078e-12,
  -1.0238587240449543e-12,
]
/** B(2k)/(2k(2k - 1)): Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400]
const HALF_LOG_TWO_PI = 0.9189385332046727

/** log|Γ(x)|: +infinity at 0 and the negative integers. */
export function lgamma(x: number): number {
  if (x !== x) return Number.NaN
  if (!Number.isFinite(x)) return Infinity
  if (x <= 0) {
    const floor = Math.floor(x)
    if (x === floor) return Infinity
    if (x > -1e-19) return -Math.log(-x)
    return Math.log(Math.PI / Math.abs(x * Math.sin(Math.PI * (x - Math.round(x))))) - lgamma(-x)
  }
  // The factors that vanish at 1 and 2 are formed from x itself, not from the rounded x + 1.
  if (x < 1) return x * (x - 1) * horner(LGAMMA_1_2, 2 * x - 1) - Math.log(x)
  // Adding 0 makes the zeros positive.
  if (x <= 2) return (x - 1) * (x - 2) * horner(LGAMMA_1_2, 2 * x - 3) + 0
  if (x < 8) {
    let product = 1
    let y = x
    while (y > 3) {
      y -= 1
      product *= y
    }
    return Math.log(product) + (y - 1) * (y - 2) * horner(LGAMMA_2_3, 2 * y - 5)
  }
  const inverse = 1 / x
  const log = Math.log(x)
  const series = HALF_LOG_TWO_PI + inverse * horner(STIRLING, inverse * inverse)
  // (x - 0.5) log x - x in a form that does not overflow before the result does.
  return x < 1e17 ? (x - 0.5) * log - x + series : x * (log - 1)
}

/** B(2k)/(2k): the asymptotic series of digamma. */
const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160]

/** PyTorch's poles: ∓infinity at ±0, NaN at the negative integers and -infinity. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity
  if (x < 0) {
    const fraction = x - Math.trunc(x)
    if (fraction === 0 || fraction !== fraction) return Number.NaN
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * fraction)
  }
  let sum = 0
  let y = x
  while (y < 10) {
    sum -= 1 / y
    y += 1
  }
  if (y === Infinity) return Infinity
  const inverse = 1 / (y * y)
  return sum + Math.log(y) - 0.5 / y - inverse * horner(DIGAMMA, inverse)
}

/** B(2k)/(2k)!: Euler and Maclaurin's corrections. */
const EULER_MACLAURIN = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
  -3617 / 10670622842880000,
  43867 / 5109094217170944000,
]

/** Hurwitz's Σ (q + k)^-s over k ≥ 0, for an integer s ≥ 2; infinite at 0 and the negative integers. */
function zeta(s: number, q: number): number {
  if (q <= 0) {
    const fraction = q - Math.floor(q)
    if (!(fraction > 0)) return fraction === 0 ? Infinity : Number.NaN
    // The terms below zero, seen from the other side; the distance to the integer above is exact where 1 - fraction is 0.
    const below = zeta(s, Math.ceil(q) - q) - zeta(s, 1 - q)
    return zeta(s, fraction) + (s % 2 ? -below : below)
  }
  if (q === Infinity) return 0
  let sum = 0
  let y = q
  for (const end = 10 + s; y < end; y += 1) {
    const term = y ** -s
    sum += term
    if (term < sum * 1e-18) return sum
  }
  const power = y ** -s
  sum += (power * y) / (s - 1) + power / 2
  let factor = s
  let scale = power / y
  for (let k = 0; k < EULER_MACLAURIN.length; k++) {
    sum += EULER_MACLAURIN[k] * factor * scale
    factor *= (s + 2 * k + 1) * (s + 2 * k + 2)
    scale /= y * y
  }
  return sum
}

/** The (n + 1)-th derivative of lgamma: (-1)^(n+1) n! ζ(n + 1, x) for n ≥ 1. */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x)
  let factorial = 1
  for (let k = 2; k <= n; k++) factorial *= k
  return (n % 2 ? factorial : -factorial) * zeta(n + 1, x)
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
