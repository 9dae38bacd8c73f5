/** Matrix products: a contraction whose places are sums of strides. */
import type { MatmulKernel } from "@taeda/core"
import type { Geometry, Reading } from "./contraction.ts"
import { type Aligned, ContractionProgram, FLAT_ROWS } from "./contraction-plan.ts"
import { libraryProductOf } from "./library-product.ts"
import type { NativeLibraries } from "./native-libraries.ts"
import type { Planner } from "./planner.ts"
import { unravel } from "./points.ts"
import type { DeviceLimits, PlacedOperand } from "./program.ts"
import { layoutOf } from "./tensor-maps.ts"
import type { Writer } from "./writer.ts"

/** Operands by name: those of the product, then the output, then the epilogue's inputs. */
const resultNames = (inputs: number): string[] => ["out", ...Array.from({ length: inputs }, (_, k) => `input${k}`)]

const describe =
  (batch: number, inputs: number) =>
  (w: Writer): Geometry => {
    const results = resultNames(inputs)
    const stride = (name: string): string => w.own(name, w.wide ? "s64" : "s32")
    const zero = w.op(`mov.${w.index}`, 0)
    return {
      batch(z) {
        const at = unravel(
          w,
          z,
          Array.from({ length: batch }, (_, d) => ({ key: `batch${d}`, read: ({ sizes }) => sizes[d] })),
        )
        const start = (of: string): string =>
          at.reduce((sum, c, d) => w.ix("mad.lo", c, stride(`${of}.batch${d}`), sum), zero)
        return { depth: w.own("depth", w.index), a: start("a"), b: start("b"), fields: [], results: results.map(start) }
      },
      row: (_, m) => w.ix("mul.lo", m, stride("a.row")),
      column: (_, n) => ({ b: w.ix("mul.lo", n, stride("b.column")), checks: [] }),
      depth: (_, k) => ({
        a: w.ix("mul.lo", k, stride("a.depth")),
        b: w.ix("mul.lo", k, stride("b.depth")),
        checks: [],
      }),
      rowPlaces: (_, m) => results.map((of) => w.ix("mul.lo", m, stride(`${of}.row`))),
      columnPlaces: (_, n) => ({
        valid: w.op(`setp.lt.${w.index}`, n, w.own("columns", w.index)),
        places: results.map((of) => w.ix("mul.lo", n, stride(`${of}.column`))),
      }),
      checkedSizes: [],
    }
  }

/** Both operands row-major, and the second one transposed, as the weights of linear layers are. */
const ROWS: Reading = { a: "depth", b: "column" }
const TRANSPOSED: Reading = { a: "depth", b: "depth" }

/** Whether a step of `x` stays nearer than one of `y`. */
const nearer = (x: number, y: number): boolean => Math.abs(x) < Math.abs(y)

/** Whether so many elements along a dim are always aligned neighbours. */
const isAligned = ({ offset, strides, sizes }: PlacedOperand, inner: number, count: number): boolean =>
  strides[inner] === 1 &&
  sizes[inner] % count === 0 &&
  offset % count === 0 &&
  strides.every((stride, d) => d === inner || sizes[d] === 1 || stride % count === 0)

/** Sizes [b.., M, N, K]; operands a, c, the epilogue's inputs, out; the epilogue's scalars. */
export function matmulPlanner(kernel: MatmulKernel, limits: DeviceLimits, libraries?: NativeLibraries): Planner {
  const { batch, epilogue, dtype } = kernel
  const inputs = epilogue?.inputs.length ?? 0
  const program = new ContractionProgram(kernel, describe(batch, inputs), limits)
  const results = resultNames(inputs)
  const theirs = libraries && libraryProductOf(kernel, limits, libraries)
  const plan: Planner["plan"] = (launch) => {
    const byLibrary = theirs?.plan(launch)
    if (byLibrary) return byLibrary
    const { sizes, operands } = launch
    const [m, n, depth] = sizes.slice(batch)
    // The transposed product has few rows where this one has few columns.
    const turned = n < m && n <= FLAT_ROWS
    const first = turned ? 1 : 0
    const [row, column] = turned ? [batch + 1, batch] : [batch, batch + 1]
    const own: Record<string, number> = { depth }
    const place = (name: string, { strides }: PlacedOperand, steps: Readonly<Record<string, number>>): void => {
      for (let d = 0; d < batch; d++) own[`${name}.batch${d}`] = strides[d]
      for (const [step, dim] of Object.entries(steps)) own[`${name}.${step}`] = strides[dim]
    }
    const [a, b] = [operands[first], operands[1 - first]]
    const [depthOfA, depthOfB] = turned ? [batch, batch + 1] : [batch + 1, batch]
    place("a", a, { row, depth: depthOfA })
    place("b", b, { column, depth: depthOfB })
    const out = operands[operands.length - 1]
    results.forEach((name, k) => {
      place(name, k === 0 ? out : operands[k + 1], { row, column })
    })
    const reading: Reading = {
      a: nearer(own["a.depth"], own["a.row"]) ? "depth" : "row",
      b: nearer(own["b.depth"], own["b.column"]) ? "depth" : "column",
    }
    const aligned: Aligned = (count) => ({
      a: isAligned(a, reading.a === "depth" ? depthOfA : row, count),
      b: isAligned(b, reading.b === "depth" ? depthOfB : column, count),
      out: isAligned(out, column, count),
    })
    const [rows, columns] = turned ? [n, m] : [m, n]
    const batches = sizes.slice(0, batch).reduce((count, size) => count * size, 1)
    const { tensorMaps, warpgroups } = limits
    const layoutOfSide = (operand: PlacedOperand, alongDepth: boolean, depthDim: number, otherDim: number) =>
      layoutOf(operand, dtype, batch, alongDepth ? depthDim : otherDim, alongDepth ? otherDim : depthDim)
    const layoutA = tensorMaps && warpgroups ? layoutOfSide(a, reading.a === "depth", depthOfA, row) : null
    const layoutB = layoutA && layoutOfSide(b, reading.b === "depth", depthOfB, column)
    const layouts = layoutA && layoutB && { a: layoutA, b: layoutB }
    return program.plan({ batches, rows, columns, depth }, reading, aligned, launch, own, first, layouts)
  }
  return { plan, modules: () => program.commonModules([ROWS, TRANSPOSED]) }
}
