/**
 * The Mersenne Twister mt19937 (M. Matsumoto, T. Nishimura, ACM TOMACS 8(1), 1998): 32-bit draws of period 2^19937 - 1.
 *
 * A block of 624 words is twisted and tempered at a time, and bulk draws copy out of the tempered block.
 */

/** Words of the state. */
export const STATE_WORDS = 624

const SHIFT = 397
const UPPER_MASK = 0x80000000 | 0
const LOWER_MASK = 0x7fffffff
const MATRIX_A = 0x9908b0df | 0
const INIT_MULTIPLIER = 1812433253

export class Mt19937 {
  /** The untempered words. */
  #state = new Int32Array(STATE_WORDS)
  /** The tempered words; those before `#next` are spent. */
  #block = new Uint32Array(STATE_WORDS)
  #next = 0
  /** Draws until a twist, that one included: 1 means that the next draw twists first. */
  #left = 1

  constructor(seed: number) {
    const s = this.#state
    s[0] = seed
    for (let i = 1; i < STATE_WORDS; i++) s[i] = Math.imul(INIT_MULTIPLIER, s[i - 1] ^ (s[i - 1] >>> 30)) + i
  }

  /**
   * An engine in the middle of its sequence: 624 untempered words, the position of the next one, and the number of
   * draws before a twist plus one. Null where fewer words than that are left.
   */
  static restore(words: Uint32Array, next: number, left: number): Mt19937 | null {
    if (words.length !== STATE_WORDS || left < 1 || next < 0 || next + left - 1 > STATE_WORDS) return null
    const engine = new Mt19937(0)
    engine.#state.set(words)
    engine.#next = next
    engine.#left = left
    engine.#temper()
    return engine
  }

  /** The untempered words (a copy). */
  get words(): Uint32Array {
    return Uint32Array.from(this.#state)
  }

  get next(): number {
    return this.#next
  }

  get left(): number {
    return this.#left
  }

  clone(): Mt19937 {
    const copy = new Mt19937(0)
    copy.#state.set(this.#state)
    copy.#block.set(this.#block)
    copy.#next = this.#next
    copy.#left = this.#left
    return copy
  }

  /** One draw: an unsigned 32-bit integer. */
  random(): number {
    if (--this.#left === 0) this.#twist()
    return this.#block[this.#next++]
  }

  /** Fills `out` with successive draws. */
  fill(out: Uint32Array): void {
    let done = 0
    while (done < out.length) {
      if (this.#left === 1) this.#twist(1)
      const count = Math.min(this.#left - 1, out.length - done)
      out.set(this.#block.subarray(this.#next, this.#next + count), done)
      this.#next += count
      this.#left -= count
      done += count
    }
  }

  /** Makes the next 624 words; `spare` is 1 where the draw that needs them is still to be counted. */
  #twist(spare: 0 | 1 = 0): void {
    const s = this.#state
    let i = 0
    for (; i < STATE_WORDS - SHIFT; i++) s[i] = s[i + SHIFT] ^ mix(s[i], s[i + 1])
    for (; i < STATE_WORDS - 1; i++) s[i] = s[i + SHIFT - STATE_WORDS] ^ mix(s[i], s[i + 1])
    s[i] = s[SHIFT - 1] ^ mix(s[i], s[0])
    this.#temper()
    this.#next = 0
    this.#left = STATE_WORDS + spare
  }

  #temper(): void {
    const s = this.#state
    const block = this.#block
    for (let i = 0; i < STATE_WORDS; i++) {
      let y = s[i]
      y ^= y >>> 11
      y ^= (y << 7) & 0x9d2c5680
      y ^= (y << 15) & 0xefc60000
      block[i] = y ^ (y >>> 18)
    }
  }
}

const mix = (u: number, v: number): number => (((u & UPPER_MASK) | (v & LOWER_MASK)) >>> 1) ^ (-(v & 1) & MATRIX_A)
