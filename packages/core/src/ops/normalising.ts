/**
 * Normalising over dims: what `normalization.ts` is made of.
 *
 * x̂ = (x − mean)·rstd, y = x̂·weight + bias, rstd being 1/√(variance + eps). Forward is two stages over rows (`over-rows.ts`),
 * backward one, and one reduction for weight and bias unless they are per row, whose sums are at hand then. When the
 * backward pass itself is recorded it runs as ordinary ops instead, so that it can be differentiated.
 */
import { gradEnabled, raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { type Expr, result } from "../expr.ts"
import { type Argument, runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { sumMonoid, sumsMonoid } from "../monoids.ts"
import { reshaped } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { contiguousStrides, isContiguous, type Sizes } from "../shape.ts"
import { allocate, type Tensor, track } from "../tensor.ts"
import { mul, sub } from "./arithmetic.ts"
import { to } from "./conversion.ts"
import { type Reduction, reduceInputs } from "./over-dims.ts"
import { overRows, type RowsWork, type Stage } from "./over-rows.ts"
import { mean } from "./reduction.ts"
import { sumToSize } from "./sum-to-size.ts"
import { reshape } from "./views.ts"

/** Over what is normalised: the input's shape with dims merged, and which of these. */
export interface Layout {
  readonly shape: Sizes
  readonly dims: readonly number[]
  /** The shape in which weight and bias broadcast over `shape`. */
  readonly affine: Sizes
}

interface Plan extends Layout {
  readonly eps: number
  /** Elements that share a mean. */
  readonly count: number
  /** Whether a mean is taken off. */
  readonly centered: boolean
  /** Mean and rstd are given, not computed from the input. */
  readonly frozen: boolean
  readonly weight: boolean
  readonly bias: boolean
}

interface Statistics {
  readonly mean: Tensor
  readonly rstd: Tensor
}

// ---- kernels ----

/** The rows that are normalised. */
const rowsOf = ({ shape, dims }: Pick<Layout, "shape" | "dims">): Reduction => {
  const kept = shape.map((s, d) => (dims.includes(d) ? 1 : s))
  return { dims, kept, shape: kept, count: dims.reduce((n, d) => n * shape[d]!, 1) }
}

/** A number as a launch argument. */
const number = (value: number, dtype: DType): Argument => ({ value, dtype })

/** Find the mean, if one is taken off, and 1/√(variance + eps), with it the variance itself (divided by n). */
const statistics = (p: Plan, type: DType): Stage[] => {
  const spread: Stage = {
    key: p.centered ? "norm spread" : "norm square",
    monoid: sumMonoid(type),
    lift: ([x], [m]) => [(m ? x!.sub(m) : x!).square()],
    finish: ([s], [n, eps]) => [s!.div(n!).add(eps!).sqrt().reciprocal(), s!.div(n!)],
    finds: 2,
    passes: 1,
  }
  if (!p.centered) return [spread]
  const mean: Stage = {
    key: "norm mean",
    monoid: sumMonoid(type),
    lift: ([x]) => [x!],
    finish: ([s], [n]) => [s!.div(n!)],
  }
  return [mean, spread]
}

/** x̂ from x, mean and rstd. */
const hat = (p: Plan, x: Expr, m: Expr, r: Expr): Expr => (p.centered ? x.sub(m.cast(x.dtype)) : x).mul(r.cast(x.dtype))

/** y from x, mean and rstd, weight and bias where there are any. */
function affine(p: Plan, x: Expr, m: Expr, r: Expr, parameters: readonly Expr[]): Expr {
  const more = [...parameters]
  let y = hat(p, x, m, r)
  if (p.weight) y = y.mul(more.shift()!.cast(y.dtype))
  if (p.bias) y = y.add(more.shift()!.cast(y.dtype))
  return y
}

const flags = (p: Plan): string => `${p.centered} ${p.frozen} ${p.weight} ${p.bias}`

/** The result, and the statistics that it was made with: those given, or those of the rows. */
function normalised(
  x: Tensor,
  given: Statistics | null,
  parameters: readonly Tensor[],
  p: Plan,
): { readonly out: Tensor; readonly stats: Statistics; readonly variance: Tensor | null } {
  const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
  const key = `normalise ${flags(p)}`
  if (given) {
    runMap([out], { key, inputs: [x, given.mean, given.rstd, ...parameters] }, ({ inputs: [e, m, r, ...more] }) =>
      affine(p, e!, m!, r!, more),
    )
    return { out, stats: given, variance: null }
  }
  const type = computeType(x.dtype)
  const work: RowsWork = {
    key,
    inputs: [x],
    more: parameters,
    scalars: [number(p.count, type), number(p.eps, type)],
    stages: statistics(p, type),
    body: ([e, ...more], found) => affine(p, e!, found[0]!, found.at(-1)!, more),
    wanted: p.centered ? [0, 1, 2] : [0, 1],
  }
  const found = overRows(out, rowsOf(p), work)
  const [rstd, variance] = found.slice(-2) as [Tensor, Tensor]
  return { out, stats: { mean: found[0]!, rstd }, variance }
}

// ---- gradients ----

interface Context {
  readonly plan: Plan
  /** Of the input, and of weight and bias. */
  readonly shape: Sizes
  readonly parameters: Sizes
  readonly dtypes: readonly DType[]
}

type Gradients = readonly (Tensor | null)[]

const weighted = (e: Expr, weight: Expr | undefined): Expr => (weight ? e.mul(weight.cast(e.dtype)) : e)

/** The gradient of x where mean and rstd do not depend on it: g·w·rstd. `inputs`: g, x, mean, rstd, weight if any. */
function frozenGradient(inputs: readonly Tensor[], p: Plan): Tensor {
  const x = inputs[1]!
  const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
  runMap([out], { key: `norm back frozen ${flags(p)}`, inputs }, ({ inputs: [g, , , r, w] }) =>
    weighted(g!, w).mul(r!.cast(computeType(x.dtype))),
  )
  return out
}

/** Σ g·x̂ and Σ g over all that shares a weight. */
function parameterSums(g: Tensor, x: Tensor, m: Tensor, rstd: Tensor, p: Plan): Tensor[] {
  const type = computeType(x.dtype)
  const dims = p.shape.map((_, d) => d).filter((d) => p.affine[d] === 1)
  return reduceInputs(
    `norm back parameters ${flags(p)}`,
    [g, x, m, rstd],
    rowsOf({ shape: p.shape, dims }),
    [type, type],
    sumsMonoid(type, 2),
    ({ inputs: e }) => [e[0]!.mul(hat(p, e[1]!, e[2]!, e[3]!)), e[0]!],
    () => [result(0, type), result(1, type)],
  )
}

/** (w·g − mean of w·g − x̂·mean of w·g·x̂)·rstd, the means over each row: the gradient of x. */
function inputGradient(inputs: readonly Tensor[], p: Plan, sums: boolean): { out: Tensor; sums: Tensor[] } {
  const x = inputs[1]!
  const type = computeType(x.dtype)
  const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
  // A weight that is the same along a row comes last.
  const even = p.dims.every((d) => p.affine[d] === 1)
  const within = even ? inputs.slice(0, 4) : inputs
  const work: RowsWork = {
    key: `norm back ${flags(p)} ${even} ${sums}`,
    inputs: within,
    more: inputs.slice(within.length),
    scalars: [number(p.count, type)],
    stages: [
      {
        key: `norm back sums ${flags(p)} ${even} ${sums}`,
        monoid: sumsMonoid(type, 2),
        lift: ([e, a, b, r, w]) => {
          const gw = weighted(e!, w)
          return [gw, gw.mul(hat(p, a!, b!, r!))]
        },
        finish: ([a, b], [n]) => [a!.div(n!), b!.div(n!), ...(sums ? [b!, a!] : [])],
        finds: sums ? 4 : 2,
        passes: 2,
      },
    ],
    body: ([e, a, b, r, w], [s1, s2]) => {
      const gw = even ? e! : weighted(e!, w)
      const centered = p.centered ? gw.sub(s1!) : gw
      const share = centered.sub(hat(p, a!, b!, r!).mul(s2!))
      return (even ? weighted(share, w) : share).mul(r!.cast(type))
    },
    ...(sums && { wanted: [2, 3] }),
  }
  return { out, sums: overRows(out, rowsOf(p), work) }
}

function fused(node: OpNode, grad: Tensor, { plan: p, shape, parameters, dtypes }: Context): Gradients {
  const x = reshaped(node.get(0), p.shape)
  const g = reshaped(grad, p.shape)
  const [m, rstd] = [node.get(1), node.get(2)]
  const weight = p.weight ? [reshaped(node.get(3), p.affine)] : []
  const wanted = (p.weight && node.needs(1)) || (p.bias && node.needs(p.weight ? 2 : 1))
  const gradients: (Tensor | null)[] = [null]
  let sums: readonly Tensor[] = []
  if (node.needs(0)) {
    const inputs = [g, x, m, rstd, ...weight]
    let out: Tensor
    if (p.frozen) out = frozenGradient(inputs, p)
    else {
      // Where all that shares a weight is a row, its sums are those of the row.
      const same = wanted && p.shape.every((_, d) => (p.affine[d] === 1) === p.dims.includes(d))
      ;({ out, sums } = inputGradient(inputs, p, same))
    }
    gradients[0] = reshaped(out, shape)
  }
  if (!wanted) return [...gradients, ...dtypes.slice(1).map(() => null)]
  if (sums.length === 0) sums = parameterSums(g, x, m, rstd, p)
  if (p.weight) gradients.push(raw(() => to(reshaped(sums[0]!, parameters), dtypes[1]!)))
  if (p.bias) gradients.push(raw(() => to(reshaped(sums[1]!, parameters), dtypes[dtypes.length - 1]!)))
  return gradients
}

const RSQRT = new Pointwise("rsqrt", (v, eps) => v.add(eps).sqrt().reciprocal())

/** The same of ordinary ops, which can be differentiated again. */
function composed(node: OpNode, grad: Tensor, { plan: p, shape, parameters, dtypes }: Context): Gradients {
  const type = computeType(dtypes[0]!)
  const x = to(reshape(node.get(0), p.shape), type)
  const g = to(reshape(grad, p.shape), type)
  const over = (t: Tensor): Tensor => mean(t, p.dims, true)
  const center = p.frozen ? to(node.get(1), type) : p.centered ? over(x) : null
  const off = center ? sub(x, center) : x
  const rstd = p.frozen ? to(node.get(2), type) : RSQRT.call(over(mul(off, off)), p.eps)
  const xhat = mul(off, rstd)
  const gradients: (Tensor | null)[] = [null]
  if (node.needs(0)) {
    const gw = p.weight ? mul(g, to(reshape(node.get(3), p.affine), type)) : g
    const even = p.frozen ? gw : sub(p.centered ? sub(gw, over(gw)) : gw, mul(xhat, over(mul(gw, xhat))))
    gradients[0] = to(reshape(mul(even, rstd), shape), dtypes[0]!)
  }
  const gathered = (t: Tensor, dtype: DType): Tensor => to(reshape(sumToSize(t, p.affine), parameters), dtype)
  if (p.weight) gradients.push(node.needs(1) ? gathered(mul(g, xhat), dtypes[1]!) : null)
  if (p.bias) gradients.push(node.needs(gradients.length) ? gathered(g, dtypes[dtypes.length - 1]!) : null)
  return gradients
}

const rule = (name: string): Rule => ({
  name,
  backward: (node, g) => (gradEnabled() ? composed : fused)(node, g, node.context as Context),
})

export const RULES = {
  layer: rule("NativeLayerNormBackward0"),
  batch: rule("NativeBatchNormBackward0"),
  group: rule("NativeGroupNormBackward0"),
  // PyTorch composes RMS normalisation: the product, then the conversion from float32, then the row-major copy.
  rms: rule("MulBackward0"),
  rmsHalf: rule("ToCopyBackward0"),
  rmsCopied: rule("CloneBackward0"),
}

export const rmsRule = (x: Tensor): Rule => {
  if (!isContiguous(x.shape, denseStrides(x.shape, x.strides))) return RULES.rmsCopied
  return computeType(x.dtype) === x.dtype ? RULES.rms : RULES.rmsHalf
}

/** Normalises and records. `given`: mean and rstd that do not come from the input. */
export function normalise(
  by: Rule,
  x: Tensor,
  layout: Layout,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
  centered: boolean,
  given: Statistics | null,
): {
  readonly out: Tensor
  readonly found: (Statistics & { readonly variance: Tensor }) | null
} {
  const plan: Plan = {
    ...layout,
    eps,
    count: layout.dims.reduce((n, d) => n * layout.shape[d]!, 1),
    centered,
    frozen: given !== null,
    weight: weight !== null,
    bias: bias !== null,
  }
  const parameters = [weight, bias].filter((t) => t !== null)
  const affine = parameters.map((t) => reshaped(t, plan.affine))
  const { out, stats, variance } = normalised(reshaped(x, plan.shape), given, affine, plan)
  const context: Context = {
    plan,
    shape: x.shape,
    parameters: parameters[0]?.shape ?? [],
    dtypes: [x.dtype, ...parameters.map((t) => t.dtype as DType)],
  }
  const saved = [x, stats.mean, stats.rstd, ...(weight ? [weight] : [])]
  return {
    out: track(by, reshaped(out, x.shape), [x, ...parameters], saved, context),
    found: variance && { ...stats, variance },
  }
}
