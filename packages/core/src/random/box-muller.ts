/**
 * The Box-Muller transform of blocks of 16 uniform numbers to 16 normal ones, as PyTorch computes it on a CPU.
 *
 * G. E. P. Box, M. E. Muller, Annals of Mathematical Statistics 29(2), 1958: from u1 in (0, 1] and u2 in [0, 1),
 * r cos t and r sin t with r = sqrt(-2 ln u1), t = 2 pi u2 are two independent normals. In a block, u1 is one minus
 * each of the first eight uniforms, u2 each of the last eight; the cosines come first, the sines after them.
 *
 * In float32 PyTorch takes ln, sin and cos by the polynomials of Cephes (S. L. Moshier: logf, sinf, cosf) with fused
 * multiply-adds. These steps are repeated here one rounding at a time, so that the results are PyTorch's to the bit
 * also where sin and cos are near zero. A fused multiply-add of float32 numbers is f(a * b + c): the product is exact
 * in a double.
 */

const f = Math.fround

/** Uniforms in, normals out. */
export const BLOCK = 16

/** Half of a block: pairs. */
const PAIRS = 8

const SQRT_HALF = f(Math.SQRT1_2)
const LN2_HIGH = 0.693359375
const LN2_LOW = f(-2.1219444e-4)
const LOG_0 = f(7.0376836292e-2)
const LOG_1 = f(-1.151461031e-1)
const LOG_2 = f(1.167699874e-1)
const LOG_3 = f(-1.2420140846e-1)
const LOG_4 = f(1.4249322787e-1)
const LOG_5 = f(-1.6668057665e-1)
const LOG_6 = f(2.0000714765e-1)
const LOG_7 = f(-2.4999993993e-1)
const LOG_8 = f(3.3333331174e-1)

const TWO_PI = f(2 * Math.PI)
const FOUR_OVER_PI = f(4 / Math.PI)
// Pi / 4 in three parts; the first two have so few bits that multiples of theirs are exact.
const QUARTER_PI_HIGH = -0.78515625
const QUARTER_PI_MIDDLE = -2.4187564849853515625e-4
const QUARTER_PI_LOW = f(-3.77489497744594108e-8)
const COS_0 = f(2.443315711809948e-5)
const COS_1 = f(-1.388731625493765e-3)
const COS_2 = f(4.166664568298827e-2)
const SIN_0 = f(-1.9515295891e-4)
const SIN_1 = f(8.3321608736e-3)
const SIN_2 = f(-1.6666654611e-1)

/** 2^-e for the exponents that 24-bit integers have. */
const SCALE = Float64Array.from({ length: 26 }, (_, e) => 2 ** -e)

/** ln(k 2^-24) in float32 for an integer k in [1, 2^24]. */
function log24(k: number): number {
  const bits = 32 - Math.clz32(k)
  const m = k * SCALE[bits]
  const low = m < SQRT_HALF
  const x = low ? m + m - 1 : m - 1
  const e = low ? bits - 25 : bits - 24
  const z = f(x * x)
  let y = f(LOG_0 * x + LOG_1)
  y = f(y * x + LOG_2)
  y = f(y * x + LOG_3)
  y = f(y * x + LOG_4)
  y = f(y * x + LOG_5)
  y = f(y * x + LOG_6)
  y = f(y * x + LOG_7)
  y = f(y * x + LOG_8)
  y = f(f(y * x) * z + f(e * LN2_LOW))
  y = f(z * -0.5 + y)
  return f(e * LN2_HIGH + f(x + y))
}

/**
 * Transforms the 16 draws from `draws[at]` on, of which each gives a uniform of 24 bits, to float32 normals.
 * @param mean a float32 number
 * @param std a float32 number
 */
export function boxMuller32(
  draws: Uint32Array,
  at: number,
  out: Float32Array,
  to: number,
  mean: number,
  std: number,
): void {
  for (let i = 0; i < PAIRS; i++) {
    const radius = f(Math.sqrt(-2 * log24(0x1000000 - (draws[at + i] & 0xffffff))))
    const theta = f(TWO_PI * ((draws[at + PAIRS + i] & 0xffffff) * SCALE[24]))

    // theta = octant pi / 4 + x with an even octant, |x| <= pi / 4.
    const octant = (f(theta * FOUR_OVER_PI) + 1) & -2
    let x = f(octant * QUARTER_PI_HIGH + theta)
    x = f(octant * QUARTER_PI_MIDDLE + x)
    x = f(octant * QUARTER_PI_LOW + x)
    const z = f(x * x)
    let c = f(COS_0 * z + COS_1)
    c = f(c * z + COS_2)
    c = f(f(f(c * z) * z - z * 0.5) + 1)
    let s = f(SIN_0 * z + SIN_1)
    s = f(s * z + SIN_2)
    s = f(f(s * z) * x + x)

    const swap = (octant & 2) !== 0
    const cosine = swap ? s : c
    const sine = swap ? c : s
    out[to + i] = f(radius * ((octant + 2) & 4 ? -cosine : cosine)) * std + mean
    out[to + PAIRS + i] = f(radius * (octant & 4 ? -sine : sine)) * std + mean
  }
}

const double = new Float64Array(1)
const words = new Int32Array(double.buffer)

// ln 2 in two parts; the first has so few bits that multiples by an exponent are exact.
const LN2_UPPER = 0.6931471803691238
const LN2_LOWER = 1.9082149292705877e-10

/**
 * ln(x) for x in [2^-53, 1]: the double nearest to it nearly always, as in the C library that PyTorch uses.
 * `Math.log` is off by one place in one case of twenty, which would show in the normals as up to three.
 *
 * With x = 2^e m and s = (m - 1) / (m + 1), ln(x) = e ln 2 + 2 (s + s^3 / 3 + s^5 / 5 + ...); s is kept in two parts.
 */
function log53(x: number): number {
  double[0] = x
  // Exponents that put m between sqrt(1/2) and sqrt(2), to within the bits of the upper word.
  const e = (words[1] - 0x3fe6a09e) >> 20
  words[1] -= e << 20
  const t = double[0] - 1
  const d = t + 2
  const s = t / d
  const lower = (fusedMultiplyAdd(-s, d, t) - s * (t - (d - 2))) / d
  const z = s * s
  let series = 0
  for (let k = 23; k >= 3; k -= 2) series = (series + 2 / k) * z
  const upper = e * LN2_UPPER
  const sum = upper + 2 * s
  const error = e === 0 ? 0 : 2 * s - (sum - upper)
  return sum + (error + (2 * lower + s * series + e * LN2_LOWER))
}

/** Transforms the 16 uniforms from `data[at]` on to normals, in place and in double precision. */
export function boxMuller64(data: Float64Array, at: number, mean: number, std: number): void {
  for (let i = at; i < at + PAIRS; i++) {
    const radius = Math.sqrt(-2 * log53(1 - data[i]))
    const theta = 2 * Math.PI * data[i + PAIRS]
    data[i] = fusedMultiplyAdd(radius * Math.cos(theta), std, mean)
    data[i + PAIRS] = fusedMultiplyAdd(radius * Math.sin(theta), std, mean)
  }
}

/** Splits a double in two halves of 26 bits: 2^27 + 1. */
const SPLITTER = 134217729

/**
 * a * b + c rounded once (T. J. Dekker, Numerische Mathematik 18, 1971), which keeps small results exact where the
 * product and c nearly cancel. Rounded twice where |a| or |b| reaches 2^996.
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b
  if (c === 0) return product
  const ta = a * SPLITTER
  const ah = ta - (ta - a)
  const al = a - ah
  const tb = b * SPLITTER
  const bh = tb - (tb - b)
  const bl = b - bh
  const productError = al * bl - (product - ah * bh - al * bh - ah * bl)
  const sum = product + c
  const rest = sum - product
  if (!Number.isFinite(productError)) return sum
  return sum + (product - (sum - rest) + (c - rest) + productError)
}
