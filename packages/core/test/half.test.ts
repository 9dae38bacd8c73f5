import { describe, expect, it } from "vitest"
import {
  bfloat16ToNumber,
  decodeHalf,
  encodeHalf,
  float16ToNumber,
  type HalfDType,
  numberToBfloat16,
  numberToFloat16,
} from "../src/half.ts"

/** What differs between the two types. */
interface TypeCase {
  toNumber: (bits: number) => number
  fromNumber: (x: number) => number
  infinity: number
  nan: number
  /** The lowest exponent of the random doubles, and how many exponents there are. */
  exponents: [low: number, span: number]
  /** PyTorch's checksums, from tooling/golden/half.py. */
  decoded: number
  encoded: number
  /** Numbers with the bits PyTorch gives. */
  literals: [x: number, bits: number][]
}

const TYPES: Record<HalfDType, TypeCase> = {
  float16: {
    toNumber: float16ToNumber,
    fromNumber: numberToFloat16,
    infinity: 0x7c00,
    nan: 0x7e00,
    exponents: [-27, 45],
    decoded: 0x8de794c7,
    encoded: 0x3480de17,
    literals: [
      [1 + 2 ** -11 + 2 ** -40, 0x3c00], // a tie after the rounding to float32
      [2 ** -25, 0],
      [2 ** -25 * (1 + 2 ** -20), 1],
      [65519.99, 0x7bff],
      [65520, 0x7c00],
      [-0, 0x8000],
      [2 ** -24, 1],
      [-(2 ** -14), 0x8400],
      [Infinity, 0x7c00],
      [-Infinity, 0xfc00],
      [1e300, 0x7c00],
    ],
  },
  bfloat16: {
    toNumber: bfloat16ToNumber,
    fromNumber: numberToBfloat16,
    infinity: 0x7f80,
    nan: 0x7fc0,
    exponents: [-150, 280],
    decoded: 0x77db5118,
    encoded: 0x80017fe9,
    literals: [
      [1 + 2 ** -8 + 2 ** -40, 0x3f80], // a tie after the rounding to float32
      [3e38, 0x7f62],
      [3.4e38, 0x7f80],
      [2 ** -134, 0],
      [2 ** -149 * 40000, 1],
      [-0, 0x8000],
      [-1, 0xbf80],
      [Infinity, 0x7f80],
      [-Infinity, 0xff80],
      [1e300, 0x7f80],
    ],
  },
}

const checksum = (words: ArrayLike<number>): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < words.length; i++) {
    h = Math.imul(h ^ words[i], 0x01000193)
    h ^= h >>> 15
  }
  return h >>> 0
}

/** The generator's doubles: exponents low .. low + span - 1, every other one short enough to be a tie. */
function doubles(low: number, span: number): Float64Array {
  const words = new Uint32Array(2)
  const double = new Float64Array(words.buffer)
  let state = 1
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
  return Float64Array.from({ length: 100_000 }, (_, i) => {
    const [sign, exponent, high, lowWord] = [draw() & 1, 1023 + low + (draw() % span), draw() & 0xfffff, draw() << 8]
    const short = i % 2 === 1
    words[0] = short ? 0 : lowWord
    words[1] = (sign << 31) | (exponent << 20) | (short ? high & (0xfff << (8 + (i % 5))) : high)
    return double[0]
  })
}

const allBits = Uint16Array.from({ length: 0x10000 }, (_, i) => i)

describe.each(["float16", "bfloat16"] as const)("%s", (dtype) => {
  const type = TYPES[dtype]
  const isNaNBits = (bits: number) => (bits & 0x7fff) > type.infinity

  it("decodes every pattern as PyTorch does", () => {
    const values = decodeHalf(allBits, dtype)
    const words = new Uint32Array(values.buffer)
    expect(checksum(Uint32Array.from(values, (x, i) => (Number.isNaN(x) ? 0x7fc00000 : words[i])))).toBe(type.decoded)
    expect(Array.from(allBits, type.toNumber)).toEqual(Array.from(values))
  })

  it("encodes what it decodes to the same pattern, and every NaN to the canonical one", () => {
    const back = encodeHalf(decodeHalf(allBits, dtype), dtype)
    expect(back).toEqual(allBits.map((bits) => (isNaNBits(bits) ? type.nan : bits)))
    expect(Array.from(allBits, (bits) => type.fromNumber(type.toNumber(bits)))).toEqual(Array.from(back))
  })

  it("rounds doubles as PyTorch does", () => {
    const [low, span] = type.exponents
    expect(checksum(encodeHalf(doubles(low, span), dtype))).toBe(type.encoded)
  })

  it.each(type.literals)("encodes %d", (x, bits) => {
    expect(type.fromNumber(x)).toBe(bits)
  })
})
