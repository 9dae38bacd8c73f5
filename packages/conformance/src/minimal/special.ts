/**
 * The primitives that the Math object lacks, in double precision, by the shortest methods that are accurate.
 * Formulas by number are those of the NIST Digital Library of Mathematical Functions.
 */

/** erf by its series (7.6.2), for |x| < 3. */
function erfSeries(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1)
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** erfc by its continued fraction (7.9.1), for x >= 2. */
function erfcFraction(x: number): number {
  let tail = x
  for (let k = 60; k > 0; k--) tail = x + k / 2 / tail
  return Math.exp(-x * x) / (tail * Math.sqrt(Math.PI))
}

const erf = (x: number): number =>
  Math.abs(x) < 3 ? erfSeries(x) : x > 0 ? 1 - erfcFraction(x) : x < 0 ? erfcFraction(-x) - 1 : x
const erfc = (x: number): number => (x < 0.5 ? 1 - erf(x) : x < 2 ? 1 - erfSeries(x) : x >= 2 ? erfcFraction(x) : x)

/** Newton's method with a second-order correction, on erfc in the tail, where erf is too flat to tell. */
function erfinv(y: number): number {
  const side = Math.abs(y)
  if (!(side < 1)) return side === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN
  if (y === 0) return y
  // The start is Winitzki's approximation, good to 0.002.
  const log = Math.log1p(-side * side)
  const half = 2 / (Math.PI * 0.147) + log / 2
  let x = Math.sqrt(Math.sqrt(half * half - log / 0.147) - half)
  for (let step = 0; step < 3; step++) {
    const error = side > 0.5 ? 1 - side - erfc(x) : erf(x) - side
    const newton = error / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x))
    x -= newton / (1 + x * newton)
  }
  return Math.sign(y) * x
}

/** B_2, B_4, ..., B_20. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330]

/** Stirling's series (5.11.1) beyond 10, the recurrence below, reflection (5.5.3) for negative numbers. */
function lgamma(x: number): number {
  if (Math.abs(x) === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (x <= 0 && Number.isInteger(x)) return Number.POSITIVE_INFINITY
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x % 2)))) - lgamma(1 - x)
  if (x === 1 || x === 2) return 0
  let shift = 1
  let z = x
  while (z < 10) shift *= z++
  const series = BERNOULLI.reduce((sum, b, k) => sum + b / ((2 * k + 2) * (2 * k + 1) * z ** (2 * k + 1)), 0)
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - Math.log(shift)
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))

/** The n-th derivative of cot at x: a polynomial in c = cot x, as (cot)' = -1 - c². */
function cotangentDerivative(n: number, x: number): number {
  let polynomial = [0, 1]
  for (let k = 0; k < n; k++) {
    const next = new Array<number>(polynomial.length + 1).fill(0)
    polynomial.forEach((a, power) => {
      if (power === 0) return
      next[power - 1] -= power * a
      next[power + 1] -= power * a
    })
    polynomial = next
  }
  const c = 1 / Math.tan(x)
  return polynomial.reduceRight((sum, a) => sum * c + a, 0)
}

/** The asymptotic series (5.15.8, 5.11.2 for n = 0), the recurrence (5.15.5) below, reflection (5.15.6). */
function polygamma(n: number, x: number): number {
  if (x <= 0 && Number.isInteger(x)) {
    if (n > 0) return n % 2 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    return x === 0 ? (Object.is(x, -0) ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY) : Number.NaN
  }
  if (x === Number.POSITIVE_INFINITY) return n === 0 ? x : 0
  if (!(x > Number.NEGATIVE_INFINITY)) return Number.NaN
  const sign = n % 2 ? 1 : -1
  if (x < 0.5) return -sign * polygamma(n, 1 - x) - Math.PI ** (n + 1) * cotangentDerivative(n, Math.PI * (x % 1))
  let sum = 0
  let z = x
  for (; z < 20 + n; z++) sum += factorial(n) / z ** (n + 1)
  const leading = n === 0 ? -Math.log(z) : factorial(n - 1) / z ** n
  sum += leading + factorial(n) / (2 * z ** (n + 1))
  BERNOULLI.forEach((b, k) => {
    const order = 2 * k + 2
    sum += (b * factorial(order + n - 1)) / (factorial(order) * z ** (order + n))
  })
  return sign * sum
}

export const SPECIAL = { erf, erfc, erfinv, lgamma, polygamma }
