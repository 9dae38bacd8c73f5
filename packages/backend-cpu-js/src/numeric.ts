/** Scalar helpers that plain operators do not give: conversions, shifts, powers and roundings with PyTorch's results. */
import { bfloat16ToNumber, float16ToNumber, KernelFault, numberToBfloat16, numberToFloat16 } from "@taeda/core"

const scratch = new DataView(new ArrayBuffer(8))

export const bitsOfFloat32 = (x: number): number => {
  scratch.setFloat32(0, x)
  return scratch.getInt32(0)
}
export const float32OfBits = (x: number): number => {
  scratch.setInt32(0, x)
  return scratch.getFloat32(0)
}
export const bitsOfFloat64 = (x: number): bigint => {
  scratch.setFloat64(0, x)
  return scratch.getBigInt64(0)
}
export const float64OfBits = (x: bigint): number => {
  scratch.setBigInt64(0, x)
  return scratch.getFloat64(0)
}

export const roundFloat16 = (x: number): number => float16ToNumber(numberToFloat16(x))
export const roundBfloat16 = (x: number): number => bfloat16ToNumber(numberToBfloat16(x))

/** Truncates and wraps; what has no integer is 0. */
export const float64ToInt64 = (x: number): bigint =>
  Number.isFinite(x) ? BigInt.asIntN(64, BigInt(Math.trunc(x))) : 0n

const EXACT = 2n ** 53n

/** Rounds once: a BigInt beyond 2^53 would be rounded to a double and then again. */
export function int64ToFloat32(x: bigint): number {
  if (x < EXACT && x > -EXACT) return Math.fround(Number(x))
  // What the double would lose is folded into its last bit, far below the last bit of the float32.
  return Math.fround(Number((x >> 11n) | (x & 2047n ? 1n : 0n)) * 2048)
}

/**
 * Two places to choose from by an index of 0 or 1: no engine of today turns a conditional expression into a conditional
 * move, and a branch that depends on data costs several times as much where it cannot be predicted.
 */
export const choice = new Float64Array(2)

/**
 * To the nearest integer, ties to even, keeping -0. Beyond 2^52 every double is an integer; below, adding 2^52 rounds.
 * The sign is that of 1/x, which no branch has to find.
 */
export function roundEven(x: number): number {
  const magnitude = Math.abs(x)
  if (!(magnitude < 4503599627370496)) return x
  return (magnitude + 4503599627370496 - 4503599627370496) * (1 - 2 * (Number(1 / x < 0) | 0))
}

/** max(x, 0) of a float32, computed in doubles; the comparison only ever holds for -infinity. */
export function positivePart(x: number): number {
  const finite = x < -3.5e38 ? -3.5e38 : x
  return (finite + Math.abs(finite)) * 0.5
}

/** NaN has sign 0, as in PyTorch. */
export const signFloat = (x: number): number => (Number(x > 0) | 0) - (Number(x < 0) | 0)

/** IEEE 754's pow: JavaScript gives NaN for 1 to the NaN and for ±1 to the ±infinity. */
export function powFloat(a: number, b: number): number {
  if (b === 2) return a * a
  return a === 1 || (a === -1 && (b === Infinity || b === -Infinity)) ? 1 : a ** b
}

export const exp2 = (x: number): number => 2 ** x

/** Integer power modulo 2^32; a negative exponent leaves only the powers of ±1. */
export function powInt(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b & 1 ? -1 : 1) : 0
  let result = 1
  for (let base = a, e = b; e > 0; e = Math.floor(e / 2), base = Math.imul(base, base))
    if (e & 1) result = Math.imul(result, base)
  return result
}

export function powInt64(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b & 1n ? -1n : 1n) : 0n
  let result = 1n
  for (let base = a, e = b; e > 0n; e >>= 1n, base = BigInt.asIntN(64, base * base))
    if (e & 1n) result = BigInt.asIntN(64, result * base)
  return result
}

/** A shift by the width or more, or by a negative count, shifts everything out. */
export const shiftLeft = (a: number, b: number, bits: number): number => (b >= 0 && b < bits ? a << b : 0)
/** `top`: the count from which on only the sign is left. */
export const shiftRight = (a: number, b: number, top: number): number => a >> (b >= 0 && b < top ? b : top)
export const shiftRightUint32 = (a: number, b: number): number => (b >= 0 && b < 32 ? a >>> b : 0)
export const shiftLeftInt64 = (a: bigint, b: bigint): bigint => (b >= 0n && b < 64n ? a << b : 0n)
export const shiftRightInt64 = (a: bigint, b: bigint): bigint => (b >= 0n && b < 63n ? a >> b : a >> 63n)

/** The high half of the product of two uint32, by 16-bit parts so that every sum is exact. */
export function mulhi(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  return aHigh * bHigh + (middle >>> 16) + ((aLow * bHigh + (middle & 0xffff)) >>> 16)
}

/** Reports a coordinate outside its operand. */
export function fault(operand: number, dim: number, coordinate: number, size: number): never {
  throw new KernelFault(
    `index ${coordinate} is out of bounds for dimension ${dim} with size ${size} (operand ${operand})`,
  )
}
