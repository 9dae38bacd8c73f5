/** The error of sums of a million numbers: within what pairwise summation guarantees, in every form. */
import { type DType, input, type ReduceKernel, result } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, reduceKernel, unit, type View } from "./harness.ts"
import { sum } from "./monoids.ts"

type Float = "float32" | "float64"
const N = 1_000_000

/** The bits of a type's numbers. */
const BITS: Readonly<Record<Float, number>> = { float32: 24, float64: 53 }

/** Half of the bits of a double. */
const HALF = 2 ** 27

/** Integers of as many bits as a type holds, all positive or of both signs. */
function integers(dtype: Float, signed: boolean): readonly number[] {
  let state = 12345
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state
  }
  const scale = 2 ** (BITS[dtype] - 32)
  return count(N).map(() => {
    const magnitude = dtype === "float32" ? next() >>> 8 : Math.floor(next() * scale) + (next() >>> 11)
    return signed && next() & 0x80000000 ? -magnitude : magnitude
  })
}

/**
 * The error that pairwise summation in a type stays below, as a part of the sum of absolute values: the depth of its additions
 * times half a unit in the last place. Numpy's and PyTorch's kind halves down to runs of 128, which it adds in 8 lanes.
 */
const pairwiseError = (n: number, dtype: Float): number => (16 + 3 + Math.ceil(Math.log2(n / 128))) * 2 ** -BITS[dtype]

const kernelOf = (dtype: Float, reduced: number, rank: number, access: "unit" | "strided"): ReduceKernel =>
  reduceKernel({
    rank,
    reduced,
    inputs: [unit(dtype, access)],
    outputs: [{ dtype: dtype as DType, access: "unit" }],
    ...sum(dtype, input(0, dtype)),
    finish: [result(0, dtype)],
  })

/** How a million numbers are summed: sizes and strides of a kernel that reduces to few results, which are added exactly. */
const FORMS: readonly (readonly [name: string, results: number, run: readonly number[], strides: readonly number[]])[] =
  [
    ["one run, in pieces", 1, [N], [N, 1]],
    ["long runs", 100, [N / 100], [N / 100, 1]],
    ["runs of runs", 100, [400, 25], [N / 100, 25, 1]],
    ["results side by side", 8, [N / 8], [1, 8]],
    ["results side by side, runs of runs", 8, [250, 500], [1, 4000, 8]],
  ]

/** One kind of code is enough: additions are the same instructions in all. */
const [[, backend]] = backends

for (const dtype of ["float32", "float64"] as const)
  for (const signed of [false, true])
    describe(`sums of ${signed ? "signed" : "positive"} ${dtype}`, () => {
      const values = integers(dtype, signed)
      for (const [name, results, run, strides] of FORMS) {
        const [outer, inner] = run.length === 2 ? run : [1, run[0]]
        const [outerStep, innerStep] = run.length === 2 ? [strides[1], strides[2]] : [0, strides[1]]
        /** The sum of what goes into a result, in two halves that doubles hold exactly. */
        const exactly = (r: number, of: (x: number) => number): number => {
          let [high, low] = [0, 0]
          for (let a = 0; a < outer; a++)
            for (let b = 0; b < inner; b++) {
              const x = of(values[r * strides[0] + a * outerStep + b * innerStep])
              const h = Math.floor(x / HALF)
              high += h
              low += x - h * HALF
            }
          return Number(BigInt(high) * BigInt(HALF) + BigInt(low))
        }
        const exact = count(results).map((r) => exactly(r, (x) => x))
        const absolute = count(results).map((r) => exactly(r, Math.abs))
        it(name, () => {
          const kernel = kernelOf(dtype, run.length, 1 + run.length, strides.at(-1) === 1 ? "unit" : "strided")
          const views: View[] = [{ dtype, values, strides }, empty(dtype, [results])]
          const got = launch(backend, kernel, [results, ...run], views)[1].map(Number)
          const worst = Math.max(...got.map((v, r) => Math.abs(v - exact[r]) / absolute[r]))
          expect(worst).toBeLessThan(pairwiseError(N / results, dtype))
        })
      }
    })
