/** Matrix products: a contraction whose places are sums of strides. */
import type { MatmulKernel } from "@taeda/core"
import { type Body, type ContractionText, type Numbers, type Reading, unravel } from "./contraction.ts"
import { ContractionProgram, FLAT_ROWS } from "./contraction-plan.ts"
import type { Planner } from "./planner.ts"
import type { GpuLimits, PlacedOperand } from "./program.ts"

/** Operands in the order of a plan's texts: those of the product, then the output, then the epilogue's inputs. */
const resultNames = (inputs: number): string[] => ["out", ...Array.from({ length: inputs }, (_, k) => `input${k}`)]

const describe =
  (batch: number, inputs: number) =>
  (p: Numbers): ContractionText => {
    const results = resultNames(inputs)
    const names = Array.from({ length: batch }, (_, d) => `z${d}`)
    const start = (of: string): string =>
      [p.i32(`${of}.offset`), ...names.map((z, d) => `${z} * ${p.i32(`${of}.batch${d}`)}`)].join(" + ")
    const value = (...values: string[]): Body => ({ statements: "", values })
    const sizes = names.slice(1).map((_, d) => p.u32(`size${d + 1}`))
    return {
      batchFields: [],
      batch: {
        statements: batch ? unravel("z", names, sizes) : "",
        values: [p.i32("depth"), start("a"), start("b"), ...results.map(start)],
      },
      row: value(`m * ${p.i32("a.row")}`),
      column: value(`n * ${p.i32("b.column")}`),
      depth: { names: ["x"], sizes: [], values: [`x * ${p.i32("a.depth")}`, `x * ${p.i32("b.depth")}`] },
      rowPlace: value(...results.map((of) => `m * ${p.i32(`${of}.row`)}`)),
      columnPlace: value(`n < ${p.i32("columns")}`, ...results.map((of) => `n * ${p.i32(`${of}.column`)}`)),
      checkedSizes: [],
    }
  }

/** Both operands row-major; the second one transposed, as the weights of linear layers are; the first one, as for their gradients. */
const READINGS: readonly Reading[] = [
  { a: "depth", b: "column" },
  { a: "depth", b: "depth" },
  { a: "row", b: "column" },
]

/** Whether a step of `x` stays nearer than one of `y`. */
const nearer = (x: number, y: number): boolean => Math.abs(x) < Math.abs(y)

/** Sizes [b.., M, N, K]; operands a, c, the epilogue's inputs, out; the epilogue's scalars. */
export function matmulPlanner(kernel: MatmulKernel, limits: GpuLimits): Planner {
  const { batch, dtype, epilogue } = kernel
  const inputs = epilogue?.inputs.length ?? 0
  const program = new ContractionProgram({ dtype, epilogue, describe: describe(batch, inputs) }, limits)
  const results = resultNames(inputs)
  const plan: Planner["plan"] = (launch) => {
    const { sizes, operands } = launch
    const [m, n, depth] = sizes.slice(batch)
    // The transposed product has few rows where this one has few columns.
    const turned = n < m && n <= FLAT_ROWS
    const first = turned ? 1 : 0
    const [row, column] = turned ? [batch + 1, batch] : [batch, batch + 1]
    const values: Record<string, number> = { depth }
    for (let d = 0; d < batch; d++) values[`size${d}`] = sizes[d]
    const place = (name: string, { offset, strides }: PlacedOperand, steps: Readonly<Record<string, number>>): void => {
      values[`${name}.offset`] = offset
      for (let d = 0; d < batch; d++) values[`${name}.batch${d}`] = strides[d]
      for (const [step, dim] of Object.entries(steps)) values[`${name}.${step}`] = strides[dim]
    }
    const [a, b] = [operands[first], operands[1 - first]]
    place("a", a, { row, depth: turned ? batch : batch + 1 })
    place("b", b, { column, depth: turned ? batch + 1 : batch })
    const out = operands.length - 1
    results.forEach((name, k) => place(name, operands[k === 0 ? out : k + 1], { row, column }))
    const reading: Reading = {
      a: nearer(values["a.depth"], values["a.row"]) ? "depth" : "row",
      b: nearer(values["b.depth"], values["b.column"]) ? "depth" : "column",
    }
    const [rows, columns] = turned ? [n, m] : [m, n]
    const batches = sizes.slice(0, batch).reduce((count, size) => count * size, 1)
    return program.plan({ batches, rows, columns, depth }, reading, launch, values, first)
  }
  return { plan, shaders: () => program.commonShaders(READINGS) }
}
