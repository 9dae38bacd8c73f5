/** Dispatches that do not depend on one another become one, and compute what they computed apart. */
import { input, type Kernel, KernelFault, left, load, type MapKernel, type Operand, result, right } from "@taeda/core"
import { afterAll, describe, expect, it } from "vitest"
import { createWebGpu, type WebGpuBackend } from "../src/index.ts"
import { mapKernel, reduceKernel, UNCLEARED, unit } from "./harness.ts"

const DAWN = ["enable-dawn-features=disable_workgroup_init"]
const tiles = "staged"
const never = await createWebGpu({ dawn: DAWN, merging: "never", tiles })
const always = await createWebGpu({ dawn: DAWN, merging: "always", tiles })
const often = await createWebGpu({ dawn: DAWN, tiles })
afterAll(() => {
  for (const backend of [never, always, often]) backend.dispose()
})

const output = unit("float32") as MapKernel["outputs"][number]
const [a, b] = [input(0, "float32"), input(1, "float32")]

/** A backend with a few arrays on it. */
class Bench {
  readonly backend: WebGpuBackend
  constructor(backend: WebGpuBackend) {
    this.backend = backend
  }
  array(n: number, value: (i: number) => number): object {
    const buffer = this.backend.allocate(4 * n, "float32")
    this.backend.write(buffer, new Uint8Array(Float32Array.from({ length: n }, (_, i) => value(i)).buffer))
    return buffer
  }
  launch(
    kernel: Kernel,
    sizes: readonly number[],
    operands: readonly Operand[],
    scalars: readonly number[] = [],
  ): void {
    this.backend.launch(this.backend.compile(kernel), sizes, operands, scalars)
  }
  async floats(buffer: object, n: number): Promise<number[]> {
    return [...new Float32Array((await this.backend.read(buffer, 0, 4 * n)).slice().buffer)]
  }
  get dispatches(): number {
    return this.backend.commandCounts().dispatches
  }
}

const flat = (buffer: object, n: number): Operand => ({ buffer, offset: 0, sizes: [n], strides: [1] })
const matrix = (buffer: object, rows: number, columns: number): Operand => ({
  buffer,
  offset: 0,
  sizes: [rows, columns],
  strides: [columns, 1],
})

const SUM = reduceKernel({
  rank: 2,
  reduced: 1,
  inputs: [unit("float32")],
  outputs: [output],
  accumulators: ["float32"],
  identity: [0],
  lift: [a],
  combine: [left(0, "float32").add(right(0, "float32"))],
  finish: [result(0, "float32")],
})
const MATMUL: Kernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null }

/** Kernels of several kinds, of which most depend on nothing: maps, sums that share memory, products, a chain. */
async function mixture(backend: WebGpuBackend): Promise<{ values: number[][]; dispatches: number }> {
  const bench = new Bench(backend)
  const x = bench.array(3000, (i) => Math.sin(i))
  const y = bench.array(3000, (i) => Math.cos(i * 3))
  const out = Array.from({ length: 9 }, () => bench.array(3000, () => 0))
  await backend.synchronize()
  const before = bench.dispatches
  bench.launch(
    mapKernel(1, [unit("float32"), unit("float32")], [output], [a.add(b)]),
    [3000],
    [flat(x, 3000), flat(y, 3000), flat(out[0], 3000)],
  )
  bench.launch(mapKernel(1, [unit("float32")], [output], [a.exp()]), [700], [flat(x, 700), flat(out[1], 700)])
  // The same twice, and one that binds one buffer twice.
  bench.launch(mapKernel(1, [unit("float32")], [output], [a.exp()]), [701], [flat(y, 701), flat(out[2], 701)])
  bench.launch(
    mapKernel(1, [unit("float32"), unit("float32")], [output], [a.mul(b)]),
    [90],
    [flat(y, 90), flat(y, 90), flat(out[3], 90)],
  )
  bench.launch(SUM, [3, 1000], [matrix(x, 3, 1000), flat(out[4], 3)])
  bench.launch(SUM, [2, 1500], [matrix(y, 2, 1500), flat(out[5], 2)])
  bench.launch(MATMUL, [20, 30, 40], [matrix(x, 20, 40), matrix(y, 40, 30), matrix(out[6], 20, 30)])
  bench.launch(MATMUL, [25, 10, 50], [matrix(y, 25, 50), matrix(x, 50, 10), matrix(out[7], 25, 10)])
  // What comes before and changes in place.
  bench.launch(
    mapKernel(1, [unit("float32"), unit("float32")], [{ ...output, aliases: 0 }], [a.sub(b)]),
    [700],
    [flat(out[1], 700), flat(out[2], 700), flat(out[1], 700)],
  )
  bench.launch(mapKernel(1, [unit("float32")], [output], [a.mul(2)]), [700], [flat(out[1], 700), flat(out[8], 700)])
  const values: number[][] = []
  for (const buffer of out) values.push(await bench.floats(buffer, 3000))
  return { values, dispatches: bench.dispatches - before }
}

async function counted(merging: "never" | "always", tiles: "staged" | "direct"): ReturnType<typeof mixture> {
  const backend = await createWebGpu({ ...UNCLEARED, merging, tiles })
  try {
    return await mixture(backend)
  } finally {
    backend.dispose()
  }
}

describe("dispatches that do not depend on one another", { timeout: 120_000 }, () => {
  it.each([
    ["staged", 4],
    ["direct", 5],
  ] as const)("become one of each kind, with the same results, products %s", async (tiles, groups) => {
    const [apart, together] = [await counted("never", tiles), await counted("always", tiles)]
    expect(apart.dispatches).toBe(10)
    expect(together.values).toEqual(apart.values)
    // Four maps; the map in place; the one behind it; the two sums and the two products, whose workgroups are of one size: apart where products share no memory.
    expect(together.dispatches).toBe(groups)
  })

  it("become one where they come again and again, as soon as a shader is ready", async () => {
    const apart = await mixture(never)
    const counts: number[] = []
    const deadline = Date.now() + 90_000
    while (counts.at(-1) !== 4 && Date.now() < deadline) {
      const { values, dispatches } = await mixture(often)
      expect(values).toEqual(apart.values)
      counts.push(dispatches)
    }
    expect(counts.slice(0, 3)).toEqual([10, 10, 10])
    expect(counts.at(-1)).toBe(4)
  })

  it("report faults of their own", async () => {
    const pick = mapKernel(
      1,
      [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
      [output],
      [load(1, "float32", [input(0, "int32")], "fault")],
    )
    const bench = new Bench(always)
    const at = always.allocate(8, "int32")
    always.write(at, new Uint8Array(Int32Array.of(1, 5).buffer))
    const x = bench.array(3, (i) => i)
    const [picked, doubled] = [bench.array(2, () => 9), bench.array(3, () => 0)]
    bench.launch(pick, [2], [flat(at, 2), flat(x, 3), flat(picked, 2)])
    bench.launch(mapKernel(1, [unit("float32")], [output], [a.mul(2)]), [3], [flat(x, 3), flat(doubled, 3)])
    await expect(always.synchronize()).rejects.toThrow(KernelFault)
    expect(await bench.floats(doubled, 3)).toEqual([0, 2, 4])
    expect(await bench.floats(picked, 2)).toEqual([1, 0])
  })

  it("that are too many for a shader's buffers are several", async () => {
    const bench = new Bench(always)
    const most = always.capabilities.maxOperands + 1
    const pairs = Array.from({ length: most }, (_, k) => [bench.array(4, (i) => i + k), bench.array(4, () => 0)])
    await always.synchronize()
    const before = bench.dispatches
    const double = mapKernel(1, [unit("float32")], [output], [a.mul(2)])
    for (const [from, to] of pairs) bench.launch(double, [4], [flat(from, 4), flat(to, 4)])
    for (const [k, [, to]] of pairs.entries())
      expect(await bench.floats(to, 4)).toEqual([2 * k, 2 * k + 2, 2 * k + 4, 2 * k + 6])
    expect(bench.dispatches - before).toBe(2)
  })
})
