/** Linear algebra beyond products: norms, trace, cross. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating, requireTensors } from "../checks.ts"
import { computeType, type DType, isFloating, promoteTypes } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, result, where } from "../expr.ts"
import { type Argument, type MonoidSpec, runMap } from "../kernels.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { maxMonoid, minMonoid, sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { broadcastSizes, normalizeDim } from "../shape.ts"
import { type Tensor, track } from "../tensor.ts"
import type { Cross, Distance, NormOp, Trace } from "../types/linear-algebra.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { fresh } from "./along.ts"
import { mul, sub } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { type DimArg, type Reduction, reduceTo, reductionOf } from "./over-dims.ts"
import { sum } from "./reduction.ts"
import { sumToSize } from "./sum-to-size.ts"
import { detached, diagonal, expand, reshape } from "./views.ts"

export interface LinearAlgebraOps {
  /** (Σ |x|^p)^(1/p) over all or over `dim`; p may be ±Infinity, 0 (counts what is not 0) or "fro" (as 2). */
  norm: NormOp<"norm", "p", number | "fro" | null>
  /** The p-norm of input − other, which broadcast. */
  dist: Distance
  /** Σ of the diagonal of a matrix; integers as `sum`. */
  trace: Trace
  /** The vector product along `dim`, whose size is 3: by default the first such dim. */
  cross: Cross<"cross">
}

export interface LinearAlgebraMethods extends MethodsOf<LinearAlgebraOps> {}

// ---- norms ----

interface NormKind {
  readonly monoid: (dtype: DType) => MonoidSpec
  readonly lift: (e: Expr, p: Expr) => Expr
  readonly finish?: (total: Expr, p: Expr) => Expr
  /** The gradient of one element from that of the norm `y`; `n` elements are as great as the norm. Null: there is none. */
  readonly share: Pointwise | null
}

const masked = (condition: Expr, e: Expr): Expr => where(condition, 0, e)
const magnitude = (e: Expr): Expr => e.abs()
const powered = (e: Expr, p: Expr): Expr => e.abs().pow(p)
const root = (total: Expr, p: Expr): Expr => total.pow(p.reciprocal())
const asGreat = (x: Expr, y: Expr): Expr => x.abs().eq(y).or(x.isnan().and(y.isnan()))
const EXTREME = new Pointwise("vectorNorm", (g, x, y, n) => where(asGreat(x, y), g.div(n).mul(x.sign()), 0))

/** PyTorch's cases, each with the formula that neither overflows nor divides by zero there. */
const NORMS = {
  zero: { monoid: sumMonoid, lift: (e) => where(e.eq(0), constant(0, e.dtype), 1), share: null },
  one: {
    monoid: sumMonoid,
    lift: magnitude,
    share: new Pointwise("vectorNorm", (g, x) => g.mul(x.sign())),
  },
  two: {
    monoid: sumMonoid,
    lift: (e) => e.square(),
    finish: (total) => total.sqrt(),
    share: new Pointwise("vectorNorm", (g, x, y) => g.mul(masked(y.eq(0), x.div(y)))),
  },
  greatest: { monoid: maxMonoid, lift: magnitude, share: EXTREME },
  least: { monoid: minMonoid, lift: magnitude, share: EXTREME },
  belowOne: {
    monoid: sumMonoid,
    lift: powered,
    finish: root,
    share: new Pointwise("vectorNorm", (g, x, y, p) =>
      masked(x.eq(0), x.sign().mul(x.abs().pow(p.sub(1)))).mul(g.mul(y.pow(p.neg().add(1)))),
    ),
  },
  belowTwo: {
    monoid: sumMonoid,
    lift: powered,
    finish: root,
    share: new Pointwise("vectorNorm", (g, x, y, p) =>
      x
        .sign()
        .mul(x.abs().pow(p.sub(1)))
        .mul(masked(y.eq(0), g.div(y.pow(p.sub(1))))),
    ),
  },
  aboveTwo: {
    monoid: sumMonoid,
    lift: powered,
    finish: root,
    share: new Pointwise("vectorNorm", (g, x, y, p) =>
      x.mul(x.abs().pow(p.sub(2))).mul(masked(y.eq(0), g.div(y.pow(p.sub(1))))),
    ),
  },
} as const satisfies Record<string, NormKind>

const kindOf = (p: number): keyof typeof NORMS => {
  const exact = new Map<number, keyof typeof NORMS>([
    [0, "zero"],
    [1, "one"],
    [2, "two"],
    [Number.POSITIVE_INFINITY, "greatest"],
    [Number.NEGATIVE_INFINITY, "least"],
  ])
  return exact.get(p) ?? (p < 1 ? "belowOne" : p < 2 ? "belowTwo" : "aboveTwo")
}

interface NormContext {
  readonly p: number
  readonly r: Reduction
}

const exponent = (p: number, dtype: DType): Argument[] => (Number.isFinite(p) ? [{ value: p, dtype }] : [])

/** The norm outside of the graph. */
function normOver(x: Tensor, p: number, r: Reduction): Tensor {
  const wide = computeType(x.dtype)
  const name = kindOf(p)
  const { monoid, lift, finish }: NormKind = NORMS[name]
  const zero = constant(0, wide)
  return reduceTo(
    `norm ${name}`,
    x,
    r,
    x.dtype,
    monoid(wide),
    ({ inputs: [e], scalars: [power] }) => [lift(e!, power ?? zero)],
    ([power]) => (finish ? finish(result(0, wide), power ?? zero) : result(0, wide)),
    exponent(p, wide),
  )
}

/** The gradient of the norm `y` of `x`. */
function normShare(g: Tensor, x: Tensor, y: Tensor, { p, r }: NormContext): Tensor | null {
  const { share }: NormKind = NORMS[kindOf(p)]
  if (!share) return null
  const [gradient, norm] = [reshape(g, r.kept), reshape(y, r.kept)]
  const last = share === EXTREME ? sum(AS_GREAT.call(detached(x), detached(norm)), r.dims, true) : p
  return share.run([gradient, x, norm, last].slice(0, share.arity), x.dtype, null)
}

const AS_GREAT = new Pointwise("asGreat", asGreat, { result: "bool" })

const NORM: Rule = {
  name: "LinalgVectorNormBackward0",
  backward: (node, g) => {
    const context = node.context as NormContext
    return [normShare(g, node.get(0), node.get(1), context)]
  },
}

function vectorNormOf(
  name: string,
  given: Tensor,
  p: unknown,
  dim: DimArg | undefined,
  keepdim?: boolean,
  dtype?: unknown,
): Tensor {
  if (typeof p !== "number" || Number.isNaN(p))
    throw new TypeError(`${name}: the order of the norm must be a number, got ${valueText(p)}`)
  requireFloating(name, given)
  const kind = checkDtype(name, dtype)
  if (kind && !isFloating(kind)) throw new TypeError(`${name}: dtype must be a floating point one, got ${kind}`)
  const x = kind ? to(given, kind) : given
  const r = reductionOf(name, x, dim, keepdim)
  if (r.count === 0 && !r.shape.includes(0) && (p < 0 || p === Number.POSITIVE_INFINITY))
    throw new RangeError(
      `${name}: cannot compute the ${p} norm on an empty tensor because the operation does not have an identity (${tensorText(x)})`,
    )
  const out = normOver(x, p, r)
  return track(NORM, out, [x], [x, out], { p, r })
}

/** (Σ |x|^ord)^(1/ord) over all or over `dim`: PyTorch's `linalg.vector_norm`. Floating dtypes only. */
export const vectorNorm: FunctionOf<NormOp<"vectorNorm", "ord", number>> = op(
  "vectorNorm(input, ord?, dim?, keepdim?, *, dtype?)",
  (x: Tensor, ord = 2, dim?: DimArg, keepdim?: boolean, dtype?: DType | null) =>
    vectorNormOf("vectorNorm", x, ord, dim, keepdim, dtype),
)

export const norm: FunctionOf<LinearAlgebraOps["norm"]> = op(
  "norm(input, p?, dim?, keepdim?, *, dtype?)",
  (x: Tensor, p: number | "fro" | null = "fro", dim?: DimArg, keepdim?: boolean, dtype?: DType | null) =>
    vectorNormOf("norm", x, p === "fro" || p === null ? 2 : p, dim, keepdim, dtype),
)

const DIST: Rule = {
  name: "DistBackward0",
  backward: (node, g) => {
    const [a, b, y] = [node.get(0), node.get(1), node.get(2)]
    const d = sub(a, b)
    const p = node.context as number
    const share = normShare(g, d, y, { p, r: reductionOf("dist", d, null) })
    if (!share) return [null, null]
    return [
      node.needs(0) ? to(sumToSize(share, a.shape), a.dtype) : null,
      node.needs(1) ? to(sumToSize(mul(share, -1), b.shape), b.dtype) : null,
    ]
  },
}

export const dist: FunctionOf<LinearAlgebraOps["dist"]> = op(
  "dist(input, other, p?)",
  (a: Tensor, b: Tensor, p = 2) => {
    requireTensors("dist", { input: a, other: b })
    const d = sub(detached(a), detached(b))
    const out = vectorNormOf("dist", d, p, null)
    return track(DIST, out, [a, b], [a, b, out], p)
  },
)

// ---- trace ----

const TRACE: Rule = {
  name: "TraceBackward0",
  backward: (node, g) => [onDiagonal(g, node.context as readonly number[])],
}

const ON_DIAGONAL: Rule = { name: "TraceBackwardBackward0", backward: (_node, g) => [trace(g)] }

/** Zeros but for a scalar on the diagonal. */
function onDiagonal(g: Tensor, shape: readonly number[]): Tensor {
  const out = fresh(g, shape, g.dtype)
  runMap([out], { key: "on diagonal", inputs: [g], coordinates: true }, ({ inputs: [e], at: [i, j] }) =>
    where(i!.eq(j!), e!, 0),
  )
  return track(ON_DIAGONAL, out, [g])
}

export const trace: FunctionOf<LinearAlgebraOps["trace"]> = op("trace(input)", (x: Tensor) => {
  if (x.ndim !== 2) throw new RangeError(`trace: expected a tensor with 2 dims, got ${tensorText(x)}`)
  const out = sum(diagonal(detached(x)))
  return track(TRACE, out, [x], [], x.shape)
})

// ---- the vector product ----

const CROSS: Rule = {
  name: "LinalgCrossBackward0",
  backward: (node, g) => {
    const [a, b] = [node.get(0), node.get(1)]
    const d = node.context as number
    return [
      node.needs(0) ? to(sumToSize(crossAlong(b, g, d), a.shape), a.dtype) : null,
      node.needs(1) ? to(sumToSize(crossAlong(g, a, d), b.shape), b.dtype) : null,
    ]
  },
}

/** Along dim `d` counted from the end (negative), which has size 3 in both. */
function crossAlong(a: Tensor, b: Tensor, d: number): Tensor {
  const shape = broadcastSizes("cross", a.shape, b.shape)
  const axis = shape.length + d
  const kind = promoteTypes(a.dtype, b.dtype)
  const wide = accumulatorOf(kind)
  const out = fresh(a, shape, kind)
  const loads = [a, b].map((t) => expand(detached(t), shape))
  runMap([out], { key: `cross ${axis}`, loads, coordinates: true }, ({ at, load }) => {
    const from = (k: number, step: number): Expr => load(k, at.with(axis, at[axis]!.add(step).mod(3))).cast(wide)
    return from(0, 1)
      .mul(from(1, 2))
      .sub(from(0, 2).mul(from(1, 1)))
  })
  return track(CROSS, out, [a, b], [a, b], d)
}

function crossOf(name: string, a: Tensor, b: Tensor, dim: number | null): Tensor {
  requireTensors(name, { input: a, other: b })
  if (a.ndim !== b.ndim)
    throw new RangeError(
      `${name}: inputs must have the same number of dims, got ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
    )
  const d = dim === null ? a.shape.indexOf(3) : normalizeDim(name, dim, a.ndim)
  if (d < 0 || a.shape[d] !== 3 || b.shape[d] !== 3)
    throw new RangeError(
      `${name}: expected a dim of size 3 in both inputs, got ${shapeText(a.shape)} and ${shapeText(b.shape)}${dim === null ? "" : ` at dim ${dim}`}`,
    )
  return crossAlong(a, b, d - a.ndim)
}

export const cross: FunctionOf<LinearAlgebraOps["cross"]> = op(
  "cross(input, other, dim?)",
  (a: Tensor, b: Tensor, dim: number | null = null) => crossOf("cross", a, b, dim),
)

/** PyTorch's `linalg.cross`: along the last dim unless `dim` is given. */
export const linalgCross: FunctionOf<Cross<"linalg.cross">> = op(
  "linalgCross(input, other, *, dim?)",
  (a: Tensor, b: Tensor, dim = -1) => crossOf("linalg.cross", a, b, dim),
)

export const linearAlgebraMethods: Family = { norm, dist, trace, cross }
