/**
 * Computations over rows: reductions, each of which may use what those before it found, and then a value for every element.
 * Written once, they are one kernel (`rows`) where the backend has it, elsewhere a reduction for each stage and a map.
 */
import { computeType, type DType } from "../dtype.ts"
import { type Expr, result, where } from "../expr.ts"
import { type Argument, lacksRows, type MonoidSpec, runMap, runRows } from "../kernels.ts"
import { maxMonoid, sumMonoid } from "../monoids.ts"
import type { Tensor } from "../tensor.ts"
import { arrangement, permuted, perRow, type Reduction, reduceInputs } from "./over-dims.ts"

type Exprs = readonly Expr[]

/** A reduction over each row. */
export interface Stage {
  /** Stands for `lift` and `finish`, together with the dtypes. */
  readonly key: string
  readonly monoid: MonoidSpec
  /** The accumulators of an element, from the inputs there and what the stages before found. */
  readonly lift: (inputs: Exprs, found: Exprs) => Exprs
  /** What is found of a row, in the type that is computed in. */
  readonly finish: (totals: Exprs, scalars: Exprs) => Exprs
  /** How many numbers that is. Default: 1. */
  readonly finds?: number
  /** How many of them, from the first on, later stages and elements use. Default: all. */
  readonly passes?: number
}

export interface RowsWork {
  /** Stands for `body` and all stages, together with the dtypes. */
  readonly key: string
  /** The first has the full shape, the others broadcast to it (same number of dims). */
  readonly inputs: readonly Tensor[]
  /** What only `body` reads, after the others. */
  readonly more?: readonly Tensor[]
  readonly scalars?: readonly Argument[]
  readonly stages: readonly Stage[]
  /** An element of the result, from all inputs there and what was found. */
  readonly body: (inputs: Exprs, found: Exprs) => Expr
  /** Which of all that is found the caller wants, by number, counted through the stages. */
  readonly wanted?: readonly number[]
}

const NONE: readonly Tensor[] = []
const NO_NUMBERS: readonly number[] = []
const NO_ARGUMENTS: readonly Argument[] = []

const findsOf = (stage: Stage): number => stage.finds ?? 1
const passesOf = (stage: Stage): number => stage.passes ?? findsOf(stage)

/** The accumulators of a stage; `before`: how many those of earlier stages are. */
const totalsOf = ({ monoid }: Stage, before = 0): Exprs =>
  monoid.accumulators.map((dtype, k) => result(before + k, dtype))

/** The reduction of a stage by itself. Results have the shape of `r`. */
export function reduceStage(
  stage: Stage,
  inputs: readonly Tensor[],
  found: readonly Tensor[],
  r: Reduction,
  scalars: readonly Argument[] = NO_ARGUMENTS,
): Tensor[] {
  const type = computeType(inputs[0]!.dtype)
  const n = inputs.length
  return reduceInputs(
    stage.key,
    found.length ? [...inputs, ...found] : inputs,
    r,
    new Array<DType>(findsOf(stage)).fill(type),
    stage.monoid,
    ({ inputs: e }) => stage.lift(e.slice(0, n), e.slice(n)),
    (s) => stage.finish(totalsOf(stage), s),
    scalars,
  )
}

/**
 * Fills `out`, of the full shape, over the rows that the dims of `r` are; gives what is wanted of what was found, with those
 * dims of size 1. Nothing is recorded. Null, and nothing done, where the backend has no such kernel.
 */
export function inOneKernel(out: Tensor, r: Reduction, work: RowsWork): Tensor[] | null {
  const { inputs, more = NONE, stages, wanted = NO_NUMBERS } = work
  const x = inputs[0]!
  if (lacksRows(x.device, work.key, x.dtype)) return null
  const type = computeType(x.dtype)
  const a = arrangement(x, r.dims)
  const kept = { ...r, shape: r.kept }
  const found = wanted.map(() => perRow(x, kept, a, type))
  const views = [...inputs, ...more].map((t) => permuted(t, a))
  const done = runRows(
    [permuted(out, a)],
    found.map(([t]) => t),
    views[0]!.shape,
    r.dims.length,
    { key: work.key, inputs: views, scalars: work.scalars ?? NO_ARGUMENTS },
    ({ inputs: e, scalars }) => {
      const read = e.slice(0, inputs.length)
      const all: Expr[] = []
      const passed: Expr[] = []
      let accumulators = 0
      const monoids = stages.map((stage) => {
        const { monoid } = stage
        const lift = stage.lift(read, passed).map((value, k) => value.cast(monoid.accumulators[k]!))
        const finds = stage.finish(totalsOf(stage, accumulators), scalars)
        accumulators += monoid.accumulators.length
        all.push(...finds)
        passed.push(...finds.slice(0, passesOf(stage)))
        return { ...monoid, lift }
      })
      return { stages: monoids, body: [work.body(e, passed)], finish: wanted.map((k) => all[k]!) }
    },
  )
  return done ? found.map(([, t]) => t) : null
}

/** The same as a reduction for each stage and a map. */
export function inSteps(out: Tensor, r: Reduction, work: RowsWork): Tensor[] {
  const { inputs, more = NONE, scalars = NO_ARGUMENTS, wanted = NO_NUMBERS } = work
  const kept = { ...r, shape: r.kept }
  const all: Tensor[] = []
  const passed: Tensor[] = []
  for (const stage of work.stages) {
    const found = reduceStage(stage, inputs, passed, kept, scalars)
    all.push(...found)
    passed.push(...found.slice(0, passesOf(stage)))
  }
  const n = inputs.length + more.length
  runMap([out], { key: work.key, inputs: [...inputs, ...more, ...passed] }, ({ inputs: e }) =>
    work.body(e.slice(0, n), e.slice(n)),
  )
  return wanted.map((k) => all[k]!)
}

/** As `inOneKernel`, or in steps. */
export const overRows = (out: Tensor, r: Reduction, work: RowsWork): Tensor[] =>
  inOneKernel(out, r, work) ?? inSteps(out, r, work)

// ---- common stages ----

/** The greatest, as it is or with 0 for an infinite one: what exponents are measured from. */
export const peak = (type: DType, infinite: "keep" | "as 0"): Stage => ({
  key: `peak ${infinite}`,
  monoid: maxMonoid(type),
  lift: ([x]) => [x!],
  finish: ([highest]) => [
    infinite === "keep" ? highest! : where(highest!.abs().eq(Number.POSITIVE_INFINITY), 0, highest!),
  ],
})

/** The exponential of an element, measured from the row's peak. */
export const exponential = (x: Expr, from: Expr): Expr => x.sub(from).exp()

/** Σ exp(x − peak), after the stage that finds the peak. */
export const sumOfExp = (type: DType): Stage => ({
  key: "sum of exp",
  monoid: sumMonoid(type),
  lift: ([x], [from]) => [exponential(x!, from!)],
  finish: ([sum]) => [sum!],
})
