/**
 * Pooling: the maximum or the mean over windows of the spatial dims.
 *
 * Every kernel here looks from its result: an output element at the positions of its window, an input's gradient at the
 * windows that contain its position. So nothing is scattered, and each result is written once.
 */
import { type Args, op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { computeType, DEFAULT_INT, type DType, isFloating } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, index, left, result, right, substitute, where } from "../expr.ts"
import { type Argument, int, type MonoidSpec, runMap, runReduce, type Scope } from "../kernels.ts"
import { lowest, maxMonoid, sumMonoid } from "../monoids.ts"
import { type Results, results } from "../results.ts"
import { contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, needsGrad, Tensor, track } from "../tensor.ts"
import { relu } from "./activation.ts"
import { mul } from "./arithmetic.ts"
import { contiguous } from "./copying.ts"
import { pow } from "./math.ts"
import { type PerDim, perDim } from "./per-dim.ts"
import { mean } from "./reduction.ts"
import { abs, neg, sign } from "./unary.ts"
import { squeeze, unsqueeze } from "./views.ts"

// ---- windows ----

/** A place and whether it counts; null: always. */
interface Spot {
  readonly at: Expr
  readonly inside: Expr | null
}

/** The windows along one dim. Positions are those of the input, numbers those of the output. */
interface Windows {
  readonly inSize: number
  readonly outSize: number
  /** What the expressions depend on besides the scalars. */
  readonly kind: string
  readonly scalars: readonly number[]
  /** The most positions of a window, and the most windows around a position. */
  readonly length: number
  readonly overlap: number
  /** Position `k` of window `o`. */
  position(scalars: readonly Expr[], o: Expr, k: Expr): Spot
  /** The `j`-th window that may contain position `s`. */
  window(scalars: readonly Expr[], s: Expr, j: Expr): Spot
  /** By how much a mean divides, along this dim. */
  extent(scalars: readonly Expr[], o: Expr, includePad: boolean): Expr
  /** All extents where they are equal, otherwise null. */
  equalExtents(includePad: boolean): number | null
}

/** Windows of `size` positions `dilation` apart, `stride` from one to the next. */
function fixedWindows(
  inSize: number,
  size: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): Windows {
  const reach = dilation * (size - 1) + 1
  const room = inSize + 2 * padding - reach
  let outSize = Math.floor((room + (ceilMode ? stride - 1 : 0)) / stride) + 1
  // The last window must begin inside of the input or its padding before it.
  if (ceilMode && (outSize - 1) * stride >= inSize + padding) outSize--
  const last = (outSize - 1) * stride - padding + reach
  const exact = padding === 0 && last <= inSize
  const tiled = exact && dilation === 1 && stride === size && last === inSize
  const start = ([, step, pad]: readonly Expr[], o: Expr): Expr =>
    padding === 0 ? o.mul(step!) : o.mul(step!).sub(pad!)
  return {
    inSize,
    outSize,
    kind: tiled ? "tiled" : `${padding === 0 ? "" : "padded"}${exact ? "exact" : ""}${dilation === 1 ? "" : "dilated"}`,
    scalars: [inSize, stride, padding, dilation, size, outSize],
    length: size,
    overlap: Math.ceil(reach / stride),
    position: (scalars, o, k) => {
      const at = start(scalars, o).add(dilation === 1 ? k : k.mul(scalars[3]!))
      if (exact) return { at, inside: null }
      const below = at.lt(scalars[0]!)
      return { at, inside: padding === 0 ? below : at.ge(0).and(below) }
    },
    window: (scalars, s, j) => {
      const [, step, pad, , k, count] = scalars
      const shifted = padding === 0 ? s : s.add(pad!)
      const o = shifted.div(step!).sub(j)
      if (tiled) return { at: o, inside: null }
      const exists = o.ge(0).and(o.lt(count!))
      // Of dilated windows only the ends are checked: who asks knows which position a window chose.
      return { at: o, inside: dilation === 1 ? exists.and(shifted.sub(o.mul(step!)).lt(k!)) : exists }
    },
    extent: (scalars, o, includePad) => {
      const [size_, , pad, , k] = scalars
      const from = start(scalars, o)
      const end = from.add(k!)
      return includePad ? end.min(size_!.add(pad!)).sub(from) : end.min(size_!).sub(from.max(0))
    },
    equalExtents: (includePad) => (exact || (includePad && last <= inSize + padding) ? size : null),
  }
}

/** `outSize` windows that cover the input evenly: window o is [⌊o·in/out⌋, ⌈(o + 1)·in/out⌉). */
function adaptiveWindows(inSize: number, outSize: number): Windows {
  const even = outSize > 0 && inSize % outSize === 0
  const start = ([size, count]: readonly Expr[], o: Expr): Expr => o.mul(size!).div(count!)
  const end = ([size, count]: readonly Expr[], o: Expr): Expr => o.add(1).mul(size!).add(count!).sub(1).div(count!)
  return {
    inSize,
    outSize,
    kind: even ? "even" : "adaptive",
    scalars: [inSize, outSize],
    length: even ? inSize / outSize : Math.ceil(inSize / outSize) + 1,
    overlap: even ? 1 : outSize % inSize === 0 ? outSize / inSize : Math.ceil(outSize / inSize) + 1,
    position: (scalars, o, k) => {
      const at = start(scalars, o).add(k)
      return { at, inside: even ? null : at.lt(end(scalars, o)) }
    },
    window: (scalars, s, j) => {
      const [size, count] = scalars
      const o = s.mul(count!).div(size!).add(j)
      return { at: o, inside: even ? null : o.le(s.add(1).mul(count!).sub(1).div(size!)) }
    },
    extent: (scalars, o) => end(scalars, o).sub(start(scalars, o)),
    equalExtents: () => (even ? inSize / outSize : null),
  }
}

/** A pooling: its windows per spatial dim, the same for every channel. */
interface Pooling {
  readonly windows: readonly Windows[]
  /** The input's shape and the result's. */
  readonly inShape: Sizes
  readonly outShape: Sizes
  /** Of means: what they divide by, null for the window's extent. */
  readonly divisor: number | null
  readonly includePad: boolean
}

const both = (a: Expr | null, b: Expr | null): Expr | null => (a && b ? a.and(b) : (a ?? b))

/** Several spots, one per dim, as one in the row-major order of `sizes`. */
function flatSpot(spots: readonly Spot[], sizes: readonly Expr[]): Spot {
  return spots.reduce((all, spot, d) => ({
    at: all.at.mul(sizes[d]!).add(spot.at),
    inside: both(all.inside, spot.inside),
  }))
}

/** The scalars of all dims as expressions, dim by dim. */
function perWindow(p: Pooling, scalars: readonly Expr[]): Expr[][] {
  let from = 0
  return p.windows.map((w) => scalars.slice(from, (from += w.scalars.length)))
}

const argumentsOf = (p: Pooling): Argument[] => p.windows.flatMap((w) => w.scalars.map(int))
const keyOf = (p: Pooling): string => p.windows.map((w) => w.kind).join("/")

/** The position that number `k` of every window around output `at` is, or the window that number `k` around input `at`. */
function spotOf(
  p: Pooling,
  which: "position" | "window",
  scalars: readonly Expr[],
  at: readonly Expr[],
  k: readonly Expr[],
): Spot {
  const own = perWindow(p, scalars)
  const spots = p.windows.map((w, d) => w[which](own[d]!, at[d]!, k[d]!))
  return flatSpot(
    spots,
    own.map((s) => (which === "position" ? s[0]! : s.at(-1)!)),
  )
}

/** The tensor as [channels of all batches, positions]. */
function flattened(x: Tensor, spatial: number): Tensor {
  const dense = raw(() => contiguous(x))
  const volume = numelOf(x.shape.slice(x.ndim - spatial))
  const outer = numelOf(x.shape.slice(0, x.ndim - spatial))
  return new Tensor(dense.storage, [outer, volume], [volume, 1], dense.offset, dense.dtype)
}

/**
 * Up to so many taps are written out in a map instead of looped over in a reduction. Their number is then part of the
 * kernel's structure; windows are few and small, so that few kernels come of it.
 */
const WRITTEN_OUT = 16

/**
 * Combines over the taps of every element of `outs` (all of shape [outer, spatial..]): `tap` gives the accumulators of
 * one, `finish` the results.
 */
function overTaps(
  outs: readonly Tensor[],
  counts: readonly number[],
  monoid: MonoidSpec,
  work: { readonly key: string; readonly loads: readonly Tensor[]; readonly scalars: readonly Argument[] },
  tap: (scope: Scope, k: readonly Expr[]) => readonly Expr[],
  finish: (combined: readonly Expr[], scalars: readonly Expr[], at: readonly Expr[]) => readonly Expr[],
): void {
  const rank = outs[0]!.ndim
  if (numelOf(counts) > WRITTEN_OUT) {
    const shape = [...outs[0]!.shape, ...counts]
    const combined = monoid.accumulators.map((type, i) => result(i, type))
    runReduce(
      outs,
      shape,
      counts.length,
      monoid,
      { ...work, coordinates: true },
      (scope) => tap(scope, scope.at.slice(rank)),
      (scalars) =>
        finish(
          combined,
          scalars,
          Array.from({ length: rank }, (_, d) => index(d)),
        ),
    )
    return
  }
  runMap(outs, { ...work, key: `${work.key} ${counts}`, coordinates: true }, (scope) => {
    let combined: readonly Expr[] | null = null
    for (const k of tuples(counts)) {
      const next = tap(
        scope,
        k.map((v) => constant(v, "int32")),
      )
      const before: readonly Expr[] | null = combined
      combined = before
        ? substitute(monoid.combine, (n) =>
            n.op === "left" ? before[Number(n.value)] : n.op === "right" ? next[Number(n.value)] : undefined,
          )
        : next
    }
    return finish(combined ?? [], scope.scalars, scope.at)
  })
}

/** All tuples below `counts`, the last varying fastest. */
function tuples(counts: readonly number[]): number[][] {
  return counts.reduce<number[][]>((all, n) => all.flatMap((t) => Array.from({ length: n }, (_, i) => [...t, i])), [[]])
}

/** A new tensor of `shape`, and the same memory as [outer, spatial..] for the kernels. */
function newResult(
  like: Tensor,
  shape: Sizes,
  spatial: number,
  dtype: DType = like.dtype,
): { out: Tensor; grid: Tensor } {
  const out = allocate(like.device, shape, contiguousStrides(shape), dtype)
  const sizes = [numelOf(shape.slice(0, shape.length - spatial)), ...shape.slice(shape.length - spatial)]
  return { out, grid: new Tensor(out.storage, sizes, contiguousStrides(sizes), 0, dtype) }
}

// ---- maximum ----

const NOWHERE = 2147483647

/**
 * The greatest value and its position: the first of equals, and of NaNs, which win over all, the last, as PyTorch's loop
 * over a window has it. Position NOWHERE is the identity's.
 */
function maxAtMonoid(type: DType): MonoidSpec {
  const [a, i, b, j] = [left(0, type), left(1, "int32"), right(0, type), right(1, "int32")]
  const unordered = isFloating(type) ? (x: Expr): Expr => x.isnan() : (): Expr => constant(false, "bool")
  const takesLeft = where(a.eq(b), i.lt(j), b.lt(a).or(unordered(a).and(unordered(b).not().or(j.lt(i)))))
  return {
    accumulators: [type, "int32"],
    identity: [lowest(type), NOWHERE],
    combine: [where(takesLeft, a, b), where(takesLeft, i, j)],
  }
}

interface MaxContext {
  readonly p: Pooling
  readonly name: string
}

function maximum(x: Tensor, p: Pooling, rule: Rule, wantsIndices: boolean): { values: Tensor; indices: Tensor | null } {
  const spatial = p.windows.length
  const type = computeType(x.dtype)
  const values = newResult(x, p.outShape, spatial)
  const indices = wantsIndices || needsGrad([x]) ? newResult(x, p.outShape, spatial, DEFAULT_INT) : null
  const empty = lowest(type)
  const counts = p.windows.map((w) => w.length)
  overTaps(
    indices ? [values.grid, indices.grid] : [values.grid],
    counts,
    indices ? maxAtMonoid(type) : maxMonoid(type),
    { key: `max-pool${indices ? "-at" : ""} ${keyOf(p)}`, loads: [flattened(x, spatial)], scalars: argumentsOf(p) },
    ({ scalars, at, load }, k) => {
      const { at: place, inside } = spotOf(p, "position", scalars, at.slice(1, 1 + spatial), k)
      const value = load(0, [at[0]!, place])
      const counted = inside ? where(inside, value, constant(empty, type)) : value
      if (!indices) return [counted]
      return [counted, inside ? where(inside, place, NOWHERE) : place]
    },
    (combined) => combined,
  )
  if (indices) track(rule, values.out, [x], [indices.out], { p, name: rule.name } satisfies MaxContext)
  return { values: values.out, indices: indices?.out ?? null }
}

const maxRule = (name: string): Rule => ({
  name,
  backward: (node, g) => [toPositions(g, node.get(0), (node.context as MaxContext).p)],
})

/** Every gradient to the position its window chose. */
const TO_POSITIONS: Rule = {
  name: "MaxPoolBackwardBackward0",
  backward: (node, g) => [fromPositions(g, node.get(0), node.context as Pooling)],
}

function toPositions(g: Tensor, indices: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const { out, grid } = newResult(g, p.inShape, spatial)
  const type = computeType(g.dtype)
  overTaps(
    [grid],
    p.windows.map((w) => w.overlap),
    sumMonoid(type),
    {
      key: `max-pool-backward ${keyOf(p)}`,
      loads: [flattened(g, spatial), flattened(indices, spatial)],
      scalars: argumentsOf(p),
    },
    ({ scalars, at, load }, j) => {
      const here = at.slice(1, 1 + spatial)
      const own = perWindow(p, scalars)
      const place = here.reduce((all, s, d) => all.mul(own[d]![0]!).add(s))
      const { at: o, inside } = spotOf(p, "window", scalars, here, j)
      const chosen = load(1, [at[0]!, o]).eq(place)
      return [where(inside ? inside.and(chosen) : chosen, load(0, [at[0]!, o]), constant(0, type))]
    },
    (combined) => combined,
  )
  return track(TO_POSITIONS, out, [g], [indices], p)
}

const FROM_POSITIONS: Rule = {
  name: "GatherBackward0",
  backward: (node, g) => [toPositions(g, node.get(0), node.context as Pooling)],
}

/** What stands at the position that each window chose. */
function fromPositions(x: Tensor, indices: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const { out } = newResult(x, p.outShape, spatial)
  const flat = flattened(out, spatial)
  runMap(
    [flat],
    { key: "max-pool-take", inputs: [flattened(indices, spatial)], loads: [flattened(x, spatial)], coordinates: true },
    ({ inputs, at, load }) => load(0, [at[0]!, inputs[0]!]),
  )
  return track(FROM_POSITIONS, out, [x], [indices], p)
}

// ---- mean ----

const meanRule = (name: string): Rule => ({
  name,
  backward: (node: OpNode, g: Tensor) => [spread(g, node.context as Pooling)],
})

/** What all windows divide by, where it is one number. */
function commonDivisor(p: Pooling): number | null {
  if (p.divisor !== null) return p.divisor
  const extents = p.windows.map((w) => w.equalExtents(p.includePad))
  return extents.includes(null) ? null : numelOf(extents as number[])
}

const divisorAt = (p: Pooling, scalars: readonly Expr[], o: readonly Expr[], type: DType): Expr => {
  const own = perWindow(p, scalars)
  return p.windows
    .map((w, d) => w.extent(own[d]!, o[d]!, p.includePad))
    .reduce((a, b) => a.mul(b))
    .cast(type)
}

/** Means over the windows. */
function means(x: Tensor, p: Pooling, rule: Rule): Tensor {
  const spatial = p.windows.length
  const type = computeType(x.dtype)
  const { out, grid } = newResult(x, p.outShape, spatial)
  const common = commonDivisor(p)
  overTaps(
    [grid],
    p.windows.map((w) => w.length),
    sumMonoid(type),
    {
      key: `avg-pool ${keyOf(p)} ${common === null}${p.includePad}`,
      loads: [flattened(x, spatial)],
      scalars: [...argumentsOf(p), { value: common ?? 1, dtype: type }],
    },
    ({ scalars, at, load }, k) => {
      const { at: place, inside } = spotOf(p, "position", scalars, at.slice(1, 1 + spatial), k)
      const value = load(0, [at[0]!, place])
      return [inside ? where(inside, value, constant(0, type)) : value]
    },
    ([total], scalars, at) => [
      total!.div(common === null ? divisorAt(p, scalars, at.slice(1), type) : scalars.at(-1)!),
    ],
  )
  return track(rule, out, [x], [], p)
}

const SPREAD: Rule = {
  name: "AvgPoolBackwardBackward0",
  backward: (node, g) => [means(g, node.context as Pooling, MEAN_AGAIN)],
}
const MEAN_AGAIN = meanRule("AvgPoolBackwardBackward0")

/** The gradient of the means: to every position its share of all windows that contain it. */
function spread(g: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const type = computeType(g.dtype)
  const { out, grid } = newResult(g, p.inShape, spatial)
  const common = commonDivisor(p)
  overTaps(
    [grid],
    p.windows.map((w) => w.overlap),
    sumMonoid(type),
    {
      key: `avg-pool-backward ${keyOf(p)} ${common === null}${p.includePad}`,
      loads: [flattened(g, spatial)],
      scalars: [...argumentsOf(p), { value: common ?? 1, dtype: type }],
    },
    ({ scalars, at, load }, j) => {
      const here = at.slice(1, 1 + spatial)
      const { at: o, inside } = spotOf(p, "window", scalars, here, j)
      const value = load(0, [at[0]!, o])
      const own = perWindow(p, scalars)
      const numbers = p.windows.map((w, d) => w.window(own[d]!, here[d]!, j[d]!).at)
      const share = common === null ? value.div(divisorAt(p, scalars, numbers, type)) : value
      return [inside ? where(inside, share, constant(0, type)) : share]
    },
    ([total], scalars) => [common === null ? total! : total!.div(scalars.at(-1)!)],
  )
  return track(SPREAD, out, [g], [], p)
}

// ---- arguments ----

function checkInput(name: string, x: Tensor, spatial: number): void {
  if (x.ndim !== spatial + 1 && x.ndim !== spatial + 2)
    throw new RangeError(
      `${name}: expected a ${spatial + 1}D (unbatched) or ${spatial + 2}D (batched) input, got ${tensorText(x)}`,
    )
  if (x.shape.slice(x.ndim - spatial - 1).includes(0))
    throw new RangeError(
      `${name}: expected an input whose dims other than the batch are not empty, got ${tensorText(x)}`,
    )
  if (x.dtype === "bool")
    throw new TypeError(`${name}: bool tensors cannot be pooled (${tensorText(x)}); convert with x.to("float32")`)
}

function checkFloat(name: string, x: Tensor): void {
  if (!isFloating(x.dtype))
    throw new TypeError(`${name}: means need a floating dtype, got ${tensorText(x)}; convert with x.to("float32")`)
}

function checkFlag(name: string, what: string, value: unknown): void {
  if (typeof value !== "boolean") throw new TypeError(`${name}: ${what} must be true or false, got ${valueText(value)}`)
}

interface FixedArguments {
  readonly kernelSize: PerDim
  readonly stride: PerDim | null
  readonly padding: PerDim
  readonly dilation: PerDim
  readonly ceilMode: boolean
}

function fixedPooling(
  name: string,
  x: Tensor,
  spatial: number,
  a: FixedArguments,
  includePad = true,
  divisor: number | null = null,
): Pooling {
  checkInput(name, x, spatial)
  checkFlag(name, "ceilMode", a.ceilMode)
  const kernel = perDim(name, "kernelSize", a.kernelSize, spatial, 1)
  const stride = perDim(name, "stride", a.stride ?? kernel, spatial, 1)
  const padding = perDim(name, "padding", a.padding, spatial, 0)
  const dilation = perDim(name, "dilation", a.dilation, spatial, 1)
  if (kernel.some((k, d) => padding[d]! * 2 > dilation[d]! * (k - 1) + 1))
    throw new RangeError(
      `${name}: padding should be at most half of the effective kernel size, but got padding ${shapeText(padding)}, kernelSize ${shapeText(kernel)} and dilation ${shapeText(dilation)}`,
    )
  const sizes = x.shape.slice(x.ndim - spatial)
  const windows = sizes.map((n, d) => fixedWindows(n, kernel[d]!, stride[d]!, padding[d]!, dilation[d]!, a.ceilMode))
  const out = windows.map((w) => w.outSize)
  if (out.some((n) => n < 1))
    throw new RangeError(
      `${name}: given input ${shapeText(x.shape)} and kernelSize ${shapeText(kernel)}, the calculated output size ${shapeText(out)} is too small`,
    )
  return { windows, inShape: x.shape, outShape: [...x.shape.slice(0, x.ndim - spatial), ...out], includePad, divisor }
}

type OutputSize = number | null | readonly (number | null)[]

function adaptivePooling(name: string, x: Tensor, spatial: number, outputSize: OutputSize): Pooling {
  checkInput(name, x, spatial)
  const sizes = x.shape.slice(x.ndim - spatial)
  const list = Array.isArray(outputSize)
    ? (outputSize as readonly (number | null)[])
    : new Array<number | null>(spatial).fill(outputSize as number | null)
  if (list.length !== spatial)
    throw new RangeError(
      `${name}: outputSize must be a number or a list of ${spatial}, got ${shapeText(list as number[])}`,
    )
  const out = list.map((n, d) => n ?? sizes[d]!)
  if (out.some((n) => !Number.isInteger(n) || n < 0))
    throw new RangeError(
      `${name}: outputSize must consist of non-negative integers, or null to keep a size, got ${shapeText(out)}`,
    )
  const windows = sizes.map((n, d) => adaptiveWindows(n, out[d]!))
  return {
    windows,
    inShape: x.shape,
    outShape: [...x.shape.slice(0, x.ndim - spatial), ...out],
    includePad: true,
    divisor: null,
  }
}

// ---- functions ----

interface MaxOptions {
  readonly stride?: PerDim | null
  readonly padding?: PerDim
  readonly dilation?: PerDim
  readonly ceilMode?: boolean
}
type WithIndices = Results<["output", "indices"], Tensor>

interface MaxPool {
  (input: Tensor, kernelSize: PerDim, options: MaxOptions & { readonly returnIndices: true }): WithIndices
  (
    input: Tensor,
    ...args: Args<
      [
        ["kernelSize", PerDim],
        ["stride", PerDim | null],
        ["padding", PerDim],
        ["dilation", PerDim],
        ["ceilMode", boolean],
        ["returnIndices", false],
      ]
    >
  ): Tensor
}

const MAX_RULES: Readonly<Record<number, Rule>> = {
  2: maxRule("MaxPool2DWithIndicesBackward0"),
  3: maxRule("MaxPool3DWithIndicesBackward0"),
}
const ADAPTIVE_MAX_RULES: Readonly<Record<number, Rule>> = {
  2: maxRule("AdaptiveMaxPool2DBackward0"),
  3: maxRule("AdaptiveMaxPool3DBackward0"),
}
const AVG_RULES: Readonly<Record<number, Rule>> = {
  2: meanRule("AvgPool2DBackward0"),
  3: meanRule("AvgPool3DBackward0"),
}
const ADAPTIVE_AVG_RULES: Readonly<Record<number, Rule>> = {
  2: meanRule("AdaptiveAvgPool2DBackward0"),
  3: meanRule("AdaptiveAvgPool3DBackward0"),
}

const withIndices = (values: Tensor, indices: Tensor | null): Tensor | WithIndices =>
  indices ? results(["output", "indices"], [values, indices]) : values

/** One dim is two, the first of size 1, as in PyTorch. */
const widened = (value: PerDim, first: number): readonly number[] => [
  first,
  ...(typeof value === "number" ? [value] : value),
]

const maxPool = (spatial: number): MaxPool => {
  const name = `maxPool${spatial}d`
  return op(
    `${name}(input, kernelSize, stride?, padding?, dilation?, ceilMode?, returnIndices?)`,
    (
      x: Tensor,
      kernelSize: PerDim,
      stride: PerDim | null = null,
      padding: PerDim = 0,
      dilation: PerDim = 1,
      ceilMode = false,
      returnIndices = false,
    ): never => {
      checkFlag(name, "returnIndices", returnIndices)
      const a: FixedArguments = { kernelSize, stride, padding, dilation, ceilMode }
      if (spatial > 1) {
        const { values, indices } = maximum(x, fixedPooling(name, x, spatial, a), MAX_RULES[spatial]!, returnIndices)
        return withIndices(values, returnIndices ? indices : null) as never
      }
      fixedPooling(name, x, 1, a)
      const wide = unsqueeze(x, -2)
      const b = {
        kernelSize: widened(kernelSize, 1),
        stride: stride === null ? null : widened(stride, 1),
        padding: widened(padding, 0),
        dilation: widened(dilation, 1),
        ceilMode,
      }
      const { values, indices } = maximum(wide, fixedPooling(name, wide, 2, b), MAX_RULES[2]!, returnIndices)
      return withIndices(squeeze(values, -2), returnIndices ? squeeze(indices!, -2) : null) as never
    },
  ) as unknown as MaxPool
}

/**
 * The greatest element of every window: input [N, C, L] or [C, L] → [.., L'], L' = ⌊(L + 2·padding − dilation·(kernelSize
 * − 1) − 1) / stride⌋ + 1, rounded up with `ceilMode`. `stride` is `kernelSize` unless given; padding counts as −infinity.
 * With `returnIndices` also the positions (int32), each within its channel.
 */
export const maxPool1d: MaxPool = maxPool(1)
/** As `maxPool1d` over two spatial dims; positions are h·W + w. */
export const maxPool2d: MaxPool = maxPool(2)
/** As `maxPool1d` over three spatial dims. */
export const maxPool3d: MaxPool = maxPool(3)

type AvgPool1d = (
  input: Tensor,
  ...args: Args<
    [
      ["kernelSize", PerDim],
      ["stride", PerDim | null],
      ["padding", PerDim],
      ["ceilMode", boolean],
      ["countIncludePad", boolean],
    ]
  >
) => Tensor
type AvgPool = (
  input: Tensor,
  ...args: Args<
    [
      ["kernelSize", PerDim],
      ["stride", PerDim | null],
      ["padding", PerDim],
      ["ceilMode", boolean],
      ["countIncludePad", boolean],
      ["divisorOverride", number | null],
    ]
  >
) => Tensor

/**
 * The mean of every window: input [N, C, L] or [C, L], floating. Sizes as in `maxPool1d`; padding counts as zeros, which
 * `countIncludePad: false` leaves out of the number divided by.
 */
export const avgPool1d: AvgPool1d = op(
  "avgPool1d(input, kernelSize, stride?, padding?, ceilMode?, countIncludePad?)",
  (
    x: Tensor,
    kernelSize: PerDim,
    stride: PerDim | null = null,
    padding: PerDim = 0,
    ceilMode = false,
    countIncludePad = true,
  ) => {
    checkFloat("avgPool1d", x)
    checkFlag("avgPool1d", "countIncludePad", countIncludePad)
    const a: FixedArguments = { kernelSize, stride, padding, dilation: 1, ceilMode }
    fixedPooling("avgPool1d", x, 1, a)
    const b: FixedArguments = {
      ...a,
      kernelSize: widened(kernelSize, 1),
      stride: stride === null ? null : widened(stride, 1),
      padding: widened(padding, 0),
    }
    const wide = unsqueeze(x, -2)
    return squeeze(means(wide, fixedPooling("avgPool1d", wide, 2, b, countIncludePad), AVG_RULES[2]!), -2)
  },
)

const avgPool = (spatial: number): AvgPool => {
  const name = `avgPool${spatial}d`
  return op(
    `${name}(input, kernelSize, stride?, padding?, ceilMode?, countIncludePad?, divisorOverride?)`,
    (
      x: Tensor,
      kernelSize: PerDim,
      stride: PerDim | null = null,
      padding: PerDim = 0,
      ceilMode = false,
      countIncludePad = true,
      divisorOverride: number | null = null,
    ) => {
      checkFloat(name, x)
      checkFlag(name, "countIncludePad", countIncludePad)
      if (divisorOverride !== null && (!Number.isInteger(divisorOverride) || divisorOverride === 0))
        throw new RangeError(
          `${name}: divisorOverride must be an integer other than zero, got ${valueText(divisorOverride)}`,
        )
      const a: FixedArguments = { kernelSize, stride, padding, dilation: 1, ceilMode }
      return means(x, fixedPooling(name, x, spatial, a, countIncludePad, divisorOverride), AVG_RULES[spatial]!)
    },
  )
}

/** As `avgPool1d` over two spatial dims; `divisorOverride` replaces the number divided by. */
export const avgPool2d: AvgPool = avgPool(2)
/** As `avgPool2d` over three spatial dims. */
export const avgPool3d: AvgPool = avgPool(3)

type AdaptiveAvgPool = (input: Tensor, ...args: Args<[["outputSize", OutputSize]]>) => Tensor

const adaptiveAvgPool = (spatial: number): AdaptiveAvgPool => {
  const name = `adaptiveAvgPool${spatial}d`
  return op(`${name}(input, outputSize)`, (x: Tensor, outputSize: OutputSize) => {
    checkFloat(name, x)
    const narrow = adaptivePooling(name, x, spatial, outputSize)
    const wide = spatial === 1 ? unsqueeze(x, -2) : x
    const dims = wide.shape.map((_, d) => d).slice(wide.ndim - Math.max(spatial, 2))
    const all = narrow.outShape.slice(x.ndim - spatial).every((n) => n === 1)
    const p = spatial === 1 ? adaptivePooling(name, wide, 2, [1, narrow.outShape.at(-1)!]) : narrow
    const y = all ? mean(wide, dims, true) : means(wide, p, ADAPTIVE_AVG_RULES[dims.length]!)
    return spatial === 1 ? squeeze(y, -2) : y
  })
}

/**
 * Means over `outputSize` windows that cover the input evenly: input [N, C, L] or [C, L], floating → [.., outputSize].
 * Window o is [⌊o·L/outputSize⌋, ⌈(o + 1)·L/outputSize⌉); null keeps a size.
 */
export const adaptiveAvgPool1d: AdaptiveAvgPool = adaptiveAvgPool(1)
/** As `adaptiveAvgPool1d` over two spatial dims. */
export const adaptiveAvgPool2d: AdaptiveAvgPool = adaptiveAvgPool(2)
/** As `adaptiveAvgPool1d` over three spatial dims. */
export const adaptiveAvgPool3d: AdaptiveAvgPool = adaptiveAvgPool(3)

interface AdaptiveMaxPool {
  (input: Tensor, outputSize: OutputSize, options: { readonly returnIndices: true }): WithIndices
  (input: Tensor, outputSize: OutputSize, returnIndices: true): WithIndices
  (input: Tensor, ...args: Args<[["outputSize", OutputSize], ["returnIndices", false]]>): Tensor
}

const adaptiveMaxPool = (spatial: number): AdaptiveMaxPool => {
  const name = `adaptiveMaxPool${spatial}d`
  return op(
    `${name}(input, outputSize, returnIndices?)`,
    (x: Tensor, outputSize: OutputSize, returnIndices = false): never => {
      checkFlag(name, "returnIndices", returnIndices)
      const narrow = adaptivePooling(name, x, spatial, outputSize)
      if (spatial > 1) {
        const { values, indices } = maximum(x, narrow, ADAPTIVE_MAX_RULES[spatial]!, returnIndices)
        return withIndices(values, returnIndices ? indices : null) as never
      }
      const wide = unsqueeze(x, -2)
      const { values, indices } = maximum(
        wide,
        adaptivePooling(name, wide, 2, [1, narrow.outShape.at(-1)!]),
        ADAPTIVE_MAX_RULES[2]!,
        returnIndices,
      )
      return withIndices(squeeze(values, -2), returnIndices ? squeeze(indices!, -2) : null) as never
    },
  ) as unknown as AdaptiveMaxPool
}

/** The greatest element of every window; the windows are those of `adaptiveAvgPool1d`. */
export const adaptiveMaxPool1d: AdaptiveMaxPool = adaptiveMaxPool(1)
/** As `adaptiveMaxPool1d` over two spatial dims; positions are h·W + w. */
export const adaptiveMaxPool2d: AdaptiveMaxPool = adaptiveMaxPool(2)
/** As `adaptiveMaxPool1d` over three spatial dims. */
export const adaptiveMaxPool3d: AdaptiveMaxPool = adaptiveMaxPool(3)

type LpPool = (
  input: Tensor,
  ...args: Args<[["normType", number], ["kernelSize", PerDim], ["stride", PerDim | null], ["ceilMode", boolean]]>
) => Tensor

const lpPool = (spatial: number): LpPool => {
  const name = `lpPool${spatial}d`
  const pools: readonly [MaxPool, AvgPool1d | AvgPool] = [
    [maxPool1d, maxPool2d, maxPool3d][spatial - 1]!,
    [avgPool1d, avgPool2d, avgPool3d][spatial - 1]!,
  ]
  return op(
    `${name}(input, normType, kernelSize, stride?, ceilMode?)`,
    (x: Tensor, normType: number, kernelSize: PerDim, stride: PerDim | null = null, ceilMode = false) => {
      if (typeof normType !== "number")
        throw new TypeError(`${name}: normType must be a number, got ${valueText(normType)}`)
      const [greatest, average] = pools
      if (normType === Number.POSITIVE_INFINITY) return greatest(abs(x), kernelSize, stride, 0, 1, ceilMode)
      if (normType === Number.NEGATIVE_INFINITY) return neg(greatest(neg(abs(x)), kernelSize, stride, 0, 1, ceilMode))
      const count = numelOf(perDim(name, "kernelSize", kernelSize, spatial, 1))
      const y = average(pow(x, normType), kernelSize, stride, 0, ceilMode)
      return pow(mul(mul(sign(y), relu(abs(y))), count), 1 / normType)
    },
  )
}

/** (Σ input^p)^(1/p) over every window, p being `normType`: input [N, C, L] or [C, L]; ±Infinity takes the greatest or least |input|. */
export const lpPool1d: LpPool = lpPool(1)
/** As `lpPool1d` over two spatial dims. */
export const lpPool2d: LpPool = lpPool(2)
/** As `lpPool1d` over three spatial dims. */
export const lpPool3d: LpPool = lpPool(3)
