/**
 * Mathematical functions on pairs of doubles. Most are functions of the module, so that using one costs a call rather than
 * its whole code. Polynomials are near-minimax, computed with 50 digits. "Within 1 ulp" means units in the last place of the
 * rounded exact value, measured with and without fused multiplications.
 */

import type { Graph, Node } from "./graph.ts"
import type { MathName, VectorFunction } from "./math.ts"
import { lgammaScalar, polygammaScalar } from "./math-gamma.ts"
import { called, imported, Lanes, lanewise, vectorFunction } from "./math-lanes.ts"

const lanes = (g: Graph): Lanes => new Lanes(g, "f64x2")

/** ln 2 in two parts, of which the first has 21 zeros at its end: its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** (exp(r) − 1 − r)/r² for |r| ≤ ln 2 / 2. */
const EXP_TAIL = [
  0.5, 0.16666666666666677, 0.04166666666666651, 0.008333333333321693, 0.0013888888888962353, 0.00019841269885963308,
  2.4801587172556177e-5, 2.755724437675314e-6, 2.7557402639069735e-7, 2.5108978008997207e-8, 2.0875328167341994e-9,
]

/** x = n·ln 2 + r, and exp(r) − 1. */
function reduceExp(v: Lanes, x: Node): { readonly n: Node; readonly above: Node } {
  const { value: n } = v.nearest(x, Math.LOG2E)
  const high = v.nmadd(n, LN2_HIGH, x)
  const low = v.mul(n, LN2_LOW)
  const r = v.sub(high, low)
  const square = v.mul(r, r)
  return { n, above: v.add(high, v.sub(v.mul(square, v.evenOdd(EXP_TAIL, r, square)), low)) }
}

/** m·2^(n + more), rounded once where it is subnormal; by two factors, because n itself may be beyond the exponents. */
function scale(v: Lanes, m: Node, n: Node, more = 0): Node {
  const { inBits, value } = v.nearest(n, 0.5, v.layout.bias)
  const rest = v.add(v.sub(n, value), v.layout.rounder + v.layout.bias + more)
  return v.mul(v.mul(m, v.powerOfBits(inBits)), v.powerOfBits(rest))
}

function expTimes(g: Graph, x: Node, power: number): Node {
  const v = lanes(g)
  const { n, above } = reduceExp(v, v.atLeast(v.atMost(x, 711), -747))
  return scale(v, v.add(above, 1), n, power)
}

/** Within 1 ulp. */
const exp = called("f64.exp", (g, x) => expTimes(g, x, 0))
/** exp(x)/2, which does not overflow before sinh and cosh do. */
const halfExp = called("f64.halfExp", (g, x) => expTimes(g, x, -1))

/** 2^x within 1 ulp: the fraction is exact, so that integers give exact powers. */
const exp2 = called("f64.exp2", (g, x) => {
  const v = lanes(g)
  const limited = v.atLeast(v.atMost(x, 1025), -1080)
  const { value: n } = v.nearest(limited, 1)
  const fraction = v.sub(limited, n)
  const high = v.mul(fraction, LN2_HIGH)
  const r = v.madd(fraction, LN2_LOW, high)
  const square = v.mul(r, r)
  return scale(v, v.add(v.madd(square, v.evenOdd(EXP_TAIL, r, square), r), 1), n)
})

/** exp(x) − 1 for x ≥ −40 or so; half of 2^n because 2^1024 is too large. */
function expm1Of(v: Lanes, x: Node): Node {
  const { n, above } = reduceExp(v, x)
  const half = v.powerOfBits(v.add(n, v.layout.rounder + v.layout.bias - 1))
  const result = v.madd(half, above, v.sub(half, 0.5))
  return v.add(result, result)
}

/** Within 2 ulp. */
const expm1 = called("f64.expm1", (g, x) => {
  const v = lanes(g)
  // Up to 709.9 n is at most 1024.
  return v.withSign(expm1Of(v, v.atLeast(v.atMost(x, 709.9), -40)), x)
})

/** t/(t + 2), t = exp(2|x|) − 1; within 4 ulp. */
const tanh = called("f64.tanh", (g, x) => {
  const v = lanes(g)
  const t = expm1Of(v, v.atMost(v.mul(v.abs(x), 2), 44))
  return v.withSign(v.div(t, v.add(t, 2)), x)
})

/** 1/(1 + e) or e/(1 + e), e = exp(−|x|), so that what is far below 0 keeps its digits; within 3 ulp. */
const sigmoid = called("f64.sigmoid", (g, x) => {
  const v = lanes(g)
  const e = exp(g, v.neg(v.abs(x)))
  return v.div(v.select(v.lt(x, 0), e, 1), v.add(e, 1))
})

/** (sinh(x) − x)/x³ in x² ≤ 1. */
const SINH = [
  0.16666666666666669, 0.008333333333333174, 0.00019841269841425354, 2.7557319156695965e-6, 2.5052123477359524e-8,
  1.6057217076490272e-10, 7.760411617430192e-13,
]

/** Within 3 ulp. */
const sinh = called("f64.sinh", (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const e = halfExp(g, magnitude)
  const square = v.mul(x, x)
  const small = v.madd(v.mul(magnitude, square), v.evenOdd(SINH, square), magnitude)
  return v.withSign(v.select(v.lt(magnitude, 1), small, v.sub(e, v.div(0.25, e))), x)
})

/** Within 2 ulp. */
const cosh = called("f64.cosh", (g, x) => {
  const v = lanes(g)
  const e = halfExp(g, v.abs(x))
  return v.add(e, v.div(0.25, e))
})

/** (2·artanh(s) − 2s)/s³ in s², s = f/(2 + f), 1 + f from √½ to √2. */
const LOG = [
  0.666666666666671, 0.39999999999519825, 0.285714287292847, 0.22222199090903028, 0.1818357154066378,
  0.15313164388097097, 0.14810519860256985,
]

/** log(1 + f) = f − (half − rest), half = f²/2. */
function logParts(v: Lanes, f: Node): { readonly half: Node; readonly rest: Node } {
  const s = v.div(f, v.add(f, 2))
  const z = v.mul(s, s)
  const half = v.mul(v.mul(f, 0.5), f)
  return { half, rest: v.mul(s, v.madd(z, v.evenOdd(LOG, z), half)) }
}

/** How a logarithm is made of m and n of x = m·2^n, and a correction of log m in log1p. */
type Combine = (v: Lanes, f: Node, n: Node, correction?: Node) => Node

const natural: Combine = (v, f, n, correction) => {
  const { half, rest } = logParts(v, f)
  const low = v.mul(n, LN2_LOW)
  const below = v.add(rest, correction ? v.add(low, correction) : low)
  return v.madd(n, LN2_HIGH, v.sub(f, v.sub(half, below)))
}

/** Of another base: log m in two parts, times 1/ln(base) in two parts, so that powers of the base have exact logarithms. */
const inBase =
  (inverseHigh: number, inverseLow: number, twoHigh: number, twoLow: number): Combine =>
  (v, f, n) => {
    const { half, rest } = logParts(v, f)
    const high = v.and(v.sub(f, half), v.bits(~0xffffffffn))
    const low = v.add(v.sub(v.sub(f, high), half), rest)
    const leading = v.mul(high, inverseHigh)
    const exponent = v.mul(n, twoHigh)
    const sum = v.add(exponent, leading)
    const lost = v.add(v.sub(exponent, sum), leading)
    const small = v.add(v.mul(n, twoLow), v.mul(v.add(low, high), inverseLow))
    return v.add(v.add(v.madd(low, inverseHigh, small), lost), sum)
  }

/** A logarithm of positive normal numbers, and a function for vectors in which there are others. */
function logarithm(name: string, combine: Combine): VectorFunction {
  const normal = (v: Lanes, x: Node, less = 0): Node => {
    const { m, n } = v.split(x, less)
    return combine(v, v.sub(m, 1), n)
  }
  return called(`f64.${name}`, (g, x) => {
    const v = lanes(g)
    const rest = vectorFunction(g.module, `f64.${name}.rest`, 1, (inner, y) => {
      const w = lanes(inner)
      const tiny = w.lt(y, w.layout.smallestNormal)
      const result = w.select(tiny, normal(w, w.mul(y, 2 ** 54), 54), normal(w, y))
      // −infinity at the zeros, NaN below, infinity and NaN as they are.
      return w.select(w.gt(y, 0), w.select(w.lt(y, Infinity), result, y), w.select(w.eq(y, 0), -Infinity, Number.NaN))
    })
    return g.unless(v.notAll(v.positiveNormal(x)), rest, [x], normal(v, x))
  })
}

/** Within 1 ulp. */
const log = logarithm("log", natural)
/** Within 1 ulp; exact for powers of 2. */
const log2 = logarithm("log2", inBase(1.442695040255785, 6.331784189566044e-10, 1, 0))
/** Within 2 ulp; exact for powers of 10. */
const log10 = logarithm(
  "log10",
  inBase(0.43429448176175356, 1.414982685385801e-10, 0.3010299955494702, 1.1451100898021838e-10),
)

/** log(u) + c/u, u = 1 + x rounded and c what was lost; within 1 ulp. */
const log1p = called("f64.log1p", (g, x) => {
  const v = lanes(g)
  const u = v.add(x, 1)
  const rounded = v.sub(u, 1)
  const lost = v.add(v.sub(x, rounded), v.sub(1, v.sub(u, rounded)))
  const { m, n } = v.split(u)
  const result = v.withSign(natural(v, v.sub(m, 1), n, v.div(lost, u)), x)
  const rest = vectorFunction(g.module, "f64.log1p.rest", 2, (inner, y, usual) => {
    const w = lanes(inner)
    return w.select(w.gt(y, -1), w.select(w.lt(y, Infinity), usual, y), w.select(w.eq(y, -1), -Infinity, Number.NaN))
  })
  return g.unless(v.notAll(v.and(v.gt(x, -1), v.lt(x, Infinity))), rest, [x, result], result)
})

/** π/2 in three parts; the first two have 20 zeros at their ends. */
const HALF_PI = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21]
/** From here on the reduction is JavaScript's. */
const LARGE_ANGLE = 2 ** 20
/** (sin(r) − r)/r³ and (cos(r) − 1 + r²/2)/r⁴ in r², |r| ≤ π/4. */
const SIN = [
  -0.1666666666666664, 0.008333333333323662, -0.00019841269830144396, 2.755731365185325e-6, -2.5050734571080183e-8,
  1.5894710582233724e-10,
]
const COS = [
  0.04166666666666665, -0.001388888888888284, 2.4801587294628004e-5, -2.7557315738613256e-7, 2.0875897738680502e-9,
  -1.1367981880350485e-11,
]

/** |x| = n·π/2 + r; n in the last bits of a float, sin(r), cos(r). */
function reduceAngle(v: Lanes, magnitude: Node): { readonly inBits: Node; readonly sine: Node; readonly cosine: Node } {
  const { inBits, value } = v.nearest(magnitude, 2 / Math.PI)
  const r = HALF_PI.reduce((rest, part) => v.nmadd(value, part, rest), magnitude)
  const square = v.mul(r, r)
  const sine = v.madd(v.mul(square, r), v.evenOdd(SIN, square), r)
  const cosine = v.add(v.sub(1, v.mul(square, 0.5)), v.mul(v.mul(square, square), v.evenOdd(COS, square)))
  return { inBits, sine, cosine }
}

/** The lanes of `x` in whose bits the last one is set. */
const oddBits = (v: Lanes, inBits: Node): Node => v.isub(v.bits(0n), v.and(inBits, v.bits(1n)))

/** A function of an angle, by JavaScript's own one where it is large; what a lane has does not depend on the others. */
const ofAngle = (name: "sin" | "cos" | "tan", formula: (v: Lanes, x: Node, magnitude: Node) => Node): VectorFunction =>
  called(`f64.${name}`, (g, x) => {
    const v = lanes(g)
    const magnitude = v.abs(x)
    const usual = formula(v, x, magnitude)
    const rest = vectorFunction(g.module, `f64.${name}.rest`, 2, (inner, y, near) => {
      const w = lanes(inner)
      const far = lanewise(inner, imported(inner, `Math.${name}`, 1), y)
      return w.select(w.ge(w.abs(y), LARGE_ANGLE), far, near)
    })
    return g.unless(v.any(v.ge(magnitude, LARGE_ANGLE)), rest, [x, usual], usual)
  })

/** Within 2 ulp. */
const sin = ofAngle("sin", (v, x, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  const value = v.select(oddBits(v, inBits), cosine, sine)
  return v.xor(value, v.sign(v.xor(x, v.shl(inBits, 62))))
})
/** Within 2 ulp. */
const cos = ofAngle("cos", (v, _, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  const value = v.select(oddBits(v, inBits), sine, cosine)
  return v.xor(value, v.sign(v.shl(v.iadd(inBits, v.bits(1n)), 62)))
})
/** Within 4 ulp. */
const tan = ofAngle("tan", (v, x, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  const odd = oddBits(v, inBits)
  const value = v.div(v.select(odd, cosine, sine), v.select(odd, sine, cosine))
  return v.xor(value, v.sign(v.xor(x, v.shl(inBits, 63))))
})

const ofJavaScript = (name: string, arity: number): VectorFunction =>
  called(`f64.${name}`, (g, ...args) => lanewise(g, imported(g, name, arity), ...args))

/** erf(x)/x in x²/2 − 1, |x| ≤ 2. */
const ERF = [
  0.674933236039655, -0.26111186093124533, 0.11947913860985164, -0.04866277744915544, 0.01712834457182271,
  -0.005234875836153072, 0.0014050914235888582, -0.00033514353356086524, 7.180100876759554e-5, -1.3946273621290003e-5,
  2.475801088480981e-6, -4.0450969759574387e-7, 6.119732373615123e-8, -8.617444965472656e-9, 1.1331830177938692e-9,
  -1.4028207856127227e-10, 1.7213375528720236e-11, -1.8574338230497673e-12,
]
/** exp(x²)·erfc(x)·(x + 1) in (x − 3.5)/(x + 2.5), x from 0.5 to 27.5. */
const ERFC = [
  0.6988214502400243, -0.18397466784445152, 0.05548010734517206, -0.0004887032165498756, -0.009718914950082841,
  0.005072147934939047, -0.0008490022628893337, -0.0002976054700871052, 0.00014627305240077284, 1.7332831742452702e-5,
  -1.982046651586022e-5, -1.7865089376124375e-6, 2.8200678939877215e-6, 4.056003592868715e-7, -4.132244230780979e-7,
  -1.1351398491656639e-7, 5.481905504091365e-8, 2.9023586452982903e-8, -4.405438460232374e-9, -5.922030547314313e-9,
  -4.906005276166132e-10, 7.152387937464714e-10, 1.9461717649789836e-10,
]

const erfRatio = called("f64.erfRatio", (g, x) => {
  const v = lanes(g)
  return v.evenOdd(ERF, v.madd(v.mul(x, 0.5), x, -1))
})

/** erfc of 0.5 and more. exp(−x²) is taken in two factors, the first of an exact square: x² alone loses digits. */
const erfcLarge = called("f64.erfcLarge", (g, x) => {
  const v = lanes(g)
  const y = v.atMost(x, 28)
  const high = v.and(y, v.bits(~0x7ffffffn))
  const lost = v.mul(v.sub(y, high), v.add(y, high))
  const gaussian = v.mul(exp(g, v.neg(v.mul(high, high))), v.horner([1, -1, 1 / 2, -1 / 6], lost))
  const t = v.div(v.sub(y, 3.5), v.add(y, 2.5))
  return v.div(v.mul(gaussian, v.evenOdd(ERFC, t)), v.add(y, 1))
})

/** Within 5 ulp. */
const erf = called("f64.erf", (g, x) => {
  const v = lanes(g)
  const small = v.mul(x, erfRatio(g, x))
  const rest = vectorFunction(g.module, "f64.erf.rest", 2, (inner, y, near) => {
    const w = lanes(inner)
    const magnitude = w.abs(y)
    return w.select(w.ge(magnitude, 2), w.withSign(w.sub(1, erfcLarge(inner, magnitude)), y), near)
  })
  return g.unless(v.any(v.ge(v.abs(x), 2)), rest, [x, small], small)
})

/** Within 6 ulp. */
const erfc = called("f64.erfc", (g, x) => {
  const v = lanes(g)
  const near = v.nmadd(x, erfRatio(g, x), 1)
  const tail = erfcLarge(g, v.abs(x))
  const far = v.select(v.lt(x, 0), v.sub(2, tail), tail)
  return v.select(v.and(v.lt(x, 0.5), v.gt(x, -1)), near, far)
})

/** erfinv(y)/y in w − 3.125, w = −log(1 − y²) ≤ 6.25, and in √w − 4.28 beyond: within 1e-6, for a step to start from. */
const ERFINV = [
  1.6536545712878903, 0.24015817420122226, -0.006033729985753072, -0.0007406877006555897, 0.000186799613329059,
  -1.3891457295514349e-5, -1.391939229296836e-6, 4.263101793043351e-7, -2.4210268210025068e-8, -4.638645590369368e-9,
  6.378218688201015e-10,
]
const ERFINV_TAIL = [
  4.122525431911448, 1.0100324640511242, 0.0006353337336637974, -0.0006415745569503136, 0.00024993242216142216,
  8.19540246030635e-6, -1.4686021138257628e-5, -3.729531900760942e-5, 1.6250063455181094e-5,
]

/** A polynomial, then one step of Halley's iteration; in the tail against erfc, where erf has no digits left; within 6 ulp. */
const erfinv = called("f64.erfinv", (g, y) => {
  const v = lanes(g)
  const magnitude = v.abs(y)
  const complement = v.sub(1, magnitude)
  const w = v.neg(log(g, v.mul(complement, v.add(magnitude, 1))))
  const ratio = v.select(
    v.lt(w, 6.25),
    v.evenOdd(ERFINV, v.sub(w, 3.125)),
    v.evenOdd(ERFINV_TAIL, v.sub(v.sqrt(w), 4.28)),
  )
  const x = v.mul(magnitude, ratio)
  const error = v.select(v.gt(magnitude, 0.5), v.sub(complement, erfc(g, x)), v.sub(erf(g, x), magnitude))
  const newton = v.div(error, v.mul(exp(g, v.neg(v.mul(x, x))), 2 / Math.sqrt(Math.PI)))
  const better = v.sub(x, v.div(newton, v.madd(x, newton, 1)))
  return v.withSign(v.select(v.eq(magnitude, 1), Infinity, better), y)
})

/** Within 4 ulp of the larger of 1 and the value. */
const lgamma = called("f64.lgamma", (g, x) => lanewise(g, lgammaScalar(g.module), x))

/** IEEE 754's: 1 to anything is 1, and so is −1 to an infinity; JavaScript gives NaN there. */
const pow = called("f64.pow", (g, x, y) => {
  const v = lanes(g)
  const value = lanewise(g, imported(g, "Math.pow", 2), x, y)
  const turning = v.and(v.eq(x, -1), v.eq(v.abs(y), Infinity))
  return v.select(v.or(v.eq(x, 1), turning), 1, value)
})

/** a·b as a sum of two doubles, without a fused multiplication. */
function exactProduct(v: Lanes, a: Node, b: Node): readonly [Node, Node] {
  const parts = (x: Node): readonly [Node, Node] => {
    const high = v.and(x, v.bits(~0x7ffffffn))
    return [high, v.sub(x, high)]
  }
  const product = v.mul(a, b)
  const [aHigh, aLow] = parts(a)
  const [bHigh, bLow] = parts(b)
  const outer = v.add(v.sub(v.mul(aHigh, bHigh), product), v.mul(aHigh, bLow))
  return [product, v.add(v.add(outer, v.mul(aLow, bHigh)), v.mul(aLow, bLow))]
}

/** C's fmod, exact, with the dividend's sign. */
const mod = called("f64.mod", (g, a, b) => {
  const v = lanes(g)
  const quotient = v.trunc(v.div(a, b))
  const [product, lost] = exactProduct(v, quotient, b)
  const rest = v.sub(v.sub(a, product), lost)
  // The quotient may have been rounded up to an integer: the rest then has the other sign.
  const wrong = v.lt(v.xor(rest, v.sign(a)), 0)
  const step = v.or(v.abs(b), v.sign(a))
  const value = v.withSign(v.abs(v.select(wrong, v.add(rest, step), rest)), a)
  const divisor = v.abs(b)
  const usual = v.and(v.lt(v.abs(quotient), 2 ** 50), v.and(v.lt(divisor, 2 ** 900), v.gt(divisor, 2 ** -900)))
  const large = vectorFunction(g.module, "f64.mod.large", 2, (inner, c, d) =>
    lanewise(inner, imported(inner, "mod", 2), c, d),
  )
  return g.unless(v.notAll(usual), large, [a, b], value)
})

/** On doubles; what each is within stands beside it, and the engine's own functions are within 1 ulp. */
export const F64_MATH: Readonly<Record<MathName, VectorFunction>> = {
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tan,
  asin: ofJavaScript("Math.asin", 1),
  acos: ofJavaScript("Math.acos", 1),
  atan: ofJavaScript("Math.atan", 1),
  sinh,
  cosh,
  tanh,
  sigmoid,
  erf,
  erfc,
  erfinv,
  lgamma,
  pow,
  atan2: ofJavaScript("Math.atan2", 2),
  mod,
}

/** The (n + 1)-th derivative of log Γ; digamma for n = 0. */
export const polygamma = (g: Graph, n: number, x: Node): Node =>
  called(`f64.polygamma${n}`, (inner, y) => lanewise(inner, polygammaScalar(inner.module, n), y))(g, x)
