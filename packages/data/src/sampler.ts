/** Samplers: the order in which a loader asks for samples. Random ones draw as PyTorch's do. */
import {
  type Args,
  bind,
  defaultGenerator,
  drawInt63,
  fillRandint,
  Generator,
  multinomial,
  parseSignature,
  permutation,
  tensor,
  valueText,
} from "@taeda/core"

/** Indices, or lists of them, anew at every iteration. */
export interface Sampler<T = number> extends Iterable<T> {
  readonly length: number
}

interface Sized {
  readonly length: number
}

/** 0, 1, 2, ... */
export class SequentialSampler implements Sampler {
  readonly dataSource: Sized

  constructor(dataSource: Sized) {
    this.dataSource = dataSource
  }

  get length(): number {
    return this.dataSource.length
  }

  *[Symbol.iterator](): Generator_<number> {
    for (let i = 0; i < this.dataSource.length; i++) yield i
  }
}

type Generator_<T> = globalThis.Generator<T, void, undefined>

/** The stream to draw an epoch from: the sampler's own, or a new one whose seed the default generator draws. */
const streamOf = (generator: Generator | null): Generator =>
  generator ?? new Generator().manualSeed(drawInt63(defaultGenerator()))

function checkGenerator(name: string, generator: unknown): Generator | null {
  if (generator === undefined || generator === null) return null
  if (!(generator instanceof Generator))
    throw new TypeError(`${name}: generator must be a Generator, got ${valueText(generator)}`)
  return generator
}

const RANDOM = parseSignature("RandomSampler(dataSource, replacement?, numSamples?, generator?)")

/** With replacement, indices are drawn so many at a time. */
const CHUNK = 32

/** A random order; with `replacement`, `numSamples` independent draws. */
export class RandomSampler implements Sampler {
  readonly dataSource: Sized
  readonly replacement: boolean
  readonly generator: Generator | null
  private readonly samples: number | null

  constructor(
    dataSource: Sized,
    ...args: Args<[["replacement", boolean], ["numSamples", number | null], ["generator", Generator | null]]>
  ) {
    const [source, replacement = false, numSamples, generator] = bind(RANDOM, [dataSource, ...args]) as [
      Sized,
      boolean?,
      (number | null)?,
      unknown?,
    ]
    if (typeof replacement !== "boolean")
      throw new TypeError(`RandomSampler: replacement should be a boolean value, but got ${valueText(replacement)}`)
    this.dataSource = source
    this.replacement = replacement
    this.samples = numSamples ?? null
    this.generator = checkGenerator("RandomSampler", generator)
    if (!Number.isInteger(this.length) || this.length < 0 || (this.samples !== null && this.length === 0))
      throw new RangeError(`RandomSampler: numSamples should be a positive integer value, but got ${this.samples}`)
  }

  get length(): number {
    return this.samples ?? this.dataSource.length
  }

  *[Symbol.iterator](): Generator_<number> {
    const n = this.dataSource.length
    const wanted = this.length
    const stream = streamOf(this.generator)
    if (this.replacement) {
      for (let left = wanted; left > 0; left -= CHUNK) {
        // Whole chunks are drawn before a last part: as many draws as PyTorch's.
        const drawn = new BigInt64Array(Math.min(left, CHUNK))
        fillRandint(stream, drawn, 0, n, "int64")
        for (const i of drawn) yield Number(i)
      }
      return
    }
    if (n === 0) return
    for (let round = 0; round < Math.floor(wanted / n); round++) yield* permutation(stream, n)
    // PyTorch draws a last permutation even where nothing of it is used.
    yield* permutation(stream, n).subarray(0, wanted % n)
  }
}

/** The given indices in random order. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: readonly number[]
  readonly generator: Generator | null

  constructor(indices: readonly number[], ...args: Args<[["generator", Generator | null]]>) {
    const [list, generator] = bind(SUBSET, [indices, ...args]) as [readonly number[], unknown?]
    this.indices = list
    this.generator = checkGenerator("SubsetRandomSampler", generator)
  }

  get length(): number {
    return this.indices.length
  }

  *[Symbol.iterator](): Generator_<number> {
    for (const i of permutation(this.generator ?? defaultGenerator(), this.indices.length)) yield this.indices[i]
  }
}

const SUBSET = parseSignature("SubsetRandomSampler(indices, generator?)")
const WEIGHTED = parseSignature("WeightedRandomSampler(weights, numSamples, replacement?, generator?)")

/** `numSamples` indices drawn with these weights, which need not sum to 1. */
export class WeightedRandomSampler implements Sampler {
  readonly weights: readonly number[]
  readonly numSamples: number
  readonly replacement: boolean
  readonly generator: Generator | null

  constructor(
    weights: readonly number[],
    ...args: Args<[["numSamples", number], ["replacement", boolean], ["generator", Generator | null]]>
  ) {
    const [list, numSamples, replacement = true, generator] = bind(WEIGHTED, [weights, ...args]) as [
      readonly number[],
      number,
      boolean?,
      unknown?,
    ]
    if (!Number.isInteger(numSamples) || numSamples <= 0)
      throw new RangeError(
        `WeightedRandomSampler: numSamples should be a positive integer value, but got ${valueText(numSamples)}`,
      )
    this.weights = list
    this.numSamples = numSamples
    this.replacement = replacement
    this.generator = checkGenerator("WeightedRandomSampler", generator)
  }

  get length(): number {
    return this.numSamples
  }

  *[Symbol.iterator](): Generator_<number> {
    const weights = tensor([...this.weights], { dtype: "float64", device: "cpu" })
    const drawn = multinomial(weights, this.numSamples, this.replacement, { generator: this.generator })
    yield* drawn.dataSync() as Int32Array
  }
}

const BATCH = parseSignature("BatchSampler(sampler, batchSize, dropLast)")

/** Lists of `batchSize` indices of another sampler; the last may be shorter, unless `dropLast`. */
export class BatchSampler<T = number> implements Sampler<T[]> {
  readonly sampler: Sampler<T>
  readonly batchSize: number
  readonly dropLast: boolean

  constructor(sampler: Sampler<T>, ...args: Args<[["batchSize", number], ["dropLast", boolean]]>) {
    const [inner, batchSize, dropLast] = bind(BATCH, [sampler, ...args]) as [Sampler<T>, number, boolean]
    if (!Number.isInteger(batchSize) || batchSize <= 0)
      throw new RangeError(
        `BatchSampler: batchSize should be a positive integer value, but got ${valueText(batchSize)}`,
      )
    if (typeof dropLast !== "boolean")
      throw new TypeError(`BatchSampler: dropLast should be a boolean value, but got ${valueText(dropLast)}`)
    this.sampler = inner
    this.batchSize = batchSize
    this.dropLast = dropLast
  }

  get length(): number {
    return this.dropLast
      ? Math.floor(this.sampler.length / this.batchSize)
      : Math.ceil(this.sampler.length / this.batchSize)
  }

  *[Symbol.iterator](): Generator_<T[]> {
    let batch: T[] = []
    for (const index of this.sampler) {
      batch.push(index)
      if (batch.length < this.batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length && !this.dropLast) yield batch
  }
}
