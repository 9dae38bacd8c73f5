/**
 * float16 and bfloat16 as 16-bit patterns: decoding is exact, encoding rounds to nearest, ties to even.
 *
 * Doubles go through float32 first, as PyTorch's casts to half types do: 1 + 2^-11 + 2^-40 is 1 in float16,
 * although the nearest float16 is 1 + 2^-10. Every NaN encodes as the canonical quiet NaN (0x7e00, 0x7fc0).
 */

export type HalfDType = "float16" | "bfloat16"

const float = new Float32Array(1)
const word = new Uint32Array(float.buffer)

let float16Table: Float32Array | undefined

/** All 65536 float16 values, made at the first use: one lookup beats the branches for subnormals and infinities. */
function float16Values(): Float32Array {
  if (float16Table) return float16Table
  const table = new Float32Array(0x10000)
  for (let bits = 0; bits < 0x8000; bits++) {
    const exponent = bits >> 10
    const fraction = bits & 0x3ff
    if (exponent === 31) table[bits] = fraction ? Number.NaN : Number.POSITIVE_INFINITY
    else table[bits] = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24
    table[bits | 0x8000] = -table[bits]
  }
  float16Table = table
  return table
}

/** The value of a float16 bit pattern. */
export const float16ToNumber = (bits: number): number => float16Values()[bits & 0xffff]

/** The value of a bfloat16 bit pattern: the upper half of a float32. */
export function bfloat16ToNumber(bits: number): number {
  word[0] = bits << 16
  return float[0]
}

/** The float16 bit pattern of `x`, rounded to float32 and then to float16; beyond 65504 by half a step: infinity. */
export function numberToFloat16(x: number): number {
  float[0] = x
  const bits = word[0]
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude >= 0x47800000) return magnitude > 0x7f800000 ? 0x7e00 : sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Below 2^-14 the step is 2^-24, which is the step of float32 at 0.5: the store does the rounding.
    float[0] = Math.abs(float[0]) + 0.5
    return sign | (word[0] - 0x3f000000)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

/** The bfloat16 bit pattern of `x`, rounded to float32 and then to bfloat16. */
export function numberToBfloat16(x: number): number {
  float[0] = x
  const bits = word[0]
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** The values of an array of bit patterns, exact in float32. */
export function decodeHalf(bits: Uint16Array, dtype: HalfDType): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length)
  if (dtype === "float16") {
    const table = float16Values()
    for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]]
  } else {
    const words = new Uint32Array(out.buffer)
    for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16
  }
  return out
}

/** The bit patterns of an array of numbers, each rounded to float32 and then to `dtype`. */
export function encodeHalf(values: ArrayLike<number>, dtype: HalfDType): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(values.length)
  const encode = dtype === "float16" ? numberToFloat16 : numberToBfloat16
  for (let i = 0; i < out.length; i++) out[i] = encode(values[i])
  return out
}
