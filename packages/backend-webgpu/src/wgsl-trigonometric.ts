/** Functions of angles, their inverses, sinh and cosh in float32. As in `wgsl-elementary.ts`. */
import { floatText, horner } from "./wgsl-text.ts"

/** π/2 in parts of 11 bits, whose products with n up to 2^13 are exact, and the rest. */
const HALF_PI = [1.5703125, 0.0004837513, 7.5495336e-8, 2.563344e-12]
/** (sin(r) − r)/r³ and (cos(r) − 1 + r²/2)/r⁴ in r², |r| ≤ π/4. */
const SIN = [-0.16666654, 0.008332051, -0.00019497238]
const COS = [0.041666653, -0.0013887604, 2.4457095e-5]
/** The first 224 bits of 2/π behind the point, after a word of zeros. */
const TWO_OVER_PI = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab]
/** (atan(t) − t)/t³ in t² ≤ 1. */
const ATAN = [
  -0.33333313, 0.19998842, -0.14266346, 0.10958583, -0.08410656, 0.05791356, -0.03099131, 0.01074851, -0.0017437034,
]
/** (asin(t) − t)/t³ in t² ≤ ¼. */
const ASIN = [0.16666731, 0.0749566, 0.04546692, 0.024050375, 0.042565756]
/** π/2 as a float, and what times it (or the float of π) is the rest of it. */
const QUARTER_TURN = "1.57079637f"
const HALF_TURN = "3.14159274f"
const TURN_REST = floatText(-2.7827534e-8)
/** (sinh(x) − x)/x³ in x² ≤ 1. */
const SINH = [0.16666667, 0.0083333505, 0.00019835871, 2.819029e-6]

const t = floatText

/** sin or cos of an angle, by the quadrant in which it is: `turn` is added to the count of quarter turns. */
const ofAngle = (name: string, turn: number, odd: boolean): string =>
  `fn ${name}(x: f32) -> f32 {
  if (!f_isFinite(x)) { return f_nan(); }
  ${odd ? "if (f_magnitude(x) < 0x39000000u) { return x; }\n  " : ""}let a = f_angle(f_abs(x));
  let q = a.n + ${turn}u;
  let value = select(f_sine(a.m), f_cosine(a.m), (q & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(value) ^ ((q & 2u) << 30u)${odd ? " ^ (bitcast<u32>(x) & 0x80000000u)" : ""});
}`

export const TRIGONOMETRIC = {
  f_sinh: `fn f_sinh(x: f32) -> f32 {
  let magnitude = f_abs(x);
  if (f_magnitude(x) < 0x39000000u || !f_isFinite(x)) { return x; }
  if (magnitude < 1f) {
    let square = x * x;
    return x + x * square * ${horner(SINH, "square")};
  }
  if (magnitude > 90f) { return f_withSign(f_inf(), x); }
  let p = f_expParts(magnitude, 0f);
  let e = f_scale(p.m, p.n - 1);
  return f_withSign(select(e - 0.25f / min(e, 1e6f), e, e > 1e6f), x);
}`,
  f_cosh: `fn f_cosh(x: f32) -> f32 {
  let magnitude = f_abs(x);
  if (!f_isFinite(x)) { return magnitude; }
  if (magnitude > 90f) { return f_inf(); }
  let p = f_expParts(magnitude, 0f);
  let e = f_scale(p.m, p.n - 1);
  return select(e + 0.25f / min(e, 1e6f), e, e > 1e6f);
}`,
  f_Angle: `struct f_Angle { m: f32, n: u32 }`,
  f_TWO_OVER_PI: `const f_TWO_OVER_PI = array<u32, ${TWO_OVER_PI.length}>(${TWO_OVER_PI.map((w) => `${w}u`).join(", ")});`,
  f_window: `fn f_window(at: u32, shift: u32) -> u32 {
  return (f_TWO_OVER_PI[at] << shift) | select(0u, f_TWO_OVER_PI[at + 1u] >> ((32u - shift) & 31u), shift > 0u);
}`,
  // An angle of 12800 and more: times those 96 bits of 2/π that matter modulo 4 (Payne and Hanek).
  f_largeAngle: `fn f_largeAngle(x: f32) -> f_Angle {
  let b = bitcast<u32>(x);
  let m = (b & 0x7fffffu) | 0x800000u;
  let start = (b >> 23u) - 120u;
  let at = start >> 5u;
  let shift = start & 31u;
  let w0 = f_window(at, shift);
  let w1 = f_window(at + 1u, shift);
  let w2 = f_window(at + 2u, shift);
  let p1 = m * w1 + u_mulhi(m, w2);
  let p0 = m * w0 + u_mulhi(m, w1) + u32(p1 < m * w1);
  let n = (p0 + 0x20000000u) >> 30u;
  var high = p0 - (n << 30u);
  var low = p1;
  let negative = high >= 0x80000000u;
  if (negative) {
    low = 0u - low;
    high = ~high + u32(low == 0u);
  }
  var zeros = countLeadingZeros(high);
  if (zeros == 32u) {
    high = low;
    low = 0u;
    zeros += countLeadingZeros(high);
  }
  let s = zeros & 31u;
  let top = (high << s) | select(0u, low >> ((32u - s) & 31u), s > 0u);
  let upper = f32(top >> 8u);
  let r = upper * ${QUARTER_TURN} + (f32(top & 255u) * ${t(Math.PI / 512)} + upper * ${t(-4.371139e-8)});
  return f_Angle(select(1f, -1f, negative) * f_scale(r, -22 - i32(zeros)), n & 3u);
}`,
  // A positive angle as n quarter turns and the rest, which is within an eighth.
  f_angle: `fn f_angle(x: f32) -> f_Angle {
  if (x >= 12800f) { return f_largeAngle(x); }
  let n = round(x * ${t(2 / Math.PI)});
  var r = x;
${HALF_PI.map((part) => `  r = f_opaque(r - n * ${t(part)});`).join("\n")}
  return f_Angle(r, u32(n));
}`,
  f_sine: `fn f_sine(r: f32) -> f32 {
  let square = r * r;
  return r + square * r * ${horner(SIN, "square")};
}`,
  f_cosine: `fn f_cosine(r: f32) -> f32 {
  let square = r * r;
  return 1f + (square * square * ${horner(COS, "square")} - square * 0.5f);
}`,
  f_sin: ofAngle("f_sin", 0, true),
  f_cos: ofAngle("f_cos", 1, false),
  f_tan: `fn f_tan(x: f32) -> f32 {
  if (!f_isFinite(x)) { return f_nan(); }
  if (f_magnitude(x) < 0x39000000u) { return x; }
  let a = f_angle(f_abs(x));
  let sine = f_sine(a.m);
  let cosine = f_cosine(a.m);
  let odd = (a.n & 1u) == 1u;
  let y = select(sine, -cosine, odd) / select(cosine, sine, odd);
  return bitcast<f32>(bitcast<u32>(y) ^ (bitcast<u32>(x) & 0x80000000u));
}`,
  f_atanOfRatio: `fn f_atanOfRatio(x: f32) -> f32 {
  let square = x * x;
  return x + x * square * ${horner(ATAN, "square")};
}`,
  // base + offset, where base is a multiple of a quarter turn.
  f_fromTurn: `fn f_fromTurn(base: f32, offset: f32) -> f32 { return f_opaque(base + offset) + base * ${TURN_REST}; }`,
  f_atan: `fn f_atan(x: f32) -> f32 {
  if (f_magnitude(x) < 0x39000000u || f_isNan(x)) { return x; }
  if (f_magnitude(x) >= 0x4c800000u) { return f_withSign(${QUARTER_TURN}, x); }
  let magnitude = f_abs(x);
  let steep = magnitude > 1f;
  let angle = f_atanOfRatio(select(magnitude, 1f / magnitude, steep));
  return f_withSign(select(angle, f_fromTurn(${QUARTER_TURN}, -angle), steep), x);
}`,
  // The angle within an eighth of a turn by the smaller of |x| and |y| over the larger, then put into its place.
  f_atan2: `fn f_atan2(y: f32, x: f32) -> f32 {
  if (f_isNan(x) || f_isNan(y)) { return f_nan(); }
  let height = f_magnitude(y);
  let width = f_magnitude(x);
  let steep = height > width;
  let backwards = bitcast<u32>(x) >= 0x80000000u;
  var angle = 0f;
  if (height == width) {
    // Two zeros are as 0 to 1, two infinities as 1 to 1.
    angle = select(${t(Math.PI / 4)}, 0f, height == 0u);
  } else {
    let ratio = f_div(bitcast<f32>(min(height, width)), bitcast<f32>(max(height, width)));
    angle = ratio;
    if (f_magnitude(ratio) >= 0x39000000u) { angle = f_atanOfRatio(ratio); }
  }
  if (!steep && !backwards) { return f_withSign(angle, y); }
  let base = select(${HALF_TURN}, ${QUARTER_TURN}, steep);
  return f_withSign(f_fromTurn(base, select(angle, -angle, steep != backwards)), y);
}`,
  f_asinSmall: `fn f_asinSmall(x: f32, square: f32) -> f32 { return x + x * square * ${horner(ASIN, "square")}; }`,
  // Beyond ½ by acos(|x|) = 2·asin(√((1 − |x|)/2)).
  f_asin: `fn f_asin(x: f32) -> f32 {
  if (f_magnitude(x) > 0x3f800000u) { return f_nan(); }
  if (f_magnitude(x) < 0x39000000u) { return x; }
  let magnitude = f_abs(x);
  if (magnitude <= 0.5f) { return f_asinSmall(x, x * x); }
  let square = (1f - magnitude) * 0.5f;
  return f_withSign(f_fromTurn(${QUARTER_TURN}, -2f * f_asinSmall(f_sqrt(square), square)), x);
}`,
  f_acos: `fn f_acos(x: f32) -> f32 {
  if (f_magnitude(x) > 0x3f800000u) { return f_nan(); }
  let magnitude = f_abs(x);
  if (magnitude <= 0.5f) { return f_fromTurn(${QUARTER_TURN}, -f_asinSmall(x, x * x)); }
  let square = (1f - magnitude) * 0.5f;
  let angle = 2f * f_asinSmall(f_sqrt(square), square);
  if (bitcast<u32>(x) < 0x80000000u) { return angle; }
  return f_fromTurn(${HALF_TURN}, -angle);
}`,
} as const
