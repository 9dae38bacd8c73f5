/** Compiling ahead of use: what launches need is known before, and what does not compile says whose it is. */
import { input, type Kernel, left, result, right, type ScatterKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { WebGpuError } from "../src/errors.ts"
import { executablesOf } from "../src/executables.ts"
import { createWebGpu, type WebGpuBackend } from "../src/index.ts"
import * as kinds from "../src/kinds.ts"
import { rowMajor } from "./gpu.ts"
import { grasped } from "./grasped.ts"
import { mapKernel, reduceKernel, unit } from "./harness.ts"
import { LIMITS } from "./plan-runner.ts"

const F32 = "float32"
const { plannerOf } = executablesOf(kinds)
const output = { dtype: F32, access: "unit" } as const
const sum = {
  accumulators: [F32] as const,
  identity: [0],
  lift: [input(0, F32)],
  combine: [left(0, F32).add(right(0, F32))],
}
const scatter = (combine: ScatterKernel["combine"], dtype: "float32" | "int32" = F32): ScatterKernel => ({
  kind: "scatter",
  rank: 1,
  inputs: [unit("int32"), unit(dtype)],
  scalars: [],
  value: input(1, dtype),
  coordinates: [input(0, "int32")],
  combine,
  dtype,
  targetRank: 1,
  bounds: "zero",
})

interface Use {
  readonly kernel: Kernel
  /** Iteration sizes, and those of each operand. */
  readonly launches: readonly (readonly [sizes: readonly number[], ...operands: (readonly number[])[]])[]
  readonly scalars?: readonly number[]
}

const product = (m: number, n: number, k: number) =>
  [
    [m, n, k],
    [m, k],
    [k, n],
    [m, n],
  ] as const
const points = (n: number, target: number) => [[n], [n], [n], [target]] as const

/** Of every kind: small and large, short and long. */
const USES: Readonly<Record<string, Use>> = {
  map: {
    kernel: mapKernel(1, [unit("bool")], [{ dtype: "bool", access: "unit" }], [input(0, "bool").not()]),
    launches: [[[1000], [1000], [1000]]],
  },
  reduce: {
    kernel: reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit(F32)],
      outputs: [output],
      ...sum,
      finish: [result(0, F32)],
    }),
    launches: [
      [[3, 10], [3, 10], [3]],
      [[300, 500], [300, 500], [300]],
      [[300, 5000], [300, 5000], [300]],
      [[1, 100_000], [1, 100_000], [1]],
    ],
  },
  rows: {
    kernel: {
      kind: "rows",
      rank: 2,
      reduced: 1,
      inputs: [unit(F32)],
      outputs: [output],
      scalars: [],
      stages: [sum],
      body: [input(0, F32).sub(result(0, F32))],
      finish: [],
    },
    launches: [
      [
        [300, 50],
        [300, 50],
        [300, 50],
      ],
      [
        [1, 100_000],
        [1, 100_000],
        [1, 100_000],
      ],
    ],
  },
  scan: {
    kernel: {
      kind: "scan",
      rank: 1,
      inputs: [unit(F32)],
      outputs: [output],
      scalars: [],
      reverse: false,
      ...sum,
      finish: [result(0, F32)],
    },
    launches: [
      [[10], [10], [10]],
      [[1000], [1000], [1000]],
      [[1_000_000], [1_000_000], [1_000_000]],
    ],
  },
  sort: {
    kernel: { kind: "sort", rank: 1, dtype: F32, descending: false },
    launches: [
      [[100], [100], [100], [100]],
      [[5000], [5000], [5000], [5000]],
      [[100_000], [100_000], [100_000], [100_000]],
    ],
  },
  "scatter that adds": { kernel: scatter("add"), launches: [points(1, 9), points(100, 9), points(100_000, 9)] },
  "scatter that sets": {
    kernel: scatter("set"),
    launches: [points(1, 9), points(100, 9), points(10_000, 9), points(10_000, 1_000_000)],
  },
  "scatter in any order": { kernel: scatter("max", "int32"), launches: [points(1, 9), points(10_000, 9)] },
  matmul: {
    kernel: { kind: "matmul", batch: 0, dtype: F32, epilogue: null },
    launches: [
      product(8, 8, 8),
      product(10, 500, 30),
      product(600, 600, 30),
      product(2000, 2000, 30),
      product(64, 64, 5000),
      product(8, 100, 5000),
      product(1, 100, 100),
      product(1, 100, 5000),
      product(1, 100_000, 20),
    ],
  },
  conv: {
    kernel: { kind: "conv", pass: "forward", spatial: 1, dtype: F32, epilogue: null },
    scalars: [1, 1, 1, 1],
    launches: [
      [
        [2, 8, 10],
        [2, 3, 10],
        [8, 3, 3],
        [2, 8, 10],
      ],
      [
        [64, 64, 100],
        [64, 32, 100],
        [64, 32, 3],
        [64, 64, 100],
      ],
      [
        [1, 64, 20],
        [1, 900, 20],
        [64, 900, 3],
        [1, 64, 20],
      ],
    ],
  },
}

describe("what launches need is among the shaders that are compiled ahead", () => {
  const forms = [true, false].map((staging) => ({ ...LIMITS, staging }))
  it.each(Object.keys(USES).flatMap((name) => forms.map((limits) => [name, limits] as const)))("%s", (name, limits) => {
    const { kernel, launches, scalars = [] } = USES[name]
    const planner = plannerOf(kernel, limits)
    const ahead = new Set(planner.shaders().map(({ code }) => code))
    for (const [sizes, ...operands] of launches) {
      const placed = operands.map((own) => ({ offset: 0, sizes: own, strides: rowMajor(own) }))
      const { dispatches } = plannerOf(kernel, limits).plan({ sizes, operands: placed, scalars })
      expect(dispatches.length).toBeGreaterThan(0)
      for (const { shader } of dispatches) expect(ahead.has(shader.code), `${sizes}`).toBe(true)
    }
  })
})

/** Runs one launch of a use. */
function launchOf(
  on: WebGpuBackend,
  { kernel, scalars = [] }: Use,
  [sizes, ...operands]: Use["launches"][number],
): void {
  const placed = operands.map((own) => {
    const buffer = on.allocate(4 * own.reduce((n, size) => n * size, 1), F32)
    return { buffer, offset: 0, sizes: own, strides: rowMajor(own) }
  })
  on.launch(on.compile(kernel), sizes, placed, scalars)
}

describe("warm", () => {
  const kinds = ["map", "reduce", "rows", "scan", "sort", "scatter that adds", "scatter that sets"]

  it("leaves nothing to compile while somebody waits", { timeout: 120_000 }, async () => {
    const { gpu, pipelines } = await grasped()
    const on = await createWebGpu({ gpu })
    await on.warm(kinds.map((name) => USES[name].kernel))
    expect(pipelines.blocking).toBe(0)
    const { background } = pipelines
    expect(background).toBeGreaterThan(2 * kinds.length)
    for (const name of kinds) for (const launch of USES[name].launches.slice(0, 2)) launchOf(on, USES[name], launch)
    await on.synchronize()
    expect(pipelines).toEqual({ blocking: 0, background })
    await on.warm(kinds.map((name) => USES[name].kernel))
    expect(pipelines.background).toBe(background)
    on.dispose()
  })

  it("names the kernel of a shader that does not compile; the others are ready", async () => {
    const { gpu, pipelines } = await grasped({ edit: (code) => code.replace("sqrt(", "square_root(") })
    const on = await createWebGpu({ gpu })
    const root = mapKernel(1, [unit(F32)], [output], [input(0, F32).sqrt()])
    const good = USES.map
    const error = await on.warm([root, good.kernel]).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(WebGpuError)
    expect((error as Error).message).toMatch(/^webgpu: map of rank 1: \(float32\) -> float32 was refused: .*f_sqrt/s)
    await on.synchronize()
    const { blocking } = pipelines
    launchOf(on, good, good.launches[0])
    await on.synchronize()
    expect(pipelines.blocking).toBe(blocking)
    on.dispose()
  })

  it("so does a launch that compiles, at the next read", async () => {
    const { gpu } = await grasped({ edit: (code) => code.replace("sqrt(", "square_root(") })
    const on = await createWebGpu({ gpu })
    const kernel = mapKernel(1, [unit(F32)], [output], [input(0, F32).sqrt()])
    launchOf(on, { kernel, launches: [] }, [[4], [4], [4]])
    await expect(on.synchronize()).rejects.toThrow(
      /^webgpu: map of rank 1: \(float32\) -> float32 was refused: .*f_sqrt/s,
    )
    on.dispose()
  })
})
