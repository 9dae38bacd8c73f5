/**
 * Normalising over dims: what `normalization.ts` is made of.
 *
 * x̂ = (x − mean)·rstd, y = x̂·weight + bias, rstd being 1/√(variance + eps). Forward is two reductions and a map, backward a
 * reduction and a map, and one reduction for weight and bias. When the backward pass itself is recorded it runs as ordinary
 * ops instead, so that it can be differentiated.
 */
import { gradEnabled, raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { type Expr, result } from "../expr.ts"
import { type Argument, runMap, runReduce, type Scope } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { sumsMonoid } from "../monoids.ts"
import { reshaped } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { broadcastStrides, contiguousStrides, isContiguous, type Sizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { mul, sub } from "./arithmetic.ts"
import { to } from "./conversion.ts"
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

/** The inputs broadcast to `shape`, with `dims` last. */
function arranged(t: Tensor, shape: Sizes, dims: readonly number[]): Tensor {
  const strides = broadcastStrides(t.shape, t.strides, shape)
  const order = [...shape.map((_, d) => d).filter((d) => !dims.includes(d)), ...dims]
  return new Tensor(
    t.storage,
    order.map((d) => shape[d]!),
    order.map((d) => strides[d]!),
    t.offset,
    t.dtype,
  )
}

/** Sums over `dims`, each made into a result by `finish`; the results keep the dims with size 1. */
function sumOver(
  key: string,
  layout: { readonly shape: Sizes; readonly dims: readonly number[] },
  inputs: readonly Tensor[],
  scalars: readonly Argument[],
  type: DType,
  lift: (scope: Scope) => readonly Expr[],
  finish: (totals: readonly Expr[], scalars: readonly Expr[]) => readonly Expr[],
  count: number,
  results: number,
): Tensor[] {
  const { shape, dims } = layout
  const kept = shape.filter((_, d) => !dims.includes(d))
  const outs = Array.from({ length: results }, () => allocate(inputs[0]!.device, kept, contiguousStrides(kept), type))
  const views = inputs.map((t) => arranged(t, shape, dims))
  const totals = Array.from({ length: count }, (_, k) => result(k, type))
  runReduce(outs, views[0]!.shape, dims.length, sumsMonoid(type, count), { key, inputs: views, scalars }, lift, (s) =>
    finish(totals, s),
  )
  const wide = shape.map((s, d) => (dims.includes(d) ? 1 : s))
  return outs.map((t) => new Tensor(t.storage, wide, contiguousStrides(wide), 0, type))
}

/** A number as a launch argument. */
const number = (value: number, dtype: DType): Argument => ({ value, dtype })

/** Mean and 1/√(variance + eps), and the variance itself (divided by n). */
function statistics(x: Tensor, p: Plan): Statistics & { readonly variance: Tensor } {
  const type = computeType(x.dtype)
  const n = number(p.count, type)
  const [center] = p.centered
    ? sumOver(
        "norm mean",
        p,
        [x],
        [n],
        type,
        ({ inputs: [e] }) => [e!],
        ([s], [m]) => [s!.div(m!)],
        1,
        1,
      )
    : [null]
  const [rstd, variance] = sumOver(
    center ? "norm spread" : "norm square",
    p,
    center ? [x, center] : [x],
    [n, number(p.eps, type)],
    type,
    ({ inputs: [e, m] }) => [(m ? e!.sub(m) : e!).square()],
    ([s], [m, eps]) => [s!.div(m!).add(eps!).sqrt().reciprocal(), s!.div(m!)],
    1,
    2,
  ) as [Tensor, Tensor]
  return { mean: center ?? rstd, rstd, variance }
}

/** x̂ from x, mean and rstd. */
const hat = (p: Plan, x: Expr, m: Expr, r: Expr): Expr => (p.centered ? x.sub(m.cast(x.dtype)) : x).mul(r.cast(x.dtype))

const flags = (p: Plan): string => `${p.centered} ${p.frozen} ${p.weight} ${p.bias}`

function normalised(
  x: Tensor,
  { mean: m, rstd }: Statistics,
  weight: Tensor | null,
  bias: Tensor | null,
  p: Plan,
): Tensor {
  const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
  const inputs = [x, m, rstd, ...(weight ? [weight] : []), ...(bias ? [bias] : [])]
  runMap([out], { key: `normalise ${flags(p)}`, inputs }, ({ inputs: [e, a, r, ...more] }) => {
    let y = hat(p, e!, a!, r!)
    if (p.weight) y = y.mul(more.shift()!.cast(y.dtype))
    if (p.bias) y = y.add(more.shift()!.cast(y.dtype))
    return y
  })
  return out
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

function fused(node: OpNode, grad: Tensor, { plan: p, shape, parameters, dtypes }: Context): Gradients {
  const x = reshaped(node.get(0), p.shape)
  const g = reshaped(grad, p.shape)
  const [m, rstd] = [node.get(1), node.get(2)]
  const type = computeType(x.dtype)
  const weight = p.weight ? [reshaped(node.get(3), p.affine)] : []
  const weighted = (scope: Expr[]): Expr => (p.weight ? scope[0]!.mul(scope[4]!.cast(scope[0]!.dtype)) : scope[0]!)
  const gradients: (Tensor | null)[] = [null]
  if (node.needs(0)) {
    const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
    const inputs = [g, x, m, rstd, ...weight]
    if (p.frozen)
      runMap([out], { key: `norm back frozen ${flags(p)}`, inputs }, ({ inputs: e }) =>
        weighted([...e]).mul(e[3]!.cast(type)),
      )
    else {
      const totals = sumOver(
        `norm back sums ${flags(p)}`,
        p,
        inputs,
        [number(p.count, type)],
        type,
        ({ inputs: e }) => {
          const gw = weighted([...e])
          return [gw, gw.mul(hat(p, e[1]!, e[2]!, e[3]!))]
        },
        ([a, b], [n]) => [a!.div(n!), b!.div(n!)],
        2,
        2,
      )
      runMap([out], { key: `norm back ${flags(p)}`, inputs: [...inputs, ...totals] }, ({ inputs: e }) => {
        const [s1, s2] = e.slice(-2) as [Expr, Expr]
        const centered = p.centered ? weighted([...e]).sub(s1) : weighted([...e])
        return centered.sub(hat(p, e[1]!, e[2]!, e[3]!).mul(s2)).mul(e[3]!.cast(type))
      })
    }
    gradients[0] = reshaped(out, shape)
  }
  const first = 1
  if ((p.weight && node.needs(first)) || (p.bias && node.needs(first + (p.weight ? 1 : 0)))) {
    const dims = p.shape.map((_, d) => d).filter((d) => p.affine[d] === 1)
    const both = sumOver(
      `norm back parameters ${flags(p)}`,
      { shape: p.shape, dims },
      [g, x, m, rstd],
      [],
      type,
      ({ inputs: e }) => [e[0]!.mul(hat(p, e[1]!, e[2]!, e[3]!)), e[0]!],
      ([a, b]) => [a!, b!],
      2,
      2,
    )
    if (p.weight) gradients.push(raw(() => to(reshaped(both[0]!, parameters), dtypes[1]!)))
    if (p.bias) gradients.push(raw(() => to(reshaped(both[1]!, parameters), dtypes[dtypes.length - 1]!)))
  } else gradients.push(...dtypes.slice(1).map(() => null))
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
  readonly count: number
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
  const seen = reshaped(x, plan.shape)
  const found = given ? null : statistics(seen, plan)
  const stats = (given ?? found)!
  const like = (t: Tensor | null): Tensor | null => t && reshaped(t, plan.affine)
  const out = normalised(seen, stats, like(weight), like(bias), plan)
  const parameters = [weight, bias].filter((t) => t !== null)
  const context: Context = {
    plan,
    shape: x.shape,
    parameters: parameters[0]?.shape ?? [],
    dtypes: [x.dtype, ...parameters.map((t) => t.dtype as DType)],
  }
  const saved = [x, stats.mean, stats.rstd, ...(weight ? [weight] : [])]
  return { out: track(by, reshaped(out, x.shape), [x, ...parameters], saved, context), found, count: plan.count }
}
