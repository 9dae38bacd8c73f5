import { type DType, input, type MatmulKernel, result, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, empty, launch, unit, type Value, type View } from "./harness.ts"

const kernel = (dtype: DType, batch: number, epilogue: MatmulKernel["epilogue"] = null): MatmulKernel => ({
  kind: "matmul",
  batch,
  dtype,
  epilogue,
})
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

function product(a: readonly number[], c: readonly number[], m: number, n: number, k: number): number[] {
  return count(m * n).map((at) => count(k).reduce((s, p) => s + a[Math.floor(at / n) * k + p] * c[p * n + (at % n)], 0))
}

describe.each(backends)("matmul, %s", (_, backend) => {
  it.each<DType>(["float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8"])(
    "%s",
    (dtype) => {
      const [m, n, k] = [3, 5, 4]
      const a = count(m * k).map((i) => (i % 5) - (dtype === "uint8" ? 0 : 2))
      const c = count(k * n).map((i) => (i % 7) - (dtype === "uint8" ? 0 : 3))
      const typed = (x: number[]): Value[] => (dtype === "int64" ? x.map(BigInt) : x)
      const views: View[] = [
        { dtype, values: typed(a), sizes: [m, k] },
        { dtype, values: typed(c), sizes: [k, n] },
        empty(dtype, [m, n]),
      ]
      expect(launch(backend, kernel(dtype, 0), [m, n, k], views)[2]).toEqual(typed(product(a, c, m, n, k)))
    },
  )

  it("broadcasts batches and follows strides", () => {
    const a = count(12)
    const c = count(24)
    const views: View[] = [
      { dtype: "float32", values: a, sizes: [2, 2, 3], strides: [6, 1, 2] },
      { dtype: "float32", values: c, sizes: [2, 3, 4], strides: [0, 4, 1] },
      { ...empty("float32", [2, 2, 4]), strides: [8, 1, 2] },
    ]
    const out = launch(backend, kernel("float32", 1), [2, 2, 4, 3], views)[2]
    for (const b of [0, 1]) {
      const left = count(6).map((i) => a[b * 6 + Math.floor(i / 3) + 2 * (i % 3)])
      product(left, c, 2, 4, 3).forEach((v, i) => expect(out[b * 8 + Math.floor(i / 4) + 2 * (i % 4)]).toBe(v))
    }
  })

  it.each<DType>(["float32", "float16"])("applies an epilogue with a bias and a scalar: %s", (dtype) => {
    const bias = dtype === "float16" ? input(0, dtype).cast("float32") : input(0, dtype)
    const epilogue = {
      inputs: [unit(dtype)],
      scalars: ["float32"] as const,
      body: result(0, "float32").mul(scalar(0, "float32")).add(bias).max(0),
    }
    const views: View[] = [
      { dtype, values: [1, 2, 3, 4], sizes: [2, 2] },
      { dtype, values: [1, -1, 2, 1], sizes: [2, 2] },
      { dtype, values: [0.5, -4], sizes: [2, 2], strides: [0, 1] },
      empty(dtype, [2, 2]),
    ]
    expect(launch(backend, kernel(dtype, 0, epilogue), [2, 2, 2], views, [0.5])[3]).toEqual([3, 0, 6, 0])
  })

  it("gives zeros for an empty inner dim and nothing for an empty result", () => {
    const views = (m: number, n: number, k: number): View[] => [
      empty("float16", [m, k]),
      empty("float16", [k, n]),
      { ...empty("float16", [m, n]), values: count(m * n).map(() => 9) },
    ]
    expect(launch(backend, kernel("float16", 0), [2, 2, 0], views(2, 2, 0))[2]).toEqual([0, 0, 0, 0])
    expect(launch(backend, kernel("float16", 0), [0, 2, 3], views(0, 2, 3))[2]).toEqual([])
  })

  it("leaves bool products to the core", () => {
    expect(backend.supports(kernel("bool", 0))).toContain("bool")
    expect(() => backend.compile(kernel("bool", 0))).toThrow("cannot compile matmul bool")
  })
})
