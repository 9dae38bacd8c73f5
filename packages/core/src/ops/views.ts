/**
 * Views: other sizes and strides over the same memory. None of these copies, except `reshape`, `flatten` and friends where
 * the strides leave no other way.
 */
import { op } from "../args.ts"
import { checkInPlace, type Geometry, onOverlaps } from "../autograd/inplace.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { shapeText, sizesText, valueText } from "../errors.ts"
import { int } from "../kernels.ts"
import { type Movement, push } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import {
  contiguousStrides,
  isContiguous,
  normalizeDim,
  normalizeDims,
  numelOf,
  type Sizes,
  viewStrides,
} from "../shape.ts"
import { Tensor, viewOf, viewsOf } from "../tensor.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import type {
  AsStrided,
  BroadcastTo,
  Cutting,
  CuttingAlong,
  DiagonalSignature,
  Expand,
  ExpandAs,
  FlattenSignature,
  MoveDims,
  NarrowSignature,
  Permute,
  Ravel,
  SelectSignature,
  Squeeze,
  SwapDims,
  ToShape,
  ToShapeOf,
  TransposeMatrix,
  UnbindSignature,
  UnflattenSignature,
  UnfoldSignature,
  Unsqueeze,
} from "../types/view-signatures.ts"
import { clone, contiguous, copyInto } from "./copying.ts"
import { ones, zeros } from "./creation.ts"
import { stridedAdd } from "./strided-add.ts"
import { sumToSize } from "./sum-to-size.ts"

export interface ViewOps {
  /** The same elements in another shape; one size may be -1. Throws where the strides do not allow it (use `reshape`). */
  view: ToShape<"view">
  /** The same elements in another shape, copied only where a view is impossible. */
  reshape: ToShape<"reshape">
  /** `view` in another tensor's shape. */
  viewAs: ToShapeOf<"viewAs">
  /** `reshape` in another tensor's shape. */
  reshapeAs: ToShapeOf<"reshapeAs">
  /** Dims `startDim` to `endDim` as one. */
  flatten: FlattenSignature
  /** One dim as several. */
  unflatten: UnflattenSignature
  /** All elements in one dim: a view where that is possible, else a copy. */
  ravel: Ravel
  /** A view with two dims swapped. */
  transpose: SwapDims<"transpose", "dim0", "dim1">
  /** Another name of `transpose`. */
  swapaxes: SwapDims<"swapaxes", "axis0", "axis1">
  /** Another name of `transpose`. */
  swapdims: SwapDims<"swapdims", "dim0", "dim1">
  /** The transpose of a matrix; 0-d and 1-d tensors as they are. */
  t: TransposeMatrix<"t">
  /** The dims in another order. */
  permute: Permute
  /** The dims `source` at the places `destination`, the others in their order. */
  movedim: MoveDims<"movedim">
  /** Another name of `movedim`. */
  moveaxis: MoveDims<"moveaxis">
  /** Without the dims of size 1, or without those of `dim` that have size 1. */
  squeeze: Squeeze<"squeeze">
  /** A new dim of size 1 before `dim`. */
  unsqueeze: Unsqueeze<"unsqueeze">
  /** Dims of size 1 repeated without copying; -1 keeps a size. */
  expand: Expand
  /** `expand` to another tensor's shape. */
  expandAs: ExpandAs
  /** A view with dims of size 1 repeated, and new ones in front, until it has the shape `size`. */
  broadcastTo: BroadcastTo
  /** A view of `length` elements along `dim`, from `start` on. */
  narrow: NarrowSignature
  /** A view of the slice at `index` of `dim`, without that dim. */
  select: SelectSignature
  /** The slices along `dim`, as views without that dim. */
  unbind: UnbindSignature
  /** Views along `dim` of `splitSize` elements each, the last of what is left; or of the sizes of a list. */
  split: Cutting<"split", "splitSize">
  /** Views along `dim`: so many of nearly one size, or cut at the indices of a list. */
  tensorSplit: Cutting<"tensorSplit", "indicesOrSections">
  /** At most `chunks` views along `dim`, all of one size but the last. */
  chunk: Cutting<"chunk", "chunks", number>
  /** All windows of `size` along `dimension`, `step` apart, as a last dim. */
  unfold: UnfoldSignature
  /** A view of the diagonal of two dims, as the last dim; `offset` above 0 lies above the main diagonal. */
  diagonal: DiagonalSignature
  /** A view of the same memory with sizes, strides and an offset of one's own, counted in elements. */
  asStrided: AsStrided
  /** An alias outside of the graph; it shares memory and version. */
  detach: Elementwise
  detach_: Elementwise
  squeeze_: Squeeze<"squeeze_">
  unsqueeze_: Unsqueeze<"unsqueeze_">
  transpose_: SwapDims<"transpose_", "dim0", "dim1">
  swapaxes_: SwapDims<"swapaxes_", "axis0", "axis1">
  swapdims_: SwapDims<"swapdims_", "dim0", "dim1">
  t_: TransposeMatrix<"t_">
  /** `tensorSplit` along dim 1, or dim 0 of a 1-d tensor. */
  hsplit: CuttingAlong<"hsplit">
  /** `tensorSplit` along dim 0 of two or more dims. */
  vsplit: CuttingAlong<"vsplit">
  /** `tensorSplit` along dim 2. */
  dsplit: CuttingAlong<"dsplit">
}

export interface ViewMethods extends MethodsOf<ViewOps> {}

interface Shaped {
  readonly shape: Sizes
}

/** `shape` with -1 worked out. */
function inferSize(name: string, shape: Sizes, numel: number, of: Shaped): number[] {
  if (!Array.isArray(shape) || shape.some((s) => !Number.isInteger(s) || s < -1))
    throw new TypeError(`${name}: expected sizes (integers, one of them may be -1), got ${shapeText(shape)}`)
  const unknown = shape.indexOf(-1)
  if (unknown >= 0 && shape.indexOf(-1, unknown + 1) >= 0)
    throw new RangeError(`${name}: only one dimension can be inferred, got ${shapeText(shape)}`)
  const known = shape.reduce((n, s) => (s === -1 ? n : n * s), 1)
  const result = [...shape]
  if (unknown >= 0) {
    if (known === 0)
      throw new RangeError(
        `${name}: cannot reshape tensor of 0 elements into shape ${shapeText(shape)} because the unspecified dimension size -1 can be any value and is ambiguous`,
      )
    if (numel % known === 0) result[unknown] = numel / known
  }
  if (numelOf(result) !== numel || result.includes(-1))
    throw new RangeError(
      `${name}: shape '${shapeText(shape)}' is invalid for input of size ${numel} (shape ${shapeText(of.shape)})`,
    )
  return result
}

/** A rule whose backward is another view of the gradient. */
const shaped = (name: string): Rule => ({ name, backward: (node, g) => [reshape(g, node.context as number[])] })

const VIEW = shaped("ViewBackward0")
const UNSAFE_VIEW = shaped("UnsafeViewBackward0")
const RESHAPE_ALIAS = shaped("ReshapeAliasBackward0")

function viewed(name: string, x: Tensor, shape: Sizes): Tensor {
  const to = inferSize(name, shape, x.numel(), x)
  const strides = viewStrides(x.shape, x.strides, to)
  if (!strides)
    throw new RangeError(
      `${name}: view size ${shapeText(to)} is not compatible with input tensor's size ${shapeText(x.shape)} and stride ${shapeText(x.strides)} (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.`,
    )
  return viewOf(x, to, strides, x.offset, VIEW, x.shape)
}

function reshapedTo(name: string, x: Tensor, shape: Sizes): Tensor {
  const to = inferSize(name, shape, x.numel(), x)
  const strides = viewStrides(x.shape, x.strides, to)
  if (strides) return viewOf(x, to, strides, x.offset, isContiguous(x.shape, x.strides) ? VIEW : RESHAPE_ALIAS, x.shape)
  const copy = clone(x, { memoryFormat: "contiguous" })
  return viewOf(copy, to, contiguousStrides(to), 0, UNSAFE_VIEW, copy.shape)
}

export const view: FunctionOf<ViewOps["view"]> = op("view(input, ...shape)", (x: Tensor, shape: number[]) =>
  viewed("view", x, shape),
)
export const viewAs: FunctionOf<ViewOps["viewAs"]> = op("viewAs(input, other)", (x: Tensor, other: Tensor) =>
  viewed("viewAs", x, other.shape),
)
export const reshape: FunctionOf<ViewOps["reshape"]> = op("reshape(input, ...shape)", (x: Tensor, shape: number[]) =>
  reshapedTo("reshape", x, shape),
)
export const reshapeAs: FunctionOf<ViewOps["reshapeAs"]> = op("reshapeAs(input, other)", (x: Tensor, other: Tensor) =>
  reshapedTo("reshapeAs", x, other.shape),
)

export const flatten: FunctionOf<ViewOps["flatten"]> = op(
  "flatten(input, startDim?, endDim?)",
  (x: Tensor, startDim = 0, endDim = -1) => {
    const start = normalizeDim("flatten", startDim, x.ndim)
    const end = normalizeDim("flatten", endDim, x.ndim)
    if (start > end) throw new RangeError(`flatten: startDim ${startDim} comes after endDim ${endDim}`)
    if (x.ndim === 0) return reshape(x, [1])
    if (start === end) return x
    return reshape(x, [...x.shape.slice(0, start), numelOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)])
  },
)

export const ravel: FunctionOf<ViewOps["ravel"]> = op("ravel(input)", (x: Tensor) =>
  x.ndim === 1 && isContiguous(x.shape, x.strides) ? x : view(contiguous(x), [x.numel()]),
)

export const unflatten: FunctionOf<ViewOps["unflatten"]> = op(
  "unflatten(input, dim, sizes)",
  (x: Tensor, dim: number, sizes: number[]) => {
    const d = normalizeDim("unflatten", dim, x.ndim)
    const inner = inferSize("unflatten", sizes, x.shape[d]!, { shape: [x.shape[d]!] })
    return view(x, [...x.shape.slice(0, d), ...inner, ...x.shape.slice(d + 1)])
  },
)

const PERMUTE: Rule = {
  name: "PermuteBackward0",
  backward: (node, g) => [permute(g, invert(node.context as number[]))],
}
const invert = (dims: readonly number[]): number[] => {
  const inverse = new Array<number>(dims.length)
  dims.forEach((d, i) => (inverse[d] = i))
  return inverse
}

function permuted(x: Tensor, dims: readonly number[], rule: Rule, context: unknown): Tensor {
  return viewOf(
    x,
    dims.map((d) => x.shape[d]!),
    dims.map((d) => x.strides[d]!),
    x.offset,
    rule,
    context,
  )
}

export const permute: FunctionOf<ViewOps["permute"]> = op("permute(input, ...dims)", (x: Tensor, dims: number[]) => {
  if (dims.length !== x.ndim)
    throw new RangeError(
      `permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${x.ndim} is not equal to len(dims) = ${dims.length}`,
    )
  const order = normalizeDims("permute", dims, x.ndim)
  return permuted(x, order, PERMUTE, order)
})

/** The rules of the op and of its in-place form. */
const TRANSPOSE = ["TransposeBackward0", "TransposeBackward1"].map(
  (name): Rule => ({
    name,
    backward: (node, g) => {
      const [a, b] = node.context as [number, number]
      return [transpose(g, a, b)]
    },
  }),
)
const T = ["TBackward0", "TBackward1"].map((name): Rule => ({ name, backward: (_node, g) => [t(g)] }))

function swapped(x: Tensor, a: number, b: number, rule: Rule): Tensor {
  const order = x.shape.map((_, d) => (d === a ? b : d === b ? a : d))
  return permuted(x, order, rule, [a, b])
}

const swapping = (
  name: string,
  first: string,
  second: string,
): ((input: Tensor, dim0: number, dim1: number) => Tensor) =>
  op(`${name}(input, ${first}, ${second})`, (x: Tensor, a: number, b: number) =>
    swapped(x, normalizeDim(name, a, x.ndim), normalizeDim(name, b, x.ndim), TRANSPOSE[0]!),
  )

export const transpose = swapping("transpose", "dim0", "dim1") as FunctionOf<ViewOps["transpose"]>
export const swapaxes = swapping("swapaxes", "axis0", "axis1") as FunctionOf<ViewOps["swapaxes"]>
export const swapdims = swapping("swapdims", "dim0", "dim1") as FunctionOf<ViewOps["swapdims"]>

function transposed(name: string, x: Tensor, rule: Rule): Tensor {
  if (x.ndim > 2)
    throw new RangeError(`${name}: expects a tensor with <= 2 dimensions, but input is ${x.ndim}D: ${sizesText(x)}`)
  return x.ndim === 2 ? swapped(x, 0, 1, rule) : viewOf(x, x.shape, x.strides, x.offset, rule)
}

export const t: FunctionOf<ViewOps["t"]> = op("t(input)", (x: Tensor) => transposed("t", x, T[0]!))

const asList = (dims: number | readonly number[]): readonly number[] => (typeof dims === "number" ? [dims] : dims)

function moved(
  name: string,
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const from = normalizeDims(name, asList(source), x.ndim)
  const to = normalizeDims(name, asList(destination), x.ndim)
  if (from.length !== to.length)
    throw new RangeError(
      `${name}: source (${shapeText(from)}) and destination (${shapeText(to)}) must have the same number of dims`,
    )
  const order = new Array<number>(x.ndim).fill(-1)
  to.forEach((d, i) => (order[d] = from[i]!))
  const rest = x.shape.map((_, d) => d).filter((d) => !from.includes(d))
  return permute(
    x,
    order.map((d) => (d === -1 ? rest.shift()! : d)),
  )
}

type MoveArg = number | readonly number[]
export const movedim: FunctionOf<ViewOps["movedim"]> = op(
  "movedim(input, source, destination)",
  (x: Tensor, s: MoveArg, d: MoveArg) => moved("movedim", x, s, d),
)
export const moveaxis: FunctionOf<ViewOps["moveaxis"]> = op(
  "moveaxis(input, source, destination)",
  (x: Tensor, s: MoveArg, d: MoveArg) => moved("moveaxis", x, s, d),
)

type SqueezeDim = number | readonly number[] | undefined

/** The rules for no dim, for one and for several; then those of `squeeze_`. */
const SQUEEZE = Array.from({ length: 6 }, (_, i) => shaped(`SqueezeBackward${i}`))

function squeezed(name: string, x: Tensor, dim: SqueezeDim, rules: readonly Rule[]): Tensor {
  const dims =
    dim === undefined ? x.shape.map((_, d) => d) : x.ndim === 0 ? [] : normalizeDims(name, asList(dim), x.ndim)
  const keep = x.shape.flatMap((size, d) => (size === 1 && dims.includes(d) ? [] : [d]))
  const rule = rules[dim === undefined ? 0 : typeof dim === "number" ? 1 : 2]!
  return viewOf(
    x,
    keep.map((d) => x.shape[d]!),
    keep.map((d) => x.strides[d]!),
    x.offset,
    rule,
    x.shape,
  )
}

export const squeeze: FunctionOf<ViewOps["squeeze"]> = op("squeeze(input, dim?)", (x: Tensor, dim: SqueezeDim) =>
  squeezed("squeeze", x, dim, SQUEEZE),
)

const UNSQUEEZE = [shaped("UnsqueezeBackward0"), shaped("UnsqueezeBackward1")] as const

function unsqueezed(name: string, x: Tensor, dim: number, rule: Rule): Tensor {
  const d = normalizeDim(name, dim, x.ndim + 1)
  const stride = d < x.ndim ? x.shape[d]! * x.strides[d]! : 1
  return viewOf(x, x.shape.toSpliced(d, 0, 1), x.strides.toSpliced(d, 0, stride), x.offset, rule, x.shape)
}

export const unsqueeze: FunctionOf<ViewOps["unsqueeze"]> = op("unsqueeze(input, dim)", (x: Tensor, dim: number) =>
  unsqueezed("unsqueeze", x, dim, UNSQUEEZE[0]),
)

const EXPAND: Rule = { name: "ExpandBackward0", backward: (node, g) => [sumToSize(g, node.context as number[])] }

function expanded(name: string, x: Tensor, size: Sizes): Tensor {
  const shift = size.length - x.ndim
  if (shift < 0)
    throw new RangeError(
      `${name}: the number of sizes provided (${size.length}) must be greater or equal to the number of dimensions in the tensor (${x.ndim}). Target sizes: ${shapeText(size)}. Tensor sizes: ${shapeText(x.shape)}`,
    )
  const shape = size.map((s, d) => {
    const own = d < shift ? 1 : x.shape[d - shift]!
    if (s === -1 && d >= shift) return own
    if (!Number.isInteger(s) || s < 0 || (own !== 1 && s !== own))
      throw new RangeError(
        `${name}: The expanded size of the tensor (${s}) must match the existing size (${own}) at non-singleton dimension ${d}. Target sizes: ${shapeText(size)}. Tensor sizes: ${shapeText(x.shape)}`,
      )
    return s
  })
  const strides = shape.map((s, d) => (d < shift ? 0 : x.shape[d - shift] === 1 && s !== 1 ? 0 : x.strides[d - shift]!))
  return viewOf(x, shape, strides, x.offset, EXPAND, x.shape)
}

export const expand: FunctionOf<ViewOps["expand"]> = op("expand(input, ...size)", (x: Tensor, size: number[]) =>
  expanded("expand", x, size),
)
export const expandAs: FunctionOf<ViewOps["expandAs"]> = op("expandAs(input, other)", (x: Tensor, other: Tensor) =>
  expanded("expandAs", x, other.shape),
)
export const broadcastTo: FunctionOf<ViewOps["broadcastTo"]> = op(
  "broadcastTo(input, size)",
  (x: Tensor, size: number[]) => expanded("broadcastTo", x, size),
)

/** Zeros in the shape of the input with the gradient in the part that the view saw. */
function embed(node: OpNode, g: Tensor, part: (whole: Tensor) => Tensor): Tensor {
  const whole = zeros((node.context as { shape: Sizes }).shape, { dtype: g.dtype, device: g.device })
  copyInto(part(whole), g)
  return whole
}

interface SliceContext {
  readonly shape: Sizes
  readonly dim: number
  readonly start: number
  readonly step: number
  readonly length: number
}

const SLICE: Rule = {
  name: "SliceBackward0",
  backward: (node, g) => {
    const c = node.context as SliceContext
    return [embed(node, g, (whole) => sliced(whole, c.dim, c.start, c.length, c.step))]
  },
}

/** `length` elements along `dim` from `start`, `step` apart. Bounds are the caller's. */
export function sliced(x: Tensor, dim: number, start: number, length: number, step = 1): Tensor {
  const shape = x.shape.with(dim, length)
  const strides = x.strides.with(dim, x.strides[dim]! * step)
  const context: SliceContext = { shape: x.shape, dim, start, step, length }
  return viewOf(x, shape, strides, x.offset + start * x.strides[dim]!, SLICE, context)
}

export const narrow: FunctionOf<ViewOps["narrow"]> = op(
  "narrow(input, dim, start, length)",
  (x: Tensor, dim: number, start: number, length: number) => {
    if (x.ndim === 0) throw new RangeError("narrow: cannot be applied to a 0-dim tensor")
    const d = normalizeDim("narrow", dim, x.ndim)
    const size = x.shape[d]!
    const from = start < 0 ? start + size : start
    if (!Number.isInteger(start) || !Number.isInteger(length) || length < 0 || from < 0 || from + length > size)
      throw new RangeError(
        `narrow: start (${start}) + length (${length}) exceeds dimension size (${size}) of ${sizesText(x)} at dim ${d}`,
      )
    return sliced(x, d, from, length)
  },
)

const SELECT: Rule = {
  name: "SelectBackward0",
  backward: (node, g) => {
    const { dim, start } = node.context as SliceContext
    return [embed(node, g, (whole) => select(whole, dim, start))]
  },
}

/** What the outputs of one node see of the input: pieces along `dim`, or single elements without that dim. */
interface Pieces {
  readonly shape: Sizes
  readonly dim: number
  readonly starts: readonly number[]
  /** Null: elements. */
  readonly lengths: readonly number[] | null
}

const pieceOf = (x: Tensor, { dim, starts, lengths }: Pieces, i: number): Tensor =>
  lengths ? sliced(x, dim, starts[i]!, lengths[i]!) : select(x, dim, starts[i]!)

/** Zeros in the shape of the input with every gradient that came in its place. */
const joined = (name: string): Rule => ({
  name,
  backward: (node, _g, grads) => {
    const pieces = node.context as Pieces
    const { dtype, device } = grads.find((g) => g !== null)!
    const whole = zeros(pieces.shape, { dtype, device })
    grads.forEach((g, i) => g && copyInto(pieceOf(whole, pieces, i), g))
    return [whole]
  },
})
const UNBIND = joined("UnbindBackward0")

function selected(name: string, x: Tensor, dim: number, index: number, rule: Rule): Tensor {
  const size = x.shape[dim]!
  if (!Number.isInteger(index) || index < -size || index >= size)
    throw new RangeError(
      `${name}: index ${index} is out of bounds for dimension ${dim} with size ${size} (${sizesText(x)})`,
    )
  const start = index < 0 ? index + size : index
  const context: SliceContext = { shape: x.shape, dim, start, step: 1, length: 1 }
  return viewOf(
    x,
    x.shape.toSpliced(dim, 1),
    x.strides.toSpliced(dim, 1),
    x.offset + start * x.strides[dim]!,
    rule,
    context,
  )
}

export const select: FunctionOf<ViewOps["select"]> = op(
  "select(input, dim, index)",
  (x: Tensor, dim: number, index: number) => {
    if (x.ndim === 0) throw new RangeError("select: cannot be applied to a 0-dim tensor")
    return selected("select", x, normalizeDim("select", dim, x.ndim), index, SELECT)
  },
)

export const unbind: FunctionOf<ViewOps["unbind"]> = op("unbind(input, dim?)", (x: Tensor, dim = 0) => {
  if (x.ndim === 0) throw new RangeError("unbind: cannot be applied to a 0-dim tensor")
  const d = normalizeDim("unbind", dim, x.ndim)
  const starts = Array.from({ length: x.shape[d]! }, (_, i) => i)
  const [shape, strides] = [x.shape.toSpliced(d, 1), x.strides.toSpliced(d, 1)]
  const layouts = starts.map((i) => ({ shape, strides, offset: x.offset + i * x.strides[d]! }))
  return viewsOf(x, layouts, UNBIND, { shape: x.shape, dim: d, starts, lengths: null } satisfies Pieces)
})

const SPLIT = joined("SplitBackward0")
const SPLIT_SIZES = joined("SplitWithSizesBackward0")

/** Where pieces of these lengths begin. */
function startsOf(lengths: readonly number[]): number[] {
  let start = 0
  return lengths.map((length) => (start += length) - length)
}

function pieces(x: Tensor, dim: number, lengths: readonly number[], rule: Rule): Tensor[] {
  const starts = startsOf(lengths)
  const layouts = lengths.map((length, i) => ({
    shape: x.shape.with(dim, length),
    strides: x.strides,
    offset: x.offset + starts[i]! * x.strides[dim]!,
  }))
  return viewsOf(x, layouts, rule, { shape: x.shape, dim, starts, lengths } satisfies Pieces)
}

/** Lengths of the pieces of `size` elements: all `piece` but perhaps the last; one empty piece of nothing. */
const evenly = (size: number, piece: number): number[] =>
  size === 0 ? [0] : Array.from({ length: Math.ceil(size / piece) }, (_, i) => Math.min(piece, size - i * piece))

export const split: FunctionOf<ViewOps["split"]> = op(
  "split(input, splitSize, dim?)",
  (x: Tensor, splitSize: number | readonly number[], dim = 0) => {
    if (x.ndim === 0) throw new RangeError("split: expects at least a 1-dimensional tensor")
    const d = normalizeDim("split", dim, x.ndim)
    const size = x.shape[d]!
    if (typeof splitSize === "number") {
      if (!Number.isInteger(splitSize) || splitSize < 0 || (splitSize === 0 && size !== 0))
        throw new RangeError(`split: splitSize must be a positive integer, got ${splitSize}`)
      return pieces(x, d, evenly(size, splitSize || 1), SPLIT)
    }
    if (!Array.isArray(splitSize) || splitSize.some((s) => s < 0) || splitSize.reduce((a, b) => a + b, 0) !== size)
      throw new RangeError(
        `split: the sizes ${Array.isArray(splitSize) ? shapeText(splitSize) : valueText(splitSize)} must sum to ${size}, the size of dim ${d} of ${sizesText(x)}`,
      )
    return pieces(x, d, splitSize, SPLIT_SIZES)
  },
)

export const chunk: FunctionOf<ViewOps["chunk"]> = op(
  "chunk(input, chunks, dim?)",
  (x: Tensor, chunks: number, dim = 0) => {
    if (x.ndim === 0) throw new RangeError("chunk: expects at least a 1-dimensional tensor")
    if (!Number.isInteger(chunks) || chunks < 1)
      throw new RangeError(`chunk: chunks must be a positive integer, got ${chunks}`)
    const d = normalizeDim("chunk", dim, x.ndim)
    const size = x.shape[d]!
    if (size === 0) return pieces(x, d, new Array<number>(chunks).fill(0), SPLIT_SIZES)
    return pieces(x, d, evenly(size, Math.ceil(size / chunks)), SPLIT)
  },
)

export const tensorSplit: FunctionOf<ViewOps["tensorSplit"]> = op(
  "tensorSplit(input, indicesOrSections, dim?)",
  (x: Tensor, where: number | readonly number[], dim = 0) => {
    if (x.ndim === 0) throw new RangeError("tensorSplit: expects at least a 1-dimensional tensor")
    const d = normalizeDim("tensorSplit", dim, x.ndim)
    const size = x.shape[d]!
    if (typeof where === "number") {
      if (!Number.isInteger(where) || where < 1)
        throw new RangeError(`tensorSplit: number of sections must be larger than 0, got ${where}`)
      const [least, extra] = [Math.floor(size / where), size % where]
      const lengths = Array.from({ length: where }, (_, i) => least + (i < extra ? 1 : 0))
      const starts = startsOf(lengths)
      return lengths.map((length, i) => sliced(x, d, starts[i]!, length))
    }
    const clip = (i: number): number => Math.min(Math.max(i < 0 ? i + size : i, 0), size)
    const cuts = [0, ...where.map(clip), size]
    return cuts.slice(1).map((end, i) => sliced(x, d, cuts[i]!, Math.max(end - cuts[i]!, 0)))
  },
)

/** `tensorSplit` along the dim that the rank says; sections must be equal. */
const splitting = (
  name: string,
  least: number,
  dimOf: (rank: number) => number,
): ((input: Tensor, where: number | readonly number[]) => Tensor[]) =>
  op(`${name}(input, indicesOrSections)`, (x: Tensor, where: number | readonly number[]) => {
    if (x.ndim < least)
      throw new RangeError(
        `${name}: requires a tensor with at least ${least} dimension${least > 1 ? "s" : ""}, but got ${sizesText(x)}`,
      )
    const dim = dimOf(x.ndim)
    if (typeof where === "number" && x.shape[dim]! % where !== 0)
      throw new RangeError(
        `${name}: attempted to split along dimension ${dim}, but the size of the dimension ${x.shape[dim]} is not divisible by the split_size ${where}!`,
      )
    return tensorSplit(x, where, dim)
  })

export const hsplit = splitting("hsplit", 1, (rank) => (rank === 1 ? 0 : 1)) as FunctionOf<ViewOps["hsplit"]>
export const vsplit = splitting("vsplit", 2, () => 0) as FunctionOf<ViewOps["vsplit"]>
export const dsplit = splitting("dsplit", 3, () => 2) as FunctionOf<ViewOps["dsplit"]>

const AS_STRIDED_VIEW: Rule = {
  name: "AsStridedBackward0",
  backward: (node, g) => {
    const c = node.context as { shape: Sizes; strides: Sizes; offset: number; size: Sizes; stride: Sizes; at: number }
    return [scatterStrided(g, c)]
  },
}

/** Sums the gradient of an arbitrary strided view, whose elements may overlap, into the input's shape. */
function scatterStrided(
  g: Tensor,
  c: { shape: Sizes; strides: Sizes; offset: number; size: Sizes; stride: Sizes; at: number },
): Tensor {
  // The memory that either sees, from its first element on, as one flat tensor.
  const first = Math.min(c.offset, c.at)
  const end = Math.max(c.offset + reach(c.shape, c.strides), c.at + reach(c.size, c.stride)) + 1
  const memory = (): Tensor => zeros([end - first], { dtype: g.dtype, device: g.device })
  let flat = stridedAdd(memory(), g, c.stride, c.at - first)
  // Where elements of the input are the same memory, each gets its share.
  if (overlaps(c.shape, c.strides)) {
    const count = stridedAdd(
      memory(),
      expand(ones([1], { dtype: g.dtype, device: g.device }), c.shape),
      c.strides,
      c.offset - first,
    )
    flat = (quotient ??= new Pointwise("div", (a, b) => a.div(b))).call(flat, count)
  }
  return asStrided(flat, c.shape, c.strides, c.offset - first)
}

/** The same for a view of which the graph knows the place alone. */
const sumStrided = (g: Tensor, { base, shape, strides, offset }: Geometry): Tensor | null =>
  overlaps(shape, strides) ? scatterStrided(g, { ...base, size: shape, stride: strides, at: offset }) : null

/** Made at its first use: the files of arithmetic need those of views before. */
let quotient: Pointwise | null = null

/** Whether two elements may be the same memory. */
function overlaps(shape: Sizes, strides: Sizes): boolean {
  const dims = shape.flatMap((size, d) => (size > 1 ? [[strides[d]!, size] as const] : [])).sort(([a], [b]) => a - b)
  let end = 0
  for (const [stride, size] of dims) {
    if (stride <= end) return true
    end += stride * (size - 1)
  }
  return false
}

const reach = (sizes: Sizes, strides: Sizes): number =>
  sizes.reduce((n, s, d) => n + Math.max(s - 1, 0) * strides[d]!, 0)

export const asStrided: FunctionOf<ViewOps["asStrided"]> = op(
  "asStrided(input, size, stride, storageOffset?)",
  (x: Tensor, size: readonly number[], stride: readonly number[], storageOffset = x.offset) => {
    if (size.length !== stride.length)
      throw new RangeError(
        `asStrided: mismatch in length of strides and shape: ${shapeText(stride)}, ${shapeText(size)}`,
      )
    if (
      size.some((s) => !Number.isInteger(s) || s < 0) ||
      stride.some((s) => !Number.isInteger(s) || s < 0) ||
      storageOffset < 0
    )
      throw new RangeError(
        `asStrided: sizes, strides and offset must be non-negative integers, got ${shapeText(size)}, ${shapeText(stride)}, ${storageOffset}`,
      )
    if (numelOf(size) > 0 && storageOffset + reach(size, stride) >= x.storage.length)
      throw new RangeError(
        `asStrided: setStorage: sizes ${shapeText(size)}, strides ${shapeText(stride)}, storage offset ${storageOffset} are out of bounds for storage of size ${x.storage.length}`,
      )
    const context = { shape: x.shape, strides: x.strides, offset: x.offset, size, stride, at: storageOffset }
    onOverlaps(sumStrided)
    return viewOf(x, size, stride, storageOffset, AS_STRIDED_VIEW, context)
  },
)

const UNFOLD: Rule = { name: "UnfoldBackward0", backward: (node, g) => [push(g, node.context as Movement)] }

/** Where the elements of the windows come from. */
const windows = (x: Tensor, dim: number, shape: Sizes, step: number): Movement => ({
  op: "unfold",
  key: `windows ${dim}/${x.ndim}`,
  shape: x.shape,
  result: shape,
  scalars: [int(step)],
  terms: [
    ({ at, scalars: [s] }) => ({
      coordinates: x.shape.map((_, d) => (d === dim ? at[d]!.mul(s!).add(at[x.ndim]!) : at[d]!)),
    }),
  ],
})

export const unfold: FunctionOf<ViewOps["unfold"]> = op(
  "unfold(input, dimension, size, step)",
  (x: Tensor, dimension: number, size: number, step: number) => {
    const d = normalizeDim("unfold", dimension, x.ndim)
    const whole = x.ndim === 0 ? 1 : x.shape[d]!
    if (!Number.isInteger(size) || size < 0 || size > whole)
      throw new RangeError(`unfold: maximum size for tensor at dimension ${d} is ${whole} but size is ${size}`)
    if (!Number.isInteger(step) || step < 1) throw new RangeError(`unfold: step is ${step} but must be > 0`)
    const shape = x.ndim === 0 ? [size] : [...x.shape.with(d, Math.floor((whole - size) / step) + 1), size]
    const strides = x.ndim === 0 ? [1] : [...x.strides.with(d, x.strides[d]! * step), x.strides[d]!]
    onOverlaps(sumStrided)
    return viewOf(x, shape, strides, x.offset, UNFOLD, windows(x, d, shape, step))
  },
)

const DIAGONAL: Rule = {
  name: "DiagonalBackward0",
  backward: (node, g) => {
    const { offset, dim1, dim2 } = node.context as { offset: number; dim1: number; dim2: number }
    return [embed(node, g, (whole) => diagonal(whole, offset, dim1, dim2))]
  },
}

export const diagonal: FunctionOf<ViewOps["diagonal"]> = op(
  "diagonal(input, offset?, dim1?, dim2?)",
  (x: Tensor, offset = 0, dim1 = 0, dim2 = 1) => {
    const a = normalizeDim("diagonal", dim1, x.ndim)
    const b = normalizeDim("diagonal", dim2, x.ndim)
    if (a === b) throw new RangeError(`diagonal: diagonal dimensions cannot be identical ${dim1}, ${dim2}`)
    const [rows, columns] = [x.shape[a]!, x.shape[b]!]
    const length = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns))
    const rest = x.shape.map((_, d) => d).filter((d) => d !== a && d !== b)
    const at = length === 0 ? x.offset : x.offset + (offset >= 0 ? offset * x.strides[b]! : -offset * x.strides[a]!)
    return viewOf(
      x,
      [...rest.map((d) => x.shape[d]!), length],
      [...rest.map((d) => x.strides[d]!), x.strides[a]! + x.strides[b]!],
      at,
      DIAGONAL,
      { shape: x.shape, offset, dim1: a, dim2: b },
    )
  },
)

const ALIAS: Rule = { name: "AliasBackward0", backward: (_node, g) => [g] }
/** The same tensor as another object, in the graph. */
export const alias = (x: Tensor): Tensor => viewOf(x, x.shape, x.strides, x.offset, ALIAS)

export const detach: FunctionOf<ViewOps["detach"]> = op("detach(input)", (x: Tensor) => detached(x))

/** `x` outside of the graph. */
export function detached(x: Tensor): Tensor {
  return new Tensor(x.storage, x.shape, x.strides, x.offset, x.dtype)
}

export const detach_: FunctionOf<ViewOps["detach_"]> = op("detach_(input)", (x: Tensor) => {
  if (x.view_) throw new Error("Can't detach views in-place: use detach() instead")
  x.setHistory(null)
  x.leafRequiresGrad = false
  return x
})

// ---- in place: another layout of the same tensor ----

type Layout = { shape: Sizes; strides: Sizes; offset: number }

/**
 * Gives `x` itself the layout of the view that `make` makes of it. The version counts: what was saved with the old layout
 * must not be used.
 */
function relaid<A extends unknown[]>(
  name: string,
  parameters: string,
  make: (name: string, x: Tensor, ...args: A) => Tensor,
): (input: Tensor, ...args: A) => Tensor {
  return op(`${name}_(input${parameters})`, (x: Tensor, ...args: A) => {
    checkInPlace(name, x)
    const { gradFn, outputNr, shape, strides, offset } = make(`${name}_`, x, ...args)
    Object.assign(x as Layout, { shape, strides, offset })
    x.storage.version++
    if (x.view_) x.view_.version = x.storage.version
    if (gradFn) x.setHistory(gradFn, outputNr)
    return x
  })
}

const swapInPlace = (name: string, x: Tensor, a: number, b: number): Tensor =>
  swapped(x, normalizeDim(name, a, x.ndim), normalizeDim(name, b, x.ndim), TRANSPOSE[1]!)

export const squeeze_ = relaid("squeeze", ", dim?", (name, x, dim: SqueezeDim) =>
  squeezed(name, x, dim, SQUEEZE.slice(3)),
) as FunctionOf<ViewOps["squeeze_"]>
export const unsqueeze_ = relaid("unsqueeze", ", dim", (name, x, dim: number) =>
  unsqueezed(name, x, dim, UNSQUEEZE[1]),
) as FunctionOf<ViewOps["unsqueeze_"]>
export const transpose_ = relaid("transpose", ", dim0, dim1", swapInPlace) as FunctionOf<ViewOps["transpose_"]>
export const swapaxes_ = relaid("swapaxes", ", axis0, axis1", swapInPlace) as FunctionOf<ViewOps["swapaxes_"]>
export const swapdims_ = relaid("swapdims", ", dim0, dim1", swapInPlace) as FunctionOf<ViewOps["swapdims_"]>
export const t_ = relaid("t", "", (name, x) => transposed(name, x, T[1]!)) as FunctionOf<ViewOps["t_"]>

export const viewMethods: Family = {
  view,
  reshape,
  viewAs,
  reshapeAs,
  flatten,
  unflatten,
  ravel,
  transpose,
  swapaxes,
  swapdims,
  t,
  permute,
  movedim,
  moveaxis,
  squeeze,
  unsqueeze,
  expand,
  expandAs,
  broadcastTo,
  narrow,
  select,
  unbind,
  split,
  tensorSplit,
  chunk,
  unfold,
  diagonal,
  asStrided,
  detach,
  detach_,
  squeeze_,
  unsqueeze_,
  transpose_,
  swapaxes_,
  swapdims_,
  t_,
  hsplit,
  vsplit,
  dsplit,
}
