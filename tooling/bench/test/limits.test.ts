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

test("the probe of multiply-add computes as much as it says, with and without the fused instruction", () => {
  // Twelve accumulators of four lanes begin at 3, 4, ... 14; each iteration has four steps of two operations a lane.
  const { amount, argument, module } = probe("fma", 1)
  expect(amount).toBe(argument * 12 * 4 * 4 * 2)
  const total = (step: (a: number) => number, iterations: number): number =>
    Array.from({ length: 12 }, (_, k) => {
      let a = k + 3
      for (let i = 0; i < 4 * iterations; i++) a = step(a)
      return a
    }).reduce((a, b) => a + b)
  const added = (a: number): number => a + 0.125
  const scaled = (a: number): number => a * 0.5 + 0.25
  type Run = (iterations: number) => number
  expect((instance(unfused()).fma as Run)(2)).toBeCloseTo(total(scaled, 2), 4)
  expect((instance(module).fma as Run)(3)).toBeCloseTo(total(hasFusedMultiplyAdd() ? added : scaled, 3), 4)
})

test("the probes of memory go over their whole arrays", () => {
  const { module, argument: bytes, amount } = probe("stream", 2)
  expect([bytes, amount]).toEqual([2 ** 21, 3 * 2 ** 21])
  const { stream, memory } = instance(module) as { stream(bytes: number): void; memory: WebAssembly.Memory }
  const [sum, a, b] = [0, 1, 2].map((k) => new Float32Array(memory.buffer, k * bytes, bytes / 4))
  a.fill(1)
  b.fill(2)
  stream(bytes)
  expect(sum.every((value) => value === 3)).toBe(true)

  const reading = probe("read", 2)
  expect([reading.argument, reading.amount]).toEqual([bytes, bytes])
  const { read, memory: other } = instance(reading.module) as { read(n: number): number; memory: WebAssembly.Memory }
  new Float32Array(other.buffer).fill(1)
  // One lane of every vector is added up.
  expect(read(bytes)).toBe(bytes / 16)
})

test("two threads are probed together, and every limit is a rate that a machine can have", async () => {
  const limits = await probeLimits(2)
  expect(limits.threads).toBe(2)
  for (const name of PROBE_NAMES) {
    // In 10⁹ a second: an interpreter would be far below, no processor's two threads are above.
    expect(limits[name] / 1e6).toBeGreaterThan(0.2)
    expect(limits[name] / 1e6).toBeLessThan(10_000)
  }
})

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
