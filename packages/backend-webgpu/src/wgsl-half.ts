/** The half types: to and from their 16 bits. */

export const HALF = {
  // The value of the low 16 bits as a float16.
  h_decode: `fn h_decode(h: u32) -> f32 {
  let sign = (h & 0x8000u) << 16u;
  let e = (h >> 10u) & 31u;
  let m = h & 0x3ffu;
  if (e == 31u) { return bitcast<f32>((sign | 0x7f800000u | (m << 13u)) ^ zeroBits()); }
  if (e > 0u) { return bitcast<f32>(sign | ((e + 112u) << 23u) | (m << 13u)); }
  let f = bitcast<u32>(f32(m) * ${2 ** -24}f);
  return bitcast<f32>(sign | f);
}`,
  // The bits of the nearest float16, ties to even; every NaN is 0x7e00.
  h_encode: `fn h_encode(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  let sign = (b >> 16u) & 0x8000u;
  let m = b & 0x7fffffffu;
  if (m > 0x7f800000u) { return 0x7e00u; }
  if (m >= 0x477ff000u) { return sign | 0x7c00u; }
  if (m >= 0x38800000u) { return sign | u_shiftRound(m - 0x38000000u, 13u, false); }
  let shift = 126u - min(m >> 23u, 126u);
  return sign | u_shiftRound((m & 0x7fffffu) | 0x800000u, shift, false);
}`,
  // The value of the low 16 bits as a bfloat16.
  b_decode: `fn b_decode(h: u32) -> f32 { return bitcast<f32>((h << 16u) ^ zeroBits()); }`,
  // The bits of the nearest bfloat16, ties to even; every NaN is 0x7fc0.
  b_encode: `fn b_encode(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  return select((b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u, 0x7fc0u, (b & 0x7fffffffu) > 0x7f800000u);
}`,
} as const
