/** Integer operations with the results of the primitives, and conversions between integers, floats and half floats. */

export const INTEGERS = {
  // Towards zero, 0 by 0; the least number by -1 is itself.
  i_div: `fn i_div(a: i32, b: i32) -> i32 {
  let special = b == 0 || (b == -1 && a == bitcast<i32>(0x80000000u));
  return select(a / select(b, 1, special), 0, b == 0);
}`,
  u_div: `fn u_div(a: u32, b: u32) -> u32 { return select(a / select(b, 1u, b == 0u), 0u, b == 0u); }`,
  i_mod: `fn i_mod(a: i32, b: i32) -> i32 { return select(a % select(b, 1, b == 0 || b == -1), 0, b == 0); }`,
  u_mod: `fn u_mod(a: u32, b: u32) -> u32 { return a % select(b, 1u, b == 0u); }`,
  // Shifts by the width or more, or by a negative count, shift everything out.
  i_shl: `fn i_shl(a: i32, b: i32, bits: u32) -> i32 { return select(0, a << (u32(b) & 31u), u32(b) < bits); }`,
  i_shr: `fn i_shr(a: i32, b: i32, top: u32) -> i32 { return a >> min(u32(b), top); }`,
  u_shl: `fn u_shl(a: u32, b: u32) -> u32 { return select(0u, a << (b & 31u), b < 32u); }`,
  u_shr: `fn u_shr(a: u32, b: u32) -> u32 { return select(0u, a >> (b & 31u), b < 32u); }`,
  // The high half of the product, by 16-bit parts.
  u_mulhi: `fn u_mulhi(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}`,
  // WGSL may round an integer of more than 24 bits either way; this rounds to the nearest, ties to even.
  u_float: `fn u_float(x: u32) -> f32 {
  let s = 8u - min(countLeadingZeros(x), 8u);
  return f32(u_shiftRound(x, s, false)) * f32(1u << s);
}`,
  i_float: `fn i_float(x: i32) -> f32 {
  let f = u_float(select(u32(x), 0u - u32(x), x < 0));
  return select(f, -f, x < 0);
}`,
  // Towards zero and modulo 2^32; what has no integer is 0.
  f_int: `fn f_int(x: f32) -> i32 {
  let b = bitcast<u32>(x);
  let e = i32((b >> 23u) & 255u) - 150;
  let m = (b & 0x7fffffu) | 0x800000u;
  let whole = select(m << u32(clamp(e, 0, 31)), m >> u32(clamp(-e, 0, 31)), e < 0);
  let n = i32(select(whole, 0u, e < -23 || e > 31));
  return select(n, -n, b >= 0x80000000u);
}`,
} as const
