/** How many dispatches ops take: what is computed along rows is one, and so is its gradient. */
import * as core from "@taeda/core"
import { afterAll, expect, it } from "vitest"
import { createWebGpu } from "../src/index.ts"
import { UNCLEARED } from "./harness.ts"

const backend = await createWebGpu({ ...UNCLEARED, merging: "never" })
afterAll(() => backend.dispose())

type Tensor = core.Tensor
const device = core.deviceOf(backend)
const G = { device, requiresGrad: true }
const rand = (...sizes: number[]): Tensor => core.rand(sizes, G)
const plain = (...sizes: number[]): Tensor => core.ones(sizes, { device })

interface Case {
  readonly make: () => () => Tensor
  readonly forward: number
  /** Of the gradients, given that of the result. */
  readonly backward: number
}

const CASES: Readonly<Record<string, Case>> = {
  softmax: {
    make: () => {
      const x = rand(8, 100)
      return () => core.softmax(x, 1)
    },
    forward: 1,
    backward: 1,
  },
  "softmax along the first dim": {
    make: () => {
      const x = rand(8, 100)
      return () => core.softmax(x, 0)
    },
    forward: 1,
    backward: 1,
  },
  logSoftmax: {
    make: () => {
      const x = rand(8, 5, 3)
      return () => core.logSoftmax(x, 1)
    },
    forward: 1,
    backward: 1,
  },
  // The logarithms, and what is picked of them; back one kernel for both, after the 1 that the loss's gradient is.
  crossEntropy: {
    make: () => {
      const x = rand(8, 10)
      const target = core.tensor([1, 2, 3, 4, 5, 6, 7, 8], { dtype: "int32", device })
      return () => core.crossEntropy(x, target)
    },
    forward: 2,
    backward: 2,
  },
  "layerNorm: x, and weight and bias": {
    make: () => {
      const [x, w, b] = [rand(8, 100), rand(100), rand(100)]
      return () => core.layerNorm(x, [100], w, b)
    },
    forward: 1,
    backward: 2,
  },
  "rmsNorm: x, and weight": {
    make: () => {
      const [x, w] = [rand(8, 100), rand(100)]
      return () => core.rmsNorm(x, [100], w)
    },
    forward: 1,
    backward: 2,
  },
  "groupNorm: x, and weight and bias": {
    make: () => {
      const [x, w, b] = [rand(2, 6, 5, 5), rand(6), rand(6)]
      return () => core.groupNorm(x, 3, w, b)
    },
    forward: 1,
    backward: 2,
  },
  // The running statistics are a second one; the sums for weight and bias are those of the rows.
  "batchNorm in training": {
    make: () => {
      const [x, w, b] = [rand(8, 6, 5, 5), rand(6), rand(6)]
      const [mean, variance] = [plain(6), plain(6)]
      return () => core.batchNorm(x, mean, variance, w, b, true)
    },
    forward: 2,
    backward: 1,
  },
  // Few channels of many elements: a dispatch for each stage, and one for the elements.
  "batchNorm of few channels": {
    make: () => {
      const [x, w, b] = [rand(8, 2, 64, 64), rand(2), rand(2)]
      return () => core.batchNorm(x, null, null, w, b, true)
    },
    forward: 3,
    backward: 2,
  },
}

it.each(Object.entries(CASES))("%s", async (_, { make, forward, backward }) => {
  const run = make()
  /** Of all that was launched until now; what failed on the GPU throws here. */
  const count = async (): Promise<number> => {
    await backend.synchronize()
    return backend.commandCounts().dispatches
  }
  const before = await count()
  const y = run()
  const between = await count()
  const g = y.ndim === 0 ? null : plain(...y.shape)
  const start = await count()
  if (g) y.backward(g)
  else y.backward()
  expect([between - before, (await count()) - start]).toEqual([forward, backward])
})
