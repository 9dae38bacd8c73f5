/** Whatever the number of threads: the same bits, the same faults. */
import { type DType, index, input, type Kernel, load, type Operand, result } from "@taeda/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WasmBuffer } from "../src/buffer.ts"
import { type Launch, mapLaunch, reduceLaunch, scanLaunch, scatterLaunch } from "../src/launch-loops.ts"
import { Machine } from "../src/machine.ts"
import type { LinearMemory } from "../src/memory.ts"
import { count, mapKernel, reduceKernel, unit } from "./harness.ts"
import { sum, welford } from "./monoids.ts"
import { allReady, makePool } from "./pool-kernels.ts"

interface Threaded {
  readonly machine: Machine
  readonly dispose: () => void
}

/** A machine that shares all that is worth it by its costs, whatever the clock says. */
async function open(threads: number): Promise<Threaded> {
  const { memory, pool } = await makePool({ threads, maximumBytes: 2 ** 28 }, { worthSharing: 0, worthWaking: 0 })
  await allReady(pool)
  const { shared, memory64, maximumPages } = memory
  const machine = new Machine(memory, pool, { relaxed: true, shared, memory64, maximumPages })
  return { machine, dispose: () => pool.dispose() }
}

const opened: Threaded[] = []
beforeAll(async () => {
  for (const threads of [1, 2, 3]) opened.push(await open(threads))
})
afterAll(() => {
  for (const { dispose } of opened) dispose()
})

function launchOf(kernel: Kernel, machine: Machine): Launch {
  switch (kernel.kind) {
    case "map":
      return mapLaunch(kernel, machine)
    case "reduce":
      return reduceLaunch(kernel, machine)
    case "scan":
      return scanLaunch(kernel, machine)
    case "scatter":
      return scatterLaunch(kernel, machine)
    default:
      throw new TypeError(`no launch of ${kernel.kind} here`)
  }
}

type Floats = Float32Array | Float64Array | Int32Array
interface Placed {
  readonly data: Floats
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

/** Runs several times, as threads meet by chance, and gives the bytes of the last operand, which must be the same each time. */
function run(memory: LinearMemory, launch: Launch, sizes: readonly number[], placed: readonly Placed[]): string {
  const { allocator } = memory
  const operands = placed.map(({ data, sizes: own, strides }): Operand & { readonly buffer: WasmBuffer } => ({
    buffer: new WasmBuffer(allocator.allocate(data.byteLength), data.byteLength),
    offset: 0,
    sizes: own,
    strides,
  }))
  try {
    const results = count(3).map(() => {
      operands.forEach(({ buffer }, k) => {
        memory.u8.set(new Uint8Array(placed[k].data.buffer), buffer.address)
      })
      launch(sizes, operands, [])
      const { address, bytes } = operands[operands.length - 1].buffer
      return Buffer.from(memory.u8.slice(address, address + bytes)).toString("latin1")
    })
    expect(new Set(results).size).toBe(1)
    return results[0]
  } finally {
    for (const { buffer } of operands) allocator.free(buffer.address)
  }
}

/** The same bytes from every machine. */
function same(kernel: Kernel, sizes: readonly number[], placed: readonly Placed[]): void {
  const results = opened.map(({ machine }) => run(machine.memory, launchOf(kernel, machine), sizes, placed))
  expect(results[1] === results[0]).toBe(true)
  expect(results[2] === results[0]).toBe(true)
}

const noisy = (i: number): number => Math.sin(i * 1.7) * 10 ** (i % 7)
const doubles = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => noisy(i))
const singles = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => noisy(i))
const dense = (data: Floats, ...sizes: number[]): Placed => ({
  data,
  sizes,
  strides: sizes.map((_, d) => sizes.slice(d + 1).reduce((a, b) => a * b, 1)),
})

describe("the same bits for 1, 2 and 3 threads", () => {
  it.each([
    ["one result", [1, 400000], [400000, 1]],
    ["two results", [2, 200000], [200000, 1]],
    ["five results", [5, 70000], [70000, 1]],
    ["64 results", [64, 66000], [66000, 1]],
    ["many results", [3000, 100], [100, 1]],
    ["results side by side", [1000, 300], [1, 1000]],
    ["few results side by side", [5, 66000], [1, 5]],
  ])("sums: %s", (_name, sizes, strides) => {
    for (const dtype of ["float64", "float32"] as const) {
      const kernel = reduceKernel({
        rank: 2,
        reduced: 1,
        inputs: [unit(dtype, strides[1] === 1 ? "unit" : "strided")],
        outputs: [{ dtype: "float64", access: "unit" }],
        ...sum(dtype),
        finish: [result(0, dtype).cast("float64")],
      })
      const n = sizes[0] * sizes[1]
      const data = dtype === "float64" ? doubles(n) : singles(n)
      same(kernel, sizes, [{ data, sizes, strides }, dense(new Float64Array(sizes[0]), sizes[0])])
    }
  })

  it.each([1, 3])("means and variances of %i results of two dims", (results) => {
    const sizes = [results, 300, 500]
    const kernel = reduceKernel({
      rank: 3,
      reduced: 2,
      inputs: [unit("float64", "strided")],
      outputs: [{ dtype: "float64", access: "unit" }],
      ...welford("float64"),
      finish: [result(2, "float64")],
    })
    const placed = { data: doubles(results * 150000), sizes, strides: [150000, 1, 300] }
    same(kernel, sizes, [placed, dense(new Float64Array(results), results)])
  })

  it("maps of one dim and of several, of types that lie closer than a word", () => {
    for (const sizes of [[200003], [401, 499]]) {
      const n = sizes.reduce((a, b) => a * b)
      const body = input(0, "float32").sin().cast("int8").add(input(0, "float32").mul(3).cast("int8"))
      const kernel = mapKernel(sizes.length, [unit("float32")], [{ dtype: "int8", access: "unit" }], [body])
      same(kernel, sizes, [dense(singles(n), ...sizes), dense(new Int32Array(Math.ceil(n / 4)), ...sizes)])
    }
  })

  it("scans", () => {
    const kernel: Kernel = {
      kind: "scan",
      rank: 2,
      inputs: [unit("float64")],
      outputs: [{ dtype: "float64", access: "unit" }],
      scalars: [],
      reverse: true,
      ...sum("float64"),
      finish: [result(0, "float64")],
    }
    same(kernel, [101, 700], [dense(doubles(70700), 101, 700), dense(new Float64Array(70700), 101, 700)])
  })

  it.each([true, false])("scatters, rows of the target apart: %s", (apart) => {
    const sizes = [60, 1000]
    const column = input(0, "float32").cast("int32").mod(7).abs()
    const kernel: Kernel = {
      kind: "scatter",
      rank: 2,
      inputs: [unit("float32")],
      scalars: [],
      value: input(0, "float32"),
      coordinates: apart ? [index(0), column] : [column, index(0).mod(3)],
      combine: "add",
      dtype: "float32" as DType,
      targetRank: 2,
      bounds: "zero",
    }
    same(kernel, sizes, [dense(singles(60000), ...sizes), dense(new Float32Array(420), apart ? 60 : 7, apart ? 7 : 60)])
  })
})

it.each(["map", "reduce"] as const)("the first of many faults is reported, whoever found one: %s", (kind) => {
  const n = 100000
  const at = Int32Array.from({ length: n }, (_, i) => (i < 4321 ? i % 100 : i + 1000))
  const read = load(1, "float32", [input(0, "int32")], "fault")
  const inputs = [unit("int32"), { dtype: "float32" as const, access: "load" as const, rank: 1 }]
  const outputs = [{ dtype: "float32" as const, access: "unit" as const }]
  const kernel: Kernel =
    kind === "map"
      ? mapKernel(1, inputs, outputs, [read])
      : reduceKernel({ rank: 2, reduced: 1, inputs, outputs, ...sum("float32", read), finish: [result(0, "float32")] })
  const sizes = kind === "map" ? [n] : [1000, 100]
  const placed = [
    dense(at, ...sizes),
    dense(new Float32Array(100), 100),
    dense(new Float32Array(kind === "map" ? n : 1000), sizes[0]),
  ]
  for (const { machine } of opened) {
    const launch = launchOf(kernel, machine)
    for (let turn = 0; turn < 20; turn++)
      expect(() => run(machine.memory, launch, sizes, placed)).toThrow(
        "index 5321 is out of bounds for dimension 0 with size 100 (operand 1)",
      )
  }
})
