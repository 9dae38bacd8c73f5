/**
 * Random numbers into typed arrays: from one `Generator`, the numbers that PyTorch's CPU kernels give, with as many
 * draws in the same order.
 *
 * Arrays of half-precision values are Float32Arrays here: they are filled with what PyTorch has before it rounds to
 * float16 or bfloat16, so encoding them gives PyTorch's tensor. Arrays may be seen as contiguous tensors in row-major
 * order.
 *
 * How PyTorch's ops are made from these:
 * - `rand` is `fillUniform` on [0, 1), `randn` is `fillNormal` with mean 0 and std 1;
 * - `normal(mean, std)` with a tensor std is `randn` times std plus mean; with a tensor mean and a number std it is
 *   `fillNormal` with mean 0 and that std, plus mean;
 * - `bernoulli(probabilities)` is `bernoulliFrom`; `bernoulli_(p)` with a number is `fillBernoulli`;
 * - dropout multiplies by `fillDropoutMask`, drawn only in training and for 0 < p < 1 on a tensor that is not empty;
 *   feature dropout draws a mask of shape [N, C, 1, ...].
 *
 * On processors by Intel, PyTorch draws `fillBernoulli`, `fillDropoutMask`, `fillExponential` and what builds on
 * them from a stream of Intel's MKL instead, seeded with one draw. The numbers here are those of all other processors.
 */

import type { DType, TypedArray } from "../dtype.ts"
import { DTYPES, isFloating } from "../dtype.ts"
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "../half.ts"
import { BLOCK, boxMuller32, boxMuller64, fusedMultiplyAdd } from "./box-muller.ts"
import type { Generator } from "./generator.ts"

/** Arrays of floating values; those of half precision are in a Float32Array. */
export type FloatArray = Float32Array | Float64Array
export type FloatDType = "float32" | "float64" | "float16" | "bfloat16"

const TWO_24 = 2 ** 24
const TWO_32 = 2 ** 32
const TWO_53 = 2 ** 53
const UNIT_24 = 2 ** -24
const UNIT_53 = 2 ** -53

/** From this range on, integers take 64 bits each, against the skew of the remainder. */
const WIDE_RANGE = 2 ** 28

/** From this length on, `permutation` takes 64 bits for each position. */
const WIDE_PERMUTATION = Math.floor((TWO_32 - 1) / 20)

/** Draws in one piece: whole blocks, and pairs. */
const CHUNK = 4096

/** Significant bits of a floating dtype, the leading one included. */
const DIGITS: Readonly<Record<FloatDType, number>> = { float16: 11, bfloat16: 8, float32: 24, float64: 53 }

/** The largest finite value of a floating dtype. */
const LARGEST: Readonly<Record<FloatDType, number>> = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
}

const ROUND: Readonly<Record<FloatDType, (x: number) => number>> = {
  float16: (x) => float16ToNumber(numberToFloat16(x)),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(x)),
  float32: Math.fround,
  float64: (x) => x,
}

/**
 * Draws `drawsEach` numbers for each of `length` elements, in pieces: `use` gets the draws, the first element they are
 * for and the number of elements.
 */
function draw(
  gen: Generator,
  length: number,
  drawsEach: 1 | 2,
  use: (draws: Uint32Array, start: number, count: number) => void,
): void {
  const perChunk = CHUNK / drawsEach
  const draws = new Uint32Array(Math.min(length, perChunk) * drawsEach)
  for (let start = 0; start < length; start += perChunk) {
    const count = Math.min(perChunk, length - start)
    const piece = count === perChunk ? draws : draws.subarray(0, count * drawsEach)
    gen.fill(piece)
    use(piece, start, count)
  }
}

/** The uniform on [0, 1) of 53 bits that a pair of draws gives. */
const unit53 = (high: number, low: number): number => ((high & 0x1fffff) * TWO_32 + low) * UNIT_53

/** Fills `out` with `transform` of uniforms of 53 bits. */
function fillFromUnit53(gen: Generator, out: FloatArray | TypedArray, transform: (u: number) => number): void {
  const target = out instanceof BigInt64Array ? new Float64Array(out.length) : out
  draw(gen, target.length, 2, (draws, start, count) => {
    for (let i = 0; i < count; i++) target[start + i] = transform(unit53(draws[2 * i], draws[2 * i + 1]))
  })
  if (out instanceof BigInt64Array) storeWide(out, target as Float64Array)
}

/** The halves of 64-bit integers, low first as on every platform of JavaScript: they spare a BigInt for each. */
const wordsOf = (out: BigInt64Array): Int32Array => new Int32Array(out.buffer, out.byteOffset, 2 * out.length)

/** Stores integers below 2^53 in magnitude. */
function storeWide(out: BigInt64Array, values: ArrayLike<number>): void {
  const words = wordsOf(out)
  for (let i = 0; i < out.length; i++) {
    words[2 * i] = values[i]
    words[2 * i + 1] = Math.floor(values[i] / TWO_32)
  }
}

/**
 * Fills `out` with uniform numbers from [from, to): of 24 bits each, for float64 of 53.
 * @param dtype of the values; decides with `out` in the half types, whose numbers that round to `to` become `from`
 * @throws RangeError where from > to, or where a bound or their difference is beyond the dtype
 */
export function fillUniform(gen: Generator, out: FloatArray, from: number, to: number, dtype: FloatDType): void {
  const largest = LARGEST[dtype]
  if (!(Math.abs(from) <= largest && Math.abs(to) <= largest))
    throw new RangeError(`uniform: the bounds ${from} and ${to} are not finite in ${dtype}`)
  if (from > to) throw new RangeError(`uniform: expected a range [from, to), got from=${from} > to=${to}`)
  if (to - from > largest) throw new RangeError(`uniform: to - from = ${to - from} is beyond the largest ${dtype}`)
  if (dtype === "float64") {
    const range = to - from
    draw(gen, out.length, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++) {
        const value = fusedMultiplyAdd(unit53(draws[2 * i], draws[2 * i + 1]), range, from)
        out[start + i] = value === to ? from : value
      }
    })
    return
  }
  const low = Math.fround(from)
  const range = Math.fround(Math.fround(to) - low)
  const half = dtype !== "float32"
  const round = ROUND[dtype]
  const first = round(from)
  const end = round(to)
  draw(gen, out.length, 1, (draws, start, count) => {
    for (let i = 0; i < count; i++) {
      const value = Math.fround((draws[i] & 0xffffff) * UNIT_24 * range + low)
      out[start + i] = (half ? round(value) : value) === end ? first : value
    }
  })
}

/**
 * Fills `out` with normal numbers. From 16 on they come in blocks, from float32 uniforms unless the dtype is float64;
 * below that singly, see `fillNormalSingly`.
 * @param dtype of the values: where the length is no multiple of 16, the half types draw fewer numbers than float32
 * @throws RangeError for a negative std
 */
export function fillNormal(gen: Generator, out: FloatArray, mean: number, std: number, dtype: FloatDType): void {
  const { length } = out
  if (length < BLOCK) {
    fillNormalSingly(gen, out, mean, std)
    return
  }
  checkStd(std)
  if (dtype === "float64") {
    const values = out as Float64Array
    fillUniform(gen, values, 0, 1, dtype)
    for (let i = 0; i + BLOCK <= length; i += BLOCK) boxMuller64(values, i, mean, std)
    if (length % BLOCK === 0) return
    const tail = values.subarray(length - BLOCK)
    fillUniform(gen, tail, 0, 1, dtype)
    boxMuller64(tail, 0, mean, std)
    return
  }
  const values = out as Float32Array
  const [m, s] = [Math.fround(mean), Math.fround(std)]
  const rest = length % BLOCK
  draw(gen, length - rest, 1, (draws, start, count) => {
    for (let i = 0; i < count; i += BLOCK) boxMuller32(draws, i, values, start + i, m, s)
  })
  if (rest === 0) return
  // The last 16 are made anew; float32 has drawn the uniforms of the incomplete block by then, the half types have not.
  const draws = new Uint32Array(BLOCK)
  if (dtype === "float32") gen.fill(draws.subarray(0, rest))
  gen.fill(draws)
  boxMuller32(draws, 0, values, length - BLOCK, m, s)
}

/**
 * Fills `out` with normal numbers drawn one by one: two uniforms of 53 bits give two normals, of which the generator
 * keeps the second for the next time. PyTorch does so for fewer than 16 elements and for tensors that are not
 * contiguous.
 * @throws RangeError for a negative std
 */
export function fillNormalSingly(gen: Generator, out: FloatArray, mean: number, std: number): void {
  checkStd(std)
  for (let i = 0; i < out.length; i++) out[i] = fusedMultiplyAdd(nextNormal(gen), std, mean)
}

function checkStd(std: number): void {
  if (!(std >= 0)) throw new RangeError(`normal: expected std >= 0, got ${std}`)
}

function nextNormal(gen: Generator): number {
  const kept = gen.takeNormal()
  if (kept !== null) return kept
  const u1 = unit53(gen.random(), gen.random())
  const u2 = unit53(gen.random(), gen.random())
  const radius = Math.sqrt(-2 * Math.log1p(-u2))
  const theta = 2 * Math.PI * u1
  gen.keepNormal(radius * Math.sin(theta))
  return radius * Math.cos(theta)
}

/** Fills `out` with exp of normal numbers drawn one by one. Throws a RangeError unless std > 0. */
export function fillLogNormal(gen: Generator, out: FloatArray, mean: number, std: number): void {
  if (!(std > 0)) throw new RangeError(`logNormal: expected std > 0, got ${std}`)
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(fusedMultiplyAdd(nextNormal(gen), std, mean))
}

/** Fills `out` with exponential numbers of rate `lambd`. Throws a RangeError unless lambd > 0. */
export function fillExponential(gen: Generator, out: FloatArray, lambd: number): void {
  if (!(lambd > 0)) throw new RangeError(`exponential: expected lambd > 0, got ${lambd}`)
  const scale = -1 / lambd
  fillFromUnit53(gen, out, (u) => scale * Math.log1p(-u))
}

/** Fills `out` with Cauchy numbers around `median`. Throws a RangeError unless sigma > 0. */
export function fillCauchy(gen: Generator, out: FloatArray, median: number, sigma: number): void {
  if (!(sigma > 0)) throw new RangeError(`cauchy: expected sigma > 0, got ${sigma}`)
  fillFromUnit53(gen, out, (u) => fusedMultiplyAdd(sigma, Math.tan(Math.PI * (u - 0.5)), median))
}

/** Fills `out` with counts of trials up to a success of probability p. Throws a RangeError unless 0 < p < 1. */
export function fillGeometric(gen: Generator, out: TypedArray, p: number): void {
  if (!(p > 0 && p < 1)) throw new RangeError(`geometric: expected p in (0, 1), got ${p}`)
  const scale = Math.log1p(-p)
  fillFromUnit53(gen, out, (u) => Math.ceil(Math.log(u) / scale))
}

/** Fills `out` with ones of probability p (uniforms of 53 bits) and zeros. Throws a RangeError unless 0 <= p <= 1. */
export function fillBernoulli(gen: Generator, out: TypedArray, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`bernoulli: expected p in [0, 1], got ${p}`)
  fillFromUnit53(gen, out, (u) => (u < p ? 1 : 0))
}

/**
 * Fills `out` with what dropout multiplies by: 0 with probability p, else 1 / (1 - p).
 * @throws RangeError unless 0 <= p < 1 (at p = 1 dropout draws nothing and gives zeros)
 */
export function fillDropoutMask(gen: Generator, out: FloatArray, p: number): void {
  if (!(p >= 0 && p < 1)) throw new RangeError(`dropout: expected p in [0, 1), got ${p}`)
  const keep = 1 - p
  const scale = 1 / (out instanceof Float32Array ? Math.fround(keep) : keep)
  fillFromUnit53(gen, out, (u) => (u < keep ? scale : 0))
}

/**
 * Fills `out` with ones of the probabilities given for each element, and zeros. Probabilities of float64 are compared
 * with uniforms of 53 bits, all others with uniforms of 24.
 * @throws RangeError for another number of probabilities than of elements, or for one outside of [0, 1]
 */
export function bernoulliFrom(gen: Generator, out: TypedArray, probs: FloatArray): void {
  if (probs.length !== out.length)
    throw new RangeError(`bernoulli: got ${probs.length} probabilities for ${out.length} elements`)
  for (let i = 0; i < probs.length; i++)
    if (!(probs[i] >= 0 && probs[i] <= 1))
      throw new RangeError(`bernoulli: expected probabilities in [0, 1], got ${probs[i]} at ${i}`)
  const target = out instanceof BigInt64Array ? new Uint8Array(out.length) : out
  if (probs instanceof Float64Array)
    draw(gen, probs.length, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++)
        target[start + i] = unit53(draws[2 * i], draws[2 * i + 1]) < probs[start + i] ? 1 : 0
    })
  else
    draw(gen, probs.length, 1, (draws, start, count) => {
      for (let i = 0; i < count; i++) target[start + i] = (draws[i] & 0xffffff) * UNIT_24 < probs[start + i] ? 1 : 0
    })
  if (out instanceof BigInt64Array) storeWide(out, target as Uint8Array)
}

/** An int64 in [0, 2^63): what `torch.empty((), dtype=torch.int64).random_()` draws, for the seeds of data loaders. */
export const drawInt63 = (gen: Generator): bigint => BigInt.asUintN(63, gen.random64())

/**
 * Fills `out` as `random_()` does: with integers of [0, 2^b), b the bits of the type without its sign, and in the
 * floating types of [0, 2^b], b their significant bits.
 * @param dtype of the values, which `out` holds
 */
export function fillRandom(gen: Generator, out: TypedArray, dtype: DType): void {
  if (out instanceof BigInt64Array) {
    const words = wordsOf(out)
    draw(gen, out.length, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++) {
        words[2 * (start + i)] = draws[2 * i + 1]
        words[2 * (start + i) + 1] = draws[2 * i] & 0x7fffffff
      }
    })
  } else if (dtype === "float64") {
    draw(gen, out.length, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++) {
        // The 64 bits modulo 2^53 + 1, where 2^53 counts as -1.
        const rest = (draws[2 * i] & 0x1fffff) * TWO_32 + draws[2 * i + 1] - (draws[2 * i] >>> 21)
        out[start + i] = rest < 0 ? rest + 1 + TWO_53 : rest
      }
    })
  } else {
    const modulus = (isFloat(dtype) ? 2 ** DIGITS[dtype] + 1 : Number(largestInteger(dtype)) + 1) >>> 0
    draw(gen, out.length, 1, (draws, start, count) => {
      for (let i = 0; i < count; i++) out[start + i] = draws[i] % modulus
    })
  }
}

const isFloat = (dtype: DType): dtype is FloatDType => isFloating(dtype)

/** The largest value of an integer type or bool; of a floating type, the end of the integers that it represents. */
function largestInteger(dtype: DType): bigint {
  if (isFloat(dtype)) return 2n ** BigInt(DIGITS[dtype])
  if (dtype === "bool") return 1n
  const { bytes, signed } = DTYPES[dtype]
  return 2n ** BigInt(8 * bytes - (signed ? 1 : 0)) - 1n
}

/**
 * Fills `out` with integers of [low, high): as `randint`, and `random_` with bounds. The remainder of one draw, from a
 * range of 2^28 on of two.
 * @param high null stands for the largest value of the dtype, that one included (in floating types: 2 to the power of
 *   their significant bits)
 * @param dtype of the values, which `out` holds; in floating types the bounds move inwards to values they represent
 * @throws TypeError for a bound that is no integer, RangeError where low >= high or a bound is beyond the dtype
 */
export function fillRandint(
  gen: Generator,
  out: TypedArray,
  low: number | bigint,
  high: number | bigint | null,
  dtype: DType,
): void {
  const { base, range } = integerRange(low, high, dtype)
  if (range > TWO_32 || base < -TWO_53 || base + range > TWO_53) {
    fillRandintWide(gen, out, base, range)
    return
  }
  const target = out instanceof BigInt64Array ? new Float64Array(out.length) : out
  const first = Number(base)
  if (range < WIDE_RANGE) {
    const modulus = Number(range) >>> 0
    draw(gen, out.length, 1, (draws, start, count) => {
      for (let i = 0; i < count; i++) target[start + i] = (draws[i] % modulus) + first
    })
  } else {
    const modulus = Number(range)
    draw(gen, out.length, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++) target[start + i] = remainder64(draws[2 * i], draws[2 * i + 1], modulus) + first
    })
  }
  if (out instanceof BigInt64Array) storeWide(out, target as Float64Array)
}

/** For bounds that numbers do not hold, or ranges past 32 bits. */
function fillRandintWide(gen: Generator, out: TypedArray, base: bigint, range: bigint): void {
  for (let i = 0; i < out.length; i++) {
    const drawn = range < WIDE_RANGE ? BigInt(gen.random()) : gen.random64()
    const value = BigInt.asIntN(64, (drawn % range) + base)
    if (out instanceof BigInt64Array) out[i] = value
    else out[i] = Number(value)
  }
}

/** (high 2^32 + low) modulo m for m <= 2^32, 16 bits at a time so that every step is exact. */
function remainder64(high: number, low: number, m: number): number {
  const upper = ((high % m) * 0x10000 + (low >>> 16)) % m
  return (upper * 0x10000 + (low & 0xffff)) % m
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

function integerRange(
  low: number | bigint,
  high: number | bigint | null,
  dtype: DType,
): { base: bigint; range: bigint } {
  let from = integer(low, "low")
  if (from === INT64_MIN && high === null && DTYPES[dtype].bytes * 8 >= 64) return { base: 0n, range: 2n ** 64n }
  let end = high === null ? largestInteger(dtype) + 1n : integer(high, "high")
  const text = `[${from}, ${high === null ? `${end - 1n}]` : `${end})`}`
  const largest = isFloat(dtype) ? BigInt(LARGEST[dtype]) : largestInteger(dtype)
  const smallest = isFloat(dtype) ? -largest : DTYPES[dtype].signed ? -largest - 1n : 0n
  if (from >= end) throw new RangeError(`randint: expected low < high, got the range ${text}`)
  if (from < smallest || end - 1n > largest) throw new RangeError(`randint: the range ${text} is not within ${dtype}`)
  if (isFloat(dtype)) {
    from = representedFrom(from, dtype)
    if (high !== null) end = representedEnd(end, dtype)
    if (from >= end) throw new RangeError(`randint: ${dtype} has no integer that represents one of ${text}`)
  }
  return { base: from, range: end - from }
}

function integer(bound: number | bigint, name: string): bigint {
  if (typeof bound !== "bigint" && !Number.isInteger(bound))
    throw new TypeError(`randint: expected an integer for ${name}, got ${String(bound)}`)
  const value = BigInt(bound)
  if (value < INT64_MIN || value > INT64_MAX) throw new RangeError(`randint: ${name}=${value} is beyond int64`)
  return value
}

/** The lower bound itself, or the next value of the dtype above it where from + 1 rounds to less than `from`. */
function representedFrom(from: bigint, dtype: FloatDType): bigint {
  const rounded = BigInt(ROUND[dtype](Number(from + 1n)))
  return rounded < from ? rounded + spacing(from + 1n, dtype) : from
}

/** The upper bound itself, or the value of the dtype before it where end - 1 rounds to no less than `end`. */
function representedEnd(end: bigint, dtype: FloatDType): bigint {
  const rounded = BigInt(ROUND[dtype](Number(end - 1n)))
  return rounded >= end ? rounded - spacing(end - 1n, dtype) : end
}

/** The distance between values of the dtype at an integer of at least as many bits. */
const spacing = (value: bigint, dtype: FloatDType): bigint =>
  2n ** BigInt((value < 0n ? -value : value).toString(2).length - DIGITS[dtype])

/**
 * The numbers 0 to n - 1 in random order, as `randperm`.
 * @param n at most 2^31 - 1
 * @throws RangeError for any other n
 */
export function permutation(gen: Generator, n: number): Int32Array<ArrayBuffer>
export function permutation(gen: Generator, n: number, dtype: "int32"): Int32Array<ArrayBuffer>
export function permutation(gen: Generator, n: number, dtype: "int64"): BigInt64Array<ArrayBuffer>
export function permutation(
  gen: Generator,
  n: number,
  dtype: "int32" | "int64" = "int32",
): Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> {
  if (!(Number.isInteger(n) && n >= 0 && n < 2 ** 31))
    throw new RangeError(`randperm: expected an integer n in [0, 2^31), got ${n}`)
  const order = new Int32Array(n)
  if (n < WIDE_PERMUTATION) {
    for (let i = 0; i < n; i++) order[i] = i
    // R. A. Fisher, F. Yates: each place takes one of those not yet placed. The last has no choice and draws nothing.
    draw(gen, Math.max(n - 1, 0), 1, (draws, start, count) => {
      for (let i = 0; i < count; i++) {
        const place = start + i
        const other = place + (draws[i] % ((n - place) >>> 0))
        const value = order[place]
        order[place] = order[other]
        order[other] = value
      }
    })
  } else {
    draw(gen, n, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++) {
        const place = start + i
        const other = remainder64(draws[2 * i], draws[2 * i + 1], place + 1)
        order[place] = order[other]
        order[other] = place
      }
    })
  }
  if (dtype === "int32") return order
  const wide = new BigInt64Array(n)
  storeWide(wide, order)
  return wide
}

/** PyTorch counts categories in float32. */
const MAX_CATEGORIES = TWO_24

/**
 * `n` samples from each of `rows` distributions over `cols` categories, as `multinomial`: rows of n indices.
 *
 * With replacement: a uniform of 53 bits looked up in the cumulative distribution. Without, or for a single sample: the
 * categories of the n largest p / q, q exponential, in descending order. Where such quotients are equal (categories of
 * probability zero, when n exceeds the others) the lower index comes first, which PyTorch leaves open.
 * @param probs weights, not necessarily of sum 1
 * @param dtype of the weights
 * @throws RangeError for weights that are negative or not finite, a row without a positive one, or n out of range
 */
export function multinomial(
  gen: Generator,
  probs: FloatArray,
  rows: number,
  cols: number,
  n: number,
  replacement: boolean,
  dtype: FloatDType,
): Int32Array<ArrayBuffer> {
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`multinomial: expected at least one sample, got n=${n}`)
  if (!replacement && n > cols)
    throw new RangeError(`multinomial: cannot draw ${n} samples of ${cols} categories without replacement`)
  if (cols > MAX_CATEGORIES) throw new RangeError(`multinomial: expected at most 2^24 categories, got ${cols}`)
  for (let row = 0; row < rows; row++) checkWeights(probs.subarray(row * cols, (row + 1) * cols), row)
  const out = new Int32Array(rows * n)
  if (replacement && n > 1) sampleCumulative(gen, probs, cols, n, out)
  else sampleLargest(gen, probs, cols, n, dtype, out)
  return out
}

function checkWeights(weights: FloatArray, row: number): void {
  let positive = false
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0 && weights[i] < Infinity))
      throw new RangeError(`multinomial: expected finite probabilities >= 0, got ${weights[i]} at [${row}, ${i}]`)
    if (weights[i] > 0) positive = true
  }
  if (!positive) throw new RangeError(`multinomial: no probability of row ${row} is positive`)
}

function sampleCumulative(gen: Generator, probs: FloatArray, cols: number, n: number, out: Int32Array): void {
  // Sums and quotients round to the precision of the array.
  const cumulative = probs instanceof Float64Array ? new Float64Array(cols) : new Float32Array(cols)
  for (let row = 0; row * n < out.length; row++) {
    cumulative[0] = probs[row * cols]
    for (let i = 1; i < cols; i++) cumulative[i] = cumulative[i - 1] + probs[row * cols + i]
    const sum = cumulative[cols - 1]
    for (let i = 0; i < cols; i++) cumulative[i] /= sum
    cumulative[cols - 1] = 1
    draw(gen, n, 2, (draws, start, count) => {
      for (let i = 0; i < count; i++)
        out[row * n + start + i] = lowerBound(cumulative, unit53(draws[2 * i], draws[2 * i + 1]))
    })
  }
}

/** The first index of an ascending array whose value is not below `x`. */
function lowerBound(values: FloatArray, x: number): number {
  let left = 0
  let right = values.length
  while (left < right) {
    const middle = (left + right) >>> 1
    if (values[middle] < x) left = middle + 1
    else right = middle
  }
  return left
}

function sampleLargest(
  gen: Generator,
  probs: FloatArray,
  cols: number,
  n: number,
  dtype: FloatDType,
  out: Int32Array,
): void {
  const round = ROUND[dtype]
  const scores = probs instanceof Float64Array ? new Float64Array(probs.length) : new Float32Array(probs.length)
  fillExponential(gen, scores, 1)
  for (let i = 0; i < scores.length; i++) scores[i] = round(probs[i] / round(scores[i]))
  for (let row = 0; row * n < out.length; row++) {
    const part = scores.subarray(row * cols, (row + 1) * cols)
    if (n === 1) out[row] = indexOfLargest(part)
    else out.set(descending(part).subarray(0, n), row * n)
  }
}

/** The indices of `values` by descending value, equal ones ascending. */
const descending = (values: FloatArray): Uint32Array =>
  Uint32Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b)

function indexOfLargest(values: FloatArray): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}
