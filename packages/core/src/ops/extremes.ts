/** Extremes: max, min, argmax, amax, ... NaN wins over everything, and the first of equal elements is the one found. */

import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import { result } from "../expr.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { extremeMonoid, joinMonoids, maxMonoid, minMonoid } from "../monoids.ts"
import { results } from "../results.ts"
import { isTensor, type Tensor, track, trackAll } from "../tensor.ts"
import type { KnownOptions } from "../types/arguments.ts"
import type { CheckDim, Reduced } from "../types/dims.ts"
import type { Promote } from "../types/dtype.ts"
import type { DimOf, KeepOf, Reduction as ReductionOp, Two } from "../types/patterns.ts"
import type { Arg, Broadcast, IsAny, Ok, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { reduceAlong } from "./along.ts"
import { add } from "./arithmetic.ts"
import { type Found, found, oneDim, refuseEmpty, selectedRule, shared, sharing } from "./finding.ts"
import { maximum, minimum } from "./math.ts"
import { type DimArg, type Reduction, reduceInputs, reduceTo, reductionOf } from "./over-dims.ts"
import { detached, reshape, unsqueeze } from "./views.ts"

type DimAndKeep = { dim?: number | null | undefined; keepdim?: boolean }
type ExtremeArg = number | Tensor | DimAndKeep | { other: Tensor } | null

/** What stands in the first place: another tensor, or a dim. */
type Second<A> = A extends Tensor ? A : A extends { readonly other: infer X } ? X : null
type CheckExtreme<Op extends "max" | "min", S extends Shape, A> =
  Second<A> extends Tensor<infer R, infer _E> ? Broadcast<S, R, `${Op}imum`> : CheckDim<Op, S, DimOf<A>>
type ExtremeOf<S extends Shape, D extends DType, A, K> =
  IsAny<A> extends true
    ? // biome-ignore lint/suspicious/noExplicitAny: nothing is known of the result
      any
    : Second<A> extends Tensor<infer R, infer E>
      ? Tensor<Ok<Broadcast<S, R>>, Promote<S, D, R, E>>
      : DimOf<A> extends null | undefined
        ? Tensor<[], D>
        : Found<Reduced<S, DimOf<A>, KeepOf<A, K>>, D>

/** The three forms of `max` and `min`: of all elements, elementwise with another tensor, along one dim with positions. */
interface Extreme<Op extends "max" | "min"> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends ExtremeArg = null,
    const K extends boolean | { keepdim?: boolean } = false,
  >(
    this: Self,
    dim?: Arg<KnownOptions<Op, A, "dim" | "keepdim" | "other", CheckExtreme<Op, S, A>>, A>,
    keepdim?: K,
  ) => ExtremeOf<OwnShape<Self>, OwnDType<Self>, A, K>
  function: <
    S extends Shape,
    D extends DType,
    const A extends ExtremeArg = null,
    const K extends boolean | { keepdim?: boolean } = false,
  >(
    input: Tensor<S, D>,
    dim?: Arg<KnownOptions<Op, A, "dim" | "keepdim" | "other", CheckExtreme<Op, S, A>>, A>,
    keepdim?: K,
  ) => ExtremeOf<S, D, A, K>
}

export interface MinAndMax<S extends Shape, D extends DType> extends Two<Tensor<S, D>, Tensor<S, D>> {
  readonly min: Tensor<S, D>
  readonly max: Tensor<S, D>
}

interface BothExtremes {
  method: <Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends DimAndKeep = { dim?: undefined }>(
    this: Self,
    options?: Arg<KnownOptions<"aminmax", A, keyof DimAndKeep, CheckDim<"aminmax", S, DimOf<A>>>, A>,
  ) => MinAndMax<Reduced<OwnShape<Self>, DimOf<A>, KeepOf<A, false>>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, const A extends DimAndKeep = { dim?: undefined }>(
    input: Tensor<S, D>,
    options?: Arg<KnownOptions<"aminmax", A, keyof DimAndKeep, CheckDim<"aminmax", S, DimOf<A>>>, A>,
  ) => MinAndMax<Reduced<S, DimOf<A>, KeepOf<A, false>>, D>
}

export interface ExtremesOps {
  /** The greatest: `max()` of all, `max(dim, keepdim)` with values and indices, `max(other)` elementwise. */
  max: Extreme<"max">
  /** The least: `min()` of all, `min(dim, keepdim)` with values and indices, `min(other)` elementwise. */
  min: Extreme<"min">
  /** The greatest over all or over one or more dims; equal ones share the gradient evenly. */
  amax: ReductionOp<"amax", "same">
  /** The least over all or over one or more dims; equal ones share the gradient evenly. */
  amin: ReductionOp<"amin", "same">
  /** Both extremes over all or one dim, as `{ min, max }`. */
  aminmax: BothExtremes
  /** The int32 position of the greatest along `dim`, or in the flattened tensor. */
  argmax: ReductionOp<"argmax", "int", unknown, number | null>
  /** The int32 position of the least along `dim`, or in the flattened tensor. */
  argmin: ReductionOp<"argmin", "int", unknown, number | null>
}

export interface ExtremesMethods extends MethodsOf<ExtremesOps> {}

type Which = "max" | "min"
const MONOIDS = { max: maxMonoid, min: minMonoid } as const

/** Outside of the graph. */
function extremeOver(which: Which, x: Tensor, r: Reduction): Tensor {
  const wide = accumulatorOf(x.dtype)
  return reduceTo(
    which,
    x,
    r,
    x.dtype,
    MONOIDS[which](wide),
    ({ inputs: [e] }) => [e!.cast(wide)],
    () => result(0, wide),
  )
}

// ---- values alone ----

function reducing<N extends "amax" | "amin">(name: N, which: Which) {
  const rule = sharing(`${name[0]!.toUpperCase()}${name.slice(1)}Backward0`, "byCount")
  return op<FunctionOf<ExtremesOps[N]>>(
    `${name}(input, dim?, keepdim?)`,
    (x: Tensor, dim?: DimArg, keepdim?: boolean) => {
      const r = reductionOf(name, x, dim, keepdim)
      refuseEmpty(name, x, r)
      const out = extremeOver(which, x, r)
      return track(rule, out, [x], [x, out], r)
    },
  )
}

export const amax = reducing("amax", "max")
export const amin = reducing("amin", "min")

const AMINMAX: Rule = {
  name: "AminmaxBackward0",
  backward: (node, _g, grads) => {
    const r = node.context as Reduction
    const parts = grads.flatMap((g, k) => (g ? [shared("byCount", g, node.get(0), node.get(k + 1), r)] : []))
    return [parts.length > 1 ? add(parts[0]!, parts[1]!) : (parts[0] ?? null)]
  },
}

export const aminmax = op<FunctionOf<ExtremesOps["aminmax"]>>(
  "aminmax(input, *, dim?, keepdim?)",
  (x: Tensor, dim?: number | null, keepdim?: boolean) => {
    const r = reductionOf("aminmax", x, dim, keepdim)
    refuseEmpty("aminmax", x, r)
    const wide = accumulatorOf(x.dtype)
    const outs = reduceInputs(
      "aminmax",
      [x],
      r,
      [x.dtype, x.dtype],
      joinMonoids(minMonoid(wide), maxMonoid(wide)),
      ({ inputs: [e] }) => [e!, e!],
      () => [result(0, wide), result(1, wide)],
    )
    trackAll(AMINMAX, outs, [x], [x, ...outs], r)
    return results(["min", "max"], outs) as never
  },
)

// ---- with positions ----

/** Values and positions along dim `d`, or the positions alone; nothing is recorded. */
function locate(which: Which, x: Tensor, d: number, wanted: "both" | "position"): Tensor[] {
  const wide = accumulatorOf(x.dtype)
  const value = result(0, wide)
  const position = result(1, "int32")
  return reduceAlong(
    `${which} ${wanted}`,
    x,
    d,
    wanted === "both" ? [x.dtype, "int32"] : ["int32"],
    extremeMonoid(wide, which),
    ({ inputs: [e], at }) => [e!.cast(wide), at.at(-1)!],
    wanted === "both" ? [value, position] : [position],
  )
}

function extreme<N extends Which>(name: N): FunctionOf<ExtremesOps[N]> {
  const all = sharing(name === "max" ? "MaxBackward1" : "MinBackward1", "evenly")
  const along = selectedRule(name === "max" ? "MaxBackward0" : "MinBackward0")
  const body = (x: Tensor, dim?: unknown, keepdim?: unknown, other?: unknown): Tensor | Found => {
    if (isTensor(dim) || other !== undefined) {
      const second = (isTensor(dim) ? dim : other) as Tensor
      return name === "max" ? maximum(x, second) : minimum(x, second)
    }
    if (dim === undefined || dim === null) {
      const r = reductionOf(name, x, null)
      refuseEmpty(name, x, r)
      const out = extremeOver(name, x, r)
      return track(all, out, [x], [x, out], r)
    }
    const where = oneDim(name, x, dim, keepdim)
    return found(along, x, locate(name, x, where.d, "both"), where.d, where.keepdim)
  }
  return op<typeof body>(`${name}(input, dim?, keepdim?, *, other?)`, body) as unknown as FunctionOf<ExtremesOps[N]>
}

export const max = extreme("max")
export const min = extreme("min")

function position<N extends "argmax" | "argmin">(name: N, which: Which) {
  return op<FunctionOf<ExtremesOps[N]>>(
    `${name}(input, dim?, keepdim?)`,
    (x: Tensor, dim?: number | null, keepdim?: boolean) => {
      if (x.dtype === "bool") throw new TypeError(`${name}: does not support bool input; convert it with x.to("uint8")`)
      if (dim === undefined || dim === null) {
        const r = reductionOf(name, x, null, keepdim)
        refuseEmpty(name, x, r)
        const flat = raw(() => reshape(detached(x), [x.numel()]))
        return raw(() => reshape(locate(which, flat, 0, "position")[0]!, r.shape))
      }
      const where = oneDim(name, x, dim, keepdim)
      const [out] = locate(which, x, where.d, "position")
      return where.keepdim ? unsqueeze(out!, where.d) : out!
    },
  )
}

export const argmax = position("argmax", "max")
export const argmin = position("argmin", "min")

export const extremesMethods: Family = { max, min, amax, amin, aminmax, argmax, argmin }
