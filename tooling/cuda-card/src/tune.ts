/**
 * Tiles of products in tensor cores: that each gives what another kernel gives, and how fast each is. The suite's products are too
 * small for most of them.
 */
import type { MatmulKernel } from "@taeda/core"
import type { AsyncTile } from "../../../packages/backend-cuda/src/contraction-async.ts"
import type { DeviceMemory } from "../../../packages/backend-cuda/src/driver.ts"
import { plannerOf } from "../../../packages/backend-cuda/src/executables.ts"
import type { NativeLibraries } from "../../../packages/backend-cuda/src/native-libraries.ts"
import type { DeviceLimits, PlacedOperand, Plan } from "../../../packages/backend-cuda/src/program.ts"
import { type Bench, numbers, openBench, timeOf, withTemporary } from "./bench.ts"
import type { Place } from "./open.ts"
import { attempt, print } from "./rows.ts"
import type { Scale, Type } from "./works.ts"

type Shape = readonly [rows: number, columns: number, down: number, across: number, stages: number]

const TILES: Readonly<Record<AsyncTile["by"], readonly Shape[]>> = {
  tma: [
    [128, 256, 8, 1, 4],
    [128, 256, 8, 1, 3],
    [128, 192, 8, 1, 5],
    [128, 128, 8, 1, 6],
    [128, 128, 8, 1, 4],
  ],
  wgmma: [
    [128, 256, 8, 1, 4],
    [128, 256, 8, 1, 3],
    [256, 128, 16, 1, 4],
    [128, 192, 8, 1, 5],
    [128, 128, 8, 1, 4],
    [128, 128, 8, 1, 3],
    [64, 256, 4, 1, 4],
    [64, 128, 4, 1, 4],
  ],
  mma: [
    [128, 256, 2, 4, 4],
    [128, 256, 2, 4, 3],
    [256, 128, 4, 2, 4],
    [128, 128, 2, 4, 4],
    [128, 128, 2, 4, 3],
    [128, 128, 2, 2, 3],
    [64, 256, 1, 4, 4],
    [128, 64, 2, 2, 4],
    [64, 64, 2, 2, 4],
  ],
}

const tiles: readonly AsyncTile[] = (["mma", "wgmma", "tma"] as const).flatMap((by) =>
  TILES[by].map(([rows, columns, warpsDown, warpsAcross, stages]) => ({
    rows,
    columns,
    warpsDown,
    warpsAcross,
    by,
    stages,
  })),
)

/** Sizes whose sums are compared, cut off at every side, and those that are measured. */
const SIZES: Readonly<
  Record<Scale, { readonly compared: readonly [number, number, number]; readonly timed: readonly number[] }>
> = {
  card: { compared: [1000, 1048, 1096], timed: [4096, 2048] },
  tiny: { compared: [72, 136, 136], timed: [64] },
}
interface Product {
  /** What rows call it. */
  readonly type: Type | "tf32, cut off"
  readonly dtype: MatmulKernel["dtype"]
  readonly precision?: MatmulKernel["precision"]
  readonly bytes: number
}
const PRODUCTS: readonly Product[] = [
  { type: "bfloat16", dtype: "bfloat16", bytes: 2 },
  { type: "float16", dtype: "float16", bytes: 2 },
  { type: "tf32", dtype: "float32", precision: "high", bytes: 4 },
  { type: "tf32, cut off", dtype: "float32", precision: "medium", bytes: 4 },
]

const dense = (rows: number, columns: number): PlacedOperand => ({
  offset: 0,
  sizes: [rows, columns],
  strides: [columns, 1],
})
const transposed = (rows: number, columns: number): PlacedOperand => ({
  offset: 0,
  sizes: [rows, columns],
  strides: [1, rows],
})

/** The plan of a product. */
function planOf(
  { dtype, precision }: Product,
  [m, n, k]: readonly [number, number, number],
  turned: boolean,
  limits: DeviceLimits,
  libraries?: NativeLibraries,
): Plan {
  const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype, precision, epilogue: null }
  const operands = [dense(m, k), turned ? transposed(k, n) : dense(k, n), dense(m, n)]
  return plannerOf(kernel, limits, libraries).plan({ sizes: [m, n, k], operands, scalars: [] })
}

/** Of which kind a kernel is that copies meanwhile; undefined where it is none. */
const kindOf = (ptx: string): AsyncTile["by"] | undefined => {
  if (ptx.includes("cp.async.bulk")) return "tma"
  if (!ptx.includes("cp.async")) return undefined
  return ptx.includes("wgmma") ? "wgmma" : "mma"
}

const usesTile = ({ launches: [launch] }: Plan, { by }: AsyncTile): boolean =>
  launch !== undefined && "module" in launch && kindOf(launch.module.ptx) === by

const nameOf = ({ by, rows, columns, warpsDown, warpsAcross, stages }: AsyncTile): string =>
  `${by} ${rows}×${columns}, ${warpsDown}×${warpsAcross} warps, ${stages} steps`

/** Memory of a product, which is given back. */
async function withMemory(
  bench: Bench,
  { dtype, bytes }: Product,
  [m, n, k]: readonly [number, number, number],
  body: (operands: readonly DeviceMemory[]) => Promise<void>,
): Promise<void> {
  const operands = [
    bench.filled(numbers(m * k, dtype, 1)),
    bench.filled(numbers(k * n, dtype, 2)),
    bench.context.allocate(m * n * bytes),
  ]
  try {
    await body(operands)
  } finally {
    for (const memory of operands) bench.context.free(memory)
  }
}

/** Compares every tile with the kernels of older devices. */
async function compare(part: string, bench: Bench, product: Product, scale: Scale): Promise<void> {
  const { limits } = bench
  const { compared } = SIZES[scale]
  for (const turned of [false, true])
    await attempt(part, `${product.type}, what is compared`, () =>
      withMemory(bench, product, compared, async (operands) => {
        const result = (plan: Plan): Uint8Array =>
          withTemporary(bench, plan, (temporaries) => {
            bench.run(plan, operands, temporaries)
            return bench.read(operands[2])
          })
        const want = result(planOf({ ...product, precision: undefined }, compared, turned, { ...limits, target: 75 }))
        let equal = 0
        for (const tile of tiles) {
          const plan = planOf(product, compared, turned, { ...limits, tuning: { tile } })
          if (!usesTile(plan, tile)) continue
          await attempt(part, `${product.type}${turned ? " transposed" : ""}, ${nameOf(tile)}`, () => {
            const got = result(plan)
            const wrong = got.findIndex((byte, i) => byte !== want[i])
            if (wrong >= 0)
              throw new Error(`byte ${wrong} of ${compared.join("×")} differs from that of another kernel`)
            equal++
          })
        }
        const text = `${equal} tiles agree`
        print({ kind: "fact", part, name: `${product.type}${turned ? " transposed" : ""}`, text })
      }),
    )
}

/** Times every tile, and cuBLASLt where the machine has it; says which is the fastest. */
async function race(
  part: string,
  bench: Bench,
  product: Product,
  n: number,
  scale: Scale,
  libraries: NativeLibraries,
): Promise<void> {
  const { limits } = bench
  await withMemory(bench, product, [n, n, n], async (operands) => {
    for (const turned of [false, true]) {
      const name = `${product.type} ${n}³${turned ? " transposed" : ""}`
      const timed = new Map<string, number>()
      const time = (what: string, who: string, plan: Plan): Promise<unknown> =>
        attempt(part, `${name}, ${what}`, () => {
          const ms = timeOf(bench, plan, operands, scale)
          timed.set(what, ms)
          print({ kind: "time", part, work: `${name}, ${what}`, who, ms, amount: 2 * n ** 3, unit: "TFLOP/s" })
        })
      for (const tile of tiles) {
        const plan = planOf(product, [n, n, n], turned, { ...limits, tuning: { tile } })
        if (usesTile(plan, tile)) await time(nameOf(tile), "taeda", plan)
      }
      const theirs = planOf(product, [n, n, n], turned, limits, libraries)
      const [fastest] = [...timed].toSorted(([, x], [, y]) => x - y)
      if (theirs.launches.some((launch) => "product" in launch)) await time("cuBLASLt", "cuBLASLt", theirs)
      const ms = timed.get("cuBLASLt")
      if (!fastest || ms === undefined) continue
      const text = `${fastest[0]}: ${((100 * ms) / fastest[1]).toFixed(0)} % as fast as cuBLASLt`
      print({ kind: "fact", part, name: `the fastest tile of ${name}`, text })
    }
  })
}

export async function tune(part: string, scale: Scale, place: Place): Promise<void> {
  const { bench, libraries } = await openBench(place)
  for (const product of PRODUCTS) await compare(part, bench, product, scale)
  for (const n of SIZES[scale].timed)
    for (const product of PRODUCTS)
      await attempt(part, `${product.type} ${n}`, () => race(part, bench, product, n, scale, libraries))
}
