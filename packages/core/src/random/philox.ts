/**
 * Philox4x32-10 as an expression: random numbers made on the device, each from its own counter, so that no order of
 * threads matters. J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
import { constant, type Expr } from "../expr.ts"

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const
/** The golden ratio and √3 − 1, in 32 bits: Weyl sequences of the key. */
const WEYL = [0x9e3779b9, 0xbb67ae85] as const
const ROUNDS = 10

const word = (value: number): Expr => constant(value, "uint32")

/** Four uint32 words from a 128-bit counter and a 64-bit key, all given as uint32 expressions. */
export function philox(
  counter: readonly [Expr, Expr, Expr, Expr],
  key: readonly [Expr, Expr],
): readonly [Expr, Expr, Expr, Expr] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < ROUNDS; round++) {
    const [m0, m1] = [word(MULTIPLIERS[0]), word(MULTIPLIERS[1])]
    ;[c0, c1, c2, c3] = [m1.mulhi(c2).xor(c1).xor(k0), m1.mul(c2), m0.mulhi(c0).xor(c3).xor(k1), m0.mul(c0)]
    k0 = k0.add(word(WEYL[0]))
    k1 = k1.add(word(WEYL[1]))
  }
  return [c0, c1, c2, c3]
}

/** A uint32 word as a number of [0, 1) with 24 bits. */
export const unitInterval = (w: Expr, dtype: "float32" | "float64"): Expr =>
  w
    .shr(8)
    .cast(dtype)
    .mul(2 ** -24)
