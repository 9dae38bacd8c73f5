/** Running combinations along a dim: cumsum, cumprod, cummax, ... */
import { op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { type DType, isFloating } from "../dtype.ts"
import { shapeText, tensorText } from "../errors.ts"
import { result } from "../expr.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { runningExtremeMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { results } from "../results.ts"
import { normalizeDim } from "../shape.ts"
import { needsGrad, type Tensor, trackAll } from "../tensor.ts"
import type { Field } from "../types/arguments.ts"
import type { Excess } from "../types/arithmetic.ts"
import type { CheckDim, SetSize, SizeAt } from "../types/dims.ts"
import type { Along, AlongInPlace, DtypeOption, Found, RunningFound } from "../types/patterns.ts"
import type { Arg, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { placed, scanAlong } from "./along.ts"
import { sub } from "./arithmetic.ts"
import { checkDtype } from "./conversion.ts"
import { clone, copyInto, writeInto } from "./copying.ts"
import { emptyLike } from "./creation.ts"
import { cat } from "./joining.ts"
import { sumDtype } from "./over-dims.ts"
import { apply, RUNNING_LOGSUMEXP, RUNNING_PRODUCT, RUNNING_SUM, type Running } from "./running.ts"
import { narrow } from "./views.ts"

type DiffByName = { n?: number; dim?: number; prepend?: Tensor | null; append?: Tensor | null }
type NthDim<A, N> = A extends number ? (N extends number ? N : Field<N, "dim">) : Field<A, "dim">
type DiffDim<A, N> = NthDim<A, N> extends number ? NthDim<A, N> : -1
/** One less for each time; with others joined on, or by name, only the run knows. */
type Differences<S extends Shape, A, N, P, Q> = SetSize<
  S,
  DiffDim<A, N>,
  [[A, N, P, Q] extends [infer T extends number, number, null, null] ? Excess<SizeAt<S, DiffDim<A, N>>, T> : number]
>

// biome-ignore-start lint/suspicious/noExplicitAny: the dtype of tensors that are joined on
interface Diff {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | DiffByName = 1,
    const N extends number | Omit<DiffByName, "n"> = -1,
    const P extends Tensor | Pick<DiffByName, "prepend" | "append"> | null = null,
    const Q extends Tensor | Pick<DiffByName, "append"> | null = null,
  >(
    this: Self,
    n?: A,
    dim?: Arg<CheckDim<"diff", S, NthDim<A, N>>, N>,
    prepend?: P,
    append?: Q,
  ) => Tensor<Differences<OwnShape<Self>, A, N, P, Q>, [A, P, Q] extends [number, null, null] ? OwnDType<Self> : any>
  function: <
    S extends Shape,
    D extends DType,
    const A extends number | DiffByName = 1,
    const N extends number | Omit<DiffByName, "n"> = -1,
    const P extends Tensor | Pick<DiffByName, "prepend" | "append"> | null = null,
    const Q extends Tensor | Pick<DiffByName, "append"> | null = null,
  >(
    input: Tensor<S, D>,
    n?: A,
    dim?: Arg<CheckDim<"diff", S, NthDim<A, N>>, N>,
    prepend?: P,
    append?: Q,
  ) => Tensor<Differences<S, A, N, P, Q>, [A, P, Q] extends [number, null, null] ? D : any>
}

// biome-ignore-end lint/suspicious/noExplicitAny: as above

export interface ScanOps {
  /** Σ of the elements up to each along `dim`. Integers and bool give int32 (int64 stays), unless `dtype` says otherwise. */
  cumsum: Along<"cumsum", "sum", DtypeOption>
  cumsum_: AlongInPlace<"cumsum_">
  /** Π of the elements up to each along `dim`; dtypes as `cumsum`. The gradient is right where elements are 0. */
  cumprod: Along<"cumprod", "sum", DtypeOption>
  cumprod_: AlongInPlace<"cumprod_">
  /** The greatest element so far along `dim` and its int32 position: the last among equals, NaN above all. */
  cummax: RunningFound<"cummax">
  /** The least element so far along `dim` and its int32 position: the last among equals, NaN below all. */
  cummin: RunningFound<"cummin">
  /** log Σ exp of the elements up to each along `dim`, without overflow; floating dtypes only. */
  logcumsumexp: Along<"logcumsumexp">
  /** Differences of neighbours along `dim`, `n` times; `prepend` and `append` are joined on first. */
  diff: Diff
}

export interface ScanMethods extends MethodsOf<ScanOps> {}

/** Both forms of a running sum or product. */
function pair<N extends "cumsum" | "cumprod">(
  name: N,
  running: Running,
): [FunctionOf<ScanOps[N]>, FunctionOf<ScanOps[`${N}_`]>] {
  const outOfPlace = op<FunctionOf<ScanOps[N]>>(
    `${name}(input, dim, *, dtype?)`,
    (x: Tensor, dim: number, dtype?: DType) => {
      const d = normalizeDim(name, dim, x.ndim)
      return apply(running, x, { d, reverse: false }, checkDtype(name, dtype) ?? sumDtype(x.dtype))
    },
  )
  const inPlace = op<FunctionOf<ScanOps[`${N}_`]>>(
    `${name}_(input, dim, *, dtype?)`,
    (x: Tensor, dim: number, dtype?: DType) => {
      const d = normalizeDim(`${name}_`, dim, x.ndim)
      const wanted = checkDtype(`${name}_`, dtype)
      if (x.dtype === "bool" || (wanted && wanted !== x.dtype))
        throw new TypeError(
          `${name}_: the result of ${name} in ${wanted ?? "int32"} cannot be kept in ${tensorText(x)}; use ${name}`,
        )
      checkInPlace(name, x)
      const recorded = needsGrad([x])
      const before = recorded && running.saves.includes(0) ? clone(x) : x
      const node = recorded ? new OpNode(running.rule, [x], [], { d, reverse: false, dtype: x.dtype }) : null
      if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
      writeInto(x, running.compute(x, { d, reverse: false }, x.dtype))
      recordInPlace(x, node)
      node?.save(running.saves.map((k) => (k === 0 ? before : x)))
      return x
    },
  )
  return [outOfPlace, inPlace]
}

export const [cumsum, cumsum_] = pair("cumsum", RUNNING_SUM)
export const [cumprod, cumprod_] = pair("cumprod", RUNNING_PRODUCT)

export const logcumsumexp: FunctionOf<ScanOps["logcumsumexp"]> = op(
  "logcumsumexp(input, dim)",
  (x: Tensor, dim: number) => {
    if (!isFloating(x.dtype))
      throw new TypeError(
        `logcumsumexp: not implemented for ${x.dtype}; convert with x.to("float32") (${tensorText(x)})`,
      )
    return apply(RUNNING_LOGSUMEXP, x, { d: normalizeDim("logcumsumexp", dim, x.ndim), reverse: false })
  },
)

function runningExtreme<N extends "cummax" | "cummin">(name: N, which: "max" | "min") {
  const rule: Rule = {
    name: which === "max" ? "CummaxBackward0" : "CumminBackward0",
    backward: (node, g) => {
      const { d, size } = node.context as { d: number; size: number }
      return [placed(g, d, node.get(0), size)]
    },
  }
  return op<FunctionOf<ScanOps[N]>>(`${name}(input, dim)`, (x: Tensor, dim: number) => {
    const d = normalizeDim(name, dim, x.ndim)
    const wide = accumulatorOf(x.dtype)
    const outs = scanAlong(
      [x],
      d,
      [x.dtype, "int32"],
      runningExtremeMonoid(wide, which),
      ({ inputs: [e], at }) => [e!.cast(wide), at.at(-1)!],
      [result(0, wide), result(1, "int32")],
    )
    trackAll(rule, outs, [x], [outs[1]!], { d, size: x.shape[d] ?? 1 })
    return results(["values", "indices"], outs) as unknown as Found
  })
}

export const cummax = runningExtreme("cummax", "max")
export const cummin = runningExtreme("cummin", "min")

const DIFFER = new Pointwise("diff", (a, b) => a.eq(b).not(), { result: "bool" })

export const diff: FunctionOf<ScanOps["diff"]> = op(
  "diff(input, n?, dim?, prepend?, append?)",
  (input: Tensor, n = 1, dim = -1, prepend?: Tensor | null, append?: Tensor | null) => {
    if (input.ndim === 0) throw new RangeError("diff: expects input to be at least one-dimensional")
    if (!Number.isInteger(n) || n < 0) throw new RangeError(`diff: order n must be a non-negative integer, got ${n}`)
    const d = normalizeDim("diff", dim, input.ndim)
    for (const other of [prepend, append])
      if (other && other.ndim !== input.ndim)
        throw new RangeError(
          `diff: expects prepend and append to have as many dims as input, got ${shapeText(other.shape)} and ${shapeText(input.shape)}`,
        )
    let x = prepend || append ? cat([...(prepend ? [prepend] : []), input, ...(append ? [append] : [])], d) : input
    const times = Math.min(n, x.shape[d]!)
    // As in PyTorch, no differences at all are a copy of what was given.
    if (n === 0) return copyInto(emptyLike(input), input)
    for (let i = 0; i < times; i++) {
      const length = Math.max(x.shape[d]! - 1, 0)
      const [later, earlier] = [narrow(x, d, Math.min(1, x.shape[d]!), length), narrow(x, d, 0, length)]
      x = x.dtype === "bool" ? DIFFER.call(later, earlier) : sub(later, earlier)
    }
    return x
  },
)

export const scanMethods: Family = { cumsum, cumsum_, cumprod, cumprod_, cummax, cummin, logcumsumexp, diff }
