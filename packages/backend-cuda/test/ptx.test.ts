/** The text of modules: that NVIDIA's own assembler takes it for every kind of device, and that the functions are current. */
import { readFileSync } from "node:fs"
import {
  type DType,
  Expr,
  input,
  type Kernel,
  left,
  type MatmulKernel,
  PRIMITIVES,
  type Primitive,
  result,
  right,
} from "@taeda/core"
import { assemble, hasAssembler } from "@taeda/cuda-emulator"
import { describe, expect, it } from "vitest"
import { generate, nvccRelease, TARGET } from "../scripts/math-ptx.ts"
import { plannerOf } from "../src/executables.ts"
import { MATH_PTX, NVCC_RELEASE } from "../src/math-ptx.ts"
import type { DeviceLimits } from "../src/program.ts"
import { Writer } from "../src/writer.ts"
import { reduceKernel, rowMajor, unit } from "./harness.ts"
import { LIMITS } from "./plan-runner.ts"

const view = (sizes: readonly number[]) => ({ sizes, strides: rowMajor(sizes), offset: 0 })

/** The texts of a launch with dense operands. */
function textsOf(
  kernel: Kernel,
  sizes: readonly number[],
  operands: readonly (readonly number[])[],
  limits: Partial<DeviceLimits> = {},
  scalars: readonly number[] = [],
) {
  const plan = plannerOf(kernel, { ...LIMITS, ...limits }).plan({ sizes, operands: operands.map(view), scalars })
  return plan.launches.flatMap((launch) => ("module" in launch ? [launch.module] : []))
}

const DTYPES: readonly DType[] = ["float32", "float64", "int8", "int32", "int64", "bool"]

/** A map of every primitive in every type in which it has a meaning. */
function primitives() {
  return (Object.keys(PRIMITIVES) as Primitive[]).flatMap((op) =>
    DTYPES.flatMap((dtype) => {
      if (op === "cast" || op === "bitcast") return []
      const args = Array.from({ length: PRIMITIVES[op] }, (_, k) =>
        input(k, op === "where" && k === 0 ? "bool" : dtype),
      )
      const type = op === "eq" || op === "lt" || op === "le" ? "bool" : dtype
      const kernel: Kernel = {
        kind: "map",
        rank: 1,
        inputs: args.map((arg) => ({ dtype: arg.dtype as DType, access: "unit" })),
        outputs: [{ dtype: type, access: "unit" }],
        scalars: [],
        body: [Expr.make(op, type, args)],
      }
      try {
        return textsOf(
          kernel,
          [999],
          [...args, 0].map(() => [999]),
        )
      } catch (error) {
        if (error instanceof TypeError && /has no meaning/.test(error.message)) return []
        throw error
      }
    }),
  )
}

const PRIMITIVE_MAPS = primitives()

const sum = reduceKernel({
  rank: 2,
  reduced: 1,
  inputs: [unit("float64")],
  outputs: [{ dtype: "float64", access: "unit" }],
  accumulators: ["float64", "bool"],
  identity: [0, 0],
  lift: [input(0, "float64"), input(0, "float64").isnan()],
  combine: [left(0, "float64").add(right(0, "float64")), left(1, "bool").or(right(1, "bool"))],
  finish: [result(0, "float64")],
})
type Precision = MatmulKernel["precision"]
const matmul = (dtype: DType, precision: Precision): Kernel => ({
  kind: "matmul",
  batch: 0,
  dtype,
  precision,
  epilogue: null,
})
const conv = (dtype: DType, pass: "forward" | "input" | "weight", precision: Precision): Kernel => ({
  kind: "conv",
  pass,
  spatial: 2,
  dtype,
  precision,
  epilogue: null,
})

const FACTORS: readonly { readonly dtype: DType; readonly precision?: Precision }[] = [
  { dtype: "float32" },
  { dtype: "float32", precision: "high" },
  { dtype: "float64" },
  { dtype: "float16" },
  { dtype: "bfloat16" },
]

/** Convolutions of 128 channels, with every tile that they have: of many and of few rows, and of one dim to three. */
const convolutions = (limits: Partial<DeviceLimits>) =>
  FACTORS.filter(({ dtype }) => dtype !== "float64").flatMap(({ dtype, precision }) =>
    [1, 2, 3].flatMap((spatial) =>
      (["forward", "input", "weight"] as const).flatMap((pass) =>
        (spatial === 2 ? [16, 32, 64, 128] : [64]).flatMap((to) => {
          const dims = (size: number): number[] => new Array(spatial).fill(size)
          const [x, w, y] = [
            [8, 128, ...dims(8)],
            [to, 128, ...dims(3)],
            [8, to, ...dims(4)],
          ]
          const operands = { forward: [x, w, y], input: [y, w, x], weight: [x, y, w] }[pass]
          const scalars = [...dims(2), ...dims(1), ...dims(1), 1]
          return textsOf(
            { kind: "conv", pass, spatial, dtype, precision, epilogue: null },
            operands[2],
            operands,
            { multiprocessors: 1, ...limits, tuning: { copies: "always" } },
            scalars,
          )
        }),
      ),
    ),
  )

/** Something of every kind of kernel. */
const representative = (target: number, sharedBytes = 48 * 1024, tensorMaps = false) => [
  ...textsOf(sum, [3, 200], [[3, 200], [3]]),
  ...textsOf(sum, [1, 100_000], [[1, 100_000], [1]]),
  ...textsOf(
    { ...sum, kind: "scan", reverse: true, outputs: [{ dtype: "float64", access: "unit" }] } as Kernel,
    [1, 100_000],
    [
      [1, 100_000],
      [1, 100_000],
    ],
  ),
  ...textsOf({ kind: "sort", rank: 1, dtype: "float16", descending: true }, [10_000], [[10_000], [10_000], [10_000]]),
  ...FACTORS.flatMap(({ dtype, precision }) => [
    ...textsOf(
      matmul(dtype, precision),
      [512, 512, 512],
      [
        [512, 512],
        [512, 512],
        [512, 512],
      ],
      { target, sharedBytes, warpgroups: sharedBytes > 200_000 && target === 90, tensorMaps },
    ),
    ...textsOf(
      matmul(dtype, precision),
      [10, 99, 33],
      [
        [10, 33],
        [33, 99],
        [10, 99],
      ],
      { target },
    ),
    ...(["forward", "input", "weight"] as const).flatMap((pass) =>
      textsOf(
        conv(dtype, pass, precision),
        [1, 2, 8, 8],
        [
          [1, 2, 8, 8],
          [2, 2, 3, 3],
          [1, 2, 8, 8],
        ].map((s, k) =>
          pass === "weight"
            ? [
                [1, 2, 8, 8],
                [1, 2, 8, 8],
                [2, 2, 3, 3],
              ][k]
            : s,
        ),
        { target },
        [1, 1, 1, 1, 1, 1, 1],
      ),
    ),
  ]),
]

describe("modules", () => {
  it("need no newer driver than CUDA 11.0 and no newer device than they say", () => {
    for (const { ptx, target, threads, entry } of [...PRIMITIVE_MAPS, ...representative(75), ...representative(90)]) {
      expect(ptx.startsWith(`.version 7.0\n.target sm_${target}\n.address_size 64\n`)).toBe(true)
      expect(ptx).toContain(`.visible .entry ${entry}(`)
      expect(ptx).toContain(`.reqntid ${threads}\n`)
    }
    expect(new Set(representative(75).map(({ target }) => target))).toEqual(new Set([75]))
    expect(new Set(representative(120).map(({ target }) => target))).toEqual(new Set([75, 80]))
  })

  it("multiply TF32 where float32 may be rounded and the device can, and nowhere else", () => {
    const text = (precision: Precision, target: number): string =>
      textsOf(
        matmul("float32", precision),
        [64, 64, 64],
        [
          [64, 64],
          [64, 64],
          [64, 64],
        ],
        { target },
      )
        .map(({ ptx }) => ptx)
        .join()
    for (const target of [80, 86, 89, 90, 100, 120]) {
      expect(text("high", target)).toContain("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
      expect(text("medium", target)).toBe(text("high", target))
      expect(text(undefined, target)).toBe(text(undefined, 75))
    }
    expect(text("high", 75)).toBe(text(undefined, 75))
    expect(text(undefined, 75)).not.toContain("mma")
  })

  it("bring along the functions that they call, and no others", () => {
    for (const { ptx } of PRIMITIVE_MAPS) {
      const declared = [...ptx.matchAll(/^\.func (?:\([^)]*\) )?(\w+)/gm)].map(([, name]) => name)
      const called = new Set([...ptx.matchAll(/call(?:\.uni)? \([^)]*\), ?(\w+)|^(\w+),$/gm)].map(([, a, b]) => a ?? b))
      for (const name of called) expect(declared).toContain(name)
      for (const name of declared) expect(MATH_PTX).toHaveProperty(name)
    }
  })

  it("have the bodies of short functions in place of calls, until these fill the text", () => {
    const textWith = (type: "f32" | "f64", calls: number): string => {
      const w = new Writer()
      let value = w.variable(type, 0)
      for (let i = 0; i < calls; i++) value = w.call(`${type}_exp`, [type], type, value)
      return w.finish(32).module.ptx
    }
    const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0
    const one = textWith("f32", 1)
    expect([count(one, /\bcall\b/g), count(one, /^\.func/gm), count(one, /ex2\.approx/g)]).toEqual([0, 0, 1])
    const long = textWith("f64", 2)
    expect([count(long, /\bcall\b/g), count(long, /^\.func/gm)]).toEqual([2, 1])
    const many = textWith("f32", 200)
    const [calls, bodies] = [count(many, /\bcall\b/g), count(many, /ex2\.approx/g)]
    expect(calls + bodies).toBe(200 + count(many, /^\.func/gm))
    expect(bodies).toBeGreaterThan(20)
    expect(calls).toBeGreaterThan(150)
    expect(many.length).toBeLessThan(60_000)
  })

  if (hasAssembler()) {
    const refusals = (modules: typeof PRIMITIVE_MAPS, target: number) =>
      assemble(
        modules.map(({ ptx }) => ptx),
        { target },
      )
    it("of every primitive are assembled", async () => {
      expect(await refusals(PRIMITIVE_MAPS, 75)).toEqual([])
    }, 300_000)
    it.each([80, 86, 89, 90, 100, 120])(
      "of tiles whose copies go on meanwhile are assembled for sm_%i",
      async (target) => {
        const largest = [false, target === 90].flatMap((maps) => representative(target, 227 * 1024, maps))
        expect(await refusals(largest, target)).toEqual([])
        expect(await refusals(representative(target, 99 * 1024), target)).toEqual([])
        const sharedBytes = (target % 10 === 0 && target < 120 ? 227 : 99) * 1024
        expect(await refusals(convolutions({ target, sharedBytes, warpgroups: target === 90 }), target)).toEqual([])
      },
      300_000,
    )
    it("of TF32 that warpgroups multiply are assembled", async () => {
      const [m, n, k] = [4096, 4096, 64]
      const operands = [view([m, k]), { ...view([k, n]), strides: [1, k] }, view([m, n])]
      const modules = [true, false].flatMap((tensorMaps) => {
        const limits = { ...LIMITS, target: 90, sharedBytes: 227 * 1024, warpgroups: true, tensorMaps }
        const { launches } = plannerOf(matmul("float32", "medium"), limits).plan({
          sizes: [m, n, k],
          operands,
          scalars: [],
        })
        return launches.flatMap((launch) => ("module" in launch ? [launch.module] : []))
      })
      for (const { ptx } of modules) expect(ptx).toContain("wgmma.mma_async.sync.aligned.m64n256k8.f32.tf32.tf32")
      expect(await refusals(modules, 90)).toEqual([])
    }, 300_000)
    it.each([75, 80, 86, 89, 90, 100, 120])(
      "of every kind are assembled for sm_%i",
      async (target) => {
        expect(await refusals(representative(target), target)).toEqual([])
      },
      300_000,
    )
  }
  if (nvccRelease() === NVCC_RELEASE)
    it("have the functions of math.cu", () => {
      expect(generate(NVCC_RELEASE)).toBe(readFileSync(TARGET, "utf8"))
    })
})
