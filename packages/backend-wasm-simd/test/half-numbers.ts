/** Half types on the host, by way of float64: what the tests compare with. */

/** The number of a float16's bits. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 0x3ff
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent ? sign * (1024 + mantissa) * 2 ** (exponent - 25) : sign * mantissa * 2 ** -24
}

const roundEven = (x: number): number => {
  const low = Math.floor(x)
  const rest = x - low
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
}

/** The bits of the float16 nearest to a number, ties to even. */
export function toFloat16(x: number): number {
  if (Number.isNaN(x)) return 0x7e00
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const magnitude = Math.abs(x)
  if (magnitude >= 65520) return sign | 0x7c00
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)))
  const units = roundEven(magnitude / 2 ** (exponent - 10))
  return sign | (units + (exponent + 14) * 1024)
}

const words = new DataView(new ArrayBuffer(4))

/** The number of a bfloat16's bits. */
export function fromBfloat16(bits: number): number {
  words.setUint32(0, (bits << 16) >>> 0)
  return words.getFloat32(0)
}

/** The bits of the bfloat16 nearest to a float32, ties to even. */
export function toBfloat16(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0
  words.setFloat32(0, x)
  return roundEven(words.getUint32(0) / 65536)
}
