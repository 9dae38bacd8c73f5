/** Reductions: over all elements, or over one or more dims. */
import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating } from "../checks.ts"
import { computeType, type DType, isFloating } from "../dtype.ts"
import { constant, type Expr, result, where } from "../expr.ts"
import { type MonoidSpec, runMap } from "../kernels.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { allMonoid, anyMonoid, productMonoid, sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { floatResult } from "../promotion.ts"
import { contiguousStrides, type Sizes } from "../shape.ts"
import { allocate, type Tensor, track } from "../tensor.ts"
import type { DimArg, DtypeOption, Reduction as ReductionOp } from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { shift } from "./along.ts"
import { div, mul } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { countWhere, type Reduction, reduceTo, reductionOf, spread, sumDtype } from "./over-dims.ts"
import { peak, reduceStage, sumOfExp } from "./over-rows.ts"
import { runningProduct } from "./running.ts"
import { reshape } from "./views.ts"

export interface ReductionOps {
  /** Σ over all elements or over `dim`. Integers and bool give int32 (int64 stays), unless `dtype` says otherwise. */
  sum: ReductionOp<"sum", "sum", DtypeOption>
  /** The arithmetic mean; floating dtypes only, unless `dtype` is one. */
  mean: ReductionOp<"mean", "mean", DtypeOption>
  /** Π over all elements or over one dim; dtypes as `sum`. The gradient is right where elements are 0. */
  prod: ReductionOp<"prod", "sum", DtypeOption, number | null>
  /** Whether any element is not 0: bool, for uint8 uint8. An empty list of dims reduces nothing. */
  any: ReductionOp<"any", "truth", unknown, DimArg, "none">
  /** Whether no element is 0: bool, for uint8 uint8. An empty list of dims reduces nothing. */
  all: ReductionOp<"all", "truth", unknown, DimArg, "none">
  /** How many elements are not 0, as int32. */
  countNonzero: ReductionOp<"countNonzero", "int">
  /** `sum` with NaN counted as 0. */
  nansum: ReductionOp<"nansum", "sum", DtypeOption>
  /** The mean of the elements that are not NaN; floating dtypes only. */
  nanmean: ReductionOp<"nanmean", "mean", DtypeOption>
  /** log Σ exp(input) over `dim`, without overflow; integers give floats. */
  logsumexp: ReductionOp<"logsumexp", "float">
}

export interface ReductionMethods extends MethodsOf<ReductionOps> {}

interface Context {
  readonly r: Reduction
  readonly shape: Sizes
  readonly dtype: DType
}

const sumBackward = (node: { context: unknown }, g: Tensor): [Tensor] => {
  const { r, shape, dtype } = node.context as Context
  return [to(spread(g, r, shape), dtype)]
}
const SUM: readonly Rule[] = ["SumBackward0", "SumBackward1"].map((name) => ({ name, backward: sumBackward }))

export const sum: FunctionOf<ReductionOps["sum"]> = op(
  "sum(input, dim?, keepdim?, *, dtype?)",
  (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
    const r = reductionOf("sum", x, dim, keepdim)
    const kind = checkDtype("sum", dtype) ?? sumDtype(x.dtype)
    const wide = computeType(kind)
    const out = reduceTo(
      "sum",
      x,
      r,
      kind,
      sumMonoid(wide),
      ({ inputs: [e] }) => [e!.cast(wide)],
      () => sumMonoid.total(wide),
    )
    return track(SUM[dim === undefined || dim === null ? 0 : 1]!, out, [x], [], { r, shape: x.shape, dtype: x.dtype })
  },
)

const meanBackward = (node: { context: unknown }, g: Tensor): [Tensor] => {
  const { r, shape, dtype } = node.context as Context
  return [to(div(spread(g, r, shape), r.count), dtype)]
}
const MEAN: readonly Rule[] = ["MeanBackward0", "MeanBackward1"].map((name) => ({ name, backward: meanBackward }))

export const mean: FunctionOf<ReductionOps["mean"]> = op(
  "mean(input, dim?, keepdim?, *, dtype?)",
  (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
    const kind = checkDtype("mean", dtype) ?? (x.dtype as DType)
    if (!isFloating(kind))
      throw new TypeError(
        `mean: could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${kind}; pass { dtype: "float32" }`,
      )
    const r = reductionOf("mean", x, dim, keepdim)
    const wide = computeType(kind)
    const out = reduceTo(
      "mean",
      x,
      r,
      kind,
      sumMonoid(wide),
      ({ inputs: [e] }) => [e!.cast(wide)],
      ([n]) => sumMonoid.total(wide).div(n!),
      [{ value: r.count, dtype: wide }],
    )
    return track(MEAN[dim === undefined || dim === null ? 0 : 1]!, out, [x], [], { r, shape: x.shape, dtype: x.dtype })
  },
)

// ---- products ----

/**
 * ∂(Π x)/∂x_k is the product of what comes before and of what comes after: without a division, so that zeros do no harm.
 * Half types compute in float32, so that the many steps round once.
 */
function productShare(g: Tensor, x: Tensor, r: Reduction): Tensor {
  if (r.dims.length === 0) return g
  if (r.dims.length > 1) {
    const n = x.numel()
    const flat: Reduction = { dims: [0], kept: [1], shape: [], count: n }
    return reshape(productShare(g, reshape(x, [n]), flat), x.shape)
  }
  const d = r.dims[0]!
  const before = shift(runningProduct(x, d, false), d, 1, 1)
  const after = shift(runningProduct(x, d, true), d, -1, 1)
  return mul(reshape(g, r.kept), mul(before, after))
}

const PROD: readonly Rule[] = ["ProdBackward0", "ProdBackward1"].map((name) => ({
  name,
  backward: (node, g) => {
    const { r, dtype } = node.context as Context
    const wide = computeType(g.dtype)
    return [to(productShare(to(g, wide), to(node.get(0), wide), r), dtype)]
  },
}))

export const prod: FunctionOf<ReductionOps["prod"]> = op(
  "prod(input, dim?, keepdim?, *, dtype?)",
  (x: Tensor, dim?: number | null, keepdim?: boolean, dtype?: DType) => {
    if (Array.isArray(dim)) throw new TypeError(`prod: dim must be one integer, got an array of length ${dim.length}`)
    const r = reductionOf("prod", x, dim, keepdim)
    const kind = checkDtype("prod", dtype) ?? sumDtype(x.dtype)
    const wide = accumulatorOf(kind)
    const out = reduceTo(
      "prod",
      x,
      r,
      kind,
      productMonoid(wide),
      ({ inputs: [e] }) => [e!.cast(wide)],
      () => result(0, wide),
    )
    return track(PROD[dim === undefined || dim === null ? 0 : 1]!, out, [x], [x], { r, shape: x.shape, dtype: x.dtype })
  },
)

// ---- truth ----

function truth<F extends FunctionOf<ReductionOps["any" | "all"]>>(name: "any" | "all", monoid: MonoidSpec): F {
  return op<FunctionOf<ReductionOps["any"]>>(
    `${name}(input, dim?, keepdim?)`,
    (x: Tensor, dim?: DimArg, keepdim?: boolean) => {
      const r = reductionOf(name, x, dim, keepdim, false)
      const kind = x.dtype === "uint8" ? "uint8" : "bool"
      return reduceTo(
        name,
        x,
        r,
        kind,
        monoid,
        ({ inputs: [e] }) => [e!.cast("bool")],
        () => result(0, "bool"),
      )
    },
  ) as F
}

export const any: FunctionOf<ReductionOps["any"]> = truth("any", anyMonoid)
export const all: FunctionOf<ReductionOps["all"]> = truth("all", allMonoid)

export const countNonzero: FunctionOf<ReductionOps["countNonzero"]> = op(
  "countNonzero(input, dim?)",
  (x: Tensor, dim?: DimArg) =>
    countWhere("countNonzero", x, reductionOf("countNonzero", x, dim), (e) => e.cast("bool")),
)

// ---- around NaN ----

const number = (e: Expr): Expr => (isFloating(e.dtype as DType) ? e.isnan().not() : constant(1, "bool"))
/** The gradient where the input is a number. */
const NAN_MASKED = new Pointwise("nansum", (g, x) => where(number(x), g, constant(0, g.dtype)))

const NANSUM: Rule = {
  name: "NansumBackward0",
  backward: (node, g) => {
    const { r, shape, dtype } = node.context as Context
    return [NAN_MASKED.run([spread(g, r, shape), node.get(0)], dtype, null)]
  },
}

export const nansum: FunctionOf<ReductionOps["nansum"]> = op(
  "nansum(input, dim?, keepdim?, *, dtype?)",
  (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
    const r = reductionOf("nansum", x, dim, keepdim)
    const kind = checkDtype("nansum", dtype) ?? sumDtype(x.dtype)
    const wide = computeType(kind)
    const out = reduceTo(
      "nansum",
      x,
      r,
      kind,
      sumMonoid(wide),
      ({ inputs: [e] }) => [where(number(e!), e!, constant(0, e!.dtype)).cast(wide)],
      () => sumMonoid.total(wide),
    )
    return track(NANSUM, out, [x], [x], { r, shape: x.shape, dtype: x.dtype })
  },
)

export const nanmean: FunctionOf<ReductionOps["nanmean"]> = op(
  "nanmean(input, dim?, keepdim?, *, dtype?)",
  (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
    requireFloating("nanmean", x)
    const count = countWhere("count numbers", x, reductionOf("nanmean", x, dim, keepdim), number)
    return div(nansum(x, dim ?? null, keepdim ?? false, { dtype: dtype ?? x.dtype }), count)
  },
)

// ---- in the logarithm ----

/** g·exp(x − log Σ exp x) */
const LOGSUMEXP_SHARE = new Pointwise("logsumexp", (g, x, y) => g.mul(x.sub(y).exp()))

const LOGSUMEXP: Rule = {
  name: "LogsumexpBackward0",
  backward: (node, g) => {
    const { r, dtype } = node.context as Context
    return [LOGSUMEXP_SHARE.run([reshape(g, r.kept), node.get(0), reshape(node.get(1), r.kept)], dtype, null)]
  },
}

export const logsumexp: FunctionOf<ReductionOps["logsumexp"]> = op(
  "logsumexp(input, dim, keepdim?)",
  (input: Tensor, dim: DimArg, keepdim?: boolean) => {
    const x = to(input, floatResult(input.dtype))
    const r = reductionOf("logsumexp", x, dim, keepdim)
    const type = computeType(x.dtype)
    const kept = { ...r, shape: r.kept }
    const [from] = reduceStage(peak(type, "as 0"), [x], [], kept) as [Tensor]
    const [sums] = reduceStage(sumOfExp(type), [x], [from], kept) as [Tensor]
    const out = allocate(x.device, r.shape, contiguousStrides(r.shape), x.dtype)
    const wholes = [sums, from].map((t) => raw(() => reshape(t, r.shape)))
    runMap([out], { key: "logsumexp", inputs: wholes }, ({ inputs: [s, m] }) => s!.log().add(m!))
    return track(LOGSUMEXP, out, [x], [x, out], { r, shape: x.shape, dtype: x.dtype })
  },
)

export const reductionMethods: Family = { sum, mean, prod, any, all, countNonzero, nansum, nanmean, logsumexp }
