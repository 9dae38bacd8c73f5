/** The functions of float32 against those of doubles, over all of float32's range. */
import { describe, expect, it } from "vitest"
import { bitsOfFloat32, float32OfBits } from "../src/numeric.ts"
import { erf32, exp32, log32, sigmoid32, tanh32 } from "../src/single.ts"
import { erf, sigmoid } from "../src/special.ts"

const CASES = {
  exp: [exp32, Math.exp],
  log: [log32, Math.log],
  sigmoid: [sigmoid32, sigmoid],
  tanh: [tanh32, Math.tanh],
  erf: [erf32, erf],
} satisfies Record<string, readonly [(x: number) => number, (x: number) => number]>

/** Every 8191st pattern of bits, both signs: 262 000 numbers with all exponents. */
const PATTERNS = Array.from({ length: Math.floor(0x7f800000 / 8191) }, (_, i) => float32OfBits(i * 8191))
/** Where results change most: 400 000 numbers, evenly spaced. */
const MIDDLE = Array.from({ length: 200_000 }, (_, i) => Math.fround((i - 100_000) * 1.05e-3))
const NEAR = Array.from({ length: 200_000 }, (_, i) => Math.fround((i - 100_000) * 5e-5))
const NUMBERS = [...PATTERNS, ...PATTERNS.map((x) => -x), ...MIDDLE, ...NEAR]

/** The distance between a float32 and the neighbour above it in magnitude. */
const ulp = (x: number): number => Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23))

/** The largest error in units of float32's last place, and where. */
function worst(f: (x: number) => number, exact: (x: number) => number): { readonly error: number; readonly x: number } {
  let found = { error: 0, x: 0 }
  for (const x of NUMBERS) {
    const got = Math.fround(f(x))
    const wanted = exact(x)
    const rounded = Math.fround(wanted)
    if (Object.is(got, rounded)) continue
    const error = Number.isFinite(rounded) && Number.isFinite(got) ? Math.abs(got - wanted) / ulp(wanted) : Infinity
    if (!(error <= found.error)) found = { error, x }
  }
  return found
}

describe.each(Object.entries(CASES))("%s of float32", (_name, [f, exact]) => {
  it("is within one unit in the last place everywhere", () => {
    const { error, x } = worst(f, exact)
    expect(error, `at ${x}`).toBeLessThan(0.6)
  })

  it("is exact at zeros, infinities and NaN", () => {
    for (const x of [0, -0, Infinity, -Infinity, Number.NaN]) expect(Math.fround(f(x)), String(x)).toBe(exact(x))
  })

  it("keeps subnormals, overflows and vanishes where doubles rounded to float32 do", () => {
    for (const x of [
      2 ** -149,
      -(2 ** -149),
      2 ** -127,
      88.7228,
      88.7229,
      104,
      -87.34,
      -103.97,
      -103.98,
      -104.5,
      3.4e38,
      -3.4e38,
    ]) {
      const single = Math.fround(x)
      const [got, wanted] = [Math.fround(f(single)), Math.fround(exact(single))]
      expect(Math.abs(bitsOfFloat32(got) - bitsOfFloat32(wanted)), String(x)).toBeLessThanOrEqual(1)
    }
  })
})
