/** log|Γ| and its derivatives in float32. */
import { floatText, horner } from "./wgsl-text.ts"

/** lgamma(x)/((x − 1)(x − 2)) in x − 1, x from 0.75 to 1.5; in x − 2, from 1.5 to 2.5; in x − 3, from 2.5 to 3.5. */
const NEAR_1 = [
  0.5772156715393066, -0.24525168538093567, 0.15543557703495026, -0.11511470377445221, 0.09212183207273483,
  -0.07805425673723221, 0.07011494040489197, -0.05689864233136177, 0.02563561499118805,
]
const NEAR_2 = [
  0.42278432846069336, -0.10031729191541672, 0.03296579793095589, -0.012384869158267975, 0.004982868675142527,
  -0.0020984401926398277, 0.0010138388024643064, -0.00045629488886334,
]
const NEAR_3 = [
  0.3465735912322998, -0.058468256145715714, 0.013149073347449303, -0.0033310384023934603, 0.0009012852096930146,
  -0.00026417928165756166, 7.71159102441743e-5,
]
/** B(2k)/(2k(2k − 1)): Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260]
const HALF_LOG_TWO_PI = 0.9189385332046727
/** digamma(x)/(x − its zero) in x − 1.5, x from 1 to 2. */
const DIGAMMA = [
  0.9510558843612671, -0.42362749576568604, 0.24054262042045593, -0.14839878678321838, 0.0949820801615715,
  -0.06205707788467407, 0.04087933525443077, -0.025781013071537018, 0.01698041707277298, -0.016384093090891838,
  0.011118640191853046,
]
/** The zero of digamma in two floats. */
const ZERO = [1.4616321325302124, 1.243815006546356e-8] as const
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
  if (bitcast<u32>(x) < 0x80000000u) { return f_lgammaPositive(x); }
  let mirrored = f_neg(x);
  if (f_magnitude(x) < 0x2f000000u) { return f_neg(f_log(mirrored)); }
  let distance = mirrored - round(mirrored);
  if (f_magnitude(distance) == 0u) { return f_inf(); }
  // Γ(x)·Γ(−x) = −π/(x·sin πx).
  let sine = f_abs(f_sinOfTurns(distance));
  return -f_log(mirrored * sine * ${t(1 / Math.PI)}) - f_lgammaPositive(mirrored);
}`,
  f_digammaPositive: `fn f_digammaPositive(x: f32) -> f32 {
  if (x < 8f) {
    var d = x - 1f;
    var terms = 0f;
    if (x < 1f) {
      d = x;
      terms = -f_div(1f, x);
    } else if (x > 2f) {
      // The terms from the smallest on.
      let count = ceil(x) - 2f;
      d = x - count - 1f;
      for (var k = count; k >= 1f; k -= 1f) { terms += 1f / (d + k); }
    }
    let y = d - 0.5f;
    return (f_opaque(d - ${t(Math.fround(ZERO[0]) - 1)}) - ${t(ZERO[1])}) * ${horner(DIGAMMA, "y")} + terms;
  }
  let inverse = f_div(1f, x);
  let square = inverse * inverse;
  return f_log(x) - (0.5f * inverse + square * ${horner(DIGAMMA_SERIES, "square")});
}`,
  // PyTorch's poles: ∓infinity at ±0, NaN at the negative integers and −infinity.
  f_digamma: `fn f_digamma(x: f32) -> f32 {
  if (f_magnitude(x) == 0u) { return f_withSign(f_inf(), f_neg(x)); }
  if (f_isNan(x) || bitcast<u32>(x) == 0x7f800000u) { return x; }
  if (bitcast<u32>(x) == 0xff800000u) { return f_nan(); }
  if (bitcast<u32>(x) < 0x80000000u) { return f_digammaPositive(x); }
  // From the nearest integer, so that no digits are lost beside a pole.
  let distance = x - round(x);
  if (f_magnitude(distance) == 0u) { return f_nan(); }
  if (f_magnitude(x) < 0x33000000u) { return f_neg(f_div(1f, x)); }
  let cotangent = f_div(f_sinOfTurns(0.5f - f_abs(distance)), f_sinOfTurns(f_abs(distance)));
  return f_digammaPositive(1f - x) - f_withSign(cotangent * ${t(Math.PI)}, distance);
}`,
  // x^-s for an integer s ≥ 1, in two halves so that none overflows before the whole does.
  f_inversePower: `fn f_inversePower(x: f32, s: u32) -> f32 {
  var first = 1f;
  for (var k = 0u; k < (s >> 1u); k++) { first *= x; }
  let second = select(first, first * x, (s & 1u) == 1u);
  return f_div(f_div(1f, first), second);
}`,
  // Hurwitz's Σ (q + k)^-s over k ≥ 0, for an integer s ≥ 2 and positive q.
  f_zetaPositive: `fn f_zetaPositive(s: u32, q: f32) -> f32 {
  if (f_magnitude(q) == 0x7f800000u) { return 0f; }
  let order = f32(s);
  let count = max(ceil(8f + order - q), 0f);
  let y = q + count;
  let power = f_inversePower(y, s);
  let square = f_div(1f, y * y);
  var factor = order;
  var corrections = 0f;
  var scale = 1f;
${EULER_MACLAURIN.map(
  (c, k) => `  corrections += ${t(c)} * factor * scale;
  factor *= (order + ${2 * k + 1}f) * (order + ${2 * k + 2}f);
  scale *= square;`,
).join("\n")}
  // The terms from the smallest on.
  var sum = power * (y / (order - 1f) + 0.5f + corrections / y);
  for (var k = count - 1f; k >= 0f; k -= 1f) { sum += f_inversePower(q + k, s); }
  return sum;
}`,
  // (−1)^(n+1) n! ζ(n + 1, x) for n ≥ 1; ζ is infinite at 0 and the negative integers.
  f_polygamma: `fn f_polygamma(n: f32, x: f32) -> f32 {
  if (n < 0.5f) { return f_digamma(x); }
  if (f_isNan(x) || bitcast<u32>(x) == 0xff800000u) { return f_nan(); }
  let s = u32(n) + 1u;
  var factorial = 1f;
  for (var k = 2f; k <= n; k += 1f) { factorial *= k; }
  let sign = select(-1f, 1f, (s & 1u) == 0u);
  var zeta = 0f;
  if (f_magnitude(x) == 0u) {
    zeta = f_inf();
  } else if (bitcast<u32>(x) < 0x80000000u) {
    zeta = f_zetaPositive(s, x);
  } else {
    let below = f_neg(x);
    let fraction = x - floor(x);
    if (f_magnitude(below - round(below)) == 0u) {
      zeta = f_inf();
    } else {
      // The terms below zero, seen from the other side.
      let mirrored = f_zetaPositive(s, ceil(x) - x) - f_zetaPositive(s, 1f - x);
      zeta = f_zetaPositive(s, fraction) + select(mirrored, -mirrored, (s & 1u) == 1u);
    }
  }
  return f_withSign(factorial * zeta, select(sign, f_neg(sign), bitcast<u32>(zeta) > 0x80000000u));
}`,
} as const
