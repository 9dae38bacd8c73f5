/** DataLoader: batches of a dataset, in order or shuffled. */
import { type Args, bind, defaultGenerator, drawInt63, Generator, parseSignature, relief, valueText } from "@taeda/core"
import { defaultCollate, defaultConvert } from "./collate.ts"
import { type DatasetLike, sampleAt } from "./dataset.ts"
import { BatchSampler, RandomSampler, type Sampler, SequentialSampler } from "./sampler.ts"
import type { Loaded } from "./types/batch.ts"

/** What a loader can be given by name. */
export interface DataLoaderOptions {
  /** Samples per batch, 1 by default; null gives single samples. */
  batchSize: number | null
  /** A new random order for every iteration. */
  shuffle: boolean
  /** The order of the samples, in place of `shuffle`. */
  sampler: Sampler | readonly number[]
  /** The batches, in place of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  batchSampler: Sampler<readonly number[]> | readonly (readonly number[])[]
  /** Makes a batch from its samples; by default `defaultCollate`. */
  // biome-ignore lint/suspicious/noExplicitAny: samples of any kind
  collateFn: (batch: any) => unknown
  /** Leaves out a last batch that is not full. */
  dropLast: boolean
  /** The stream that a shuffled order is drawn from; by default the one that `manualSeed` seeds. */
  generator: Generator | null
}

const SIGNATURE = parseSignature(
  "DataLoader(dataset, batchSize?, shuffle?, sampler?, batchSampler?, *, collateFn?, dropLast?, generator?)",
)

type LoaderArgs<N, Drops, C> = Args<
  [
    ["batchSize", N],
    ["shuffle", boolean],
    ["sampler", DataLoaderOptions["sampler"]],
    ["batchSampler", DataLoaderOptions["batchSampler"]],
  ],
  Partial<
    Omit<DataLoaderOptions, "batchSize" | "collateFn" | "dropLast"> & {
      batchSize: N
      dropLast: Drops
      // biome-ignore lint/suspicious/noExplicitAny: samples of any kind
      collateFn: (batch: any) => C
    }
  >
>

/** A dataset that says what its batches are. */
type Typed<B> = DatasetLike & { readonly batches?: B }

/**
 * `for await (const [x, y] of new DataLoader(dataset, { batchSize: 64, shuffle: true }))`. Orders are PyTorch's for the same
 * seed.
 */
export class DataLoader<
  // biome-ignore lint/suspicious/noExplicitAny: what a batch is depends on the dataset and on `collateFn`
  B = any,
  const N extends number | null = number,
  const Drops extends boolean = boolean,
  C = undefined,
> implements AsyncIterable<Loaded<B, N, Drops, C>>
{
  readonly dataset: DatasetLike
  /** Samples per batch; null without batches or with a `batchSampler`. */
  readonly batchSize: number | null
  readonly dropLast: boolean
  readonly sampler: Iterable<number> & { readonly length: number }
  /** Null where samples come singly. */
  readonly batchSampler: (Iterable<readonly number[]> & { readonly length: number }) | null
  readonly generator: Generator | null
  readonly collateFn: (batch: unknown) => unknown

  constructor(dataset: Typed<B>, ...args: LoaderArgs<N, Drops, C>) {
    const [source, batchSize, shuffle, sampler, batchSampler, collateFn, dropLast = false, generator] = bind(
      SIGNATURE,
      [dataset, ...args],
    ) as [
      DatasetLike,
      (number | null)?,
      boolean?,
      Sampler?,
      Sampler<number[]>?,
      ((batch: unknown) => unknown)?,
      boolean?,
      (Generator | null)?,
    ]
    if (typeof source?.length !== "number" || typeof source.at !== "function")
      throw new TypeError(`DataLoader: a dataset has a length and at(i), got ${valueText(source)}`)
    if (generator && !(generator instanceof Generator))
      throw new TypeError(`DataLoader: generator must be a Generator, got ${valueText(generator)}`)
    if (sampler && shuffle) throw new TypeError("DataLoader: sampler option is mutually exclusive with shuffle")
    if (batchSampler && ((batchSize !== undefined && batchSize !== 1) || shuffle || sampler || dropLast))
      throw new TypeError(
        "DataLoader: batchSampler option is mutually exclusive with batchSize, shuffle, sampler, and dropLast",
      )
    if (batchSize === null && dropLast)
      throw new TypeError("DataLoader: batchSize null disables batches and is mutually exclusive with dropLast")
    if (typeof batchSize === "number" && (!Number.isInteger(batchSize) || batchSize <= 0))
      throw new RangeError(`DataLoader: batchSize should be a positive integer value, but got ${batchSize}`)
    this.dataset = source
    this.generator = generator ?? null
    this.dropLast = dropLast
    this.sampler =
      sampler ?? (shuffle ? new RandomSampler(source, { generator: this.generator }) : new SequentialSampler(source))
    this.batchSize = batchSampler || batchSize === null ? null : (batchSize ?? 1)
    this.batchSampler =
      batchSampler ?? (this.batchSize === null ? null : new BatchSampler(this.sampler, this.batchSize, dropLast))
    this.collateFn = collateFn ?? (this.batchSampler ? (batch) => defaultCollate(batch as unknown[]) : defaultConvert)
    this.whole = collateFn ? undefined : source.batch?.bind(source)
  }

  /** Whole batches from the dataset, where nothing else collates them. */
  private readonly whole: ((indices: readonly number[]) => unknown) | undefined

  /** Batches per iteration. */
  get length(): number {
    return (this.batchSampler ?? this.sampler).length
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Loaded<B, N, Drops, C>> {
    // PyTorch draws a base seed for its workers with every iterator, workers or not.
    drawInt63(this.generator ?? defaultGenerator())
    return this.batchSampler ? this.batches(this.batchSampler) : this.samples()
  }

  private async *batches(order: Iterable<readonly number[]>): AsyncGenerator<Loaded<B, N, Drops, C>, void, undefined> {
    const { dataset, whole } = this
    for (const indices of order) {
      await relief()
      if (whole) {
        yield whole(indices) as Loaded<B, N, Drops, C>
        continue
      }
      const samples = new Array<unknown>(indices.length)
      let waits = false
      for (let i = 0; i < indices.length; i++) {
        samples[i] = sampleAt(dataset, indices[i])
        waits ||= samples[i] instanceof Promise
      }
      yield this.collateFn(waits ? await Promise.all(samples) : samples) as Loaded<B, N, Drops, C>
    }
  }

  private async *samples(): AsyncGenerator<Loaded<B, N, Drops, C>, void, undefined> {
    for (const index of this.sampler) {
      await relief()
      yield this.collateFn(await sampleAt(this.dataset, index)) as Loaded<B, N, Drops, C>
    }
  }
}
