/**
 * Mathematical functions on four floats. What networks use is written out natively; the rest is computed in doubles and
 * rounded. Polynomials are near-minimax, computed with 50 digits. "Within 1.1 ulp" means units in the last place of the exact
 * value, measured over the whole range with and without fused multiplications; 0.5 is correct rounding.
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

/** Within 1.1 ulp. */
const exp: VectorFunction = (g, x) => {
  const v = lanes(g)
  return expOf(v, v.atLeast(v.atMost(x, 89), -104))
}

/** (2^r − 1)/r for |r| ≤ ½. */
const EXP2 = [
  0.6931472420692444, 0.24022650718688965, 0.05550297349691391, 0.009618030861020088, 0.0013410031097009778,
  0.00015469758363906294,
]

/** 2^x within 1.4 ulp; exact for integers. */
const exp2: VectorFunction = (g, x) => {
  const v = lanes(g)
  const limited = v.atLeast(v.atMost(x, 129), -151)
  const { inBits, value } = v.nearest(limited, 1, 2 * v.layout.bias)
  const r = v.sub(limited, value)
  return scale(v, v.madd(r, v.evenOdd(EXP2, r), 1), inBits)
}

/** exp(x) − 1, as twice the half because 2^128 is too large; within 1.8 ulp. */
const expm1: VectorFunction = (g, x) => {
  const v = lanes(g)
  const { inBits, above } = reduceExp(v, v.atLeast(v.atMost(x, 89), -20), v.layout.bias - 1)
  const half = v.powerOfBits(inBits)
  const result = v.madd(half, above, v.sub(half, 0.5))
  return v.withSign(v.add(result, result), x)
}

/** t/(t + 2), t = exp(2|x|) − 1; within 2.4 ulp. */
const tanh: VectorFunction = (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const { inBits, above } = reduceExp(v, v.atMost(v.add(magnitude, magnitude), 20), v.layout.bias)
  const power = v.powerOfBits(inBits)
  const t = v.madd(power, above, v.sub(power, 1))
  return v.withSign(v.div(t, v.add(t, 2)), x)
}

/** exp(x)/2, which does not overflow before sinh and cosh do. */
function halfExp(v: Lanes, x: Node): Node {
  const { inBits, above } = reduceExp(v, v.atMost(x, 90), 2 * v.layout.bias - 1)
  return scale(v, v.add(above, 1), inBits)
}

/** (sinh(x) − x)/x³ in x² ≤ 1. */
const SINH = [0.1666666716337204, 0.008333350531756878, 0.000198358713532798, 2.819029077727464e-6]

/** Within 1.6 ulp. */
const sinh = called("f32.sinh", (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const e = halfExp(v, magnitude)
  const square = v.mul(x, x)
  const small = v.madd(v.mul(magnitude, square), v.horner(SINH, square), magnitude)
  return v.withSign(v.select(v.lt(magnitude, 1), small, v.sub(e, v.div(0.25, e))), x)
})

/** Within 1.5 ulp. */
const cosh = called("f32.cosh", (g, x) => {
  const v = lanes(g)
  const e = halfExp(v, v.abs(x))
  return v.add(e, v.div(0.25, e))
})

/** 1/(1 + e) or e/(1 + e), e = exp(−|x|), so that what is far below 0 keeps its digits; within 2.4 ulp. */
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

/** log(1 + f) + f²/2 − f. */
const logTail = (v: Lanes, f: Node, square: Node): Node => v.mul(v.mul(square, f), v.evenOdd(LOG, f, square))

/** n·ln 2 + log(1 + f). */
function natural(v: Lanes, f: Node, n: Node): Node {
  const square = v.mul(f, f)
  const below = v.nmadd(square, 0.5, v.madd(n, LN2_LOW, logTail(v, f, square)))
  return v.madd(n, LN2_HIGH, v.add(f, below))
}

/** Of another base: log(1 + f) in two parts, times 1/ln(base) in two parts, so that powers of the base have exact logarithms. */
const inBase =
  (inverseHigh: number, inverseLow: number, twoHigh: number, twoLow: number) =>
  (v: Lanes, f: Node, n: Node): Node => {
    const square = v.mul(f, f)
    const half = v.mul(square, 0.5)
    const high = v.and(v.sub(f, half), v.bits(~0xfffn))
    const low = v.add(v.sub(v.sub(f, high), half), logTail(v, f, square))
    const small = v.madd(v.add(low, high), inverseLow, v.mul(n, twoLow))
    // The products with the high parts are exact.
    return v.madd(n, twoHigh, v.madd(high, inverseHigh, v.madd(low, inverseHigh, small)))
  }

/** A logarithm of positive normal numbers, and a function for vectors in which there are others. */
function logarithm(name: string, combine: (v: Lanes, f: Node, n: Node) => Node): VectorFunction {
  const normal = (v: Lanes, x: Node, less = 0): Node => {
    const { m, n } = v.split(x, less)
    return combine(v, v.sub(m, 1), n)
  }
  return (g, x) => {
    const v = lanes(g)
    const rest = vectorFunction(g.module, `f32.${name}.rest`, 1, (inner, y) => {
      const w = lanes(inner)
      const tiny = w.lt(y, w.layout.smallestNormal)
      const result = w.select(tiny, normal(w, w.mul(y, 2 ** 24), 24), normal(w, y))
      // −infinity at the zeros, NaN below, infinity and NaN as they are.
      return w.select(w.gt(y, 0), w.select(w.lt(y, Infinity), result, y), w.select(w.eq(y, 0), -Infinity, Number.NaN))
    })
    return g.unless(v.notAll(v.positiveNormal(x)), rest, [x], normal(v, x))
  }
}

/** Within 0.85 ulp. */
const log = logarithm("log", natural)
/** Within 0.9 ulp; exact for powers of 2. */
const log2 = called("f32.log2", logarithm("log2", inBase(1.4423828125, 0.00031222839606925845, 1, 0)))
/** Within 0.9 ulp; exact for powers of 10. */
const log10 = called(
  "f32.log10",
  logarithm("log10", inBase(0.434326171875, -3.168997136526741e-5, 0.301025390625, 4.605039066518657e-6)),
)

/** From here on log(1 + x) is log(x), and 2^−n might be subnormal. */
const LOG1P_LARGE = 2 ** 100

/** log(1 + f) + n·ln 2 where 1 + x = (1 + f)·2^n; f is made of x, not of the rounded 1 + x; within 1.4 ulp. */
const log1p: VectorFunction = (g, x) => {
  const v = lanes(g)
  const d = v.isub(v.add(x, 1), v.bits(0x3f3504f3n))
  const power = v.isub(v.bits(0x3f800000n), v.and(d, v.bits(0xff800000n)))
  const n = g.op("f32x4.convert_i32x4_s", v.shrS(d, v.layout.fraction))
  const usual = v.withSign(natural(v, v.madd(x, power, v.sub(power, 1)), n), x)
  const rest = vectorFunction(g.module, "f32.log1p.rest", 2, (inner, y, near) => {
    const w = lanes(inner)
    const { m, n: exponent } = w.split(y)
    const large = w.select(w.lt(y, Infinity), natural(w, w.sub(m, 1), exponent), y)
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

/** Within 2 ulp. */
const sin = ofAngle("sin", (v, x, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  return v.xor(v.select(oddBits(v, inBits), cosine, sine), v.sign(v.xor(x, v.shl(inBits, 30))))
})
/** Within 2 ulp. */
const cos = ofAngle("cos", (v, _, magnitude) => {
  const { inBits, sine, cosine } = reduceAngle(v, magnitude)
  const value = v.select(oddBits(v, inBits), sine, cosine)
  return v.xor(value, v.sign(v.shl(v.iadd(inBits, v.bits(1n)), 30)))
})

/** (atan(t) − t)/t³ in t² ≤ 1. */
const ATAN = [
  -0.3333331346511841, 0.19998842477798462, -0.14266346395015717, 0.10958582907915115, -0.08410655707120895,
  0.057913560420274734, -0.030991310253739357, 0.010748510248959064, -0.001743703382089734,
]
/** π/2 as a float, and what times it (or the float of π) is the rest of it. */
const QUARTER_TURN = 1.5707963705062866
const TURN_REST = -2.7827534e-8

/** base + offset, where base is a multiple of a quarter turn. */
const fromTurn = (v: Lanes, base: Node, offset: Node): Node => v.add(v.add(base, offset), v.mul(base, TURN_REST))

const atanOfRatio = (v: Lanes, t: Node): Node => {
  const square = v.mul(t, t)
  return v.madd(v.mul(t, square), v.horner(ATAN, square), t)
}

/** π/2 − atan(1/|x|) beyond 1; within 1.4 ulp. */
const atan = called("f32.atan", (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const steep = v.gt(magnitude, 1)
  const angle = atanOfRatio(v, v.select(steep, v.div(1, magnitude), magnitude))
  return v.withSign(v.select(steep, fromTurn(v, v.c(QUARTER_TURN), v.neg(angle)), angle), x)
})

/** The angle within an eighth of a turn by the smaller of |x| and |y| over the larger, then put into its place; within 1.6 ulp. */
const atan2 = called("f32.atan2", (g, y, x) => {
  const v = lanes(g)
  const [height, width] = [v.abs(y), v.abs(x)]
  const steep = v.gt(height, width)
  const shorter = v.select(steep, width, height)
  const longer = v.select(steep, height, width)
  // Two zeros are as 0 to 1, two infinities as 1 to 1.
  const ratio = v.select(v.eq(shorter, longer), v.select(v.eq(longer, 0), 0, 1), v.div(shorter, longer))
  const backwards = v.shrS(x, 31)
  const base = v.select(steep, QUARTER_TURN, v.and(backwards, v.c(2 * QUARTER_TURN)))
  const offset = v.xor(atanOfRatio(v, ratio), v.sign(v.xor(steep, x)))
  return v.withSign(fromTurn(v, base, offset), y)
})

/** (asin(t) − t)/t³ in t² ≤ ¼. */
const ASIN = [0.16666731238365173, 0.07495660334825516, 0.045466918498277664, 0.024050375446677208, 0.04256575554609299]

/** asin(|x|) up to ½, and beyond it acos(|x|) = 2·asin(√((1 − |x|)/2)). */
function asinParts(v: Lanes, x: Node): { readonly beyond: Node; readonly angle: Node } {
  const magnitude = v.abs(x)
  const beyond = v.gt(magnitude, 0.5)
  const square = v.select(beyond, v.mul(v.sub(1, magnitude), 0.5), v.mul(x, x))
  const t = v.select(beyond, v.sqrt(square), magnitude)
  const angle = v.madd(v.mul(t, square), v.horner(ASIN, square), t)
  return { beyond, angle: v.select(beyond, v.add(angle, angle), angle) }
}

/** Within 1.9 ulp. */
const asin = called("f32.asin", (g, x) => {
  const v = lanes(g)
  const { beyond, angle } = asinParts(v, x)
  return v.withSign(v.select(beyond, fromTurn(v, v.c(QUARTER_TURN), v.neg(angle)), angle), x)
})

/** Within 1.3 ulp. */
const acos = called("f32.acos", (g, x) => {
  const v = lanes(g)
  const { beyond, angle } = asinParts(v, x)
  const base = v.select(beyond, v.and(v.shrS(x, 31), v.c(2 * QUARTER_TURN)), QUARTER_TURN)
  const flip = v.xor(v.sign(x), v.andNot(v.c(-0), beyond))
  return fromTurn(v, base, v.xor(angle, flip))
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

/** x·(1 + polynomial), and 1 − erfc beyond; within 2.5 ulp. */
const erf: VectorFunction = (g, x) => {
  const v = lanes(g)
  const magnitude = v.abs(x)
  const near = v.madd(x, v.polynomial(ERF, v.madd(x, x, -1)), x)
  // From 3.93 on erfc is below half a unit in the last place of 1.
  let power = v.polynomial(ERFC_ROOT, v.atMost(magnitude, 3.93))
  for (let k = 0; k < 4; k++) power = v.mul(power, power)
  return v.select(v.lt(magnitude, 1.375), near, v.withSign(v.sub(1, power), x))
}

/** erfinv(y)/y in w − 2.5, w = −log(1 − y²) ≤ 5 (as floats right at w = 0, by the second), and in √w − 3.125 beyond. */
const ERFINV = [
  1.5014094114303589, 0.24664030969142914, -0.004177386872470379, -0.0012527419021353126, 0.0002183444012189284,
  -4.9633686103334185e-6, -3.462694166955771e-6, 4.661765728997125e-7, 2.323162640038845e-8, -8.791563921306533e-9,
]
const ERFINV_TAIL = [
  2.958320140838623, 1.0037187337875366, 0.007049231790006161, -0.0053006792441010475, 0.0037802380975335836,
  -0.0025231295730918646, 0.001314047141931951, -0.00031863513868302107, -0.0001762063184287399, 0.00012617121683433652,
]

/** Within 2.3 ulp. */
const erfinv = called("f32.erfinv", (g, y) => {
  const v = lanes(g)
  const magnitude = v.abs(y)
  const w = v.neg(log(g, v.mul(v.sub(1, magnitude), v.add(magnitude, 1))))
  const ratio = v.select(v.lt(w, 5), v.horner(ERFINV, v.sub(w, 2.5)), v.evenOdd(ERFINV_TAIL, v.sub(v.sqrt(w), 3.125)))
  return v.withSign(v.select(v.eq(magnitude, 1), Infinity, v.mul(magnitude, ratio)), y)
})

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

/** Within 0.54 ulp. */
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

/** Computed in doubles, as one function of the module; within 0.51 ulp. */
const byDoubles = (name: MathName): VectorFunction => called(`f32.${name}`, inDoubles(F64_MATH[name]))

/** On floats; what each is within stands beside it. */
export const F32_MATH: Readonly<Record<MathName, VectorFunction>> = {
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tan: byDoubles("tan"),
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  sigmoid,
  erf,
  erfc: byDoubles("erfc"),
  erfinv,
  lgamma: byDoubles("lgamma"),
  pow,
  atan2,
  mod,
}

/** The (n + 1)-th derivative of log Γ; digamma for n = 0. */
export const polygamma = (g: Graph, n: number, x: Node): Node =>
  called(`f32.polygamma${n}`, (inner, y) => inDoubles((h, half) => polygammaOfDoubles(h, n, half))(inner, y))(g, x)
