/** NVIDIA's libraries, as stand-ins that compute on the emulator's memory: what they are asked for, and what is said where they fail. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  bfloat16ToNumber,
  constant,
  type DType,
  type Epilogue,
  input,
  type MatmulKernel,
  numberToBfloat16,
  result,
  type Scalar,
  scalar,
} from "@taeda/core"
import { afterEach, describe, expect, it, vi } from "vitest"
import type { DeviceMemory, ProductSpec } from "../src/driver.ts"
import type { CudaBackend, CudaOptions } from "../src/index.ts"
import { libraryFiles } from "../src/library-files.ts"
import { matmulPlanner } from "../src/matmul.ts"
import type { NativeLibraries } from "../src/native-libraries.ts"
import {
  count,
  EMULATED,
  empty,
  launched,
  loadDriver,
  onContext,
  openEmulated,
  rowMajor,
  STAND_INS,
  type Value,
  type View,
  where,
  withSettings,
} from "./harness.ts"

const CUBLASLT = process.platform === "win32" ? "cublasLt64_13.dll" : "libcublasLt.so.13"
const ALL: CudaOptions = { libraries: ["cublasLt"], libraryFolder: STAND_INS }
const AUTO: CudaOptions = { libraries: "auto", libraryFolder: STAND_INS }

/** Runs `body` on a backend of its own. */
async function onBackend<T>(options: CudaOptions, body: (backend: CudaBackend) => T | Promise<T>): Promise<T> {
  const backend = await openEmulated(options)
  try {
    return await body(backend)
  } finally {
    backend.dispose()
  }
}

const callsOf = (backend: CudaBackend): number => backend.libraries().reduce((sum, { calls }) => sum + calls, 0)

/** Whole numbers, few and small, so that every type and every order of sums holds them exactly. */
const small = (n: number, step: number): number[] => count(n).map((i) => ((i * step) % 5) - 2)

interface Product {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  readonly depth: number
}
const SIZES: Product = { batches: 2, rows: 6, columns: 5, depth: 9 }

/** Element (z, i, j) of a row-major array. */
const at = (values: readonly number[], z: number, rows: number, columns: number, i: number, j: number): number =>
  values[(z * rows + i) * columns + j]

function sums({ batches, rows, columns, depth }: Product, x: readonly number[], y: readonly number[]): number[] {
  return count(batches).flatMap((z) =>
    count(rows).flatMap((i) =>
      count(columns).map((j) =>
        count(depth).reduce((sum, k) => sum + at(x, z, rows, depth, i, k) * at(y, z, depth, columns, k, j), 0),
      ),
    ),
  )
}

/** Row-major values as a view whose last two dims lie the other way round. */
function turned(
  values: readonly number[],
  [batches, rows, columns]: readonly number[],
): Pick<View, "values" | "strides"> {
  const stored = count(batches).flatMap((z) =>
    count(columns).flatMap((j) => count(rows).map((i) => at(values, z, rows, columns, i, j))),
  )
  return { values: stored, strides: [rows * columns, 1, rows] }
}

const view = (dtype: DType, values: readonly number[], sizes: readonly number[], isTurned: boolean): View => ({
  dtype,
  sizes,
  ...(isTurned ? turned(values, sizes) : { values, strides: rowMajor(sizes) }),
})

const kernelOf = (dtype: DType, batch: number, epilogue: Epilogue | null = null): MatmulKernel => ({
  kind: "matmul",
  batch,
  dtype,
  epilogue,
})

const TYPES = ["float32", "float64", "float16", "bfloat16"] as const

describe.each(TYPES)("products of %s", (dtype) => {
  it("of rows and of columns, into rows and columns", () =>
    onBackend(ALL, async (backend) => {
      const { batches, rows, columns, depth } = SIZES
      const [x, y] = [small(batches * rows * depth, 3), small(batches * depth * columns, 7)]
      const expected = sums(SIZES, x, y)
      for (const [a, b, c] of count(8).map((bits) => [bits & 1, bits & 2, bits & 4].map(Boolean))) {
        const out = view(dtype, new Array(batches * rows * columns).fill(0), [batches, rows, columns], c)
        const views = [view(dtype, x, [batches, rows, depth], a), view(dtype, y, [batches, depth, columns], b), out]
        const [, , stored] = await launched(backend, kernelOf(dtype, 1), [batches, rows, columns, depth], views)
        const wanted = c ? turned(expected, [batches, rows, columns]).values : expected
        expect(stored).toEqual(wanted)
      }
      expect(callsOf(backend)).toBe(8)
    }))

  it("of parts of larger matrices, of vectors, of one matrix for all batches, and where the depth is 0", () =>
    onBackend(ALL, async (backend) => {
      const run = async (
        { batches, rows, columns, depth }: Product,
        x: Omit<View, "dtype" | "sizes">,
        y: Omit<View, "dtype" | "sizes">,
      ): Promise<Value[]> => {
        const sizes = [batches, rows, columns]
        const views: View[] = [
          { ...x, dtype, sizes: [batches, rows, depth] },
          { ...y, dtype, sizes: [batches, depth, columns] },
          { dtype, sizes, values: new Array(batches * rows * columns).fill(9) },
        ]
        return (await launched(backend, kernelOf(dtype, 1), [...sizes, depth], views))[2]
      }
      // A window of 3 × 4 at (1, 2) of 5 × 7.
      const wide = small(35, 3)
      const window = count(3).flatMap((i) => count(4).map((k) => wide[(i + 1) * 7 + k + 2]))
      const y = small(20, 7)
      const size = { batches: 1, rows: 3, columns: 5, depth: 4 }
      expect(await run(size, { values: wide, strides: [0, 7, 1], offset: 9 }, { values: y })).toEqual(
        sums(size, window, y),
      )
      // The same factor for each of two batches.
      const two = { ...size, batches: 2 }
      const x = small(24, 3)
      expect(await run(two, { values: x }, { values: y, strides: [0, 5, 1] })).toEqual(sums(two, x, [...y, ...y]))
      const vector = { batches: 1, rows: 1, columns: 1, depth: 20 }
      expect(await run(vector, { values: y }, { values: small(20, 3) })).toEqual(sums(vector, y, small(20, 3)))
      expect(callsOf(backend)).toBe(3)
      expect(await run({ ...size, depth: 0 }, { values: [0] }, { values: [0] })).toEqual(new Array(15).fill(0))
      expect(callsOf(backend)).toBe(3)
    }))
})

/** An addend, as the core writes what is done with it. */
const type = (dtype: DType): DType => (dtype === "float64" ? "float64" : "float32")
const summed = (dtype: DType, access: "unit" | "broadcast" = "unit"): Epilogue => ({
  inputs: [{ dtype, access }],
  scalars: [],
  body: input(0, dtype)
    .cast(type(dtype))
    .add(result(0, type(dtype)))
    .cast(type(dtype)),
})
const scaled = (dtype: DType): Epilogue => {
  const t = type(dtype)
  return {
    inputs: [{ dtype, access: "unit" }],
    scalars: [t, t],
    body: input(0, dtype)
      .cast(t)
      .mul(scalar(0, t))
      .add(result(0, t).mul(scalar(1, t)))
      .cast(t),
  }
}
const relu = (dtype: DType, before: Epilogue | null): Epilogue => {
  const sum = before?.body ?? result(0, dtype)
  return { inputs: before?.inputs ?? [], scalars: [], body: where(sum.lt(0), constant(0, dtype), sum) }
}

describe("what becomes of a product", () => {
  const { batches, rows, columns, depth } = { ...SIZES, batches: 1 }
  const size = { batches, rows, columns, depth }
  const [x, y] = [small(rows * depth, 3), small(depth * columns, 7)]
  const plain = sums(size, x, y)
  const addend = small(rows * columns, 11)
  const factors = (dtype: DType): View[] => [
    view(dtype, x, [rows, depth], false),
    view(dtype, y, [depth, columns], false),
  ]
  const run = async (
    backend: CudaBackend,
    kernel: MatmulKernel,
    others: readonly View[],
    scalars: readonly Scalar[] = [],
  ): Promise<Value[]> => {
    const { dtype } = kernel
    const views = [...factors(dtype), ...others, empty(dtype, [rows, columns])]
    return (await launched(backend, kernel, [rows, columns, depth], views, scalars)).at(-1)!
  }

  it.each(TYPES)("is the library's own where it has such: addends and factors of %s", (dtype) =>
    onBackend(ALL, async (backend) => {
      const launches = (): number => backend.counts().launches
      const before = launches()
      const matrix: View = { dtype, sizes: [rows, columns], values: addend }
      const bias: View = { dtype, sizes: [rows, columns], values: addend.slice(0, columns), strides: [0, 1] }
      expect(await run(backend, kernelOf(dtype, 0, summed(dtype)), [matrix])).toEqual(
        plain.map((v, i) => v + addend[i]),
      )
      expect(await run(backend, kernelOf(dtype, 0, summed(dtype, "broadcast")), [bias])).toEqual(
        plain.map((v, i) => v + addend[i % columns]),
      )
      expect(await run(backend, kernelOf(dtype, 0, scaled(dtype)), [matrix], [2, 3])).toEqual(
        plain.map((v, i) => 3 * v + 2 * addend[i]),
      )
      expect(callsOf(backend)).toBe(3)
      expect(launches() - before).toBe(3)
    }),
  )

  it("and what it has not is done by a kernel that follows, in place or from a buffer of sums", () =>
    onBackend(ALL, async (backend) => {
      const launches = (): number => backend.counts().launches
      const before = launches()
      const column: View = { dtype: "float32", sizes: [rows, columns], values: addend.slice(0, rows), strides: [1, 0] }
      const kernel = kernelOf("float32", 0, relu("float32", summed("float32", "broadcast")))
      expect(await run(backend, kernel, [column])).toEqual(
        plain.map((v, i) => Math.max(0, v + addend[Math.floor(i / columns)])),
      )
      const half: View = { ...column, dtype: "bfloat16" }
      expect(await run(backend, kernelOf("bfloat16", 0, summed("bfloat16", "broadcast")), [half])).toEqual(
        plain.map((v, i) => v + addend[Math.floor(i / columns)]),
      )
      // Every second element of a row.
      const [, , strided] = await launched(
        backend,
        kernelOf("float32", 0),
        [rows, columns, depth],
        [
          ...factors("float32"),
          {
            dtype: "float32",
            sizes: [rows, columns],
            values: new Array(2 * rows * columns).fill(7),
            strides: [2 * columns, 2],
          },
        ],
      )
      expect(strided).toEqual(plain.flatMap((v) => [v, 7]))
      expect([callsOf(backend), launches() - before]).toEqual([3, 6])
    }))

  it("stays no number where a factor is none, whatever it is multiplied by", () =>
    onBackend(ALL, async (backend) => {
      const views = [
        { dtype: "float32", sizes: [rows, depth], values: x.map((v, i) => (i === 0 ? Number.NaN : v)) } as const,
        factors("float32")[1],
      ]
      const rowOf = async (epilogue: Epilogue, scalars: readonly Scalar[], others: readonly View[]): Promise<Value[]> =>
        (
          await launched(
            backend,
            kernelOf("float32", 0, epilogue),
            [rows, columns, depth],
            [...views, ...others, empty("float32", [rows, columns])],
            scalars,
          )
        )
          .at(-1)!
          .slice(0, columns)
      const none = new Array(columns).fill(Number.NaN)
      const infinite: View = {
        dtype: "float32",
        sizes: [rows, columns],
        values: addend.map(() => Number.POSITIVE_INFINITY),
      }
      expect(await rowOf(relu("float32", null), [], [])).toEqual(none)
      expect(await rowOf(scaled("float32"), [1, 0], [empty("float32", [rows, columns])])).toEqual(none)
      expect(await rowOf(scaled("float32"), [0, 1], [infinite])).toEqual(none)
    }))

  it("rounds a half type once, from float32", () =>
    onBackend(ALL, async (backend) => {
      const [a, b, c] = [1.0078125, 1.0078125, -1.015625]
      const views: View[] = [
        { dtype: "bfloat16", sizes: [1, 1], values: [a] },
        { dtype: "bfloat16", sizes: [1, 1], values: [b] },
        { dtype: "bfloat16", sizes: [1, 1], values: [c] },
        empty("bfloat16", [1, 1]),
      ]
      const stored = await launched(backend, kernelOf("bfloat16", 0, summed("bfloat16")), [1, 1, 1], views)
      expect(stored[3]).toEqual([bfloat16ToNumber(numberToBfloat16(Math.fround(Math.fround(a * b) + c)))])
      expect(callsOf(backend)).toBe(1)
    }))
})

/** As attention has them: heads lie between the steps of a sequence, so that batches and heads cannot be joined. */
describe("batches in two dims that cannot be joined", () => {
  const [batches, heads, rows, columns, depth] = [3, 2, 6, 5, 9]
  const size = { batches: batches * heads, rows, columns, depth }
  const [x, y] = [small(batches * heads * rows * depth, 3), small(batches * heads * depth * columns, 7)]
  const expected = sums(size, x, y)
  /** Row-major values of [batches, heads, m, n], stored as [batches, m, heads, n]. */
  const between = (dtype: DType, values: readonly number[], m: number, n: number): View => ({
    dtype,
    sizes: [batches, heads, m, n],
    strides: [m * heads * n, n, heads * n, 1],
    values: count(batches).flatMap((b) =>
      count(m).flatMap((i) =>
        count(heads).flatMap((h) => count(n).map((j) => values[((b * heads + h) * m + i) * n + j])),
      ),
    ),
  })
  const zeros = new Array(expected.length).fill(0)
  const run = async (
    backend: CudaBackend,
    dtype: DType,
    out: View,
    epilogue: Epilogue | null = null,
    others: readonly View[] = [],
  ): Promise<Value[]> => {
    const views = [between(dtype, x, rows, depth), between(dtype, y, depth, columns), ...others, out]
    const kernel = kernelOf(dtype, 2, epilogue)
    return (await launched(backend, kernel, [batches, heads, rows, columns, depth], views)).at(-1)!
  }

  it.each(TYPES)("are a call for each of the shorter one, of %s", (dtype) =>
    onBackend(ALL, async (backend) => {
      const sizes = [batches, heads, rows, columns]
      expect(await run(backend, dtype, { dtype, sizes, values: zeros })).toEqual(expected)
      expect(callsOf(backend)).toBe(heads)
      const out = between(dtype, zeros, rows, columns)
      expect(await run(backend, dtype, out)).toEqual(between(dtype, expected, rows, columns).values)
      expect(callsOf(backend)).toBe(2 * heads)
    }),
  )

  it("have an addend of their own, or a bias, or what is done by a kernel that follows", () =>
    onBackend(ALL, async (backend) => {
      const dtype = "float32"
      const sizes = [batches, heads, rows, columns]
      const out: View = { dtype, sizes, values: zeros }
      const launches = (): number => backend.counts().launches
      const before = launches()
      const addend = small(expected.length, 11)
      const matrix = between(dtype, addend, rows, columns)
      const sum = expected.map((v, i) => v + addend[i])
      expect(await run(backend, dtype, out, summed(dtype), [matrix])).toEqual(sum)
      // One for each head.
      const bias: View = { dtype, sizes, values: addend.slice(0, heads * columns), strides: [0, columns, 0, 1] }
      const biased = expected.map(
        (v, i) => v + addend[(Math.floor(i / (rows * columns)) % heads) * columns + (i % columns)],
      )
      expect(await run(backend, dtype, out, summed(dtype, "broadcast"), [bias])).toEqual(biased)
      // Both are the library's own.
      expect([callsOf(backend), launches() - before]).toEqual([2 * heads, 2 * heads])
      const [calls, last] = [callsOf(backend), launches()]
      const positive = relu(dtype, summed(dtype))
      expect(await run(backend, dtype, out, positive, [matrix])).toEqual(sum.map((v) => Math.max(0, v)))
      expect([callsOf(backend) - calls, launches() - last]).toEqual([heads, heads + 1])
      const half: View = { dtype: "bfloat16", sizes, values: zeros }
      const column: View = { dtype: "bfloat16", sizes, values: addend.slice(0, rows), strides: [0, 0, 1, 0] }
      expect(await run(backend, "bfloat16", half, summed("bfloat16", "broadcast"), [column])).toEqual(
        expected.map((v, i) => v + addend[Math.floor(i / columns) % rows]),
      )
      expect(callsOf(backend) - calls).toBe(2 * heads)
    }))

  it("are our own kernels' where there would be many calls, or each would have little to do", () => {
    const planned = (
      insisted: boolean,
      [first, second, side]: readonly [number, number, number],
    ): "ours" | { calls: number; alignments: number[] } => {
      const specs: ProductSpec[] = []
      const libraries: NativeLibraries = {
        isThere: () => true,
        isInsisted: () => insisted,
        prepareProduct(spec) {
          specs.push(spec)
          return { workspaceBytes: 64 }
        },
        prepareConvolution: () => null,
      }
      const limits = { target: 90, multiprocessors: 132, sharedBytes: 227 * 1024 }
      const { plan } = matmulPlanner(kernelOf("float32", 2), limits, libraries)
      const sizes = [first, second, side, side]
      const place = { offset: 0, sizes, strides: [second * side * (side + 2), side + 2, second * (side + 2), 1] }
      const { launches } = plan({ sizes: [...sizes, side], operands: [place, place, place], scalars: [] })
      if (!launches.every((launch) => "product" in launch)) return "ours"
      const [{ a, b, d }] = specs
      return { calls: launches.length, alignments: [a, b, d].map(({ alignment }) => alignment) }
    }
    // Heads lie 514 floats apart, which is a multiple of 8 bytes, and not of 16.
    expect(planned(false, [8, 4, 512])).toEqual({ calls: 4, alignments: [8, 8, 8] })
    expect(planned(false, [4, 32, 1024])).toMatchObject({ calls: 4 })
    expect(planned(false, [8, 4, 64])).toBe("ours")
    expect(planned(false, [40, 33, 512])).toBe("ours")
    expect(planned(true, [8, 4, 64])).toMatchObject({ calls: 4 })
    expect(planned(true, [40, 33, 64])).toBe("ours")
    // One of them alone is a single call.
    expect(planned(false, [8, 1, 64])).toMatchObject({ calls: 1 })
  })
})

describe("TF32", () => {
  const sizes = [8, 8, 16]
  const values = count(128).map((i) => 1 + i / 3)
  const product = async (backend: CudaBackend, precision?: MatmulKernel["precision"]): Promise<number[]> => {
    const views: View[] = [
      { dtype: "float32", sizes: [8, 16], values },
      { dtype: "float32", sizes: [16, 8], values },
      empty("float32", [8, 8]),
    ]
    return (await launched(backend, { ...kernelOf("float32", 0), precision }, sizes, views))[2].map(Number)
  }
  const distance = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...a.map((v, i) => Math.abs(v - b[i]) / Math.abs(b[i])))

  it("is taken where it is asked for, and the device has it", async () => {
    const [exact, rounded] = await onBackend(ALL, async (backend) => [
      await product(backend),
      await product(backend, "high"),
    ])
    expect(distance(rounded, exact)).toBeGreaterThan(1e-5)
    expect(distance(rounded, exact)).toBeLessThan(1e-3)
    await withSettings({ CAPABILITY: "7.5" }, () =>
      onBackend(ALL, async (backend) => expect(await product(backend, "high")).toEqual(exact)),
    )
  })
})

it("integers, sizes of a few rows, and all with libraries: none are our own", async () => {
  const run = async (options: CudaOptions, dtype: DType, rows: number): Promise<number> =>
    onBackend(options, async (backend) => {
      const views = [view(dtype, small(rows * 9, 3), [rows, 9], false), view(dtype, small(90, 7), [9, 10], false)]
      const size = { batches: 1, rows, columns: 10, depth: 9 }
      const [x, y, out] = await launched(
        backend,
        kernelOf(dtype, 0),
        [rows, 10, 9],
        [...views, empty(dtype, [rows, 10])],
      )
      expect(out).toEqual(sums(size, x.map(Number), y.map(Number)))
      return callsOf(backend)
    })
  expect(await run(AUTO, "float32", 5)).toBe(1)
  expect(await run(AUTO, "float32", 4)).toBe(0)
  expect(await run(ALL, "float32", 4)).toBe(1)
  expect(await run(ALL, "int32", 5)).toBe(0)
  expect(await run({ ...ALL, libraries: "none" }, "float32", 5)).toBe(0)
})

it("products are recorded, and replayed on what their factors hold then", () =>
  onBackend(ALL, async (backend) => {
    const kernel = backend.compile(kernelOf("float32", 0))
    const bytes = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
    const buffer = (values: readonly number[]) => {
      const made = backend.allocate(4 * values.length, "float32")
      backend.write(made, bytes(values))
      return made
    }
    const size = { batches: 1, rows: 6, columns: 6, depth: 16 }
    const [x, y] = [small(96, 3), small(96, 7)]
    const [a, b, c] = [buffer(x), buffer(y), buffer(new Array(36).fill(0))]
    const operand = (of: object, sizes: number[]) => ({ buffer: of, offset: 0, sizes, strides: rowMajor(sizes) })
    const operands = [operand(a, [6, 16]), operand(b, [16, 6]), operand(c, [6, 6])]
    const recording = backend.capture(() => backend.launch(kernel, [6, 6, 16], operands, []))
    const read = (): number[] => Array.from(new Float32Array(backend.readSync(c, 0, 144).slice().buffer))
    expect(read()).toEqual(new Array(36).fill(0))
    recording.replay()
    expect(read()).toEqual(sums(size, x, y))
    backend.write(a, bytes(y))
    recording.replay()
    expect(read()).toEqual(sums(size, y, y))
    recording.dispose()
  }))

describe("a library", () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
  afterEach(() => warnings.mockClear())
  const warned = (): string[] => warnings.mock.calls.map(([message]) => String(message))

  const product = async (backend: CudaBackend): Promise<void> => {
    const [x, y] = [small(54, 3), small(54, 7)]
    const views = [view("float32", x, [6, 9], false), view("float32", y, [9, 6], false), empty("float32", [6, 6])]
    const stored = await launched(backend, kernelOf("float32", 0), [6, 6, 9], views)
    expect(stored[2]).toEqual(sums({ batches: 1, rows: 6, columns: 6, depth: 9 }, x, y))
  }

  it("that is there says its version, its file and its calls", () =>
    onBackend(AUTO, async (backend) => {
      await product(backend)
      const [report] = backend.libraries()
      expect(report).toMatchObject({ name: "cublasLt", state: "ready", version: "13.1.0", reason: "", calls: 1 })
      expect(report.file).toContain(STAND_INS)
      backend.useLibraries("none")
      await product(backend)
      expect(backend.libraries()[0]).toMatchObject({ state: "ready", enabled: false, calls: 1 })
      backend.useLibraries(["cublasLt"])
      await product(backend)
      backend.enableLibrary("cublasLt", false)
      await product(backend)
      expect(backend.libraries()[0]).toMatchObject({ state: "ready", enabled: false, calls: 2 })
      backend.enableLibrary("cublasLt", true)
      expect([backend.isLibraryEnabled("cublasLt"), backend.isLibraryEnabled("cudnn")]).toEqual([true, false])
      expect(() => backend.useLibraries(["cublas"] as never)).toThrow(
        'libraries is ["cublas"]; it is "auto", "none", or an array of',
      )
      expect(backend.libraries()[0].state).toBe("ready")
    }))

  it("that is missing is done without, unless it was asked for by name", async () => {
    await onBackend({ libraries: "auto" }, async (backend) => {
      await product(backend)
      const reason = `there is no cuBLASLt in ${EMULATED.libraryFolder}`
      expect(backend.libraries()[0]).toMatchObject({ state: "missing", version: null, file: null, reason, calls: 0 })
      expect(() => backend.useLibraries(["cublasLt"])).toThrow(
        /there is no cuBLASLt in .*TAEDA_CUDA_LIBRARIES names a folder that has it/,
      )
      await product(backend)
    })
    await expect(openEmulated({ libraries: ["cublasLt"] })).rejects.toThrow(/cuBLASLt was asked for by name/)
    expect(warned()).toEqual([])
  })

  it("of a newer toolkit than the driver is for is not tried", () =>
    withSettings({ DRIVER_VERSION: "12040" }, () =>
      onBackend(AUTO, async (backend) => {
        await product(backend)
        expect(backend.libraries()[0]).toMatchObject({ state: "missing" })
        expect(warned()).toEqual([])
      }),
    ))

  it("that does not start is told once, and done without", () =>
    withSettings({ CUBLASLT_FAIL: "cublasLtCreate:1" }, () =>
      onBackend(AUTO, async (backend) => {
        await product(backend)
        await product(backend)
        expect(warned()).toEqual([
          expect.stringMatching(
            /^cuda: cuBLASLt 13\.1\.0 \(.*\) does not start: cublasLtCreate: CUBLAS_STATUS_NOT_INITIALIZED \(1\)\. It may be of another version than the driver is for\. cuda:0 goes on with kernels of its own, which may be slower\.$/,
          ),
        ])
        expect(backend.libraries()[0]).toMatchObject({ state: "failed", version: "13.1.0", calls: 0 })
      }),
    ))

  it.each(["cublasLtMatmul:13", "cublasLtMatmulAlgoGetHeuristic:7"])(
    "that fails is told once, and done without: %s",
    (how) =>
      withSettings({ CUBLASLT_FAIL: how }, async () => {
        await onBackend(AUTO, async (backend) => {
          await product(backend)
          await product(backend)
          const call = how.split(":")[0]
          expect(warned()).toEqual([expect.stringMatching(`^cuda: cuBLASLt failed in .*: ${call}: CUBLAS_STATUS_`)])
          expect(backend.libraries()[0]).toMatchObject({ state: "failed", calls: 0 })
        })
        await onBackend(ALL, (backend) => expect(product(backend)).rejects.toThrow(/^cuda: .* was refused: cublasLt/))
        expect(warned().length).toBe(1)
      }),
  )

  it("that has no such product leaves it to us, without a word", () =>
    withSettings({ CUBLASLT_FAIL: "cublasLtMatmulAlgoGetHeuristic:15" }, () =>
      onBackend(ALL, async (backend) => {
        await product(backend)
        expect(backend.libraries()[0]).toMatchObject({ state: "ready", calls: 0 })
        expect(warned()).toEqual([])
      }),
    ))

  it("does not hide that the device was lost", () =>
    withSettings({ DEFER: "1" }, () =>
      onBackend(AUTO, async (backend) => {
        await withSettings({ FAIL_LAUNCH: "719" }, async () => {
          const views = [view("int32", [1], [1, 1], false), view("int32", [1], [1, 1], false), empty("int32", [1, 1])]
          await expect(launched(backend, kernelOf("int32", 0), [1, 1, 1], views)).rejects.toThrow(/cuda:0 was lost/)
        })
        await expect(product(backend)).rejects.toThrow(/cuda:0 was lost/)
        expect(warned()).toEqual([])
      }),
    ))

  it("that is no library is told in words", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taeda-libraries-"))
    try {
      const file = join(folder, CUBLASLT)
      const reasonWith = (): Promise<string> =>
        onBackend({ libraries: "auto", libraryFolder: folder }, async (backend) => {
          await product(backend)
          return backend.libraries()[0].reason
        })
      writeFileSync(file, "no library")
      expect(await reasonWith()).toMatch(/^cuBLASLt does not load \(.*libcublasLt.so.13.*\)$/)
      rmSync(file)
      copyFileSync(EMULATED.driver, file)
      expect(await reasonWith()).toMatch(/^cuBLASLt does not load \(.* has no cublasLtGetProperty\)$/)
      expect(warned().length).toBe(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("the addon", () => {
  const library = loadDriver().loadCublasLt([join(STAND_INS, CUBLASLT)])
  const matrix = { lead: 4, step: 0, alignment: 256, transposed: false }
  const SPEC: ProductSpec = {
    rows: 4,
    columns: 3,
    depth: 4,
    batches: 1,
    type: "float32",
    result: "float32",
    tf32: false,
    a: matrix,
    b: matrix,
    c: null,
    d: matrix,
    bias: null,
    workspaceBytes: 0,
  }
  const begins = (...given: number[]): Float64Array => Float64Array.from([...given, 0, 0, 0, 0, 0, 0].slice(0, 6))

  it("refuses what would reach beyond its memory, or lie otherwise than was said", () =>
    onContext((context) => {
      const handle = context.openCublasLt(library)
      const product = context.prepareProduct(handle, { ...SPEC, a: { ...matrix, lead: 5 } })!
      const [a, b, d] = [76, 48, 512].map((bytes) => context.allocate(bytes))
      const multiply = (memories: (DeviceMemory | null)[], from: Float64Array): void =>
        context.multiply(product, 1, 0, memories, from)
      // 19 elements of a, 12 of b and d.
      multiply([a, b, null, d], begins())
      multiply([a, b, null, d], begins(0, 0, 0, 256))
      expect(() => multiply([b, a, null, d], begins())).toThrow(
        "76 bytes from 0.000000 on are not in a DeviceMemory of 48",
      )
      for (const from of [512, 513, -256, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])
        expect(() => multiply([a, b, null, d], begins(0, 0, 0, from))).toThrow(RangeError)
      expect(() => multiply([a, b, null, d], begins(0, 0, 0, 4))).toThrow("is no multiple of 256 as it was said to be")
      expect(() => multiply([a, b, null], begins())).toThrow("this is no DeviceMemory")
      expect(() => multiply([a, b, null, null], begins())).toThrow("this is no DeviceMemory")
      expect(() => multiply([a, b, null, d], new Float64Array(3))).toThrow("memory and a place for each")
      expect(() => context.multiply(handle as never, 1, 0, [a, b, null, d], begins())).toThrow(
        "this is no PreparedProduct",
      )
      context.free(d)
      expect(() => multiply([a, b, null, d], begins())).toThrow("was given back")
    }))

  it("wants memory for each addend, bias and workspace that there is", () =>
    onContext((context) => {
      const handle = context.openCublasLt(library)
      const deep = { ...SPEC, depth: 8, b: { ...matrix, lead: 8 }, workspaceBytes: 4096 }
      const product = context.prepareProduct(handle, { ...deep, c: matrix, bias: { alignment: 4 } })!
      expect(product.workspaceBytes).toBe(48)
      const memory = count(6).map(() => context.allocate(128))
      context.multiply(product, 1, 1, memory, begins(0, 0, 0, 0, 4))
      const without = (slot: number): unknown[] => memory.map((each, i) => (i === slot ? null : each))
      for (const slot of count(6))
        expect(() => context.multiply(product, 1, 1, without(slot) as never, begins())).toThrow(
          "this is no DeviceMemory",
        )
      const few = memory.map((each, i) => (i === 5 ? context.allocate(40) : each))
      expect(() => context.multiply(product, 1, 1, few, begins())).toThrow("48 bytes from 0.000000 on are not in")
    }))

  it("refuses sizes and layouts that are none", () =>
    onContext((context) => {
      const handle = context.openCublasLt(library)
      const prepare = (change: object): unknown => context.prepareProduct(handle, { ...SPEC, ...change } as ProductSpec)
      expect(() => prepare({ rows: 0 })).toThrow("rows must be from 1 to")
      expect(() => prepare({ batches: 2 ** 31 })).toThrow("batches must be from 1 to")
      expect(() => prepare({ depth: 1.5 })).toThrow("must be a whole number")
      expect(() => prepare({ type: "int8" })).toThrow("there are no products of int8")
      expect(() => prepare({ a: { ...matrix, lead: 3 } })).toThrow("lead must be from 4 to")
      expect(() => prepare({ a: { ...matrix, alignment: 24 } })).toThrow("a power of two")
      expect(() => prepare({ a: { ...matrix, alignment: 2 } })).toThrow("alignment must be from 4 to 256")
      expect(() => prepare({ a: { ...matrix, lead: 2 ** 53 - 1 } })).toThrow("the matrix a is too large")
      expect(() => prepare({ a: undefined })).toThrow("a must be an object")
      expect(() => context.prepareProduct(library as never, SPEC)).toThrow("this is no CublasLtHandle")
      expect(() => context.openCublasLt({} as never)).toThrow("this is no CublasLt")
    }))

  it("is not used after its context", async () => {
    const other = loadDriver().open(0)
    const handle = other.openCublasLt(library)
    const product = other.prepareProduct(handle, SPEC)!
    await onContext((context) => {
      expect(() => context.prepareProduct(handle, SPEC)).toThrow("belongs to another context")
      expect(() => context.multiply(product, 1, 0, [], begins())).toThrow("belongs to another context")
    })
    other.dispose()
    expect(() => other.prepareProduct(handle, SPEC)).toThrow(/was given back|was disposed/)
    expect(() => other.multiply(product, 1, 0, [], begins())).toThrow("this PreparedProduct was given back")
    expect(() => other.openCublasLt(library)).toThrow("was disposed")
  })
})

describe("files", () => {
  const names = { linux: (n: number) => `libx.so.${n}`, win32: (n: number) => `x64_${n}.dll` }
  it("of Linux are found as the linker finds them, and in the toolkit's folders", () => {
    expect(libraryFiles(names, [13, 12], { platform: "linux", env: { CUDA_PATH: "/opt/cuda" } })).toEqual([
      "libx.so.13",
      "/opt/cuda/lib64/libx.so.13",
      "/opt/cuda/lib/libx.so.13",
      "/usr/local/cuda/lib64/libx.so.13",
      "/usr/local/cuda/lib/libx.so.13",
      "libx.so.12",
      "/opt/cuda/lib64/libx.so.12",
      "/opt/cuda/lib/libx.so.12",
      "/usr/local/cuda/lib64/libx.so.12",
      "/usr/local/cuda/lib/libx.so.12",
    ])
    expect(libraryFiles(names, [13], { platform: "linux", env: {}, folder: "/mine" })).toEqual(["/mine/libx.so.13"])
  })

  it("of Windows are those that there are in the toolkit's folders and in PATH's, by their whole paths", () => {
    const there = new Set(["C:\\CUDA\\bin\\x64\\x64_13.dll", "D:\\tools\\x64_12.dll", "here\\x64_13.dll"])
    const surroundings = {
      platform: "win32",
      env: { CUDA_PATH: "C:\\CUDA", Path: "here;D:\\tools" },
      exists: (file: string) => there.has(file),
    }
    expect(libraryFiles(names, [13, 12], surroundings)).toEqual([
      "C:\\CUDA\\bin\\x64\\x64_13.dll",
      "D:\\tools\\x64_12.dll",
    ])
  })

  it("of other systems there are none", () => {
    expect(libraryFiles(names, [13], { platform: "darwin", env: {} })).toEqual([])
  })
})
