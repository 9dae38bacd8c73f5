/** Loaders, samplers and datasets against PyTorch's orders, and what they are made of. */
import { readFileSync } from "node:fs"
import { arange, Generator, manualSeed, ones, randint, randn, type Tensor } from "@taeda/core"
import { describe, expect, test } from "vitest"
import {
  BatchSampler,
  ConcatDataset,
  DataLoader,
  Dataset,
  defaultCollate,
  RandomSampler,
  randomSplit,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from "../src/index.ts"
import { numbers } from "./cpu.ts"

interface Orders {
  readonly epochs: number[][][]
  readonly next: number
}
type Golden = Record<string, Orders> & {
  tensors: [number[], number[]][]
  split: number[][]
  "split, shares": number[][]
}

const golden = JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")) as Golden

const ten = Array.from({ length: 10 }, (_, i) => i)

async function all<T>(loader: AsyncIterable<T>): Promise<T[]> {
  const batches: T[] = []
  for await (const batch of loader) batches.push(batch)
  return batches
}

const LOADERS: Record<string, () => DataLoader<Tensor>> = {
  "in order": () => new DataLoader(ten, { batchSize: 4 }),
  drop_last: () => new DataLoader(ten, { batchSize: 4, dropLast: true }),
  shuffle: () => new DataLoader(ten, 4, true),
  "shuffle, drop_last": () => new DataLoader(ten, { batchSize: 4, shuffle: true, dropLast: true }),
  "shuffle, generator": () =>
    new DataLoader(ten, { batchSize: 4, shuffle: true, generator: new Generator().manualSeed(5) }),
  replacement: () =>
    new DataLoader(ten, { batchSize: 40, sampler: new RandomSampler(ten, { replacement: true, numSamples: 70 }) }),
  "more samples": () => new DataLoader(ten, { batchSize: 25, sampler: new RandomSampler(ten, { numSamples: 25 }) }),
  weighted: () =>
    new DataLoader(ten, {
      batchSize: 8,
      sampler: new WeightedRandomSampler(
        ten.map((i) => i + 1),
        8,
      ),
    }),
  subset: () => new DataLoader(ten, { batchSize: 3, sampler: new SubsetRandomSampler([1, 4, 7]) }),
  "shuffle, 100": () =>
    new DataLoader(
      Array.from({ length: 100 }, (_, i) => i),
      { batchSize: 100, shuffle: true },
    ),
}

describe("orders are PyTorch's, and so is what is drawn next", () => {
  test.each(Object.keys(LOADERS))("%s", async (name) => {
    const wanted = golden[name]
    manualSeed(0)
    const loader = LOADERS[name]()
    for (const epoch of wanted.epochs) {
      const batches = await all(loader)
      expect(batches.map(numbers)).toEqual(epoch)
      expect(loader.length).toBe(epoch.length)
    }
    expect(randint(1000, [1], { dtype: "int64" }).itemSync()).toBe(wanted.next)
  })

  test("a TensorDataset, gathered in whole batches", async () => {
    manualSeed(0)
    const dataset = new TensorDataset(randn(7, 2), arange(7))
    const batches = await all<[Tensor, Tensor]>(new DataLoader(dataset, { batchSize: 3, shuffle: true }))
    expect(batches.map(([, y]) => numbers(y))).toEqual(golden.tensors.map(([, y]) => y))
    batches.forEach(([x], k) => {
      expect(x.shape).toEqual([golden.tensors[k][1].length, 2])
      // 2 ULP: what the random numbers promise.
      golden.tensors[k][0].forEach((v, i) => expect(Math.abs(numbers(x)[i] - v)).toBeLessThan(3e-7))
    })
  })

  test("randomSplit", () => {
    manualSeed(0)
    expect(randomSplit(ten, [3, 7]).map((s) => s.indices)).toEqual(golden.split)
    const generator = new Generator().manualSeed(7)
    expect(randomSplit(ten, [0.25, 0.25, 0.5], { generator }).map((s) => s.indices)).toEqual(golden["split, shares"])
  })
})

describe("DataLoader", () => {
  test("an array of tuples: one tensor for each place", async () => {
    const samples: [Tensor, number, boolean, string][] = ten.map((i) => [ones(2).mul(i), i % 3, i > 4, `n${i}`])
    const [[x, y, flag, name]] = await all(new DataLoader(samples, { batchSize: 3 }))
    expect([x.shape, x.dtype]).toEqual([[3, 2], "float32"])
    expect([y.dtype, numbers(y)]).toEqual(["int32", [0, 1, 2]])
    expect([flag.dtype, numbers(flag)]).toEqual(["bool", [0, 0, 0]])
    expect(name).toEqual(["n0", "n1", "n2"])
  })

  test("each iteration anew, also one that was left early", async () => {
    const loader = new DataLoader(ten, { batchSize: 4 })
    for await (const batch of loader) {
      expect(numbers(batch)).toEqual([0, 1, 2, 3])
      break
    }
    expect((await all(loader)).length).toBe(3)
  })

  test("single samples", async () => {
    const loader = new DataLoader([new Float32Array([1, 2]), new Float32Array([3, 4])], { batchSize: null })
    expect((await all(loader)).map(numbers)).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(loader.length).toBe(2)
  })

  test("a dataset whose samples come later", async () => {
    class Slow extends Dataset<[number, number]> {
      get length(): number {
        return 3
      }
      async at(index: number): Promise<[number, number]> {
        await Promise.resolve()
        return [index, index / 2]
      }
    }
    const [[a, b]] = await all(new DataLoader(new Slow(), { batchSize: 3 }))
    expect([numbers(a), numbers(b), b.dtype]).toEqual([[0, 1, 2], [0, 0.5, 1], "float32"])
  })

  test("a collation and batches of one's own", async () => {
    const loader = new DataLoader(ten, { batchSampler: [[1, 2], [5]], collateFn: (batch: number[]) => batch.join("+") })
    expect(await all(loader)).toEqual(["1+2", "5"])
    expect(loader.length).toBe(2)
  })

  test("samples of a TensorDataset collated one by one give the same", async () => {
    const dataset = new TensorDataset(arange(12).view(6, 2), arange(6))
    const whole = await all<Tensor[]>(new DataLoader(dataset, { batchSize: 4 }))
    const single = await all<Tensor[]>(new DataLoader(dataset, { batchSize: 4, collateFn: defaultCollate }))
    expect(whole.map((batch) => batch.map(String))).toEqual(single.map((batch) => batch.map(String)))
    const part = new DataLoader(new Subset(dataset, [5, 0]), { batchSize: 2 })
    expect((await all<Tensor[]>(part)).map(([, y]) => numbers(y))).toEqual([[5, 0]])
  })

  test("an error of the dataset reaches the loop", async () => {
    class Broken extends Dataset<number> {
      get length(): number {
        return 2
      }
      at(): number {
        throw new Error("no such file")
      }
    }
    await expect(all(new DataLoader(new Broken()))).rejects.toThrow("no such file")
    await expect(all(new DataLoader([1, 2], { sampler: [5] }))).rejects.toThrow("no sample at index 5 (length 2)")
  })

  test.each([
    [
      () => new DataLoader(ten, { batch_size: 4 } as never),
      /DataLoader: unknown option "batch_size"; did you mean batchSize\?/,
    ],
    [() => new DataLoader(ten, { numWorkers: 2 } as never), /unknown option "numWorkers"/],
    [() => new DataLoader(3 as never), /a dataset has a length and at\(i\), got 3/],
    [() => new DataLoader(ten, { batchSize: 0 }), /batchSize should be a positive integer value, but got 0/],
    [() => new DataLoader(ten, { shuffle: true, sampler: [1] }), /sampler option is mutually exclusive with shuffle/],
    [() => new DataLoader(ten, { batchSampler: [[1]], batchSize: 2 }), /batchSampler option is mutually exclusive/],
    [() => new DataLoader(ten, { batchSize: null, dropLast: true }), /mutually exclusive with dropLast/],
    [() => new DataLoader(ten, { generator: 3 as never }), /generator must be a Generator, got 3/],
  ])("%s", (run, message) => {
    expect(run).toThrow(message)
  })
})

describe("samplers", () => {
  test("lengths", () => {
    expect(new BatchSampler(new SequentialSampler(ten), 3, true).length).toBe(3)
    expect(new BatchSampler(new SequentialSampler(ten), { batchSize: 3, dropLast: false }).length).toBe(4)
    expect(new RandomSampler(ten, { replacement: true, numSamples: 25 }).length).toBe(25)
    expect([...new RandomSampler([])]).toEqual([])
  })

  test.each([
    [() => new RandomSampler(ten, { numSamples: 0 }), /numSamples should be a positive integer value, but got 0/],
    [() => new RandomSampler(ten, 3 as never), /replacement should be a boolean value, but got 3/],
    [() => new WeightedRandomSampler([1], 0), /numSamples should be a positive integer value, but got 0/],
    [
      () => new BatchSampler(new SequentialSampler(ten), 0, true),
      /batchSize should be a positive integer value, but got 0/,
    ],
  ])("%s", (run, message) => {
    expect(run).toThrow(message)
  })
})

describe("datasets", () => {
  test("TensorDataset", () => {
    const dataset = new TensorDataset(arange(6).view(3, 2), arange(3))
    expect(dataset.length).toBe(3)
    expect(dataset.at(1).map(numbers)).toEqual([[2, 3], [1]])
    expect(() => new TensorDataset(ones(2), ones(3))).toThrow(
      /size mismatch between tensors.*float32\[2\].*float32\[3\]/,
    )
    expect(() => new TensorDataset()).toThrow("expected at least one tensor")
  })

  test("Subset and ConcatDataset", () => {
    const both = new ConcatDataset<unknown>([new Subset(ten, [3, 1]), ["a", "b"]])
    expect(both.length).toBe(4)
    expect([0, 1, 2, -1].map((i) => both.at(i))).toEqual([3, 1, "a", "b"])
    expect(() => both.at(4)).toThrow("ConcatDataset: index 4 is out of range for 4 samples")
    expect(() => new ConcatDataset([])).toThrow("should not be an empty iterable")
  })

  test("randomSplit of lengths that do not fit", () => {
    expect(() => randomSplit(ten, [3, 3])).toThrow(
      "sum of input lengths (6) does not equal the length of the input dataset (10)",
    )
    expect(randomSplit(ten, [1 / 3, 1 / 3, 1 / 3]).map((s) => s.length)).toEqual([4, 3, 3])
  })
})

describe("defaultCollate", () => {
  test("objects, nested tuples, typed arrays, numbers", () => {
    const batch = defaultCollate([
      { x: new Float32Array([1, 2]), at: [1, 0.5] },
      { x: new Float32Array([3, 4]), at: [2, 1] },
    ]) as { x: Tensor; at: Tensor[] }
    expect(numbers(batch.x)).toEqual([1, 2, 3, 4])
    expect(batch.x.shape).toEqual([2, 2])
    expect(batch.at.map((t) => t.dtype)).toEqual(["int32", "float32"])
    expect((defaultCollate([1n, 2n]) as Tensor).dtype).toBe("int64")
  })

  test("samples that differ", () => {
    expect(() => defaultCollate([[1, 2], [1]])).toThrow(
      /should be of equal size, got an array of length 2 and an array of length 1/,
    )
    expect(() => defaultCollate([{ a: 1 }, { b: 1 }])).toThrow(/a sample has no "a"/)
    expect(() => defaultCollate([ones(2), ones(3)])).toThrow(/stack/)
    expect(() => defaultCollate([null])).toThrow(/found null. Pass a collateFn/)
  })
})
