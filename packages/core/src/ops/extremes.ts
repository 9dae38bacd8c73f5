/** Extremes: max, min, argmax, amax, ... NaN wins over everything, and the first of equal elements is the one found. */
import { type Args, type Fn, op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { result } from "../expr.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { extremeMonoid, joinMonoids, maxMonoid, minMonoid } from "../monoids.ts"
import { type Results, results } from "../results.ts"
import { isTensor, type Tensor, track, trackAll } from "../tensor.ts"
import { reduceAlong } from "./along.ts"
import { add } from "./arithmetic.ts"
import { type Found, found, oneDim, refuseEmpty, selectedRule, shared, sharing } from "./finding.ts"
import { maximum, minimum } from "./math.ts"
import { type DimArg, type Reduction, reduceInputs, reduceTo, reductionOf } from "./over-dims.ts"
import { detached, reshape, unsqueeze } from "./views.ts"

type Dims = [["dim", DimArg], ["keepdim", boolean]]
type OneDim = [["dim", number | null], ["keepdim", boolean]]

/** The three forms of `max` and `min`. */
interface Extreme {
  /** Of all elements. */
  (): Tensor
  /** Elementwise, as `maximum` or `minimum`. */
  (other: Tensor): Tensor
  /** Along one dim: values, and their int32 positions. */
  (dim: number, keepdim?: boolean, options?: { keepdim?: boolean }): Found
  (options: { dim: number; keepdim?: boolean }): Found
}

/** The same with the tensor first. */
interface ExtremeOf {
  (input: Tensor): Tensor
  (input: Tensor, other: Tensor): Tensor
  (input: Tensor, dim: number, keepdim?: boolean, options?: { keepdim?: boolean }): Found
  (input: Tensor, options: { dim: number; keepdim?: boolean }): Found
}

export interface ExtremesMethods {
  /** The greatest: `max()` of all, `max(dim, keepdim)` with values and indices, `max(other)` elementwise. */
  max: Extreme
  /** The least: `min()` of all, `min(dim, keepdim)` with values and indices, `min(other)` elementwise. */
  min: Extreme
  /** The greatest over all or over one or more dims; equal ones share the gradient evenly. */
  amax(...args: Args<Dims>): Tensor
  /** The least over all or over one or more dims; equal ones share the gradient evenly. */
  amin(...args: Args<Dims>): Tensor
  /** Both extremes over all or one dim, as `{ min, max }`. */
  aminmax(options?: { dim?: number | null; keepdim?: boolean }): Results<["min", "max"], Tensor>
  /** The int32 position of the greatest along `dim`, or in the flattened tensor. */
  argmax(...args: Args<OneDim>): Tensor
  /** The int32 position of the least along `dim`, or in the flattened tensor. */
  argmin(...args: Args<OneDim>): Tensor
}

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

function reducing(name: "amax" | "amin", which: Which) {
  const rule = sharing(`${name[0]!.toUpperCase()}${name.slice(1)}Backward0`, "byCount")
  return op<Fn<ExtremesMethods["amax"]>>(
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

export const aminmax = op<Fn<ExtremesMethods["aminmax"]>>(
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
    return results(["min", "max"], outs)
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

function extreme(name: Which): ExtremeOf {
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
  return op<typeof body>(`${name}(input, dim?, keepdim?, *, other?)`, body) as ExtremeOf
}

export const max = extreme("max")
export const min = extreme("min")

function position(name: "argmax" | "argmin", which: Which) {
  return op<Fn<ExtremesMethods["argmax"]>>(
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

export const extremesMethods = { max, min, amax, amin, aminmax, argmax, argmin }
