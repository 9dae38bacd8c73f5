/**
 * What float32 arithmetic needs below the functions: tests, comparisons, roundings, division and roots.
 *
 * WGSL promises little: compilers may assume that there are no NaN and no infinities, reassociate sums, flush subnormal
 * numbers, and divide with an error of 2.5 units in the last place, or any where the divisor is far from 1. So all tests are
 * of bits, and what must be exact is computed in integers or guarded by `f_opaque`.
 */

export const FLOATS = {
  // A value of which the compiler knows nothing: it cannot be folded into the operations around it.
  f_opaque: `fn f_opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zeroBits()); }`,
  f_inf: `fn f_inf() -> f32 { return bitcast<f32>(0x7f800000u ^ zeroBits()); }`,
  f_nan: `fn f_nan() -> f32 { return bitcast<f32>(0x7fc00000u ^ zeroBits()); }`,
  f_magnitude: `fn f_magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }`,
  f_isNan: `fn f_isNan(x: f32) -> bool { return f_magnitude(x) > 0x7f800000u; }`,
  f_isFinite: `fn f_isFinite(x: f32) -> bool { return f_magnitude(x) < 0x7f800000u; }`,
  f_abs: `fn f_abs(x: f32) -> f32 { return bitcast<f32>(f_magnitude(x)); }`,
  f_neg: `fn f_neg(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }`,
  f_withSign: `fn f_withSign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>(f_magnitude(x) | (bitcast<u32>(sign) & 0x80000000u));
}`,
  // Integers in the order of the floats; the zeros are both 0.
  f_key: `fn f_key(x: f32) -> i32 {
  let b = bitcast<i32>(x);
  return select(b, bitcast<i32>(0x80000000u) - b, b < 0);
}`,
  f_eq: `fn f_eq(a: f32, b: f32) -> bool { return f_key(a) == f_key(b) && !f_isNan(a); }`,
  f_lt: `fn f_lt(a: f32, b: f32) -> bool {
  let x = f_key(a);
  let y = f_key(b);
  return x < y && x >= -0x7f800000 && y <= 0x7f800000;
}`,
  f_le: `fn f_le(a: f32, b: f32) -> bool {
  let x = f_key(a);
  let y = f_key(b);
  return x <= y && x >= -0x7f800000 && y <= 0x7f800000;
}`,
  // NaN if either is; of equal ones (the two zeros) the second, as PyTorch's vector code does.
  f_min: `fn f_min(a: f32, b: f32) -> f32 { return select(b, a, f_isNan(a) || f_lt(a, b)); }`,
  f_max: `fn f_max(a: f32, b: f32) -> f32 { return select(b, a, f_isNan(a) || f_lt(b, a)); }`,
  // NaN has sign 0, as in PyTorch.
  f_sign: `fn f_sign(x: f32) -> f32 {
  let m = f_magnitude(x);
  return select(f_withSign(1f, x), 0f, m == 0u || m > 0x7f800000u);
}`,
  f_floor: `fn f_floor(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  let m = f_magnitude(x);
  if (m >= 0x4b000000u) { return x; }
  if (m < 0x3f800000u) { return select(bitcast<f32>(b & 0x80000000u), -1f, b > 0x80000000u); }
  return floor(x);
}`,
  f_ceil: `fn f_ceil(x: f32) -> f32 { return f_neg(f_floor(f_neg(x))); }`,
  f_trunc: `fn f_trunc(x: f32) -> f32 { return select(f_withSign(trunc(x), x), x, f_magnitude(x) >= 0x4b000000u); }`,
  // To the nearest, ties to even.
  f_round: `fn f_round(x: f32) -> f32 { return select(f_withSign(round(x), x), x, f_magnitude(x) >= 0x4b000000u); }`,
  // q·2^-shift to the nearest, ties to even; below: whether there is something below q.
  u_shiftRound: `fn u_shiftRound(q: u32, shift: u32, below: bool) -> u32 {
  if (shift > 31u) { return 0u; }
  let whole = q >> shift;
  let rest = q & ((1u << shift) - 1u);
  let half = (1u << shift) >> 1u;
  let tie = rest == half && shift > 0u && (below || (whole & 1u) == 1u);
  return whole + u32((rest > half && shift > 0u) || tie);
}`,
  // A float of 24 bits and more: (q + what is below)·2^(e − 126 − 25), q in [2^24, 2^25), rounded once.
  f_assemble: `fn f_assemble(sign: u32, e: i32, q: u32, below: bool) -> f32 {
  if (e >= 255) { return bitcast<f32>((0x7f800000u | sign) ^ zeroBits()); }
  if (e > 0) { return bitcast<f32>(sign | ((u32(e) << 23u) - 0x800000u + u_shiftRound(q, 1u, below))); }
  return bitcast<f32>(sign | u_shiftRound(q, u32(min(2 - e, 31)), below));
}`,
  // m·2^n, rounded once, for a normal m or 0.
  f_scale: `fn f_scale(m: f32, n: i32) -> f32 {
  let b = bitcast<u32>(m);
  let e = i32((b >> 23u) & 255u) + n;
  if (f_magnitude(m) == 0u) { return m; }
  if (e > 0 && e < 255) { return bitcast<f32>(b + (u32(n) << 23u)); }
  return f_assemble(b & 0x80000000u, e, ((b & 0x7fffffu) | 0x800000u) << 1u, false);
}`,
  f_Parts: `struct f_Parts { m: u32, e: i32 }`,
  // A finite magnitude that is not 0, as m·2^(e − 150), m in [2^23, 2^24).
  f_parts: `fn f_parts(b: u32) -> f_Parts {
  if (b < 0x800000u) {
    let s = countLeadingZeros(b) - 8u;
    return f_Parts(b << s, 1 - i32(s));
  }
  return f_Parts((b & 0x7fffffu) | 0x800000u, i32(b >> 23u));
}`,
  // Correctly rounded: the device's quotient of the fractions, which may be off by 7 units, put right by its exact remainder.
  f_div: `fn f_div(a: f32, b: f32) -> f32 {
  let sign = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
  let x = f_magnitude(a);
  let y = f_magnitude(b);
  if (x - 1u >= 0x7f7fffffu || y - 1u >= 0x7f7fffffu) {
    if (x > 0x7f800000u || y > 0x7f800000u || (x == y)) { return f_nan(); }
    if (x == 0x7f800000u || y == 0u) { return f_withSign(f_inf(), bitcast<f32>(sign)); }
    return bitcast<f32>(sign);
  }
  let p = f_parts(x);
  let d = f_parts(y);
  let less = p.m < d.m;
  let m = select(p.m, p.m << 1u, less);
  var q = u32(f32(m) / f32(d.m) * 16777216f) - 16u;
  var rest = (m << 24u) - q * d.m;
  for (var step = 16u; step > 0u; step = step >> 1u) {
    let more = rest >= step * d.m;
    q += select(0u, step, more);
    rest -= select(0u, step * d.m, more);
  }
  return f_assemble(sign, p.e - d.e + 127 - i32(less), q, rest != 0u);
}`,
  // Correctly rounded, likewise.
  f_sqrt: `fn f_sqrt(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  if (b - 1u >= 0x7f7fffffu) {
    if ((b & 0x7fffffffu) == 0u || b == 0x7f800000u) { return x; }
    return f_nan();
  }
  let p = f_parts(b);
  let odd = (p.e & 1) == 0;
  let m = select(p.m, p.m << 1u, odd);
  var q = u32(sqrt(f32(m) * ${2 ** -23}f) * 16777216f) - 16u;
  var rest = (m << 25u) - q * q;
  for (var step = 16u; step > 0u; step = step >> 1u) {
    let cost = (2u * q + step) * step;
    let more = rest >= cost;
    q += select(0u, step, more);
    rest -= select(0u, cost, more);
  }
  return f_assemble(0u, ((p.e - 127 - i32(odd)) >> 1u) + 127, q, rest != 0u);
}`,
} as const
