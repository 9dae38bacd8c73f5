/** Writing at indices: scatter, indexAdd, indexCopy, put, maskedScatter, selectScatter, ... */
import { type Args, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireMask, requireSameDevice, requireTensor } from "../checks.ts"
import { computeType } from "../dtype.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { where } from "../expr.ts"
import { runScan } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { copied, erase, type Movement, pull, pushInto, reshaped } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { broadcastSizes, contiguousStrides, normalizeDim, numelOf, sameSizes } from "../shape.ts"
import { allocate, isTensor, Tensor, track } from "../tensor.ts"
import type { Elementwise } from "../types/patterns.ts"
import type {
  DiagonalScatter,
  FillingSlices,
  MaskedScatter,
  SelectScatter,
  WritingAlong,
  WritingSlices,
} from "../types/reading-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { filled } from "./creation.ts"
import { alongDim, atLeast1d, checkSmaller, masked, places, slicesOf } from "./places.ts"
import { sum } from "./reduction.ts"
import { combining } from "./scatter-reduction.ts"
import { diagonal, expand, select, sliced } from "./views.ts"
import { adding, both, checked, checkSource, overwriting, used, type WriteContext, writes } from "./writes.ts"

export type ScatterReduction = "sum" | "prod" | "mean" | "amax" | "amin"

export interface AlongOptions<Src> {
  dim?: number
  index?: Tensor
  src?: Src
}
export interface ScatterOptions extends AlongOptions<Tensor | number> {
  value?: number
  reduce?: "add" | "multiply"
}
export interface ReduceOptions extends AlongOptions<Tensor> {
  reduce?: ScatterReduction
  includeSelf?: boolean
}
interface Slices {
  dim?: number
  index?: Tensor
}
export interface AddOptions extends Slices {
  source?: Tensor
  alpha?: number
}
export interface CopyOptions extends Slices {
  source?: Tensor
}
export interface FillOptions extends Slices {
  value?: Tensor | number
}
type Put = Elementwise<"same", Args<[["index", Tensor], ["source", Tensor], ["accumulate", boolean]]>>

export interface ScatteringOps {
  /** A copy with out[index[i][j]][j] = src[i][j] for dim 0, and so on; `src` may be a number (also as `value`). */
  scatter: WritingAlong<"scatter", Tensor | number, ScatterOptions>
  scatter_: WritingAlong<"scatter_", Tensor | number, ScatterOptions>
  /** As `scatter`, adding to what is there. */
  scatterAdd: WritingAlong<"scatterAdd", Tensor, AlongOptions<Tensor>>
  scatterAdd_: WritingAlong<"scatterAdd_", Tensor, AlongOptions<Tensor>>
  /** As `scatter`, combining by "sum", "prod", "mean", "amax" or "amin", with the input's own elements if `includeSelf`. */
  scatterReduce: WritingAlong<"scatterReduce", Tensor, ReduceOptions, [reduce: ScatterReduction | ReduceOptions]>
  scatterReduce_: WritingAlong<"scatterReduce_", Tensor, ReduceOptions, [reduce: ScatterReduction | ReduceOptions]>
  /** A copy with alpha times the slices of `source` added to the slices of `dim` that `index` names. */
  indexAdd: WritingSlices<"indexAdd", Tensor, AddOptions>
  indexAdd_: WritingSlices<"indexAdd_", Tensor, AddOptions>
  /** A copy with the slices of `dim` that `index` names replaced by those of `source`. */
  indexCopy: WritingSlices<"indexCopy", Tensor, CopyOptions>
  indexCopy_: WritingSlices<"indexCopy_", Tensor, CopyOptions>
  /** A copy with the slices of `dim` that `index` names filled with a value. */
  indexFill: FillingSlices<"indexFill", Tensor | number, FillOptions>
  indexFill_: FillingSlices<"indexFill_", Tensor | number, FillOptions>
  /** A copy with `source` at places in the flattened input, or added there. */
  put: Put
  put_: Put
  /** A copy with the elements where `mask` is true replaced by the first ones of `source`, in order. */
  maskedScatter: MaskedScatter
  maskedScatter_: Elementwise<"same", Args<[["mask", Tensor], ["source", Tensor]]>>
  /** A copy with `src` in the place of `select(dim, index)`. */
  selectScatter: SelectScatter
  /** A copy with `src` in the place of `start:end:step` of `dim`. */
  sliceScatter: Elementwise<
    "same",
    Args<[["src", Tensor], ["dim", number], ["start", number | null], ["end", number | null], ["step", number]]>
  >
  /** A copy with `src` in the place of `diagonal(offset, dim1, dim2)`. */
  diagonalScatter: DiagonalScatter
}

export interface ScatteringMethods extends MethodsOf<ScatteringOps> {}

/** The functions of an op and of its in-place form. */
type Two<K extends "scatter" | "scatterAdd" | "scatterReduce" | "indexAdd" | "indexCopy" | "indexFill" | "put"> = [
  FunctionOf<ScatteringOps[K]>,
  FunctionOf<ScatteringOps[`${K}_`]>,
]

const SCATTER = overwriting("ScatterBackward0")
const SCATTER_VALUE = overwriting("ScatterBackward1")
const SCATTER_ADD = adding("ScatterAddBackward0")
const INDEX_ADD = adding("IndexAddBackward0")
const INDEX_COPY = overwriting("IndexCopyBackward0")
const PUT = overwriting("PutBackward0")
const PUT_ADD = adding("PutBackward0")

export const [scatter, scatter_] = both<Two<"scatter">>(
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

export const [scatterAdd, scatterAdd_] = both<Two<"scatterAdd">>(
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

export const [scatterReduce, scatterReduce_] = both<Two<"scatterReduce">>(
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
      `${name}: Number of indices (${index.numel()}) should be equal to source.size(dim): (${theirs[d]}), for dim: ${d} (source ${sizesText(source)})`,
    )
  if (own.length !== theirs.length || own.some((s, k) => k !== d && s !== theirs[k]))
    throw new RangeError(
      `${name}: Source/destination tensor must have same slice shapes. Destination shape: ${shapeText(x.shape)} at dimension ${d} and source slice shape: ${shapeText(source.shape)}`,
    )
}

export const [indexAdd, indexAdd_] = both<Two<"indexAdd">>(
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

export const [indexCopy, indexCopy_] = both<Two<"indexCopy">>(
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

export const [indexFill, indexFill_] = both<Two<"indexFill">>(
  "indexFill",
  "dim, index, value",
  (name: string, x: Tensor, dim: number, index: Tensor, value: Tensor | number) => {
    const m = slicesOf(name, x, dim, index, true)
    if (isTensor(value)) {
      requireSameDevice(name, x, value)
      if (value.ndim > 0)
        throw new RangeError(`${name}: only supports a 0-dimensional value tensor, but got ${sizesText(value)}`)
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

export const [put, put_] = both<Two<"put">>(
  "put",
  "index, source, accumulate?",
  (name: string, x: Tensor, index: Tensor, source: Tensor, accumulate = false) => {
    const m = places(name, x, index)
    checkSource(name, x, "source", source)
    if (source.numel() !== index.numel())
      throw new RangeError(
        `${name}: Expected source and index to have the same number of elements, but got source ${sizesText(source)} and index ${sizesText(index)}`,
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
    { inputs: [reshaped(mask, rank.shape)] },
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

export const maskedScatter: FunctionOf<ScatteringOps["maskedScatter"]> = op(
  "maskedScatter(input, mask, source)",
  (input: Tensor, given: Tensor, source: Tensor) => {
    const [x, mask] = masked("maskedScatter", input, given)
    return MASKED_SCATTER.call(x, mask, spreadOut("maskedScatter", x, mask, source))
  },
)

export const maskedScatter_: FunctionOf<ScatteringOps["maskedScatter_"]> = op(
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
  return track(rule, new Tensor(out.storage, out.shape, out.strides, 0, out.dtype), src ? [x, src] : [x], [], {
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

export const selectScatter: FunctionOf<ScatteringOps["selectScatter"]> = op(
  "selectScatter(input, src, dim, index)",
  (x: Tensor, src: Tensor, dim: number, index: number) =>
    written(rules.select, x, checkedSource("selectScatter", x, src), (whole) => select(whole, dim, index)),
)

export const sliceScatter: FunctionOf<ScatteringOps["sliceScatter"]> = op(
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

export const diagonalScatter: FunctionOf<ScatteringOps["diagonalScatter"]> = op(
  "diagonalScatter(input, src, offset?, dim1?, dim2?)",
  (x: Tensor, src: Tensor, offset = 0, dim1 = 0, dim2 = 1) =>
    written(rules.diagonal, x, checkedSource("diagonalScatter", x, src), (whole) =>
      diagonal(whole, offset, dim1, dim2),
    ),
)

export const scatteringMethods: Family = {
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
  maskedScatter,
  maskedScatter_,
  selectScatter,
  sliceScatter,
  diagonalScatter,
}
