/**
 * Elementary functions of float32 in float32 and integers. Polynomials are near-minimax, computed with 40 digits and more. What is
 * not finite is dealt with first, by its bits, so that no formula meets it. The error of each, in units in the last place of the
 * exact value, is in the test's table. The device's own division is used where its operands are of moderate size.
 */
import { floatText, horner } from "./wgsl-text.ts"

/** ln 2 in two parts, of which the first has 15 bits: its product with an exponent is exact. */
const LN2_HIGH = 0.693145751953125
const LN2_LOW = 1.428606765330187e-6
/** (exp(r) − 1 − r)/r² for |r| ≤ ln 2 / 2. */
const EXP_TAIL = [
  0.4999999701976776, 0.16666541993618011, 0.04166720435023308, 0.008366646245121956, 0.0013882488710805774,
]
/** (2^r − 1)/r for |r| ≤ ½. */
const EXP2 = [
  0.6931472420692444, 0.24022650718688965, 0.05550297349691391, 0.009618030861020088, 0.0013410031097009778,
  0.00015469758363906294,
]
/** (sinh(x) − x)/x³ in x² ≤ 1. */
const SINH = [0.1666666716337204, 0.008333350531756878, 0.000198358713532798, 2.819029077727464e-6]
/** (log(1 + f) − f + f²/2)/f³, 1 + f from √½ to √2. */
const LOG = [
  0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122, 0.14201760292053223,
  -0.13160185515880585, 0.12761561572551727, -0.07634473592042923,
]
/** π/2 in parts of 11 bits, whose products with n up to 2^13 are exact, and the rest. */
const HALF_PI = [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.5633440682570896e-12]
/** (sin(r) − r)/r³ and (cos(r) − 1 + r²/2)/r⁴ in r², |r| ≤ π/4. */
const SIN = [-0.16666653752326965, 0.00833205133676529, -0.00019497238099575043]
const COS = [0.041666653007268906, -0.001388760400004685, 2.4457094696117565e-5]
/** The first 224 bits of 2/π behind the point, after a word of zeros. */
const TWO_OVER_PI = [0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab]
/** (atan(t) − t)/t³ in t² ≤ 1. */
const ATAN = [
  -0.3333331346511841, 0.19998842477798462, -0.14266346395015717, 0.10958582907915115, -0.08410655707120895,
  0.057913560420274734, -0.030991310253739357, 0.010748510248959064, -0.001743703382089734,
]
/** (asin(t) − t)/t³ in t² ≤ ¼. */
const ASIN = [0.16666731238365173, 0.07495660334825516, 0.045466918498277664, 0.024050375446677208, 0.04256575554609299]
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
/** exp(x²)·erfc(x)·(x + 1) in (x − 3.5)/(x + 2.5), x from 0.5 to 10.1. */
const ERFCX = [
  0.6988214254379272, -0.18397466838359833, 0.055480100214481354, -0.0004888399271294475, -0.009718840941786766,
  0.0050736768171191216, -0.0008486061706207693, -0.0003041710006073117, 0.00014081331028137356, 2.657554614415858e-5,
  -6.823349394835532e-6,
]
/** erfinv(y)/y in w − 2.5, w = −log(1 − y²) ≤ 5 (right at w = 0 as rounded by the second), and in √w − 3.125 beyond. */
const ERFINV = [
  1.5014094114303589, 0.24664030969142914, -0.004177386872470379, -0.0012527419021353126, 0.0002183444012189284,
  -4.9633686103334185e-6, -3.462694166955771e-6, 4.661765728997125e-7, 2.323162640038845e-8, -8.791563921306533e-9,
]
const ERFINV_TAIL = [
  2.958320140838623, 1.0037187337875366, 0.007049231790006161, -0.0053006792441010475, 0.0037802380975335836,
  -0.0025231295730918646, 0.001314047141931951, -0.00031863513868302107, -0.0001762063184287399, 0.00012617121683433652,
]
/** (log2((1 + s)/(1 − s))/s − 2/ln 2·(1 + s²/3))/s⁴ in s², |s| ≤ 0.172. */
const LOG2_TAIL = [0.5770780444145203, 0.41220009326934814, 0.3203440010547638, 0.2759305238723755]
/** (2^r − 1 − r·ln 2)/r² for |r| ≤ ½. */
const EXP2_TAIL = [
  0.24022650718688965, 0.05550410971045494, 0.009618083015084267, 0.0013333602109923959, 0.0001545311533845961,
  1.526543746876996e-5,
]

/** π/2 as a float, and what times it (or the float of π) is the rest of it. */
const QUARTER_TURN = "1.57079637f"
const HALF_TURN = "3.14159274f"
const TURN_REST = floatText(-2.7827534e-8)

const t = floatText

/** A logarithm of a base: log(1 + f) in two parts, times 1/ln(base) in two parts, so that powers of the base have exact ones. */
const logarithm = (name: string, high: number, low: number, twoHigh: number, twoLow: number): string =>
  `fn ${name}(x: f32) -> f32 {
  if (bitcast<u32>(x) - 1u >= 0x7f7fffffu) { return f_logEdge(x); }
  let p = f_split(x);
  let f = p.m - 1f;
  let half = f * f * 0.5f;
  let upper = bitcast<f32>(bitcast<u32>(f - half) & 0xfffff000u);
  let lower = f_opaque(f_opaque(f - upper) - half) + f_logTail(f);
  let n = f32(p.n);
  let small = (lower + upper) * ${t(low)} + n * ${t(twoLow)};
  return n * ${t(twoHigh)} + (upper * ${t(high)} + (lower * ${t(high)} + small));
}`

/** sin or cos of an angle, by the quadrant in which it is: `turn` is added to the count of quarter turns. */
const ofAngle = (name: string, turn: number, odd: boolean): string =>
  `fn ${name}(x: f32) -> f32 {
  if (!f_isFinite(x)) { return f_nan(); }
  ${odd ? "if (f_magnitude(x) < 0x39000000u) { return x; }\n  " : ""}let a = f_angle(f_abs(x));
  let q = a.n + ${turn}u;
  let value = select(f_sine(a.m), f_cosine(a.m), (q & 1u) == 1u);
  return bitcast<f32>(bitcast<u32>(value) ^ ((q & 2u) << 30u)${odd ? " ^ (bitcast<u32>(x) & 0x80000000u)" : ""});
}`

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
  f_exp2: `fn f_exp2(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (f_le(128f, x)) { return f_inf(); }
  if (f_lt(x, -150f)) { return 0f; }
  let n = round(x);
  let r = f_opaque(x - n);
  return f_scale(1f + r * ${horner(EXP2, "r")}, i32(n));
}`,
  f_expm1: `fn f_expm1(x: f32) -> f32 {
  if (f_magnitude(x) < 0x33000000u || f_isNan(x)) { return x; }
  if (f_lt(88.8f, x)) { return f_inf(); }
  if (f_lt(x, -20f)) { return -1f; }
  let n = round(x * ${t(Math.LOG2E)});
  let r = f_opaque(f_opaque(x - n * ${t(LN2_HIGH)}) - n * ${t(LN2_LOW)});
  let above = r + r * r * ${horner(EXP_TAIL, "r")};
  // Twice the half, as 2^128 is too large.
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
  f_log2: logarithm("f_log2", 1.4423828125, 0.00031222839606925845, 1, 0),
  f_log10: logarithm("f_log10", 0.434326171875, -3.168997136526741e-5, 0.301025390625, 4.605039066518657e-6),
  // 1 + x = (1 + f)·2^n, where f is made of x, not of the rounded 1 + x.
  f_log1p: `fn f_log1p(x: f32) -> f32 {
  if (f_magnitude(x) < 0x33000000u || f_isNan(x)) { return x; }
  if (bitcast<u32>(x) >= 0xbf800000u) { return select(f_nan(), f_neg(f_inf()), bitcast<u32>(x) == 0xbf800000u); }
  if (f_le(${t(2 ** 100)}, x)) { return f_log(x); }
  let d = i32(bitcast<u32>(x + 1f) - 0x3f3504f3u);
  let power = bitcast<f32>(0x3f800000u - (u32(d) & 0xff800000u));
  return f_natural(x * power + (power - 1f), f32(d >> 23u));
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
  let r = upper * ${QUARTER_TURN} + (f32(top & 255u) * ${t(Math.PI / 512)} + upper * ${t(-4.371138828673793e-8)});
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
  // A multiple of a number that is not 0 and may be subnormal.
  f_timesTiny: `fn f_timesTiny(factor: f32, x: f32) -> f32 {
  let p = f_split(f_abs(x));
  return f_withSign(f_scale(p.m * factor, p.n), x);
}`,
  f_erf: `fn f_erf(x: f32) -> f32 {
  if (f_isNan(x) || f_magnitude(x) == 0u) { return x; }
  if (f_magnitude(x) < 0x3fb00000u) {
    if (f_magnitude(x) < 0x20000000u) { return f_timesTiny(${t(2 / Math.sqrt(Math.PI))}, x); }
    let s = x * x - 1f;
    return x + x * ${horner(ERF, "s")};
  }
  // From 3.93 on erfc is below half a unit in the last place of 1.
  let y = bitcast<f32>(min(f_magnitude(x), 0x407b851fu));
  var power = ${horner(ERFC_ROOT, "y")};
  power *= power;
  power *= power;
  power *= power;
  power *= power;
  return f_withSign(1f - power, x);
}`,
  // For 0.5 ≤ x; exp(−x²) by an exact square of a rounded x, and the rest.
  f_erfcLarge: `fn f_erfcLarge(x: f32) -> f32 {
  if (f_magnitude(x) > 0x41220000u) { return 0f; }
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let p = f_expParts(-(high * high), -f_opaque(x - high) * (x + high));
  let s = (x - 3.5f) / (x + 2.5f);
  return f_scale(p.m * ${horner(ERFCX, "s")} / (x + 1f), p.n);
}`,
  f_erfc: `fn f_erfc(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (f_magnitude(x) < 0x3f000000u) { return 1f - f_erf(x); }
  if (bitcast<u32>(x) < 0x80000000u) { return f_erfcLarge(x); }
  return 2f - f_erfcLarge(f_abs(x));
}`,
  f_erfinv: `fn f_erfinv(y: f32) -> f32 {
  let magnitude = f_abs(y);
  if (f_magnitude(y) >= 0x3f800000u) {
    return select(f_nan(), f_withSign(f_inf(), y), f_magnitude(y) == 0x3f800000u);
  }
  if (f_magnitude(y) == 0u) { return y; }
  let w = f_neg(f_log((1f - magnitude) * (1f + magnitude)));
  var ratio = 0f;
  if (w < 5f) {
    let s = w - 2.5f;
    ratio = ${horner(ERFINV, "s")};
  } else {
    let s = f_sqrt(w) - 3.125f;
    ratio = ${horner(ERFINV_TAIL, "s")};
  }
  if (f_magnitude(y) < 0x20000000u) { return f_timesTiny(ratio, y); }
  return y * ratio;
}`,
  // Numbers as unevaluated sums of two floats. What compilers must not reassociate is guarded.
  df_sum: `fn df_sum(a: f32, b: f32) -> vec2f {
  let s = f_opaque(a + b);
  let bb = f_opaque(s - a);
  let d = f_opaque(s - bb);
  return vec2f(s, f_opaque(a - d) + f_opaque(b - bb));
}`,
  df_product: `fn df_product(a: f32, b: f32) -> vec2f {
  let p = f_opaque(a * b);
  let ah = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let bh = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let al = a - ah;
  let bl = b - bh;
  let e = f_opaque(f_opaque(f_opaque(ah * bh - p) + ah * bl) + al * bh);
  return vec2f(p, e + al * bl);
}`,
  df_times: `fn df_times(a: vec2f, b: vec2f) -> vec2f {
  let p = df_product(a.x, b.x);
  return df_sum(p.x, p.y + (a.x * b.y + a.y * b.x));
}`,
  // log2 of a positive finite number, to about 2^-36 of it.
  df_log2: `fn df_log2(x: f32) -> vec2f {
  let p = f_split(x);
  let above = p.m - 1f;
  let below = df_sum(p.m, 1f);
  let q = above / below.x;
  let back = df_product(q, below.x);
  let rest = f_opaque(f_opaque(above - back.x) - back.y) - q * below.y;
  let s = vec2f(q, rest / below.x);
  let u = df_times(s, s);
  let k = u.x;
  let cubic = df_times(vec2f(0.961796701f, -7.02846181e-9f + k * ${horner(LOG2_TAIL, "k")}), u);
  let sum = df_sum(2.88539004f, cubic.x);
  let y = df_times(s, vec2f(sum.x, sum.y + (cubic.y + 3.85192607e-8f)));
  let whole = df_sum(f32(p.n), y.x);
  return df_sum(whole.x, whole.y + y.y);
}`,
  // x^y of a positive finite x and a finite y.
  f_powPositive: `fn f_powPositive(x: f32, y: f32) -> f32 {
  // Beyond 2^33 any power but that of 1 is 0 or infinite.
  let exponent = f_withSign(bitcast<f32>(min(f_magnitude(y), 0x50000000u)), y);
  let logarithm = df_log2(x);
  let p = df_product(exponent, logarithm.x);
  let z = df_sum(p.x, p.y + exponent * logarithm.y);
  if (z.x >= 129f) { return f_inf(); }
  if (z.x <= -152f) { return 0f; }
  let n = round(z.x);
  let r = df_sum(f_opaque(z.x - n), z.y);
  let k = r.x;
  let linear = df_product(k, 0.693147182f);
  let low = linear.y + (r.y * 0.693147182f - k * 1.90465421e-9f) + k * k * ${horner(EXP2_TAIL, "k")};
  let one = df_sum(1f, linear.x);
  return f_scale(one.x + (one.y + low), i32(n));
}`,
  // By the rules of C.
  f_pow: `fn f_pow(x: f32, y: f32) -> f32 {
  let a = f_magnitude(x);
  let b = f_magnitude(y);
  let infinite = 0x7f800000u;
  if (b == 0u || bitcast<u32>(x) == 0x3f800000u) { return 1f; }
  if (a > infinite || b > infinite) { return f_nan(); }
  // The exponent's last integer bit, at 2^0: whole if nothing is behind it, odd if it is set.
  let place = 150 - i32(b >> 23u);
  let fraction = (b & 0x7fffffu) | 0x800000u;
  let whole = place <= 0 || (place < 24 && (fraction & ((1u << u32(clamp(place, 0, 31))) - 1u)) == 0u);
  let odd = whole && place >= 0 && place < 24 && ((fraction >> u32(clamp(place, 0, 31))) & 1u) == 1u;
  let sign = select(0u, bitcast<u32>(x) & 0x80000000u, odd);
  if (b == infinite || a == 0u || a == infinite) {
    if (a == 0x3f800000u) { return 1f; }
    let grows = (a > 0x3f800000u) == (bitcast<u32>(y) < 0x80000000u);
    return bitcast<f32>((sign | select(0u, infinite, grows)) ^ zeroBits());
  }
  if (bitcast<u32>(x) >= 0x80000000u && !whole) { return f_nan(); }
  return bitcast<f32>(bitcast<u32>(f_powPositive(bitcast<f32>(a), y)) | sign);
}`,
} as const
