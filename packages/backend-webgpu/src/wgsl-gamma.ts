/** log|Γ| and its derivatives in float32. */
import { floatText, horner } from "./wgsl-text.ts"

/** lgamma(x)/((x − 1)(x − 2)) in x − 1, x from 0.75 to 1.5; in x − 2, from 1.5 to 2.5; in x − 3, from 2.5 to 3.5. */
const NEAR_1 = [
  0.5772157, -0.24525169, 0.15543558, -0.115114704, 0.09212183, -0.07805426, 0.07011494, -0.056898642, 0.025635615,
]
const NEAR_2 = [
  0.42278433, -0.10031729, 0.032965798, -0.012384869, 0.0049828687, -0.0020984402, 0.0010138388, -0.0004562949,
]
const NEAR_3 = [0.3465736, -0.058468256, 0.013149073, -0.0033310384, 0.0009012852, -0.00026417928, 7.711591e-5]
/** B(2k)/(2k(2k − 1)): Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260]
const HALF_LOG_TWO_PI = 0.9189385332046727
/** digamma(x)/(x − its zero) in x − 1.5, x from 1 to 2. */
const DIGAMMA = [
  0.9510559, -0.4236275, 0.24054262, -0.14839879, 0.09498208, -0.062057078, 0.040879335, -0.025781013, 0.016980417,
  -0.016384093, 0.01111864,
]
/** The zero of digamma in two floats. */
const ZERO = [1.4616321, 1.243815e-8] as const
/** B(2k)/(2k): the asymptotic series of digamma. */
const DIGAMMA_SERIES = [1 / 12, -1 / 120, 1 / 252]
/** B(2k)/(2k)!: Euler and Maclaurin's corrections. */
const EULER_MACLAURIN = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600]

const t = floatText

export const GAMMA = {
  // lgamma(1 + d)/(d·(d − 1)) for d from −0.25 to 1.
  f_lgammaNear: `fn f_lgammaNear(d: f32) -> f32 {
  if (d < 0.5f) { return ${horner(NEAR_1, "d")}; }
  let e = d - 1f;
  return ${horner(NEAR_2, "e")};
}`,
  f_lgammaPositive: `fn f_lgammaPositive(x: f32) -> f32 {
  // The factors that vanish at 1 and 2 are formed from x itself, not from the rounded x + 1.
  if (x < 0.75f) { return x * (x - 1f) * f_lgammaNear(x) - f_log(x); }
  if (x < 2.5f) {
    let d = x - 1f;
    if (d == 0f || d == 1f) { return 0f; }
    return d * (x - 2f) * f_lgammaNear(d);
  }
  if (x < 8f) {
    var y = x;
    var product = 1f;
    while (y > 3.5f) {
      y -= 1f;
      product *= y;
    }
    let d = y - 3f;
    return f_log(product) + (y - 1f) * (y - 2f) * ${horner(NEAR_3, "d")};
  }
  // The largest number with a finite value.
  if (x > 4.08500343e36f) { return f_inf(); }
  let logarithm = f_log(x);
  // (x − ½) log x − x in a form that does not overflow before the result does.
  if (x >= 1e9f) { return x * (logarithm - 1f); }
  let inverse = 1f / x;
  let square = inverse * inverse;
  let series = ${t(HALF_LOG_TWO_PI - 0.5)} + inverse * ${horner(STIRLING, "square")};
  return (x - 0.5f) * (logarithm - 1f) + series;
}`,
  // sin(πd) for |d| ≤ ½.
  f_sinOfTurns: `fn f_sinOfTurns(d: f32) -> f32 {
  let a = f_abs(d);
  let beyond = a > 0.25f;
  let r = select(a, 0.5f - a, beyond) * ${t(Math.PI)};
  return f_withSign(select(f_sine(r), f_cosine(r), beyond), d);
}`,
  // +infinity at 0, the negative integers and both infinities.
  f_lgamma: `fn f_lgamma(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (!f_isFinite(x) || f_magnitude(x) == 0u) { return f_inf(); }
  let mirrored = f_abs(x);
  let negative = bitcast<u32>(x) >= 0x80000000u;
  let distance = mirrored - round(mirrored);
  if (negative && f_magnitude(x) < 0x2f000000u) { return f_neg(f_log(mirrored)); }
  if (negative && f_magnitude(distance) == 0u) { return f_inf(); }
  let value = f_lgammaPositive(mirrored);
  if (!negative) { return value; }
  // Γ(x)·Γ(−x) = −π/(x·sin πx).
  return f_neg(f_log(mirrored * f_abs(f_sinOfTurns(distance)) * ${t(1 / Math.PI)})) - value;
}`,
  // Of a positive finite number, with the error of the device's division.
  f_reciprocal: `fn f_reciprocal(x: f32) -> f32 {
  let p = f_split(x);
  return f_scale(1f / p.m, -p.n);
}`,
  // Of positive finite numbers.
  f_digammaPositive: `fn f_digammaPositive(x: f32) -> f32 {
  let inverse = f_reciprocal(x);
  if (x >= 8f) {
    let square = inverse * inverse;
    return f_log(x) - (0.5f * inverse + square * ${horner(DIGAMMA_SERIES, "square")});
  }
  var d = x - 1f;
  var terms = 0f;
  if (x < 1f) {
    d = x;
    terms = -inverse;
  } else if (x > 2f) {
    // The terms from the smallest on.
    let count = ceil(x) - 2f;
    d = x - count - 1f;
    for (var k = count; k >= 1f; k -= 1f) { terms += 1f / (d + k); }
  }
  let y = d - 0.5f;
  return (f_opaque(d - ${t(Math.fround(ZERO[0]) - 1)}) - ${t(ZERO[1])}) * ${horner(DIGAMMA, "y")} + terms;
}`,
  // PyTorch's poles: ∓infinity at ±0, NaN at the negative integers and −infinity.
  f_digamma: `fn f_digamma(x: f32) -> f32 {
  if (f_magnitude(x) == 0u) { return f_withSign(f_inf(), f_neg(x)); }
  if (f_isNan(x) || bitcast<u32>(x) == 0x7f800000u) { return x; }
  let negative = bitcast<u32>(x) >= 0x80000000u;
  // From the nearest integer, so that no digits are lost beside a pole.
  let distance = x - round(x);
  if (negative && (f_magnitude(x) == 0x7f800000u || (f_magnitude(distance) == 0u && f_magnitude(x) >= 0x3f000000u))) {
    return f_nan();
  }
  if (negative && f_magnitude(x) < 0x33000000u) { return f_reciprocal(f_abs(x)); }
  let value = f_digammaPositive(select(x, 1f - x, negative));
  if (!negative) { return value; }
  let cotangent = f_sinOfTurns(0.5f - f_abs(distance)) / f_sinOfTurns(f_abs(distance));
  return value - f_withSign(cotangent * ${t(Math.PI)}, distance);
}`,
  // factor·x^-s of a positive finite x, by powers of its fraction, of which none overflows.
  f_inversePower: `fn f_inversePower(factor: f32, x: f32, s: u32) -> f32 {
  let p = f_split(x);
  var power = p.m;
  for (var k = 1u; k < s; k++) { power *= p.m; }
  return f_scale(factor / power, max(-p.n * i32(s), -1000));
}`,
  // Hurwitz's Σ (q + k)^-s over k ≥ 0, for an integer s ≥ 2 and positive q, times a number.
  f_zetaPositive: `fn f_zetaPositive(multiple: f32, s: u32, q: f32) -> f32 {
  if (f_magnitude(q) == 0x7f800000u) { return f_withSign(0f, multiple); }
  let order = f32(s);
  let count = max(ceil(8f + order - q), 0f);
  let y = q + count;
  let inverse = 1f / min(y, 1e18f);
  var factor = order;
  var corrections = 0f;
  var scale = inverse;
${EULER_MACLAURIN.map(
  (c, k) => `  corrections += ${t(c)} * factor * scale;
  factor *= (order + ${2 * k + 1}f) * (order + ${2 * k + 2}f);
  scale *= inverse * inverse;`,
).join("\n")}
  // The terms from the smallest on, the first of which stands for all from y on.
  var sum = 0f;
  for (var k = count; k >= 0f; k -= 1f) {
    let first = k == count;
    let factor = select(1f, 1f / (order - 1f) + (0.5f + corrections) * inverse, first);
    let term = f_inversePower(multiple * factor, select(q + k, q, k == 0f), select(s, s - 1u, first));
    sum = select(sum + term, term, first);
  }
  return sum;
}`,
  // (−1)^(n+1) n! ζ(n + 1, x) for n ≥ 1; ζ is infinite at 0 and the negative integers.
  f_polygamma: `fn f_polygamma(n: f32, x: f32) -> f32 {
  if (f_isNan(x) || bitcast<u32>(x) == 0xff800000u) { return f_nan(); }
  let s = u32(n) + 1u;
  let even = (s & 1u) == 0u;
  var factorial = select(-1f, 1f, even);
  for (var k = 2f; k <= n; k += 1f) { factorial *= k; }
  let whole = f_floor(x);
  let negative = bitcast<u32>(x) > 0x80000000u;
  if (f_magnitude(x) == 0u || (negative && f_magnitude(x) >= 0x3f800000u && f_magnitude(x - whole) == 0u)) {
    return f_withSign(f_inf(), factorial);
  }
  // Below zero three sums: from the fraction on, and the terms below zero, seen from the other side.
  var zeta = 0f;
  for (var part = 0u; part < select(1u, 3u, negative); part++) {
    var q = x;
    if (negative) { q = select(select(1f - x, f_ceil(x) - x, part == 1u), x - whole, part == 0u); }
    if (f_magnitude(q) == 0u) { q = f_neg(x); }
    let value = f_zetaPositive(factorial, s, q);
    zeta = select(zeta + select(value, f_neg(value), part > 0u && ((part == 2u) == even)), value, part == 0u);
  }
  return zeta;
}`,
} as const
