/** log|Γ| and its derivatives, of one double at a time: their ranges have nothing in common that lanes could share. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, call, type FunctionRef, f64 } from "./code.ts"

type Body = (f: FunctionBuilder, x: Local) => Code

/** A function of one double, as a helper of the module; the code that `body` returns is its result. */
const scalar = (module: ModuleBuilder, name: string, body: Body): FunctionRef =>
  module.helper(name, ["f64"], ["f64"], (f, x) => f.push(body(f, x)))

const binary =
  (name: string) =>
  (f: FunctionBuilder, a: Code, b: Code): Code =>
    f.op(`f64.${name}`, a, b)
const [add, sub, mul, div] = ["add", "sub", "mul", "div"].map(binary)

function horner(f: FunctionBuilder, coefficients: readonly number[], x: Local): Code {
  const last = coefficients.length - 1
  return coefficients
    .slice(0, last)
    .reduceRight<Code>((sum, c) => add(f, mul(f, sum, get(x)), f64(c)), f64(coefficients[last]))
}

const imported = (module: ModuleBuilder, name: string): FunctionRef => module.import(name, ["f64"], ["f64"])

/** lgamma(x)/((x − 1)(x − 2)) on [1, 2], in 2x − 3. */
const LGAMMA_1_2 = [
  0.4831289505409809, -0.07297994795715297, 0.01572785026864121, -0.003913560937631659, 0.0010498186644508718,
  -0.0002945507014009265, 8.510090378468051e-5, -2.509432984849446e-5, 7.5113915317296576e-6, -2.274240971132041e-6,
  6.948440187550096e-7, -2.138843561161159e-7, 6.623601939725099e-8, -2.057761163373013e-8, 6.434152357291201e-9,
  -2.0732827842398214e-9, 6.533268528434416e-10, -1.6393816009998903e-10, 5.18198984494436e-11, -3.533898162275879e-11,
  1.1273354955165048e-11,
]
/** The same on [2, 3], in 2x − 5. */
const LGAMMA_2_3 = [
  0.37957716063055885, -0.03733178707724971, 0.004976288576186563, -0.0007523460658792945, 0.00012181609304315032,
  -2.0582490833615245e-5, 3.5789632136854655e-6, -6.351741560115765e-7, 1.1444982073683402e-7, -2.0863827704230996e-8,
  3.839539061105842e-9, -7.116435030431072e-10, 1.3144414538049703e-10, -2.463354045296038e-11, 5.413675931920078e-12,
  -1.0238587240449543e-12,
]
/** B(2k)/(2k(2k − 1)): Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400]
const HALF_LOG_TWO_PI = 0.9189385332046727

/** log Γ of a positive number. */
const lgammaPositive = (module: ModuleBuilder): FunctionRef =>
  scalar(module, "lgammaPositive", (f, x) => {
    const log = imported(module, "Math.log")
    const t = f.local("f64")
    const scaled = (center: number): void => f.set(t, sub(f, add(f, get(x), get(x)), f64(center)))
    f.if(f.op("f64.lt", get(x), f64(1)), () => {
      scaled(1)
      // x(x − 1) is formed from x itself, not from a rounded x + 1.
      const factors = mul(f, get(x), sub(f, get(x), f64(1)))
      f.return(sub(f, mul(f, factors, horner(f, LGAMMA_1_2, t)), call(log, get(x))))
    })
    const factors = (y: Local): Code => mul(f, sub(f, get(y), f64(1)), sub(f, get(y), f64(2)))
    f.if(f.op("f64.le", get(x), f64(2)), () => {
      scaled(3)
      // Adding 0 makes the zeros positive.
      f.return(add(f, mul(f, factors(x), horner(f, LGAMMA_1_2, t)), f64(0)))
    })
    f.if(f.op("f64.lt", get(x), f64(8)), () => {
      const product = f.let("f64", f64(1))
      const y = f.let("f64", get(x))
      f.while(f.op("f64.gt", get(y), f64(3)), () => {
        f.set(y, sub(f, get(y), f64(1)))
        f.set(product, mul(f, get(product), get(y)))
      })
      f.set(t, sub(f, add(f, get(y), get(y)), f64(5)))
      const rest = mul(f, sub(f, get(y), f64(1)), mul(f, sub(f, get(y), f64(2)), horner(f, LGAMMA_2_3, t)))
      f.return(add(f, call(log, get(product)), rest))
    })
    const logarithm = f.let("f64", call(log, get(x)))
    // (x − ½) log x − x in a form that does not overflow before the result does.
    f.if(f.op("f64.ge", get(x), f64(1e17)), () => f.return(mul(f, get(x), sub(f, get(logarithm), f64(1)))))
    const inverse = f.let("f64", div(f, f64(1), get(x)))
    f.set(t, mul(f, get(inverse), get(inverse)))
    const series = add(f, f64(HALF_LOG_TWO_PI), mul(f, get(inverse), horner(f, STIRLING, t)))
    return add(f, sub(f, mul(f, sub(f, get(x), f64(0.5)), get(logarithm)), get(x)), series)
  })

/** log|Γ(x)|: +infinity at 0, the negative integers and both infinities. */
export const lgammaScalar = (module: ModuleBuilder): FunctionRef =>
  scalar(module, "lgamma", (f, x) => {
    const log = imported(module, "Math.log")
    const positive = lgammaPositive(module)
    f.if(f.op("f64.ne", get(x), get(x)), () => f.return(get(x)))
    f.if(f.op("f64.eq", f.op("f64.abs", get(x)), f64(Infinity)), () => f.return(f64(Infinity)))
    f.if(f.op("f64.gt", get(x), f64(0)), () => f.return(call(positive, get(x))))
    f.if(f.op("f64.eq", get(x), f.op("f64.floor", get(x))), () => f.return(f64(Infinity)))
    const mirrored = f.let("f64", f.op("f64.neg", get(x)))
    f.if(f.op("f64.lt", get(mirrored), f64(1e-19)), () => f.return(f.op("f64.neg", call(log, get(mirrored)))))
    // Γ(x)·Γ(−x) = −π/(x·sin πx).
    const distance = sub(f, get(x), f.op("f64.nearest", get(x)))
    const sine = call(imported(module, "Math.sin"), mul(f, f64(Math.PI), distance))
    const ratio = div(f, f64(Math.PI), f.op("f64.abs", mul(f, get(x), sine)))
    return sub(f, call(log, ratio), call(positive, get(mirrored)))
  })

/** B(2k)/(2k): the asymptotic series of digamma. */
const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160]

const digammaPositive = (module: ModuleBuilder): FunctionRef =>
  scalar(module, "digammaPositive", (f, x) => {
    f.if(f.op("f64.eq", get(x), f64(Infinity)), () => f.return(get(x)))
    const sum = f.local("f64")
    const y = f.let("f64", get(x))
    f.while(f.op("f64.lt", get(y), f64(10)), () => {
      f.set(sum, sub(f, get(sum), div(f, f64(1), get(y))))
      f.set(y, add(f, get(y), f64(1)))
    })
    const inverse = f.let("f64", div(f, f64(1), mul(f, get(y), get(y))))
    const leading = sub(f, call(imported(module, "Math.log"), get(y)), div(f, f64(0.5), get(y)))
    return sub(f, add(f, get(sum), leading), mul(f, get(inverse), horner(f, DIGAMMA, inverse)))
  })

/** PyTorch's poles: ∓infinity at ±0, NaN at the negative integers and −infinity. */
const digammaScalar = (module: ModuleBuilder): FunctionRef =>
  scalar(module, "digamma", (f, x) => {
    const positive = digammaPositive(module)
    f.if(f.op("f64.eq", get(x), f64(0)), () => f.return(div(f, f64(-1), get(x))))
    f.if(f.op("f64.lt", get(x), f64(0)), () => {
      // From the nearest integer, so that no digits are lost beside a pole.
      const distance = f.let("f64", sub(f, get(x), f.op("f64.nearest", get(x))))
      const off = f.op("f64.gt", f.op("f64.abs", get(distance)), f64(0))
      f.if(f.op("i32.eqz", off), () => f.return(f64(Number.NaN)))
      const tangent = call(imported(module, "Math.tan"), mul(f, f64(Math.PI), get(distance)))
      f.return(sub(f, call(positive, sub(f, f64(1), get(x))), div(f, f64(Math.PI), tangent)))
    })
    return call(positive, get(x))
  })

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

/** 1/y^s. */
function inversePower(f: FunctionBuilder, y: Local, s: number): Code {
  let power: Local | undefined
  const square = f.let("f64", get(y))
  for (let rest = s; ; ) {
    if (rest & 1) power = f.let("f64", power ? mul(f, get(power), get(square)) : get(square))
    rest >>= 1
    if (!rest) return div(f, f64(1), get(power!))
    f.set(square, mul(f, get(square), get(square)))
  }
}

/** Σ (q + k)^−s over k ≥ 0 for q > 0: some terms, then Euler and Maclaurin's formula. */
const zetaPositive = (module: ModuleBuilder, s: number): FunctionRef =>
  scalar(module, `zetaPositive${s}`, (f, q) => {
    f.if(f.op("f64.eq", get(q), f64(Infinity)), () => f.return(f64(0)))
    const sum = f.local("f64")
    const y = f.let("f64", get(q))
    const end = 10 + s
    f.while(f.op("f64.lt", get(y), f64(end)), () => {
      const term = f.let("f64", inversePower(f, y, s))
      f.set(sum, add(f, get(sum), get(term)))
      f.if(f.op("f64.lt", get(term), mul(f, get(sum), f64(1e-18))), () => f.return(get(sum)))
      f.set(y, add(f, get(y), f64(1)))
    })
    const power = f.let("f64", inversePower(f, y, s))
    const square = f.let("f64", div(f, f64(1), mul(f, get(y), get(y))))
    let factor = s
    const coefficients = EULER_MACLAURIN.map((c, k) => {
      const value = c * factor
      factor *= (s + 2 * k + 1) * (s + 2 * k + 2)
      return value
    })
    const whole = add(f, div(f, get(y), f64(s - 1)), f64(0.5))
    const corrections = div(f, horner(f, coefficients, square), get(y))
    return add(f, get(sum), mul(f, get(power), add(f, whole, corrections)))
  })

/** (−1)^(n+1) n! ζ(n + 1, x) for n ≥ 1; ζ is infinite at 0 and the negative integers. */
const zetaScalar = (module: ModuleBuilder, n: number): FunctionRef =>
  scalar(module, `polygamma${n}`, (f, q) => {
    const s = n + 1
    const zeta = zetaPositive(module, s)
    let factorial = n % 2 ? 1 : -1
    for (let k = 2; k <= n; k++) factorial *= k
    f.if(f.op("f64.le", get(q), f64(0)), () => {
      const fraction = f.let("f64", sub(f, get(q), f.op("f64.floor", get(q))))
      f.if(f.op("f64.eq", get(fraction), f64(0)), () => f.return(f64(factorial * Infinity)))
      // The terms below zero, seen from the other side; NaN of −infinity stays.
      const first = call(zeta, sub(f, f.op("f64.ceil", get(q)), get(q)))
      const below = sub(f, first, call(zeta, sub(f, f64(1), get(q))))
      f.return(mul(f, f64(factorial), f.op(s % 2 ? "f64.sub" : "f64.add", call(zeta, get(fraction)), below)))
    })
    return mul(f, f64(factorial), call(zeta, get(q)))
  })

/** The (n + 1)-th derivative of log Γ, for an integer n ≥ 0. */
export const polygammaScalar = (module: ModuleBuilder, n: number): FunctionRef =>
  n === 0 ? digammaScalar(module) : zetaScalar(module, n)
