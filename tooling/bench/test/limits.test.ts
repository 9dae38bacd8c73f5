import { expect, test } from "vitest"
import { type Limits, limitsText, probeLimits, share } from "../src/limits.ts"
import { hasFusedMultiplyAdd, PROBE_NAMES, probe, unfused } from "../src/probes.ts"

const instance = (bytes: Uint8Array<ArrayBuffer>) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports

test("the probes are valid modules, whatever the number of threads", () => {
  for (const threads of [1, 2, 7, 64, 1000])
    for (const name of PROBE_NAMES) {
      const { module, argument, amount } = probe(name, threads)
      expect(WebAssembly.validate(module)).toBe(true)
      expect(amount).toBeGreaterThan(0)
      expect((instance(module)[name] as (n: number) => unknown)(argument)).not.toBeNaN()
    }
})

test("the probe of multiply-add runs as often as it says, with and without the fused instruction", () => {
  // Twelve accumulators begin at 3, 4, ... 14; each iteration has four steps.
  const start = Array.from({ length: 12 }, (_, k) => k + 3)
  const total = (step: (a: number) => number, iterations: number): number =>
    start.reduce((sum, first) => {
      let a = first
      for (let i = 0; i < 4 * iterations; i++) a = step(a)
      return sum + a
    }, 0)
  const apart = instance(unfused())["fma"] as (iterations: number) => number
  expect(apart(2)).toBeCloseTo(
    total((a) => a * 0.5 + 0.25, 2),
    4,
  )
  const fma = instance(probe("fma", 1).module)["fma"] as (iterations: number) => number
  const step = hasFusedMultiplyAdd() ? (a: number) => a + 0.125 : (a: number) => a * 0.5 + 0.25
  expect(fma(3)).toBeCloseTo(total(step, 3), 4)
})

test("two threads are probed together, and every limit is a rate that a machine can have", async () => {
  const limits = await probeLimits(2)
  expect(limits.threads).toBe(2)
  for (const name of PROBE_NAMES) {
    // In 10⁹ a second: an interpreter would be far below, no processor's two threads are above.
    expect(limits[name] / 1e6).toBeGreaterThan(0.2)
    expect(limits[name] / 1e6).toBeLessThan(10_000)
  }
}, 60_000)

/** 100 GFLOP/s, 60 GB/s and 40 GB/s. */
const LIMITS: Limits = { threads: 2, fma: 100e6, stream: 60e6, read: 40e6 }

test("a work's share of its limit", () => {
  // 2·1024³ operations are 21.47 ms at 100 GFLOP/s.
  expect(share("matmul 1024", 42.95, LIMITS)).toBeCloseTo(0.5, 4)
  // Three arrays of 4 MB are 0.2 ms at 60 GB/s.
  expect(share("add 1M", 0.8, LIMITS)).toBeCloseTo(0.25, 10)
  expect(share("sum dim 0 1M", 0.1, LIMITS)).toBeCloseTo(1, 10)
  expect(share("add 2x2", 0.001, LIMITS)).toBeNull()
})

test("the limits are told per thread and together", () => {
  expect(limitsText(LIMITS)).toContain("Limits of 2 threads, probed in this run: 100 GFLOP/s (")
  expect(limitsText(LIMITS)).toContain(
    "; 50.0 a thread), 60.0 GB/s reading two arrays and writing one, 40.0 GB/s reading",
  )
})
