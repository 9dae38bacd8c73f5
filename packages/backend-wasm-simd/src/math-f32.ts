/**
 * Mathematical functions on four floats. What networks use is written out natively; the rest is computed in doubles and
 * rounded. Polynomials are near-minimax, computed with 50 digits.
 */
import type { Graph, Node } from "./graph.ts"
import type { MathName, VectorFunction } from "./math.ts"
import { F64_MATH, polygamma as polygammaOfDoubles } from "./math-f64.ts"
import { called, demote, inDoubles, Lanes, promote, vectorFunction } from "./math-lanes.ts"

const lanes = (g: Graph): Lanes => new Lanes(g, "f32x4")

/** ln 2 in two parts, of which the first has 15 bits: its product with an exponent is exact. */
const LN2_HIGH = 0.693145751953125
const LN2_LOW = 1.428606765330187e-6
/** (exp(r) − 1 − r)/r² for |r| ≤ ln 2 / 2. */
const EXP_TAIL = [
  0.4999999701976776, 0.16666541993618011, 0.04166720435023308, 0.008366646245121956, 0.0013882488710805774,
]

/** x = n·ln 2 + r: n + bias in the last bits of a float, and exp(r) − 1. */
function reduceExp(v: Lanes, x: Node, bias: number): { readonly inBits: Node; readonly above: Node } {
  const { inBits, value } = v.nearest(x, Math.LOG2E, bias)
  const r = v.nmadd(value, LN2_LOW, v.nmadd(value, LN2_HIGH, x))
  const square = v.mul(r, r)
  return { inBits, above: v.madd(square, v.evenOdd(EXP_TAIL, r, square), r) }
}

/** m·2^n, rounded once where it is subnormal, by two factors; n + 2·bias is in the last bits of a float. */
function scale(v: Lanes, m: Node, inBits: Node): Node {
  const half = v.shrS(inBits, 1)
  const rest = v.isub(inBits, half)
  return v.mul(v.mul(m, v.powerOfBits(half)), v.powerOfBits(rest))
}

/** exp of numbers from −104 to 89, beyond which it is 0 or infinite. */
function expOf(v: Lanes, x: Node): Node {
  const { inBits, above } = reduceExp(v, x, 2 * v.layout.bias)
  return scale(v, v.add(above, 1), inBits)
}

const exp: VectorFunction = (g, x) => {
  const v = lanes(g)
  return expOf(v, v.atLeast(v.atMost(x, 89), -104))
}

/** (2^r − 1)/r for |r| ≤ ½. */
const EXP2 = [
  0.6931472420692444, 0.24022650718688965, 0.05550297349691391, 0.009618030861020088, 0.0013410031097009778,
  0.00015469758363906294,
]

/** 2^x; exact for integers. */
const exp2: VectorFunction = (g, x) => {
  const v = lanes(g)
  const limited = v.atLeast(v.atMost(x, 129), -151)
  const { inBits, value } = v.nearest(limited, 1, 2 * v.layout.bias)
  const r = v.sub(limited, value)
  return scale(v, v.madd(r, v.evenOdd(EXP2, r), 1), inBits)
}

/** exp(x) − 1, as twice the half because 2^128 is too large. */
const expm1: VectorFunction = (g, x) => {
  const v = lanes(g)
  const { inBits, above } = reduceExp(v, v.atLeast(v.atMost(x, 89), -20), v.layout.bias - 1)
  const half = v.powerOfBits(inBits)
  const result = v.madd(half, above, v.sub(half, 0.5))
  return v.withSign(v.add(result, result), x)
}

/** t/(t + 2), t = exp(2|x|) − 1. */
const tanh: VectorFunction = (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const { inBits, above } = reduceExp(v, v.atMost(v.add(magnitude, magnitude), 20), v.layout.bias)
  const power = v.powerOfBits(inBits)
  const t = v.madd(power, above, v.sub(power, 1))
  return v.withSign(v.div(t, v.add(t, 2)), x)
}

/** 1/(1 + e) or e/(1 + e), e = exp(−|x|), so that what is far below 0 keeps its digits. */
const sigmoid: VectorFunction = (g, x) => {
  const v = lanes(g)
  const e = expOf(v, v.atLeast(v.neg(v.abs(x)), -104))
  return v.div(v.select(v.lt(x, 0), e, 1), v.add(e, 1))
}

/** (log(1 + f) − f + f²/2)/f³, 1 + f from √½ to √2. */
const LOG = [
  0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122, 0.14201760292053223,
  -0.13160185515880585, 0.12761561572551727, -0.07634473592042923,
]

/** n·ln 2 + log(1 + f). */
function logOf(v: Lanes, f: Node, n: Node): Node {
  const square = v.mul(f, f)
  const cubic = v.mul(v.mul(square, f), v.evenOdd(LOG, f, square))
  const below = v.nmadd(square, 0.5, v.madd(n, LN2_LOW, cubic))
  return v.madd(n, LN2_HIGH, v.add(f, below))
}

const logOfNormal = (v: Lanes, x: Node, less = 0): Node => {
  const { m, n } = v.split(x, less)
  return logOf(v, v.sub(m, 1), n)
}

/** A function for vectors in which there are others than positive normal numbers. */
const log: VectorFunction = (g, x) => {
  const v = lanes(g)
  const rest = vectorFunction(g.module, "f32.log.rest", 1, (inner, y) => {
    const w = lanes(inner)
    const tiny = w.lt(y, w.layout.smallestNormal)
    const result = w.select(tiny, logOfNormal(w, w.mul(y, 2 ** 24), 24), logOfNormal(w, y))
    // −infinity at the zeros, NaN below, infinity and NaN as they are.
    return w.select(w.gt(y, 0), w.select(w.lt(y, Infinity), result, y), w.select(w.eq(y, 0), -Infinity, Number.NaN))
  })
  return g.unless(v.notAll(v.positiveNormal(x)), rest, [x], logOfNormal(v, x))
}

/** From here on log(1 + x) is log(x), and 2^−n might be subnormal. */
const LOG1P_LARGE = 2 ** 100

/** log(1 + f) + n·ln 2 where 1 + x = (1 + f)·2^n; f is made of x, not of the rounded 1 + x. */
const log1p: VectorFunction = (g, x) => {
  const v = lanes(g)
  const d = v.isub(v.add(x, 1), v.bits(0x3f3504f3n))
  const power = v.isub(v.bits(0x3f800000n), v.and(d, v.bits(0xff800000n)))
  const n = g.op("f32x4.convert_i32x4_s", v.shrS(d, v.layout.fraction))
  const usual = v.withSign(logOf(v, v.madd(x, power, v.sub(power, 1)), n), x)
  const rest = vectorFunction(g.module, "f32.log1p.rest", 2, (inner, y, near) => {
    const w = lanes(inner)
    const large = w.select(w.lt(y, Infinity), logOfNormal(w, y), y)
    return w.select(
      w.gt(y, -1),
      w.select(w.ge(y, LOG1P_LARGE), large, near),
      w.select(w.eq(y, -1), -Infinity, Number.NaN),
    )
  })
  return g.unless(v.notAll(v.and(v.gt(x, -1), v.lt(x, LOG1P_LARGE))), rest, [x, usual], usual)
}

/** π/2 in parts of 11 bits, whose products with n up to 2^13 are exact, and the rest. */
const HALF_PI = [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.5633440682570896e-12]
const LARGE_ANGLE = 12800
/** (sin(r) − r)/r³ and (cos(r) − 1 + r²/2)/r⁴ in r², |r| ≤ π/4. */
const SIN = [-0.16666653752326965, 0.00833205133676529, -0.00019497238099575043]
const COS = [0.041666653007268906, -0.001388760400004685, 2.4457094696117565e-5]

function reduceAngle(v: Lanes, x: Node): { readonly inBits: Node; readonly sine: Node; readonly cosine: Node } {
  const { inBits, value } = v.nearest(x, 2 / Math.PI)
  const r = HALF_PI.reduce((rest, part) => v.nmadd(value, part, rest), x)
  const square = v.mul(r, r)
  const sine = v.madd(v.mul(square, r), v.horner(SIN, square), r)
  const cosine = v.add(v.madd(v.mul(square, square), v.horner(COS, square), v.mul(square, -0.5)), 1)
  return { inBits, sine, cosine }
}

/** The lanes of `x` in whose bits the last one is set. */
const oddBits = (v: Lanes, inBits: Node): Node => v.shrS(v.shl(inBits, 31), 31)

/** A function of an angle, in doubles where it is large; what a lane has does not depend on the others. */
const ofAngle =
  (name: "sin" | "cos", formula: (v: Lanes, x: Node, magnitude: Node) => Node): VectorFunction =>
  (g, x) => {
    const v = lanes(g)
    const magnitude = v.abs(x)
    const usual = formula(v, x, magnitude)
    const rest = vectorFunction(g.module, `f32.${name}.rest`, 2, (inner, y, near) => {
      const w = lanes(inner)
      return w.select(w.ge(w.abs(y), LARGE_ANGLE), inDoubles(F64_MATH[name])(inner, y), near)
    })
    return g.unless(v.any(v.ge(magnitude, LARGE_ANGLE)), rest, [x, usual], usual)
  }

const sin = ofAngle("sin", (v, x, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  return v.xor(v.select(oddBits(v, inBits), cosine, sine), v.sign(v.xor(x, v.shl(inBits, 30))))
})
const cos = ofAngle("cos", (v, _, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  const value = v.select(oddBits(v, inBits), sine, cosine)
  return v.xor(value, v.sign(v.shl(v.iadd(inBits, v.bits(1n)), 30)))
})

/** erf(x)/x − 1 in x² − 1, |x| ≤ 1.375. */
const ERF = [
  -0.15729920566082, -0.21379663050174713, 0.05657072737812996, -0.01255001313984394, 0.002332418691366911,
  -0.0003697567153722048, 5.222867548582144e-5, -6.588864835066488e-6,
]
/** The sixteenth root of erfc(x), x from 1.375 to 3.93. */
const ERFC_ROOT = [
  1.0008183717727661, -0.0733015239238739, -0.03326178342103958, -0.007003743667155504, 0.004093180876225233,
  -0.0005299130571074784, 2.2580790755455382e-5,
]

const erf: VectorFunction = (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const near = v.madd(x, v.evenOdd(ERF, v.madd(x, x, -1)), x)
  // From 3.93 on erfc is below half a unit in the last place of 1.
  let power = v.evenOdd(ERFC_ROOT, v.atMost(magnitude, 3.93))
  for (let k = 0; k < 4; k++) power = v.mul(power, power)
  return v.select(v.lt(magnitude, 1.375), near, v.withSign(v.sub(1, power), x))
}

/** log2((1 + s)/(1 − s))/s in s². */
const LOG2_RATIO = [
  2.885390081777849, 0.9617966941149166, 0.5770779418968547, 0.41220930074684337, 0.31990366889084504,
  0.2829297610443785,
]
/** 2^r for |r| ≤ ½. */
const POWER = [
  1.0000000005551963, 0.6931472057667314, 0.2402264688534615, 0.05550328712535404, 0.009618489317204852,
  0.0013399957312248871, 0.000153457689893998,
]

/** log2 of positive doubles that are floats. */
function log2Double(v: Lanes, x: Node): Node {
  const { m, n } = v.split(x)
  const s = v.div(v.sub(m, 1), v.add(m, 1))
  return v.madd(s, v.evenOdd(LOG2_RATIO, v.mul(s, s)), n)
}

/** 2^z, of which a float is to be made. */
function exp2Double(v: Lanes, z: Node): Node {
  const limited = v.atLeast(v.atMost(z, 200), -200)
  const { inBits, value } = v.nearest(limited, 1, v.layout.bias)
  return v.mul(v.evenOdd(POWER, v.sub(limited, value)), v.powerOfBits(inBits))
}

/** x^y of positive x, by doubles; `fix` brings in the logarithms of 0 and infinity. */
const powPositive = (
  g: Graph,
  x: Node,
  y: Node,
  fix = (_: Lanes, logarithm: Node, __: Node): Node => logarithm,
): Node => {
  const v = new Lanes(g, "f64x2")
  const exponents = promote(g, y)
  const [low, high] = promote(g, x).map((a, k) => exp2Double(v, v.mul(fix(v, log2Double(v, a), a), exponents[k])))
  return demote(g, [low, high])
}

/** The function for any x and y, by the rules of IEEE 754. */
const powOfAny: VectorFunction = (g, x, y) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const value = powPositive(g, magnitude, y, (w, logarithm, a) =>
    w.select(w.eq(a, 0), -Infinity, w.select(w.eq(a, Infinity), Infinity, logarithm)),
  )
  const whole = v.eq(y, v.trunc(y))
  const half = v.mul(y, 0.5)
  const odd = v.andNot(whole, v.eq(half, v.trunc(half)))
  const signed = v.xor(value, v.and(v.sign(x), odd))
  const root = v.andNot(v.and(v.lt(x, 0), v.gt(x, -Infinity)), whole)
  const unordered = v.or(v.ne(x, x), v.ne(y, y))
  const one = v.or(v.or(v.eq(x, 1), v.eq(y, 0)), v.and(v.eq(x, -1), v.eq(v.abs(y), Infinity)))
  return v.select(one, 1, v.select(v.or(root, unordered), Number.NaN, signed))
}

const pow: VectorFunction = (g, x, y) => {
  const v = lanes(g)
  const rest = vectorFunction(g.module, "f32.pow.rest", 2, powOfAny)
  const usual = v.and(v.and(v.gt(x, 0), v.lt(x, Infinity)), v.lt(v.abs(y), Infinity))
  return g.unless(v.notAll(usual), rest, [x, y], powPositive(g, x, y))
}

/** C's fmod, exact: doubles hold the product of a divisor and a quotient of less than 29 bits. */
const mod: VectorFunction = called("f32.mod", (g, a, b) => {
  const v = new Lanes(g, "f64x2")
  const divisors = promote(g, b)
  const parts = promote(g, a).map((x, k) => {
    const quotient = v.trunc(v.div(x, divisors[k]))
    const small = v.and(v.lt(v.abs(quotient), 2 ** 28), v.lt(v.abs(divisors[k]), Infinity))
    return { rest: v.sub(x, v.mul(quotient, divisors[k])), small }
  })
  const value = lanes(g).withSign(demote(g, [parts[0].rest, parts[1].rest]), a)
  const large = vectorFunction(g.module, "f32.mod.large", 2, inDoubles(F64_MATH.mod))
  return g.unless(v.notAll(v.and(parts[0].small, parts[1].small)), large, [a, b], value)
})

/** Computed in doubles, as one function of the module. */
const byDoubles = <N extends MathName>(name: N): Record<N, VectorFunction> =>
  ({ [name]: called(`f32.${name}`, inDoubles(F64_MATH[name])) }) as Record<N, VectorFunction>

/** On floats; each within two units in the last place. */
export const F32_MATH: Readonly<Record<MathName, VectorFunction>> = {
  exp,
  exp2,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  pow,
  mod,
  ...byDoubles("log2"),
  ...byDoubles("log10"),
  ...byDoubles("tan"),
  ...byDoubles("asin"),
  ...byDoubles("acos"),
  ...byDoubles("atan"),
  ...byDoubles("atan2"),
  ...byDoubles("sinh"),
  ...byDoubles("cosh"),
  ...byDoubles("erfc"),
  ...byDoubles("erfinv"),
  ...byDoubles("lgamma"),
}

/** The (n + 1)-th derivative of log Γ; digamma for n = 0. */
export const polygamma = (g: Graph, n: number, x: Node): Node =>
  called(`f32.polygamma${n}`, (inner, y) => inDoubles((h, half) => polygammaOfDoubles(h, n, half))(inner, y))(g, x)
