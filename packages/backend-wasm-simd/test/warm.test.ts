/** What is compiled ahead of use. */
import { type Backend, conv2d, deviceOf, type Kernel } from "@taeda/core"
import "@taeda/core/methods"
import * as torch from "@taeda/core/torch"
import { expect, test } from "vitest"
import { createWasmSimd } from "../src/backend.ts"
import { webAssembly } from "../src/webassembly.ts"

/** What `body` gives, and the modules compiled meanwhile while somebody waited for each. */
async function compiled<T>(body: () => Promise<T>): Promise<{ result: T; modules: number }> {
  const api = webAssembly() as { Module: ReturnType<typeof webAssembly>["Module"] }
  const { Module } = api
  let modules = 0
  api.Module = class extends Module {
    constructor(bytes: Uint8Array) {
      modules++
      super(bytes)
    }
  }
  try {
    return { result: await body(), modules }
  } finally {
    api.Module = Module
  }
}

/** The backend, which also tells of the kernels that it compiles. */
const recording = (backend: Backend, kernels: Kernel[]): Backend => ({
  ...backend,
  compile(kernel) {
    kernels.push(kernel)
    return backend.compile(kernel)
  },
})

/** A program with kernels of many kinds; what it computes. */
async function program(backend: Backend): Promise<unknown[]> {
  const device = deviceOf(backend)
  const x = torch.linspace(-3, 3, 240, { device }).view(6, 40)
  const index = torch.tensor([2, 0, 5, 2], { dtype: "int32", device })
  const results = [
    x.exp().add(x),
    x.mul(x).sum(1),
    x.max(1).values,
    x.cumsum(1),
    x.matmul(x.t()),
    x.indexSelect(0, index),
    torch.zeros(6, 40, { device }).indexAdd(0, index, x.narrow(0, 0, 4)),
    x.sin().sort(1).values,
    conv2d(x.view(1, 2, 12, 10), x.view(-1).narrow(0, 0, 54).view(3, 2, 3, 3)),
  ]
  return Promise.all(results.map((each) => each.toArray()))
}

const KINDS = ["map", "reduce", "scan", "matmul", "conv", "scatter", "sort"]

test("a warmed kernel's first launch compiles nothing, and gives what it gives otherwise", async () => {
  const kernels: Kernel[] = []
  const cold = await createWasmSimd({ threads: 1 })
  const asked = await compiled(() => program(recording(cold, kernels)))
  expect(new Set(kernels.map((k) => k.kind))).toEqual(new Set(KINDS))
  // The count itself counts.
  expect(asked.modules).toBe(kernels.length)

  const warm = await createWasmSimd({ threads: 1 })
  const ahead = await compiled(() => warm.warm(kernels))
  expect(ahead.modules).toBe(0)
  const { result, modules } = await compiled(() => program(warm))
  expect(modules).toBe(0)
  expect(result).toEqual(asked.result)
  for (const backend of [cold, warm]) backend.dispose()
})

test("what is launched while it is being warmed is compiled then and there", async () => {
  const kernels: Kernel[] = []
  const first = await createWasmSimd({ threads: 1 })
  const expected = await program(recording(first, kernels))
  const backend = await createWasmSimd({ threads: 1 })
  const warming = backend.warm(kernels)
  expect(await program(backend)).toEqual(expected)
  await warming
  for (const each of [first, backend]) each.dispose()
})

test("kernels that the core composes are left out, and a backend that is gone warms nothing", async () => {
  const backend = await createWasmSimd({ threads: 1 })
  const bools: Kernel = { kind: "matmul", batch: 0, dtype: "bool", epilogue: null }
  expect(backend.supports(bools)).not.toBe(true)
  expect((await compiled(() => backend.warm([bools]))).modules).toBe(0)
  backend.dispose()
  await expect(backend.warm([bools])).rejects.toThrow(/the backend was disposed/)
})
