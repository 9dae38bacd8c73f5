/**
 * The host's random number generator: PyTorch's CPU generator, draw for draw and byte for byte in its state.
 *
 * Layout of a state, little-endian (PyTorch's `torch.get_rng_state()`): initial seed u64 at 0; `left` i32 at 8; seeded
 * i32 at 12; `next` u64 at 16; 624 words, each in a u64, from 24; three f64 of which the second, at 5024, is the kept
 * normal; whether it is kept, i32 at 5040; a kept float32 normal at 5048 and whether it is kept, u8 at 5052 (no sampler
 * sets that one).
 */

import { Mt19937, STATE_WORDS } from "./mt19937.ts"

/** The seed of a generator that was given none, as in PyTorch. */
export const DEFAULT_SEED = 67280421310721n

/** Bytes of a generator's state. */
export const STATE_BYTES = 5056

const OFFSET = {
  seed: 0,
  left: 8,
  seeded: 12,
  next: 16,
  words: 24,
  normal: 5024,
  hasNormal: 5040,
  float: 5048,
  hasFloat: 5052,
}

const MIN_SEED = -(2n ** 63n)
const MAX_SEED = 2n ** 64n - 1n

/** 53 bits, as many as PyTorch takes from the system for a seed of its own choice. */
const mathEntropy = (): bigint => BigInt(Math.floor(Math.random() * 2 ** 53))

/**
 * A stream of random numbers. Generators with the same seed give the same numbers; each draw advances the stream.
 */
export class Generator {
  #engine: Mt19937
  #seed: bigint
  readonly #entropy: () => bigint
  #normal: number | null = null
  #floatNormal: number | null = null

  /**
   * A generator with PyTorch's default seed.
   * @param entropy where `seed()` takes its numbers from: non-negative integers below 2^64; `Math.random` by default
   */
  constructor(entropy: () => bigint = mathEntropy) {
    this.#entropy = entropy
    this.#seed = DEFAULT_SEED
    this.#engine = engineOf(DEFAULT_SEED)
  }

  /**
   * Starts the stream of `seed` from its beginning. Only the low 32 bits of a seed select the stream, as in PyTorch.
   * @param seed an integer in [-2^63, 2^64); a negative one counts from 2^64
   * @throws TypeError for a number that is not a safe integer, RangeError for a seed out of range
   */
  manualSeed(seed: number | bigint): this {
    if (typeof seed !== "bigint" && !Number.isSafeInteger(seed))
      throw new TypeError(`manualSeed: expected a safe integer or a bigint, got ${String(seed)}`)
    const value = BigInt(seed)
    if (value < MIN_SEED || value > MAX_SEED)
      throw new RangeError(`manualSeed: expected a seed in [-2^63, 2^64), got ${value}`)
    this.#seed = BigInt.asUintN(64, value)
    this.#engine = engineOf(this.#seed)
    this.#normal = null
    this.#floatNormal = null
    return this
  }

  /** Seeds the generator with a number that cannot be foreseen and returns that number. */
  seed(): bigint {
    return this.manualSeed(this.#entropy()).#seed
  }

  /** The seed that the stream started from. */
  initialSeed(): bigint {
    return this.#seed
  }

  /** The state, in PyTorch's layout: `torch.set_rng_state` takes these bytes. */
  getState(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(STATE_BYTES))
    const engine = this.#engine
    view.setBigUint64(OFFSET.seed, this.#seed, true)
    view.setInt32(OFFSET.left, engine.left, true)
    view.setInt32(OFFSET.seeded, 1, true)
    view.setUint32(OFFSET.next, engine.next, true)
    for (const [i, word] of engine.words.entries()) view.setUint32(OFFSET.words + 8 * i, word, true)
    view.setFloat64(OFFSET.normal, this.#normal ?? 0, true)
    view.setInt32(OFFSET.hasNormal, this.#normal === null ? 0 : 1, true)
    view.setFloat32(OFFSET.float, this.#floatNormal ?? 0, true)
    view.setUint8(OFFSET.hasFloat, this.#floatNormal === null ? 0 : 1)
    return new Uint8Array(view.buffer)
  }

  /**
   * Takes up a state of `getState` or of `torch.get_rng_state()`. After an error the generator is as it was.
   * @throws TypeError for anything but bytes, RangeError for a wrong length or for bytes that are no state
   */
  setState(state: Uint8Array): this {
    if (!(state instanceof Uint8Array)) throw new TypeError("setState: expected a Uint8Array")
    if (state.length !== STATE_BYTES)
      throw new RangeError(`setState: expected a state of ${STATE_BYTES} bytes, got ${state.length}`)
    const view = new DataView(state.buffer, state.byteOffset, STATE_BYTES)
    const words = Uint32Array.from({ length: STATE_WORDS }, (_, i) => view.getUint32(OFFSET.words + 8 * i, true))
    const next = Number(view.getBigUint64(OFFSET.next, true))
    const seeded = view.getInt32(OFFSET.seeded, true) !== 0
    const engine = seeded ? Mt19937.restore(words, next, view.getInt32(OFFSET.left, true)) : null
    if (engine === null) throw new RangeError("setState: these bytes are not the state of an mt19937 generator")
    this.#engine = engine
    this.#seed = view.getBigUint64(OFFSET.seed, true)
    this.#normal = view.getInt32(OFFSET.hasNormal, true) === 0 ? null : view.getFloat64(OFFSET.normal, true)
    this.#floatNormal = view.getUint8(OFFSET.hasFloat) === 0 ? null : view.getFloat32(OFFSET.float, true)
    return this
  }

  /** A generator that goes on with the same numbers and is independent from here on. */
  clone(): Generator {
    const copy = new Generator(this.#entropy)
    copy.#engine = this.#engine.clone()
    copy.#seed = this.#seed
    copy.#normal = this.#normal
    copy.#floatNormal = this.#floatNormal
    return copy
  }

  /** One draw: an integer in [0, 2^32). */
  random(): number {
    return this.#engine.random()
  }

  /** Two draws, the first the high half: an integer in [0, 2^64). */
  random64(): bigint {
    const high = this.random()
    return (BigInt(high) << 32n) | BigInt(this.random())
  }

  /** Fills `out` with successive draws of `random()`. */
  fill(out: Uint32Array): void {
    this.#engine.fill(out)
  }

  /** Keeps the second number of a Box-Muller pair for the next normal that is drawn singly. */
  keepNormal(value: number): void {
    this.#normal = value
  }

  /** Takes the kept standard normal, if there is one. */
  takeNormal(): number | null {
    const value = this.#normal
    this.#normal = null
    return value
  }
}

const engineOf = (seed: bigint): Mt19937 => new Mt19937(Number(BigInt.asUintN(32, seed)))
