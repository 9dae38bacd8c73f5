/** Indexing as Python's brackets do: at, setAt. */
import { type Args, catalogued, op } from "../args.ts"
import { checkInPlace } from "../autograd/inplace.ts"
import type { Rule } from "../autograd/node.ts"
import { requireSameDevice } from "../checks.ts"
import type { TypedArray } from "../dtype.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { where } from "../expr.ts"
import { erase, fromEnd, ints, type Movement, pull, pullRule, pushInto, reshaped } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { asStored } from "../promotion.ts"
import { enclosed } from "../regions.ts"
import { broadcastSizes, type Sizes } from "../shape.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { AtSignature, SetAtSignature } from "../types/indexing-signatures.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { copyInto } from "./copying.ts"
import { tensor } from "./creation.ts"
import { fill_ } from "./filling.ts"
import { fromBits, itemSync, rawSync } from "./host.ts"
import { sumToSize } from "./sum-to-size.ts"
import { alias, reshape, select, sliced, unsqueeze } from "./views.ts"
import { type Update, updated, updateInPlace } from "./writes.ts"

/** A stretch of a dim: what `start:stop:step` is between Python's brackets. */
// biome-ignore lint/suspicious/noExplicitAny: `any` says "not known"
export class Slice<A extends End = any, B extends End = any, C extends End = any> {
  readonly start: A
  readonly stop: B
  readonly step: C

  constructor(start: A, stop: B, step: C) {
    this.start = start
    this.stop = stop
    this.step = step
  }

  toString(): string {
    return `slice(${this.start}, ${this.stop}, ${this.step})`
  }
}
type End = number | null

/**
 * `start:stop:step` for `at` and `setAt`: `slice(1, 3)`, `slice(-2)` (from the last but one on), `slice(null, null, 2)`;
 * null leaves an end open, negative ends count from the end, and ends beyond the dim are cut off. The step is positive.
 */
export const slice = <const A extends End = null, const B extends End = null, const C extends End = null>(
  start: A = null as A,
  stop: B = null as B,
  step: C = null as C,
): Slice<A, B, C> => new Slice(start, stop, step)

type NestedIndex = readonly (number | bigint | boolean | NestedIndex)[]

/**
 * What may stand between the brackets: an integer, a slice (or ":"), null for a new dim, "..." for all dims not spoken of,
 * a boolean, a bool tensor (or array) as mask, an integer tensor (or array) of indices.
 */
export type Index = number | bigint | boolean | null | "..." | ":" | Slice | Tensor | TypedArray | NestedIndex

export type IndexValue = Tensor | number | bigint | boolean

type IndexPut = Elementwise<
  "same",
  Args<[["indices", readonly (Index | null)[]], ["values", IndexValue], ["accumulate", boolean]]>
>

export interface IndexingOps {
  /**
   * What `x[indices]` is in Python: integers, slices, null and "..." give views; integer tensors or arrays give copies,
   * broadcast together, their dims in the place of the indexed ones where these are neighbours, else in front. A bool
   * tensor picks the elements where it is true, which reads it: where the device cannot do that at once, use
   * `await x.maskedSelect(mask)`. Throws a RangeError that names the index, the dim and its size.
   */
  at: AtSignature
  /**
   * What `x[indices] = value` is in Python, in place: `x.setAt([0, slice(1, 3)], value)`. The value is a number, or a tensor
   * that broadcasts to what is indexed.
   */
  setAt: SetAtSignature
  /** A copy with `values` at the index tensors (null: a whole dim), added to what is there if `accumulate`. */
  indexPut: IndexPut
  indexPut_: IndexPut
}

export interface IndexingMethods extends MethodsOf<IndexingOps> {}

/** Where elements are true, known to the host. */
interface Mask {
  readonly shape: Sizes
  readonly values: ArrayLike<number | bigint>
}

/** A bool tensor whose values nobody has read. */
interface LazyMask {
  readonly shape: Sizes
  readonly tensor: Tensor
}

type Advanced = Tensor | Mask | LazyMask

const isMask = (a: Advanced): a is Mask | LazyMask => !isTensor(a)

interface Parsed {
  /** `x` after the integers, slices and new dims. */
  readonly view: Tensor
  /** What indexes its dims further, by dim; null where nothing does. */
  readonly advanced: ReadonlyMap<number, Advanced>
}

const isTypedArray = (value: unknown): value is TypedArray => ArrayBuffer.isView(value)

const flatten = (data: NestedIndex): (number | bigint | boolean)[] =>
  data.flatMap((each) => (Array.isArray(each) ? flatten(each as NestedIndex) : [each as number]))

/** An array of indices or booleans as what it stands for. */
function arrayIndex(name: string, x: Tensor, data: NestedIndex | TypedArray): Advanced {
  if (isTypedArray(data)) return indexTensor(name, tensor(data, { device: x.device }))
  const flat = flatten(data)
  const bools = flat.filter((v) => typeof v === "boolean").length
  if (bools > 0 && bools === flat.length) {
    const shape: number[] = []
    for (let d: unknown = data; Array.isArray(d); d = d[0]) shape.push(d.length)
    return { shape, values: flat.map(Number) }
  }
  const bad = flat.find((v) => typeof v !== "bigint" && !Number.isInteger(v))
  if (bad !== undefined)
    throw new TypeError(`${name}: an array of indices must hold integers (or booleans only), got ${valueText(bad)}`)
  return tensor(data, { dtype: "int32", device: x.device })
}

/** A tensor between the brackets as what it stands for: PyTorch takes uint8 for bool. */
function indexTensor(name: string, t: Tensor): Advanced {
  if (t.dtype === "int32" || t.dtype === "int64") return t
  if (t.dtype === "bool" || t.dtype === "uint8") return { shape: t.shape, tensor: t }
  throw new TypeError(
    `${name}: tensors used as indices must be int32, int64 or bool, got ${tensorText(t)}; make it with tensor([...], { dtype: "int32" }) or convert it with .to("int32")`,
  )
}

const bounded = (i: number, size: number): number => Math.min(Math.max(i < 0 ? i + size : i, 0), size)

/** A whole dim is no view of its own where `plain`: what is written there is written to the tensor itself. */
function applySlice(name: string, x: Tensor, dim: number, s: Slice, plain: boolean): Tensor {
  const size = x.shape[dim]!
  const [start, stop, step] = [s.start ?? 0, s.stop ?? size, s.step ?? 1]
  if (![start, stop, step].every(Number.isInteger)) throw new TypeError(`${name}: ${s} must hold integers or null`)
  if (step <= 0) throw new RangeError(`${name}: step must be greater than zero, got ${s}; for a reversed copy use flip`)
  const from = bounded(start, size)
  const length = Math.max(0, Math.ceil((bounded(stop, size) - from) / step))
  return plain && length === size && step === 1 ? x : sliced(x, dim, from, length, step)
}

/** How many dims of the tensor an index speaks of. */
const dimsOf = (i: Index | Advanced): number =>
  i === null || i === "..." || typeof i === "boolean"
    ? 0
    : typeof i === "object" && "shape" in i && isMask(i as Advanced)
      ? (i as Mask).shape.length
      : 1

function parse(name: string, x: Tensor, given: readonly Index[], writes: boolean): Parsed {
  const indices = given.map((i): Index | Advanced => {
    if (isTensor(i)) return indexTensor(name, i)
    if (Array.isArray(i) || isTypedArray(i)) return arrayIndex(name, x, i as NestedIndex | TypedArray)
    return i
  })
  const spoken = indices.reduce<number>((n, i) => n + dimsOf(i), 0)
  if (spoken > x.ndim)
    throw new RangeError(`${name}: too many indices for tensor of dimension ${x.ndim}: ${spoken} for ${sizesText(x)}`)
  if (indices.filter((i) => i === "...").length > 1)
    throw new RangeError(`${name}: an index can only have a single ellipsis ("...")`)
  const advanced = new Map<number, Advanced>()
  let view = x
  let dim = 0
  for (const i of indices) {
    if (typeof i === "number" || typeof i === "bigint") view = pick(name, view, dim, Number(i), x)
    else if (i === "...") dim += x.ndim - spoken
    else if (i === null) view = unsqueeze(view, dim++)
    else if (i === ":") view = applySlice(name, view, dim++, slice(), writes)
    else if (i instanceof Slice) view = applySlice(name, view, dim++, i, writes)
    else if (typeof i === "boolean") {
      view = unsqueeze(view, dim)
      advanced.set(dim++, { shape: [1], values: [Number(i)] })
    } else if (isTensor(i) && i.ndim === 0 && i.device.backend.readSync)
      view = pick(name, view, dim, Number(itemSync(i)), x)
    else if (typeof i === "object" && "shape" in i) {
      const a = i as Advanced
      if (a.shape.length === 0 && isMask(a)) {
        view = unsqueeze(view, dim)
        advanced.set(dim++, { shape: [1], values: hostMask(name, a).values })
        continue
      }
      advanced.set(dim, a)
      dim += dimsOf(a)
    } else
      throw new TypeError(
        `${name}: an index must be an integer, a slice, null, "...", ":", a boolean, or a tensor or array of integers or booleans, got ${valueText(i)}`,
      )
  }
  return { view, advanced }
}

function pick(name: string, view: Tensor, dim: number, index: number, x: Tensor): Tensor {
  const size = view.shape[dim]!
  if (!Number.isInteger(index)) throw new TypeError(`${name}: an index must be an integer, got ${index}`)
  if (index < -size || index >= size)
    throw new RangeError(
      `${name}: index ${index} is out of bounds for dimension ${dim} with size ${size} (${sizesText(x)})`,
    )
  return select(view, dim, index)
}

/** Reads a mask, where that can be done at once. */
function hostMask(name: string, m: Mask | LazyMask): Mask {
  if ("values" in m) return m
  const { backend } = m.tensor.device
  if (!backend.readSync)
    throw new Error(
      `${name}: what a bool tensor picks depends on its values, and backend ${backend.name} cannot read them synchronously; use await x.maskedSelect(mask), where(mask, a, b), or indices (${tensorText(m.tensor)})`,
    )
  return { shape: m.shape, values: rawSync(m.tensor) }
}

/** The coordinates of the true elements, one tensor per dim of the mask. */
function maskIndices(device: Tensor["device"], { shape, values }: Mask): Tensor[] {
  const at = shape.map((): number[] => [])
  const counter = shape.map(() => 0)
  for (let i = 0; i < values.length; i++) {
    if (values[i]) counter.forEach((c, d) => at[d]!.push(c))
    for (let d = shape.length - 1; d >= 0 && ++counter[d]! === shape[d]; d--) counter[d] = 0
  }
  return at.map((c) => fromBits(device, Int32Array.from(c), [c.length], "int32"))
}

/** The index tensor of each dim (null where all of it is meant), masks resolved. */
function resolve(name: string, { view, advanced }: Parsed): (Tensor | null)[] {
  const found = new Array<Tensor | null>(view.ndim).fill(null)
  for (const [dim, a] of advanced) {
    if (isTensor(a)) {
      requireSameDevice(name, view, a)
      found[dim] = a
      continue
    }
    checkMask(name, view, dim, a)
    maskIndices(view.device, hostMask(name, a)).forEach((t, k) => (found[dim + k] = t))
  }
  return found
}

function checkMask(name: string, view: Tensor, dim: number, mask: Mask | LazyMask): void {
  mask.shape.forEach((size, k) => {
    if (size !== view.shape[dim + k])
      throw new RangeError(
        `${name}: The shape of the mask ${shapeText(mask.shape)} at index ${k} does not match the shape of the indexed tensor ${shapeText(view.shape)} at index ${dim + k}`,
      )
  })
}

/** The movement that reads `x` at index tensors, PyTorch's placement of their dims included. */
function indexMovement(name: string, x: Tensor, found: readonly (Tensor | null)[]): Movement {
  const given = found.filter((t) => t !== null)
  const shapes = given.map((t) => t.shape)
  let common: Sizes
  try {
    common = shapes.length ? broadcastSizes(name, ...shapes) : []
  } catch {
    throw new RangeError(
      `${name}: shape mismatch: indexing tensors could not be broadcast together with shapes ${shapes.map(shapeText).join(", ")}`,
    )
  }
  const dims = found.flatMap((t, d) => (t ? [d] : []))
  // A 0-d index is an integer that the host does not know: like one, it says nothing about the place of the others.
  const placing = dims.filter((d) => found[d]!.ndim > 0)
  const first = placing[0] ?? 0
  const adjacent = placing.every((d, i) => i === 0 || found.slice(placing[i - 1]! + 1, d).every((t) => t !== null))
  const kept = found.flatMap((t, d) => (t ? [] : [d]))
  const front = adjacent ? kept.filter((d) => d < first).length : 0
  const rest = kept.map((d) => x.shape[d]!)
  const result = [...rest.slice(0, front), ...common, ...rest.slice(front)]
  const trailing = rest.slice(front).map(() => 1)
  const place = kept.map((_, k) => (k < front ? k : k + common.length))
  return {
    op: name,
    key: `index ${dims}/${x.ndim} at ${front}+${common.length}`,
    shape: x.shape,
    result,
    indices: given.map((t) => reshaped(t, [...t.shape, ...trailing])),
    shown: given,
    along: dims,
    wraps: true,
    scalars: ints(dims.map((d) => x.shape[d]!)),
    bounds: "fault",
    terms: [
      ({ at, indices, scalars }) => ({
        coordinates: found.map((t, d) => {
          const k = dims.indexOf(d)
          return t ? fromEnd(indices[k]!, scalars[k]!) : at[place[kept.indexOf(d)]!]!
        }),
      }),
    ],
  }
}

const INDEX = pullRule("IndexBackward0")

/** See the method `at`. */
export const at = catalogued(
  "at(input, ...indices)",
  enclosed((input: Tensor, ...indices: Index[]): Tensor => {
    if (!isTensor(input)) throw new TypeError(`at: input must be a tensor, got ${valueText(input)}`)
    const parsed = parse("at", input, indices, false)
    if (parsed.advanced.size === 0) return parsed.view === input ? alias(input) : parsed.view
    return pull(parsed.view, indexMovement("at", parsed.view, resolve("at", parsed)), INDEX)
  }),
) as FunctionOf<IndexingOps["at"]>

interface PutContext {
  readonly movement: Movement
  readonly accumulate: boolean
  readonly shape: Sizes | null
}

const INDEX_PUT: Rule = {
  name: "IndexPutBackward0",
  backward: (node, g) => {
    const { movement, accumulate, shape } = node.context as PutContext
    movement.indices?.forEach((_, i) => node.get(i))
    return [
      node.needs(0) ? (accumulate ? g : erase(g, movement)) : null,
      shape && node.needs(1) ? sumToSize(pull(g, movement), shape) : null,
    ]
  },
}

/** The value without leading dims of size 1 that the target has not, checked to broadcast to `shape`. */
function fitting(name: string, value: Tensor, shape: Sizes): Tensor {
  let extra = 0
  while (value.ndim - extra > shape.length && value.shape[extra] === 1) extra++
  const fit = extra ? reshape(value, value.shape.slice(extra)) : value
  const shift = shape.length - fit.ndim
  if (shift < 0 || fit.shape.some((s: number, d: number) => s !== 1 && s !== shape[shift + d]))
    throw new RangeError(
      `${name}: shape mismatch: value tensor of shape ${shapeText(value.shape)} cannot be broadcast to indexing result of shape ${shapeText(shape)}`,
    )
  return fit
}

const MASKED = new Pointwise("setAt", (x, mask, value) => where(mask, value, x), {
  slots: ["value", "bool", "value"],
  gradName: "IndexPutBackward0",
})

/** The mask, when it alone indexes, in a shape that broadcasts over the view; a lone value then needs no reading. */
function loneMask(name: string, { view, advanced }: Parsed): Tensor | null {
  if (advanced.size !== 1) return null
  const [[dim, a]] = [...advanced] as [[number, Advanced]]
  if (isTensor(a) || !("tensor" in a)) return null
  checkMask(name, view, dim, a)
  requireSameDevice(name, view, a.tensor)
  return reshape(a.tensor, [...a.shape, ...view.shape.slice(dim + a.shape.length).map(() => 1)])
}

function checkValue(name: string, value: unknown): asserts value is IndexValue {
  if (!isTensor(value) && typeof value !== "number" && typeof value !== "boolean" && typeof value !== "bigint")
    throw new TypeError(`${name}: the value must be a number or a tensor, got ${valueText(value)}`)
}

/** A write at index tensors. */
function putOf(name: string, parsed: Parsed, given: IndexValue, accumulate: boolean): Update {
  const { view } = parsed
  const movement = indexMovement(name, view, resolve(name, parsed))
  if (isTensor(given)) {
    requireSameDevice(name, view, given)
    if (given.dtype !== view.dtype)
      throw new TypeError(
        `${name}: Index put requires the source and destination dtypes match, got ${view.dtype} for the destination and ${given.dtype} for the source; convert it with .to("${view.dtype}")`,
      )
  }
  const value = isTensor(given) ? fitting(name, given, movement.result) : asStored(given, view.dtype)
  const shape = isTensor(value) ? value.shape : null
  return {
    rule: INDEX_PUT,
    inputs: isTensor(value) ? [view, value] : [view],
    ...(movement.indices && { saved: movement.indices }),
    context: { movement, accumulate, shape } satisfies PutContext,
    wide: accumulate,
    movement,
    apply: (target) => pushInto(target, value, movement, accumulate ? "add" : "set", "fault"),
  }
}

function putInPlace(name: string, parsed: Parsed, value: IndexValue, accumulate: boolean): void {
  const { view } = parsed
  const mask = accumulate || (isTensor(value) && value.numel() !== 1) ? null : loneMask(name, parsed)
  if (mask && (!isTensor(value) || value.dtype === view.dtype))
    MASKED.callInPlace(view, mask, isTensor(value) ? reshape(value, []) : asStored(value, view.dtype))
  else updateInPlace(name.replace(/_$/, ""), view, putOf(name, parsed, value, accumulate))
}

/** See the method `setAt`. */
export const setAt = catalogued(
  "setAt(input, indices, value)",
  enclosed((input: Tensor, indices: readonly Index[] | Exclude<Index, NestedIndex>, value: IndexValue): Tensor => {
    if (!isTensor(input)) throw new TypeError(`setAt: input must be a tensor, got ${valueText(input)}`)
    checkValue("setAt", value)
    const parsed = parse("setAt", input, Array.isArray(indices) ? (indices as Index[]) : [indices as Index], true)
    const { view, advanced } = parsed
    checkInPlace("setAt", view, isTensor(value) ? [view, value] : [view])
    if (advanced.size) putInPlace("setAt", parsed, value, false)
    else if (isTensor(value)) copyInto(view, fitting("setAt", value, view.shape))
    else fill_(view, asStored(value, view.dtype))
    return input
  }),
) as FunctionOf<IndexingOps["setAt"]>

const putIndices = (name: string, indices: unknown): Index[] => {
  if (!Array.isArray(indices))
    throw new TypeError(`${name}: indices must be an array of index tensors, got ${valueText(indices)}`)
  return indices.map((i: Index): Index => {
    if (i === null || i === undefined) return ":"
    if (!isTensor(i) && !Array.isArray(i) && !isTypedArray(i))
      throw new TypeError(
        `${name}: indices must be index tensors (or arrays) and null for a whole dim, got ${valueText(i)}`,
      )
    return isTensor(i) && i.ndim === 0 ? reshape(i, [1]) : i
  })
}

export const indexPut: FunctionOf<IndexingOps["indexPut"]> = op(
  "indexPut(input, indices, values, accumulate?)",
  (x: Tensor, indices: unknown, values: IndexValue, accumulate = false) => {
    checkValue("indexPut", values)
    const parsed = parse("indexPut", x, putIndices("indexPut", indices), true)
    return updated(parsed.view, putOf("indexPut", parsed, values, accumulate))
  },
)

export const indexPut_: FunctionOf<IndexingOps["indexPut_"]> = op(
  "indexPut_(input, indices, values, accumulate?)",
  (x: Tensor, indices: unknown, values: IndexValue, accumulate = false) => {
    checkValue("indexPut_", values)
    putInPlace("indexPut_", parse("indexPut_", x, putIndices("indexPut_", indices), true), values, accumulate)
    return x
  },
)

export const indexingMethods: Family = { at, setAt, indexPut, indexPut_ }
