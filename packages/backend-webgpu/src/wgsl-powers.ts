/** Powers, the exponential and logarithms of other bases than e, log(1 + x), and remainders of floats. As in `wgsl-elementary.ts`; pow by logarithms of two floats. */
import { floatText, horner } from "./wgsl-text.ts"

/** (log2((1 + s)/(1 − s))/s − 2/ln 2·(1 + s²/3))/s⁴ in s², |s| ≤ 0.172. */
const LOG2_TAIL = [0.57707804, 0.4122001, 0.320344, 0.27593052]
/** (2^r − 1 − r·ln 2)/r² for |r| ≤ ½. */
const EXP2_TAIL = [0.2402265, 0.05550411, 0.009618083, 0.0013333602, 0.00015453115, 1.5265437e-5]

/** (2^r − 1)/r for |r| ≤ ½. */
const EXP2 = [0.69314724, 0.2402265, 0.055502973, 0.009618031, 0.0013410031, 0.00015469758]

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

/** 1, -1 or 0 of a negative power; the rest by squaring. */
const power = (type: "i32" | "u32"): string => {
  const prefix = type[0]
  const negative = `  if (exponent < 0) {
    if (base == -1) { return select(1, -1, (exponent & 1) == 1); }
    return select(0, 1, base == 1);
  }
`
  return `fn ${prefix}_pow(base: ${type}, exponent: ${type}) -> ${type} {
${type === "i32" ? negative : ""}  var result = ${type}(1);
  var square = base;
  for (var left = exponent; left != ${type}(0); left = left >> 1u) {
    if ((left & 1) == 1) { result *= square; }
    square *= square;
  }
  return result;
}`
}

export const POWERS = {
  // 1 + x = (1 + f)·2^n, where f is made of x, not of the rounded 1 + x.
  f_log1p: `fn f_log1p(x: f32) -> f32 {
  if (f_magnitude(x) < 0x33000000u || f_isNan(x)) { return x; }
  if (bitcast<u32>(x) >= 0xbf800000u) { return select(f_nan(), f_neg(f_inf()), bitcast<u32>(x) == 0xbf800000u); }
  if (f_le(${t(2 ** 100)}, x)) { return f_log(x); }
  let d = i32(bitcast<u32>(x + 1f) - 0x3f3504f3u);
  let power = bitcast<f32>(0x3f800000u - (u32(d) & 0xff800000u));
  return f_natural(x * power + (power - 1f), f32(d >> 23u));
}`,
  i_pow: power("i32"),
  u_pow: power("u32"),
  f_exp2: `fn f_exp2(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (f_le(128f, x)) { return f_inf(); }
  if (f_lt(x, -150f)) { return 0f; }
  let n = round(x);
  let r = f_opaque(x - n);
  return f_scale(1f + r * ${horner(EXP2, "r")}, i32(n));
}`,
  f_log2: logarithm("f_log2", 1.4423828, 0.0003122284, 1, 0),
  f_log10: logarithm("f_log10", 0.43432617, -3.168997e-5, 0.3010254, 4.605039e-6),
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
  // C's fmod, exact: long division, eight bits at a time.
  f_mod: `fn f_mod(a: f32, b: f32) -> f32 {
  let x = f_magnitude(a);
  let y = f_magnitude(b);
  if (x >= 0x7f800000u || y > 0x7f800000u || y == 0u) { return f_nan(); }
  if (x < y) { return a; }
  let p = f_parts(x);
  let d = f_parts(y);
  var rest = p.m % d.m;
  for (var left = p.e - d.e; left > 0 && rest > 0u; left -= 8) { rest = (rest << u32(min(left, 8))) % d.m; }
  if (rest == 0u) { return bitcast<f32>(bitcast<u32>(a) & 0x80000000u); }
  let s = countLeadingZeros(rest) - 7u;
  return f_assemble(bitcast<u32>(a) & 0x80000000u, d.e + 1 - i32(s), rest << s, false);
}`,
} as const
