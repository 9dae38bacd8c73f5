import { describe, expect, test } from "vitest"
import { measure } from "../src/bench/measure.ts"
import { median, resultOf, spread } from "../src/bench/rounds.ts"

describe("rounds", () => {
  test("have a median", () => {
    expect(median([])).toBeNull()
    expect(median([7])).toBe(7)
    expect(median([9, 1, 4])).toBe(4)
    expect(median([9, 1, 4, 2])).toBe(3)
  })

  test("are compared with the same round of the first backend", () => {
    // The machine was twice as busy in the second round, for both.
    expect(resultOf("sum 1M", "wasm-simd", [1, 2, 1.5], [10, 20, 9])).toEqual({
      work: "sum 1M",
      backend: "wasm-simd",
      ms: 1.5,
      least: 1,
      greatest: 2,
      ratio: 10,
    })
  })

  test("without a time have none, and no ratio", () => {
    const none = resultOf("sum 1M", "webgpu", [null, null], [1, 2])
    expect(none).toMatchObject({ ms: null, least: null, greatest: null, ratio: null })
    expect(spread(none)).toBe(0)
    expect(resultOf("sum 1M", "webgpu", [null, 4], [1, 2])).toMatchObject({ ms: 4, ratio: 0.5 })
    expect(resultOf("sum 1M", "webgpu", [4], [null]).ratio).toBeNull()
  })

  test("are as far apart as the least and the greatest are", () => {
    expect(spread(resultOf("sum 1M", "cpu-js", [4, 5, 3], [4, 5, 3]))).toBe(0.5)
  })
})

test("a measurement is the median time of one work of those that are done in bulk", async () => {
  let runs = 0
  const runner = {
    repeat: 10,
    run() {
      runs++
      const end = performance.now() + 5
      while (performance.now() < end);
    },
  }
  const ms = await measure(runner, 20)
  expect(ms).toBeGreaterThanOrEqual(0.5)
  expect(ms).toBeLessThan(5)
  expect(runs).toBeGreaterThan(5)
})
