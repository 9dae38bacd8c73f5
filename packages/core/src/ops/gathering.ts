/** Reading and writing at indices: gather, scatter, indexSelect, ... */
import { type Args, type Fn, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { requireIndex, requireSameDevice, requireSameDtype, requireTensor } from "../checks.ts"
import { computeType } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import type { ScatterKernel } from "../kernel.ts"
import { runScan } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import {
  checkPlaces,
  copied,
  erase,
  fromEnd,
  ints,
  type Movement,
  mayPushInPlace,
  pull,
  pullRule,
  pushInto,
  reshaped,
} from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { broadcastSizes, contiguousStrides, normalizeDim, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, isTensor, needsGrad, Tensor, track } from "../tensor.ts"
import { div, mul } from "./arithmetic.ts"
import { to } from "./conversion.ts"
import { clone, copyInto, writeInto } from "./copying.ts"
import { filled, zeros } from "./creation.ts"
import { data, dataSync, fromBits } from "./host.ts"
import { sum } from "./reduction.ts"
import { diagonal, expand, reshape, select, sliced } from "./views.ts"

type Dim = ["dim", number]
type IndexArg = ["index", Tensor]
export type ScatterReduction = "sum" | "prod" | "mean" | "amax" | "amin"
type Scatter = (
  ...args: Args<[Dim, IndexArg, ["src", Tensor | number]], { value: number; reduce: "add" | "multiply" }>
) => Tensor
type ScatterAdd = (...args: Args<[Dim, IndexArg, ["src", Tensor]]>) => Tensor
type ScatterReduce = (
  ...args: Args<[Dim, IndexArg, ["src", Tensor], ["reduce", ScatterReduction]], { includeSelf: boolean }>
) => Tensor
type IndexAdd = (...args: Args<[Dim, IndexArg, ["source", Tensor]], { alpha: number }>) => Tensor
type IndexCopy = (...args: Args<[Dim, IndexArg, ["source", Tensor]]>) => Tensor
type IndexFill = (...args: Args<[Dim, IndexArg, ["value", Tensor | number]]>) => Tensor
type Put = (...args: Args<[IndexArg, ["source", Tensor], ["accumulate", boolean]]>) => Tensor
type MaskedScatter = (...args: Args<[["mask", Tensor], ["source", Tensor]]>) => Tensor

export interface GatheringMethods {
  /** out[i][j][k] = input[index[i][j][k]][j][k] for dim 0, and so on; the result has the shape of `index`. */
  gather(...args: Args<[Dim, IndexArg]>): Tensor
  /** The slices of `dim` that the 1-d `index` names, in its order. */
  indexSelect(...args: Args<[Dim, IndexArg]>): Tensor
  /** The elements at places in the flattened input, in the shape of `index`; negative ones count from the end. */
  take(...args: Args<[IndexArg]>): Tensor
  /** `gather` with broadcasting along all dims but `dim`; without `dim`, of the flattened input. */
  takeAlongDim(...args: Args<[["indices", Tensor], Dim]>): Tensor
  /** A copy with out[index[i][j]][j] = src[i][j] for dim 0, and so on; `src` may be a number (also as `value`). */
  scatter: Scatter
  scatter_: Scatter
  /** As `scatter`, adding to what is there. */
  scatterAdd: ScatterAdd
  scatterAdd_: ScatterAdd
  /** As `scatter`, combining by "sum", "prod", "mean", "amax" or "amin", with the input's own elements if `includeSelf`. */
  scatterReduce: ScatterReduce
  scatterReduce_: ScatterReduce
  /** A copy with alpha times the slices of `source` added to the slices of `dim` that `index` names. */
  indexAdd: IndexAdd
  indexAdd_: IndexAdd
  /** A copy with the slices of `dim` that `index` names replaced by those of `source`. */
  indexCopy: IndexCopy
  indexCopy_: IndexCopy
  /** A copy with the slices of `dim` that `index` names filled with a value. */
  indexFill: IndexFill
  indexFill_: IndexFill
  /** A copy with `source` at places in the flattened input, or added there. */
  put: Put
  put_: Put
  /** The elements where `mask` is true, as one dim; broadcasts. Awaited, since its length depends on the mask. */
  maskedSelect(...args: Args<[["mask", Tensor]]>): Promise<Tensor>
  maskedSelectSync(...args: Args<[["mask", Tensor]]>): Tensor
  /** A copy with the elements where `mask` is true replaced by the first ones of `source`, in order. */
  maskedScatter: MaskedScatter
  maskedScatter_: MaskedScatter
  /** A copy with `src` in the place of `select(dim, index)`. */
  selectScatter(...args: Args<[["src", Tensor], Dim, ["index", number]]>): Tensor
  /** A copy with `src` in the place of `start:end:step` of `dim`. */
  sliceScatter(
    ...args: Args<[["src", Tensor], Dim, ["start", number | null], ["end", number | null], ["step", number]]>
  ): Tensor
  /** A copy with `src` in the place of `diagonal(offset, dim1, dim2)`. */
  diagonalScatter(...args: Args<[["src", Tensor], ["offset", number], ["dim1", number], ["dim2", number]]>): Tensor
}

// ---- where things are ----

/** A 0-d tensor counts as one of one element. */
const atLeast1d = (shape: Sizes): Sizes => (shape.length ? shape : [1])

/** Along `dim` at the places that `index`, of the input's rank, holds. */
function alongDim(name: string, x: Tensor, dim: number, index: Tensor): Movement {
  requireIndex(name, "index", index)
  requireSameDevice(name, x, index)
  const d = normalizeDim(name, dim, x.ndim)
  const from = atLeast1d(x.shape)
  const to = atLeast1d(index.shape)
  if (index.numel() > 0 && from.length !== to.length)
    throw new RangeError(
      `${name}: Index tensor must have the same number of dimensions as input tensor, got index ${tensorText(index)} for ${tensorText(x)} at dim ${d}`,
    )
  return {
    op: name,
    key: `along ${d}/${from.length}`,
    shape: x.shape,
    from,
    result: index.shape,
    to,
    indices: [reshaped(index, to)],
    shown: [index],
    along: [d],
    bounds: "fault",
    terms: [({ at, indices }) => ({ coordinates: at.map((i, k) => (k === d ? indices[0]! : i)) })],
  }
}

/** The slices of `dim` that a 1-d or 0-d `index` names. */
function slicesOf(name: string, x: Tensor, dim: number, index: Tensor, negative = false): Movement {
  requireIndex(name, "index", index)
  requireSameDevice(name, x, index)
  if (index.ndim > 1) throw new RangeError(`${name}: Index is supposed to be a vector (1-d), got ${tensorText(index)}`)
  const d = normalizeDim(name, dim, x.ndim)
  const from = atLeast1d(x.shape)
  const to = from.with(d, index.numel())
  return {
    op: name,
    key: `slices ${d}/${from.length} ${negative}`,
    shape: x.shape,
    from,
    result: x.ndim ? to : index.numel() === 1 ? [] : to,
    to,
    indices: [reshaped(index, [index.numel(), ...from.slice(d + 1).map(() => 1)])],
    shown: [index],
    along: [d],
    wraps: negative,
    ...(negative && { scalars: ints([from[d]!]) }),
    bounds: "fault",
    terms: [
      ({ at, indices: [i], scalars: [size] }) => ({
        coordinates: at.map((a, k) => (k !== d ? a : negative ? fromEnd(i!, size!) : i!)),
      }),
    ],
  }
}

/** Places in the flattened input. */
function places(name: string, x: Tensor, index: Tensor): Movement {
  requireIndex(name, "index", index)
  requireSameDevice(name, x, index)
  if (x.numel() === 0 && index.numel() > 0)
    throw new RangeError(`${name}: cannot index into an empty tensor ${tensorText(x)}`)
  return {
    op: name,
    key: "places",
    shape: x.shape,
    from: [x.numel()],
    result: index.shape,
    indices: [index],
    along: [0],
    wraps: true,
    scalars: ints([x.numel()]),
    bounds: "fault",
    terms: [({ indices: [i], scalars: [n] }) => ({ coordinates: [fromEnd(i!, n!)] })],
  }
}

function checkSmaller(name: string, x: Tensor, dim: number, index: Tensor, src: Tensor | null): void {
  const d = normalizeDim(name, dim, x.ndim)
  const wrong = index.shape.some(
    (s: number, k: number) => (k !== d && s > (x.shape[k] ?? 1)) || (src && s > (src.shape[k] ?? 1)),
  )
  if (
    index.numel() > 0 &&
    (wrong || (src && src.ndim !== index.ndim && atLeast1d(src.shape).length !== atLeast1d(index.shape).length))
  )
    throw new RangeError(
      `${name}: Expected index ${shapeText(index.shape)} to be no larger than self ${shapeText(x.shape)} apart from dimension ${d}${src ? ` and to be no larger size than src ${shapeText(src.shape)}` : ""}`,
    )
}

// ---- reading ----

const GATHER = pullRule("GatherBackward0")
const INDEX_SELECT = pullRule("IndexSelectBackward0")
const TAKE = pullRule("TakeBackward0")

function gathered(name: string, x: Tensor, dim: number, index: Tensor): Tensor {
  const m = alongDim(name, x, dim, index)
  checkSmaller(name, x, dim, index, null)
  return pull(x, m, GATHER)
}

export const gather: Fn<GatheringMethods["gather"]> = op(
  "gather(input, dim, index)",
  (x: Tensor, dim: number, index: Tensor) => gathered("gather", x, dim, index),
)

export const indexSelect: Fn<GatheringMethods["indexSelect"]> = op(
  "indexSelect(input, dim, index)",
  (x: Tensor, dim: number, index: Tensor) => pull(x, slicesOf("indexSelect", x, dim, index), INDEX_SELECT),
)

export const take: Fn<GatheringMethods["take"]> = op("take(input, index)", (x: Tensor, index: Tensor) =>
  pull(x, places("take", x, index), TAKE),
)

export const takeAlongDim: Fn<GatheringMethods["takeAlongDim"]> = op(
  "takeAlongDim(input, indices, dim?)",
  (x: Tensor, indices: Tensor, dim?: number | null) => {
    requireIndex("takeAlongDim", "indices", indices)
    if (dim === undefined || dim === null) return gathered("takeAlongDim", reshape(x, [-1]), 0, reshape(indices, [-1]))
    if (x.ndim !== indices.ndim)
      throw new RangeError(
        `takeAlongDim: input and indices should have the same number of dimensions, but got ${x.ndim} dimensions for input ${shapeText(x.shape)}, and ${indices.ndim} dimensions for indices ${shapeText(indices.shape)}`,
      )
    const d = normalizeDim("takeAlongDim", dim, x.ndim)
    const common = broadcastSizes("takeAlongDim", x.shape.with(d, 1), indices.shape.with(d, 1))
    return gathered(
      "takeAlongDim",
      expand(x, common.with(d, x.shape[d]!)),
      d,
      expand(indices, common.with(d, indices.shape[d]!)),
    )
  },
)

// ---- writing ----

/** A write to places of `x`: how its new contents are made from a copy, and what its node keeps. */
interface Update {
  readonly rule: Rule
  /** `x` first. */
  readonly inputs: readonly Tensor[]
  readonly saved?: readonly Tensor[]
  /** Whether the result is saved too, after the others. */
  readonly savesResult?: boolean
  readonly context: unknown
  /** Computes in the type that sums are made in. */
  readonly wide?: boolean
  /** Where `apply` writes, if it does so in one go: the place may then be the tensor itself. */
  readonly movement?: Movement
  /** Changes the copy. */
  apply(copy: Tensor): void
}

type Prepare = (name: string, x: Tensor, ...args: never[]) => Update

/** The new contents, in memory of their own. */
function contents(x: Tensor, u: Update): Tensor {
  const copy = copied(x, u.wide ? computeType(x.dtype) : x.dtype)
  u.apply(copy)
  return copy
}

/** Both forms of an op from the update it makes. */
function both<M>(name: string, parameters: string, prepare: Prepare): readonly [Fn<M>, Fn<M>] {
  const make = prepare as (name: string, x: Tensor, ...args: unknown[]) => Update
  const outOfPlace = op(`${name}(input, ${parameters})`, (x: Tensor, ...args: unknown[]) => {
    const u = make(name, x, ...args)
    const wide = contents(x, u)
    const out = wide.dtype === x.dtype ? wide : copied(wide, x.dtype)
    return track(u.rule, out, u.inputs, u.savesResult ? [...(u.saved ?? []), out] : u.saved, u.context)
  })
  const inPlace = op(`${name}_(input, ${parameters})`, (x: Tensor, ...args: unknown[]) => {
    const u = make(`${name}_`, x, ...args)
    checkInPlace(name, x, u.inputs)
    const direct =
      u.movement !== undefined &&
      (!u.wide || computeType(x.dtype) === x.dtype) &&
      mayPushInPlace(x, u.movement, u.inputs.slice(1))
    if (direct) checkPlaces(x, u.movement!)
    const out = direct ? null : contents(x, u)
    const node = x.isFloatingPoint() && needsGrad(u.inputs) ? new OpNode(u.rule, u.inputs, NONE, u.context) : null
    const saved = node ? (u.saved ?? []).map((t) => (t.storage === x.storage ? clone(t) : t)) : NONE
    if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
    if (out) writeInto(x, out)
    else u.apply(x)
    recordInPlace(x, node)
    node?.save(u.savesResult ? [...saved, x] : saved)
    return x
  })
  return [outOfPlace as Fn<M>, inPlace as Fn<M>]
}

const NONE: readonly Tensor[] = []

interface WriteContext {
  readonly movement: Movement
  readonly alpha?: number
  /** The shape of what was written; null for a number. */
  readonly shape: Sizes | null
}

const checked = (node: OpNode): WriteContext => {
  const c = node.context as WriteContext
  c.movement.indices?.forEach((_, i) => node.get(i))
  return c
}

/** What was read at the places, as the gradient of what was written there: 0 for the part that was not used. */
function taken(g: Tensor, { movement, shape }: WriteContext): Tensor {
  const part = pull(g, movement)
  if (!shape || sameSizes(part.shape, shape)) return part
  if (part.ndim !== shape.length) return reshape(part, shape)
  const whole = zeros(shape, { dtype: g.dtype, device: g.device })
  copyInto(corner(whole, part.shape), part)
  return whole
}

const corner = (x: Tensor, shape: Sizes): Tensor => shape.reduce((t, size, d) => sliced(t, d, 0, size), x)

/** The gradient of an op that overwrites. */
const overwriting = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const c = checked(node)
    return [node.needs(0) ? erase(g, c.movement) : null, c.shape && node.needs(1) ? taken(g, c) : null]
  },
})

/** The gradient of an op that adds. */
const adding = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const c = checked(node)
    if (!node.needs(1)) return [g, null]
    const part = taken(g, c)
    return [g, c.alpha === undefined || c.alpha === 1 ? part : mul(part, c.alpha)]
  },
})

const SCATTER = overwriting("ScatterBackward0")
const SCATTER_VALUE = overwriting("ScatterBackward1")
const SCATTER_ADD = adding("ScatterAddBackward0")
const INDEX_ADD = adding("IndexAddBackward0")
const INDEX_COPY = overwriting("IndexCopyBackward0")
const PUT = overwriting("PutBackward0")
const PUT_ADD = adding("PutBackward0")

/** The part of `src` that `index` speaks of, outside of the graph. */
const used = (src: Tensor, m: Movement): Tensor => {
  const to = m.to ?? m.result
  const from = reshaped(src, atLeast1d(src.shape))
  return new Tensor(from.storage, to, from.strides, from.offset, from.dtype)
}

const writes = (movement: Movement, src: Tensor | null): Pick<Update, "saved" | "context" | "movement"> => ({
  saved: movement.indices,
  movement,
  context: { movement, shape: src ? src.shape : null } satisfies WriteContext,
})

function checkSource(name: string, x: Tensor, what: string, src: unknown): asserts src is Tensor {
  requireTensor(name, what, src)
  requireSameDevice(name, x, src)
  requireSameDtype(name, x, what, src)
}

export const [scatter, scatter_] = both<Scatter>(
  "scatter",
  "dim, index, src?, *, value?, reduce?",
  (
    name: string,
    x: Tensor,
    dim: number,
    index: Tensor,
    given: Tensor | number | undefined,
    value: number | undefined,
    reduce?: string,
  ) => {
    const src = given ?? value
    if (reduce !== undefined && reduce !== "add" && reduce !== "multiply")
      throw new RangeError(
        `${name}: reduce argument must be either add or multiply, got ${valueText(reduce)}; for others see scatterReduce`,
      )
    const m = alongDim(name, x, dim, index)
    if (!isTensor(src)) {
      if (typeof src !== "number" && typeof src !== "boolean" && typeof src !== "bigint")
        throw new TypeError(`${name}: src must be a tensor or a number, got ${valueText(src)}`)
      checkSmaller(name, x, dim, index, null)
      if (reduce)
        return combining(
          name,
          x,
          dim,
          index,
          filled(x.device, index.shape, src, x.dtype),
          reduce === "add" ? "sum" : "prod",
          true,
        )
      return {
        rule: SCATTER_VALUE,
        inputs: [x],
        ...writes(m, null),
        apply: (copy: Tensor) => pushInto(copy, src, m, "set", "fault"),
      }
    }
    checkSource(name, x, "src", src)
    checkSmaller(name, x, dim, index, src)
    if (reduce) return combining(name, x, dim, index, src, reduce === "add" ? "sum" : "prod", true)
    return {
      rule: SCATTER,
      inputs: [x, src],
      ...writes(m, src),
      apply: (copy: Tensor) => pushInto(copy, used(src, m), m, "set", "fault"),
    }
  },
)

export const [scatterAdd, scatterAdd_] = both<ScatterAdd>(
  "scatterAdd",
  "dim, index, src",
  (name: string, x: Tensor, dim: number, index: Tensor, src: Tensor) => {
    const m = alongDim(name, x, dim, index)
    checkSource(name, x, "src", src)
    checkSmaller(name, x, dim, index, src)
    return {
      rule: SCATTER_ADD,
      inputs: [x, src],
      ...writes(m, src),
      wide: true,
      apply: (copy: Tensor) => pushInto(copy, used(src, m), m, "add", "fault"),
    }
  },
)

// ---- scatterReduce ----

/** How a reduction combines, and what leaves it as it is. */
const REDUCTIONS: Readonly<
  Record<ScatterReduction, { readonly combine: ScatterKernel["combine"]; readonly identity: number }>
> = {
  sum: { combine: "add", identity: 0 },
  mean: { combine: "add", identity: 0 },
  prod: { combine: "mul", identity: 1 },
  amax: { combine: "max", identity: Number.NEGATIVE_INFINITY },
  amin: { combine: "min", identity: Number.POSITIVE_INFINITY },
}

const INTEGER_ENDS: Readonly<Record<string, readonly [number | bigint, number | bigint]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

const identityOf = (reduce: ScatterReduction, dtype: string): number | bigint => {
  const { identity } = REDUCTIONS[reduce]
  const ends = INTEGER_ENDS[dtype]
  return ends && !Number.isFinite(identity) ? ends[identity > 0 ? 1 : 0] : identity
}

const isFloat = (e: Expr): boolean => e.dtype === "float32" || e.dtype === "float64"
/** The quotient rounded down, among integers. */
const AVERAGE = new Pointwise("div", (a, n) => {
  if (isFloat(a)) return a.div(n)
  const q = a.div(n)
  return where(a.mod(n).eq(0).not().and(a.lt(0)), q.sub(1), q)
})

interface ReduceContext extends WriteContext {
  readonly dim: number
  readonly reduce: ScatterReduction
  readonly includeSelf: boolean
}

/** 1 where the condition holds, else 0, in the dtype of the arguments; no gradient. */
const none = (): readonly null[] => [null, null]
const SAME = new Pointwise("eq", (a, b) => a.eq(b).cast(a.dtype), { gradient: none })
const KEEP_NONZERO = new Pointwise("where", (x, by) => where(x.eq(0), by, x), {
  gradient: (g, [x]) => [where(x!.eq(0), constant(0, g.dtype), g), null],
})
const PICK = new Pointwise("where", (c, a, b) => where(c, a, b), { slots: ["bool", "value", "value"] })

const SCATTER_REDUCE: Rule = {
  name: "ScatterReduceBackward0",
  backward: (node, g) => {
    const { dim, reduce, includeSelf, shape, movement } = node.context as ReduceContext
    const [x, index, source, result] = [0, 1, 2, 3].map((i) => node.get(i)) as [Tensor, Tensor, Tensor, Tensor]
    const src = sameSizes(source.shape, index.shape) ? source : corner(source, index.shape)
    const gradients = REDUCE_GRADIENTS[reduce]({
      g,
      x,
      index,
      src,
      result,
      dim,
      includeSelf,
      read: (t) => gather(t, dim, index),
    })
    const own = includeSelf ? gradients[0] : erase(gradients[0], movement)
    const whole = sameSizes(src.shape, shape!) ? gradients[1] : padTo(gradients[1], shape!)
    return [own, whole]
  },
}

function padTo(part: Tensor, shape: Sizes): Tensor {
  const whole = zeros(shape, { dtype: part.dtype, device: part.device })
  copyInto(corner(whole, part.shape), part)
  return whole
}

interface ReduceParts {
  readonly g: Tensor
  readonly x: Tensor
  readonly index: Tensor
  readonly src: Tensor
  readonly result: Tensor
  readonly dim: number
  readonly includeSelf: boolean
  /** What stands at the indices. */
  read(t: Tensor): Tensor
}

const likeFilled = (t: Tensor, value: number): Tensor => filled(t.device, t.shape, value, t.dtype)

const extreme = ({ g, x, index, src, result, dim, read }: ReduceParts): [Tensor, Tensor] => {
  const own = SAME.call(x, result)
  const theirs = SAME.call(src, read(result))
  const each = div(g, KEEP_NONZERO.call(scatterAdd(own, dim, index, theirs), 1))
  return [mul(own, each), mul(theirs, read(each))]
}

/** The gradients of the input and of the source, PyTorch's formulas. */
const REDUCE_GRADIENTS: Readonly<Record<ScatterReduction, (p: ReduceParts) => [Tensor, Tensor]>> = {
  sum: ({ g, read }) => [g, read(g)],
  mean: ({ g, index, src, dim, includeSelf, read }) => {
    const count = KEEP_NONZERO.call(scatterAdd(likeFilled(g, includeSelf ? 1 : 0), dim, index, likeFilled(src, 1)), 1)
    return [div(g, count), div(read(g), read(count))]
  },
  prod: ({ g, x, index, src, result, dim, includeSelf, read }) => {
    const product = (t: Tensor, s: Tensor): Tensor => scatterReduce(t, dim, index, s, "prod", { includeSelf })
    const ownNonzero = KEEP_NONZERO.call(x, 1)
    const own = div(mul(g, product(ownNonzero, src)), ownNonzero)
    const zero = SAME.call(src, likeFilled(src, 0))
    const zeros = read(scatterAdd(likeFilled(g, 0), dim, index, zero))
    const single = to(mul(zero, SAME.call(zeros, likeFilled(zeros, 1))), "bool")
    const without = product(x, PICK.call(single, 1, src))
    return [own, PICK.call(single, read(mul(g, without)), div(read(mul(g, result)), KEEP_NONZERO.call(src, 1)))]
  },
  amax: extreme,
  amin: extreme,
}

function combining(
  name: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): Update {
  if (!Object.hasOwn(REDUCTIONS, reduce))
    throw new RangeError(
      `${name}: reduce argument must be either sum, prod, mean, amax or amin, got ${valueText(reduce)}`,
    )
  const m = alongDim(name, x, dim, index)
  checkSource(name, x, "src", src)
  checkSmaller(name, x, dim, index, src)
  const part = used(src, m)
  return {
    rule: SCATTER_REDUCE,
    inputs: [x, src],
    saved: [x, index, src],
    savesResult: true,
    context: {
      movement: { ...m, indices: m.indices },
      shape: src.shape,
      dim,
      reduce,
      includeSelf,
    } satisfies ReduceContext,
    wide: true,
    apply: (copy: Tensor) => {
      if (!includeSelf) pushInto(copy, identityOf(reduce, copy.dtype), m, "set", "fault")
      pushInto(copy, part, m, REDUCTIONS[reduce].combine, "fault")
      if (reduce !== "mean") return
      const count = filled(copy.device, copy.shape, includeSelf ? 1 : 0, copy.dtype)
      pushInto(count, 1, m, "add")
      writeInto(copy, AVERAGE.call(copy, KEEP_NONZERO.call(count, 1)))
    },
  }
}

export const [scatterReduce, scatterReduce_] = both<ScatterReduce>(
  "scatterReduce",
  "dim, index, src, reduce, *, includeSelf?",
  (name: string, x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, includeSelf = true) =>
    combining(name, x, dim, index, src, reduce, includeSelf),
)

// ---- slices ----

function checkSlices(name: string, x: Tensor, dim: number, index: Tensor, source: Tensor): void {
  const d = normalizeDim(name, dim, x.ndim)
  const [own, theirs] = [atLeast1d(x.shape), atLeast1d(source.shape)]
  if (theirs[d] !== index.numel())
    throw new RangeError(
      `${name}: Number of indices (${index.numel()}) should be equal to source.size(dim): (${theirs[d]}), for dim: ${d} (source ${tensorText(source)})`,
    )
  if (own.length !== theirs.length || own.some((s, k) => k !== d && s !== theirs[k]))
    throw new RangeError(
      `${name}: Source/destination tensor must have same slice shapes. Destination shape: ${shapeText(x.shape)} at dimension ${d} and source slice shape: ${shapeText(source.shape)}`,
    )
}

export const [indexAdd, indexAdd_] = both<IndexAdd>(
  "indexAdd",
  "dim, index, source, *, alpha?",
  (name: string, x: Tensor, dim: number, index: Tensor, source: Tensor, alpha = 1) => {
    const m = slicesOf(name, x, dim, index)
    checkSource(name, x, "source", source)
    checkSlices(name, x, dim, index, source)
    const scaled: Movement =
      alpha === 1
        ? m
        : {
            ...m,
            key: `${m.key} alpha`,
            scalars: [{ value: alpha, dtype: computeType(x.dtype) }],
            terms: [(s) => ({ ...m.terms[0]!(s), weight: s.scalars[0]! })],
          }
    return {
      rule: INDEX_ADD,
      inputs: [x, source],
      saved: m.indices,
      context: { movement: m, alpha, shape: source.shape } satisfies WriteContext,
      wide: true,
      movement: m,
      apply: (copy: Tensor) => pushInto(copy, reshaped(source, m.to!), scaled, "add", "fault"),
    }
  },
)

export const [indexCopy, indexCopy_] = both<IndexCopy>(
  "indexCopy",
  "dim, index, source",
  (name: string, x: Tensor, dim: number, index: Tensor, source: Tensor) => {
    const m = slicesOf(name, x, dim, index)
    checkSource(name, x, "source", source)
    checkSlices(name, x, dim, index, source)
    return {
      rule: INDEX_COPY,
      inputs: [x, source],
      ...writes(m, source),
      apply: (copy: Tensor) => pushInto(copy, reshaped(source, m.to!), m, "set", "fault"),
    }
  },
)

const INDEX_FILL: readonly Rule[] = ["IndexFillBackward0", "IndexFillBackward1"].map((name) => ({
  name,
  backward: (node, g) => {
    const { movement, shape } = checked(node)
    return [node.needs(0) ? erase(g, movement) : null, shape && node.needs(1) ? sum(pull(g, movement)) : null]
  },
}))

export const [indexFill, indexFill_] = both<IndexFill>(
  "indexFill",
  "dim, index, value",
  (name: string, x: Tensor, dim: number, index: Tensor, value: Tensor | number) => {
    const m = slicesOf(name, x, dim, index, true)
    if (isTensor(value)) {
      requireSameDevice(name, x, value)
      if (value.ndim > 0)
        throw new RangeError(`${name}: only supports a 0-dimensional value tensor, but got ${tensorText(value)}`)
      return {
        rule: INDEX_FILL[1]!,
        inputs: [x, value],
        ...writes(m, value),
        apply: (copy: Tensor) => pushInto(copy, value, m, "set", "fault"),
      }
    }
    if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "bigint")
      throw new TypeError(`${name}: value must be a number or a 0-d tensor, got ${valueText(value)}`)
    return {
      rule: INDEX_FILL[0]!,
      inputs: [x],
      ...writes(m, null),
      apply: (copy: Tensor) => pushInto(copy, value, m, "set", "fault"),
    }
  },
)

export const [put, put_] = both<Put>(
  "put",
  "index, source, accumulate?",
  (name: string, x: Tensor, index: Tensor, source: Tensor, accumulate = false) => {
    const m = places(name, x, index)
    checkSource(name, x, "source", source)
    if (source.numel() !== index.numel())
      throw new RangeError(
        `${name}: Expected source and index to have the same number of elements, but got source ${tensorText(source)} and index ${tensorText(index)}`,
      )
    return {
      rule: accumulate ? PUT_ADD : PUT,
      inputs: [x, source],
      saved: m.indices,
      context: {
        movement: { ...m, result: source.shape, to: index.shape },
        shape: source.shape,
      } satisfies WriteContext,
      wide: accumulate,
      movement: m,
      apply: (copy: Tensor) => pushInto(copy, reshaped(source, index.shape), m, accumulate ? "add" : "set", "fault"),
    }
  },
)

// ---- masks ----

function requireMask(name: string, x: Tensor, mask: unknown): asserts mask is Tensor {
  requireTensor(name, "mask", mask)
  if (mask.dtype !== "bool")
    throw new TypeError(
      `${name}: expected a bool tensor for mask, got ${tensorText(mask)}; compare or convert it with .bool()`,
    )
  requireSameDevice(name, x, mask)
}

/** Input and mask in their common shape. */
function masked(name: string, x: Tensor, mask: Tensor): [Tensor, Tensor] {
  requireMask(name, x, mask)
  const shape = broadcastSizes(name, x.shape, mask.shape)
  return [sameSizes(x.shape, shape) ? x : expand(x, shape), expand(mask, shape)]
}

const MASKED_SELECT = pullRule("MaskedSelectBackward0")

function selectWhere(x: Tensor, mask: ArrayLike<number | bigint>): Tensor {
  const at: number[] = []
  for (let i = 0; i < mask.length; i++) if (mask[i]) at.push(i)
  const index = fromBits(x.device, Int32Array.from(at), [at.length], "int32")
  return pull(x, places("maskedSelect", x, index), MASKED_SELECT)
}

export const maskedSelect: Fn<GatheringMethods["maskedSelect"]> = op(
  "maskedSelect(input, mask)",
  (input: Tensor, given: Tensor) => {
    const [x, mask] = masked("maskedSelect", input, given)
    return data(mask).then((values) => selectWhere(x, values))
  },
)

/** `maskedSelect` where the device reads synchronously; elsewhere it throws and names the awaited one. */
export const maskedSelectSync: Fn<GatheringMethods["maskedSelectSync"]> = op(
  "maskedSelectSync(input, mask)",
  (input: Tensor, given: Tensor) => {
    const [x, mask] = masked("maskedSelectSync", input, given)
    return selectWhere(x, dataSync(mask, "maskedSelectSync"))
  },
)

const MASKED_SCATTER = new Pointwise("maskedScatter", (x, mask, source) => where(mask, source, x), {
  slots: ["value", "bool", "value"],
})

/** The elements of `source` in their places: the first at the first true of the mask, and so on; 0 elsewhere. */
function spreadOut(name: string, x: Tensor, mask: Tensor, source: Tensor): Tensor {
  checkSource(name, x, "source", source)
  const rank = allocate(x.device, [numelOf(mask.shape)], [1], "int32")
  runScan(
    [rank],
    sumMonoid("int32"),
    { key: "rank of true", inputs: [reshaped(mask, rank.shape)] },
    ({ inputs: [m] }) => [m!.cast("int32")],
    () => [sumMonoid.total("int32")],
  )
  const places = new Tensor(rank.storage, mask.shape, contiguousStrides(mask.shape), 0, "int32")
  const moves = (bounds: "zero" | "fault"): Movement => ({
    op: name,
    key: `spread ${bounds}`,
    shape: source.shape,
    from: [source.numel()],
    result: mask.shape,
    indices: [to(mask, "int32"), places],
    bounds,
    // Where the mask is false any place will do that exists.
    terms: [({ indices: [m, p] }) => ({ coordinates: [where(m!.eq(0), bounds === "fault" ? 0 : -1, p!.sub(1))] })],
  })
  const careful = source.numel() === 0 ? moves("zero") : { ...moves("fault"), gradient: moves("zero") }
  return pull(source, careful)
}

export const maskedScatter: Fn<MaskedScatter> = op(
  "maskedScatter(input, mask, source)",
  (input: Tensor, given: Tensor, source: Tensor) => {
    const [x, mask] = masked("maskedScatter", input, given)
    return MASKED_SCATTER.call(x, mask, spreadOut("maskedScatter", x, mask, source))
  },
)

export const maskedScatter_: Fn<MaskedScatter> = op(
  "maskedScatter_(input, mask, source)",
  (x: Tensor, given: Tensor, source: Tensor) => {
    requireMask("maskedScatter_", x, given)
    if (!sameSizes(broadcastSizes("maskedScatter_", x.shape, given.shape), x.shape))
      throw new RangeError(`maskedScatter_: mask ${tensorText(given)} does not broadcast to ${tensorText(x)}`)
    const mask = expand(given, x.shape)
    return MASKED_SCATTER.callInPlace(x, mask, spreadOut("maskedScatter_", x, mask, source))
  },
)

// ---- views written to, as copies ----

interface RegionContext {
  readonly view: (whole: Tensor) => Tensor
}

const REGION = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { view } = node.context as RegionContext
    return [node.needs(0) ? written(rules.zero, g, null, view) : null, node.needs(1) ? view(g) : null]
  },
})

/** A copy of `x` with `src` (null: 0) in the part that `view` sees. */
function written(rule: Rule, x: Tensor, src: Tensor | null, view: (whole: Tensor) => Tensor): Tensor {
  const out = copied(x)
  const part = view(out)
  if (src) {
    if (!sameSizes(part.shape, src.shape))
      throw new RangeError(
        `${rule.name.replace(/Backward\d/, "").replace(/^./, (c) => c.toLowerCase())}: expected src to have a size equal to the slice of self. src size = ${shapeText(src.shape)}, slice size = ${shapeText(part.shape)}`,
      )
    writeInto(part, src)
  } else writeInto(part, filled(x.device, [], 0, x.dtype))
  return track(rule, new Tensor(out.storage, out.shape, out.strides, 0, out.dtype), src ? [x, src] : [x], NONE, {
    view,
  } satisfies RegionContext)
}

const rules = {
  select: REGION("SelectScatterBackward0"),
  slice: REGION("SliceScatterBackward0"),
  diagonal: REGION("DiagonalScatterBackward0"),
  zero: {
    name: "SliceScatterBackward0",
    backward: (node, g) => [written(rules.zero, g, null, (node.context as RegionContext).view)],
  } as Rule,
}

const checkedSource = (name: string, x: Tensor, src: unknown): Tensor => {
  requireTensor(name, "src", src)
  requireSameDevice(name, x, src)
  return src
}

export const selectScatter: Fn<GatheringMethods["selectScatter"]> = op(
  "selectScatter(input, src, dim, index)",
  (x: Tensor, src: Tensor, dim: number, index: number) =>
    written(rules.select, x, checkedSource("selectScatter", x, src), (whole) => select(whole, dim, index)),
)

export const sliceScatter: Fn<GatheringMethods["sliceScatter"]> = op(
  "sliceScatter(input, src, dim?, start?, end?, step?)",
  (x: Tensor, src: Tensor, dim = 0, start: number | null = null, end: number | null = null, step = 1) => {
    const d = normalizeDim("sliceScatter", dim, x.ndim)
    const size = x.shape[d] ?? 1
    if (!Number.isInteger(step) || step < 1)
      throw new RangeError(`sliceScatter: step must be a positive integer, got ${step}`)
    const clip = (i: number): number => Math.min(Math.max(i < 0 ? i + size : i, 0), size)
    const from = clip(start ?? 0)
    const length = Math.max(0, Math.ceil((clip(end ?? size) - from) / step))
    return written(rules.slice, x, checkedSource("sliceScatter", x, src), (whole) =>
      sliced(whole, d, from, length, step),
    )
  },
)

export const diagonalScatter: Fn<GatheringMethods["diagonalScatter"]> = op(
  "diagonalScatter(input, src, offset?, dim1?, dim2?)",
  (x: Tensor, src: Tensor, offset = 0, dim1 = 0, dim2 = 1) =>
    written(rules.diagonal, x, checkedSource("diagonalScatter", x, src), (whole) =>
      diagonal(whole, offset, dim1, dim2),
    ),
)

export const gatheringMethods = {
  gather,
  indexSelect,
  take,
  takeAlongDim,
  scatter,
  scatter_,
  scatterAdd,
  scatterAdd_,
  scatterReduce,
  scatterReduce_,
  indexAdd,
  indexAdd_,
  indexCopy,
  indexCopy_,
  indexFill,
  indexFill_,
  put,
  put_,
  maskedSelect,
  maskedSelectSync,
  maskedScatter,
  maskedScatter_,
  selectScatter,
  sliceScatter,
  diagonalScatter,
}
