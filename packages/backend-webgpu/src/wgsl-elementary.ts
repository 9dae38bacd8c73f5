/**
 * Elementary functions of float32 in float32 and integers. Polynomials are near-minimax, computed with 40 digits and more. What is
 * not finite is dealt with first, by its bits, so that no formula meets it. The error of each, in units in the last place of the
 * exact value, is in the test's table. The device's own division is used where its operands are of moderate size.
 */
import { floatText, horner } from "./wgsl-text.ts"

/** ln 2 in two parts, of which the first has 15 bits: its product with an exponent is exact. */
const LN2_HIGH = 0.69314575
const LN2_LOW = 1.4286068e-6
/** (exp(r) − 1 − r)/r² for |r| ≤ ln 2 / 2. */
const EXP_TAIL = [0.49999997, 0.16666542, 0.041667204, 0.008366646, 0.0013882489]
/** (log(1 + f) − f + f²/2)/f³, 1 + f from √½ to √2. */
const LOG = [0.3333333, -0.2500082, 0.20001227, -0.16623357, 0.1420176, -0.13160186, 0.12761562, -0.076344736]

const t = floatText

export const ELEMENTARY = {
  f_Scaled: `struct f_Scaled { m: f32, n: i32 }`,
  // exp(x + low) = m·2^n for |x| up to 200 and a small low.
  f_expParts: `fn f_expParts(x: f32, low: f32) -> f_Scaled {
  let n = round(x * ${t(Math.LOG2E)});
  let r = f_opaque(f_opaque(x - n * ${t(LN2_HIGH)}) - n * ${t(LN2_LOW)}) + low;
  let above = r + r * r * ${horner(EXP_TAIL, "r")};
  return f_Scaled(1f + above, i32(n));
}`,
  f_exp: `fn f_exp(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (f_lt(88.8f, x)) { return f_inf(); }
  if (f_lt(x, -104f)) { return 0f; }
  let p = f_expParts(x, 0f);
  return f_scale(p.m, p.n);
}`,
  // With twice the half of 2^n, as 2^128 is too large.
  f_expm1: `fn f_expm1(x: f32) -> f32 {
  if (f_magnitude(x) < 0x33000000u || f_isNan(x)) { return x; }
  if (f_lt(88.8f, x)) { return f_inf(); }
  if (f_lt(x, -20f)) { return -1f; }
  let n = round(x * ${t(Math.LOG2E)});
  let r = f_opaque(f_opaque(x - n * ${t(LN2_HIGH)}) - n * ${t(LN2_LOW)});
  let above = r + r * r * ${horner(EXP_TAIL, "r")};
  let half = bitcast<f32>(u32(i32(n) + 126) << 23u);
  return f_scale(half * above + (half - 0.5f), 1);
}`,
  // t/(t + 2), t = exp(2|x|) − 1.
  f_tanh: `fn f_tanh(x: f32) -> f32 {
  if (f_magnitude(x) < 0x39000000u || f_isNan(x)) { return x; }
  if (f_magnitude(x) >= 0x41200000u) { return f_withSign(1f, x); }
  let y = f_expm1(2f * f_abs(x));
  return f_withSign(y / (y + 2f), x);
}`,
  // 1/(1 + e) or e/(1 + e), e = exp(−|x|), so that what is far below 0 keeps its digits.
  f_sigmoid: `fn f_sigmoid(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  let e = f_exp(f_neg(f_abs(x)));
  let negative = bitcast<u32>(x) > 0x80000000u;
  if (f_magnitude(e) < 0x33000000u) { return select(1f, e, negative); }
  return select(1f, e, negative) / (1f + e);
}`,
  // A positive number as m·2^n, m from √½ to √2.
  f_split: `fn f_split(x: f32) -> f_Scaled {
  var b = bitcast<u32>(x);
  var n = 0;
  if (b < 0x800000u) {
    let s = countLeadingZeros(b) - 8u;
    b = b << s;
    n = -i32(s);
  }
  let d = i32(b - 0x3f3504f3u);
  return f_Scaled(bitcast<f32>(b - (u32(d) & 0xff800000u)), n + (d >> 23u));
}`,
  // The logarithm of what is not a positive finite number.
  f_logEdge: `fn f_logEdge(x: f32) -> f32 {
  if (f_magnitude(x) == 0u) { return f_neg(f_inf()); }
  if (bitcast<u32>(x) == 0x7f800000u) { return x; }
  return f_nan();
}`,
  // log(1 + f) + f²/2 − f.
  f_logTail: `fn f_logTail(f: f32) -> f32 { return f * f * f * ${horner(LOG, "f")}; }`,
  // log(1 + f) + n·ln 2.
  f_natural: `fn f_natural(f: f32, n: f32) -> f32 {
  let below = (f_logTail(f) + n * ${t(LN2_LOW)}) - f * f * 0.5f;
  return n * ${t(LN2_HIGH)} + f_opaque(f + below);
}`,
  f_log: `fn f_log(x: f32) -> f32 {
  if (bitcast<u32>(x) - 1u >= 0x7f7fffffu) { return f_logEdge(x); }
  let p = f_split(x);
  return f_natural(p.m - 1f, f32(p.n));
}`,
} as const
