/** The backend with the kernels and functions that it is given. */
import { constant, type Expr, type Kernel, type MapKernel } from "@taeda/core"
import { afterAll, expect, it } from "vitest"
import { createWebGpu, matmul, merging, subgroups, trigonometric } from "../src/lean.ts"

const options = { dawn: ["enable-dawn-features=disable_workgroup_init"] }
const backend = await createWebGpu({ ...options, kernels: { matmul } })
afterAll(() => backend.dispose())

const product: Kernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null }
const sort: Kernel = { kind: "sort", rank: 1, dtype: "float32", descending: false }

/** A number without an input: what matters is the function. */
const mapOf = (body: Expr): MapKernel => ({
  kind: "map",
  rank: 1,
  inputs: [],
  outputs: [{ dtype: "float32", access: "unit" }],
  scalars: [],
  body: [body],
})

async function computed(body: Expr): Promise<number> {
  const buffer = backend.allocate(4, "float32")
  backend.launch(backend.compile(mapOf(body)), [1], [{ buffer, offset: 0, sizes: [1], strides: [1] }], [])
  const bytes = await backend.read(buffer, 0, 4)
  return new Float32Array(bytes.slice().buffer)[0]!
}

it("has the kernels it was given, and says which it was opened without", () => {
  expect(backend.supports(product)).toBe(true)
  expect(backend.supports(mapOf(constant(1, "float32")))).toBe(true)
  expect(backend.supports(sort)).toBe("this backend was opened without kernels for sort")
})

it("has the functions that a training step takes, and the others once a backend brings them", async () => {
  const one = constant(1, "float32")
  expect(await computed(one.exp().log())).toBeCloseTo(1, 6)
  expect(await computed(one.tanh())).toBeCloseTo(Math.tanh(1), 6)
  expect(await computed(one.sigmoid())).toBeCloseTo(1 / (1 + Math.exp(-1)), 6)
  await expect(computed(one.sin())).rejects.toThrow(
    "webgpu: this backend was opened without f_sin; give createWebGpu the family that it belongs to: functions: [trigonometric, error, powers, gamma, half]",
  )
  const other = await createWebGpu({ ...options, functions: [trigonometric] })
  other.dispose()
  expect(await computed(one.sin())).toBeCloseTo(Math.sin(1), 6)
})

it("merges dispatches that come together again and again where it is given how", async () => {
  const merged = await createWebGpu({ ...options, merging, subgroups })
  const executable = merged.compile(mapOf(constant(1, "float32")))
  const buffers = [merged.allocate(4, "float32"), merged.allocate(4, "float32")]
  const dispatches = async (): Promise<number> => {
    const before = merged.commandCounts().dispatches
    for (const buffer of buffers) merged.launch(executable, [1], [{ buffer, offset: 0, sizes: [1], strides: [1] }], [])
    await merged.read(buffers[0]!, 0, 4)
    return merged.commandCounts().dispatches - before
  }
  expect(await dispatches()).toBe(2)
  await expect.poll(dispatches, { timeout: 20_000 }).toBe(1)
  merged.dispose()
})
