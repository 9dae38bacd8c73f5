/** Kernels that are tried before they are used: on an emulated device that gets them right, and on some that do not. */
import { decodeHalf, encodeHalf, type Kernel } from "@taeda/core"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import type { CudaBackend } from "../src/index.ts"
import { count, openEmulated, withSettings } from "./harness.ts"

const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
const warned = (): [string, unknown][] => warnings.mock.calls.map(([message, name]) => [String(message), name])

/** What was tried stays known of a device as long as the process lives: each test has a driver of its own. */
let driverVersion = 12010
beforeEach(() => {
  warnings.mockClear()
  driverVersion += 10
})

let backend: CudaBackend | null = null
afterEach(() => {
  backend?.dispose()
  backend = null
})

/** On two multiprocessors, so that two tiles fill the device. */
const onDevice = async <T>(
  settings: Readonly<Record<string, string>>,
  body: (backend: CudaBackend) => T | Promise<T>,
) =>
  withSettings({ THREADS: "2", QUIET: "1", DRIVER_VERSION: String(driverVersion), ...settings }, async () => {
    backend = await openEmulated()
    return body(backend)
  })

interface Product {
  /** What it should be. */
  readonly want: readonly number[]
  readonly multiply: () => void
  readonly result: () => number[]
}

/** A product of matrices of ones, twos and so on, in a type of halves. */
const DEPTH = 72

function productOf(
  on: CudaBackend,
  [rows, columns]: readonly [number, number],
  dtype: "bfloat16" | "float16" = "bfloat16",
): Product {
  const x = count(rows * DEPTH).map((i) => ((i * 7919) % 3) - 1)
  const y = count(DEPTH * columns).map((i) => ((i * 104729) % 3) - 1)
  const want = count(rows * columns).map((i) => {
    const [m, n] = [Math.floor(i / columns), i % columns]
    let sum = 0
    for (let k = 0; k < DEPTH; k++) sum += x[m * DEPTH + k] * y[k * columns + n]
    return sum
  })
  const place = (sizes: readonly [number, number], values?: readonly number[]) => {
    const buffer = on.allocate(2 * sizes[0] * sizes[1], dtype)
    if (values) on.write(buffer, new Uint8Array(encodeHalf(values, dtype).buffer))
    return { buffer, offset: 0, sizes, strides: [sizes[1], 1] }
  }
  const operands = [place([rows, DEPTH], x), place([DEPTH, columns], y), place([rows, columns])]
  const kernel: Kernel = { kind: "matmul", batch: 0, dtype, epilogue: null }
  const executable = on.compile(kernel)
  return {
    want,
    multiply: () => on.launch(executable, [rows, columns, DEPTH], operands, []),
    result: () => {
      const bytes = on.readSync(operands[2].buffer, 0, 2 * rows * columns)
      return Array.from(decodeHalf(new Uint16Array(bytes.slice().buffer), dtype), (v) => v + 0)
    },
  }
}

const expectProduct = ({ multiply, result, want }: Product): void => {
  multiply()
  expect(result()).toEqual(want)
}

const LARGE = [256, 256] as const
const SMALL = [40, 72] as const

describe("kernels that are tried", () => {
  it("are used without a word where they are right, and are tried once", () =>
    onDevice({}, (on) => {
      const { launches } = on.counts()
      for (const size of [LARGE, LARGE, SMALL]) expectProduct(productOf(on, size))
      expect(on.counts().launches - launches).toBe(3)
      expect(warned()).toEqual([])
    }))

  it("give way to simpler ones where they are wrong, with one warning for each", () =>
    onDevice({ WRONG: "wgmma" }, (on) => {
      for (const size of [LARGE, LARGE, SMALL]) expectProduct(productOf(on, size))
      expect(warned()).toEqual([
        [expect.stringContaining("(cp.async.bulk.tensor, mbarrier, wgmma) give wrong results"), "CudaKernelWarning"],
        [
          expect.stringMatching(
            /^cuda: on cuda:0 \(Emulated .*, compute capability 9\.0, driver for CUDA 12\.\d+\) the kernels in which warpgroups multiply \(wgmma\) give wrong results: in a product of \d+×\d+ and \d+×\d+ elements of bfloat16, \[0, \d+\] should be -?\d+, and is -?\d+\. .* simpler kernels stand in, whose results are right/,
          ),
          "CudaKernelWarning",
        ],
      ])
    }))

  it("give way one after the other", () =>
    onDevice({ WRONG: "bulk" }, (on) => {
      for (const size of [LARGE, LARGE, SMALL]) expectProduct(productOf(on, size))
      expect(warned().map(([message]) => message)).toEqual([
        expect.stringContaining("(cp.async.bulk.tensor, mbarrier, wgmma) give wrong results"),
      ])
    }))

  it("give way to the simplest ones", () =>
    onDevice({ WRONG: "bulk, cp.async" }, (on) => {
      for (const size of [LARGE, SMALL]) expectProduct(productOf(on, size))
      expect(warned().map(([message]) => message)).toEqual([
        expect.stringContaining("(cp.async.bulk.tensor, mbarrier, wgmma) give wrong results"),
        expect.stringContaining("(wgmma) give wrong results"),
        expect.stringContaining("(cp.async, ldmatrix, mma) give wrong results"),
      ])
    }))

  it("give way where the driver does not take them", () =>
    onDevice({ REFUSE: "cp.async" }, (on) => {
      for (const size of [LARGE, SMALL]) expectProduct(productOf(on, size, "float16"))
      expect(warned().map(([message]) => message)).toEqual([
        expect.stringMatching(/\(cp\.async\.bulk\.tensor, mbarrier, wgmma\) do not run: .*cp\.async/s),
        expect.stringMatching(/\(wgmma\) do not run: .*cp\.async/s),
        expect.stringMatching(/\(cp\.async, ldmatrix, mma\) do not run: .*cp\.async/s),
      ])
    }))

  it("are not tried while launches are recorded, and not used either", () =>
    onDevice({}, (on) => {
      const product = productOf(on, LARGE)
      const { replay, dispose } = on.capture(product.multiply)
      replay()
      expect(product.result()).toEqual(product.want)
      dispose()
      expect(warned()).toEqual([])
    }))

  it("are not tried again on a device that is opened anew", async () => {
    await onDevice({ WRONG: "wgmma" }, (on) => expectProduct(productOf(on, LARGE)))
    expect(warned()).toHaveLength(2)
    backend?.dispose()
    await onDevice({}, (on) => expectProduct(productOf(on, LARGE)))
    expect(warned()).toHaveLength(2)
  })
})
