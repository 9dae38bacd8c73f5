/** Numbers and polynomials as WGSL text. */

const float = new Float32Array(1)
const word = new Uint32Array(float.buffer)

/** The bits of a number rounded to float32. */
export function bitsOf(value: number): number {
  float[0] = value
  return word[0]
}

/** A float32 of these bits that no compiler knows; `zeroBits` is what the emitter provides (see wgsl-math.ts). */
const hidden = (bits: number): string => `bitcast<f32>(0x${bits.toString(16)}u ^ zeroBits())`

/**
 * A float32 by its decimal digits. What compilers may take for something else (infinities, NaN, -0, subnormal
 * numbers) is made at run time.
 */
export function floatText(value: number): string {
  const bits = bitsOf(value)
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return hidden(0x7fc00000)
  const plain = bits === 0 || (magnitude >= 0x00800000 && magnitude < 0x7f800000)
  return plain ? decimal(value) : hidden(bits)
}

function decimal(value: number): string {
  // All digits of the double: fewer may round beyond the largest float.
  const text = `${Math.fround(value)}f`
  return value < 0 ? `(${text})` : text
}

/** The polynomial with these coefficients, the constant one first, in a name. */
export const horner = (coefficients: readonly number[], x: string): string =>
  coefficients
    .slice(0, -1)
    .reduceRight((sum, c) => `(${sum} * ${x} + ${floatText(c)})`, floatText(coefficients[coefficients.length - 1]))
