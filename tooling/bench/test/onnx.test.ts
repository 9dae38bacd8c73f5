import * as runtime from "onnxruntime-web"
import { expect, test } from "vitest"
import type { Model } from "../src/onnx.ts"
import { chain, conv2d, elementwise, matmul, session, sum } from "../src/ort.ts"
import { numbers } from "../src/works.ts"

runtime.env.wasm.numThreads = 1

/** What a model gives in ONNX Runtime, and the inputs it was given. */
async function run(model: Model) {
  const { opened, feeds } = await session(runtime, model, { executionProviders: ["wasm"] })
  const [result] = Object.values(await opened.run(feeds))
  const inputs = Object.values(feeds).map((tensor) => tensor.data as Float32Array)
  return { inputs, dims: result.dims, data: [...(result.data as Float32Array)] }
}

/** Few additions of numbers of about unit size in float32. */
const near = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length)
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 5)
  })
}

test("matmul", async () => {
  const n = 3
  const { inputs, dims, data } = await run(matmul(n))
  const [a, b] = inputs
  expect(dims).toEqual([n, n])
  near(
    data,
    Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n]
      return a[i * n] * b[j] + a[i * n + 1] * b[n + j] + a[i * n + 2] * b[2 * n + j]
    }),
  )
})

test("conv2d without padding", async () => {
  const { inputs, dims, data } = await run(conv2d([1, 1, 3, 4], [2, 1, 2, 2]))
  const [x] = inputs
  const w = numbers(8, 4)
  expect(dims).toEqual([1, 2, 2, 3])
  near(
    data,
    Array.from({ length: 12 }, (_, at) => {
      const [o, i, j] = [Math.floor(at / 6), Math.floor(at / 3) % 2, at % 3]
      const [top, bottom] = [i * 4 + j, (i + 1) * 4 + j]
      return x[top] * w[4 * o] + x[top + 1] * w[4 * o + 1] + x[bottom] * w[4 * o + 2] + x[bottom + 1] * w[4 * o + 3]
    }),
  )
})

test("add and chain", async () => {
  const added = await run(elementwise("Add", [2, 3], "a", "b"))
  near(
    added.data,
    Array.from(added.inputs[0], (a, i) => a + added.inputs[1][i]),
  )
  const chained = await run(chain([2, 3]))
  near(
    chained.data,
    Array.from(chained.inputs[0], (x, i) => {
      const y = chained.inputs[1][i]
      return Math.tanh(x * y + y) * 0.5 + x
    }),
  )
})

test("gelu is the form with erf", async () => {
  const { inputs, data } = await run(elementwise("Gelu", [2, 3], "x"))
  // erf(t) = 2/√π · (t - t³/3 + t⁵/(2!·5) - …), to which twenty terms add nothing at |t| < 1.
  const erf = (t: number): number => {
    let [sum, power] = [0, t]
    for (let k = 0; k < 20; k++) {
      sum += power / (2 * k + 1)
      power *= -(t * t) / (k + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  near(
    data,
    Array.from(inputs[0], (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))),
  )
})

test("softmax over the last dim", async () => {
  const { inputs, data } = await run(elementwise("Softmax", [2, 2], "x"))
  const [x] = inputs
  near(
    data,
    [0, 1, 2, 3].map((i) => 1 / (1 + Math.exp(x[i ^ 1] - x[i]))),
  )
})

test("sums over the first dim and over all", async () => {
  const first = await run(sum([2, 3], [0]))
  const [x] = first.inputs
  expect(first.dims).toEqual([3])
  near(
    first.data,
    [0, 1, 2].map((j) => x[j] + x[3 + j]),
  )
  const all = await run(sum([2, 3], [0, 1]))
  expect(all.dims).toEqual([])
  near(all.data, [x.reduce((a, b) => a + b, 0)])
})
