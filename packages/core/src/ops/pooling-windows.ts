import { raw } from "../autograd/mode.ts"
import type { DType } from "../dtype.ts"
import { constant, type Expr, index, result, substitute } from "../expr.ts"
import { type Argument, int, type MonoidSpec, runMap, runReduce, type Scope } from "../kernels.ts"
import { contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, Tensor } from "../tensor.ts"
import { contiguous } from "./copying.ts"

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
  /** Where all positions of all windows are inside: position `k` of window `o` is o·step + k·dilation. */
  readonly regular: { readonly step: number; readonly dilation: number } | null
  /** By how much a mean divides, along this dim. */
  extent(scalars: readonly Expr[], o: Expr, includePad: boolean): Expr
  /** All extents where they are equal, otherwise null. */
  equalExtents(includePad: boolean): number | null
}

/** Windows of `size` positions `dilation` apart, `stride` from one to the next. */
export function fixedWindows(
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
    regular: exact ? { step: stride, dilation } : null,
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
export function adaptiveWindows(inSize: number, outSize: number): Windows {
  const even = outSize > 0 && inSize % outSize === 0
  const start = ([size, count]: readonly Expr[], o: Expr): Expr => o.mul(size!).div(count!)
  const end = ([size, count]: readonly Expr[], o: Expr): Expr => o.add(1).mul(size!).add(count!).sub(1).div(count!)
  return {
    inSize,
    outSize,
    kind: even ? "even" : "adaptive",
    scalars: [inSize, outSize],
    length: even ? inSize / outSize : Math.ceil(inSize / outSize) + 1,
    regular: even ? { step: inSize / outSize, dilation: 1 } : null,
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
export interface Pooling {
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
export function perWindow(p: Pooling, scalars: readonly Expr[]): Expr[][] {
  let from = 0
  return p.windows.map((w) => scalars.slice(from, (from += w.scalars.length)))
}

export const argumentsOf = (p: Pooling): Argument[] => p.windows.flatMap((w) => w.scalars.map(int))
export const keyOf = (p: Pooling): string => p.windows.map((w) => w.kind).join("/")

/** The position that number `k` of every window around output `at` is, or the window that number `k` around input `at`. */
export function spotOf(
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
export function flattened(x: Tensor, spatial: number): Tensor {
  const dense = raw(() => contiguous(x))
  const volume = numelOf(x.shape.slice(x.ndim - spatial))
  const outer = numelOf(x.shape.slice(0, x.ndim - spatial))
  return new Tensor(dense.storage, [outer, volume], [volume, 1], dense.offset, dense.dtype)
}

/**
 * The input as each tap sees it: of shape [outer, out..], the position that number `k` of every window is. Null where some
 * positions are outside of the input.
 */
export function tapViews(x: Tensor, p: Pooling): ((k: readonly number[]) => Tensor) | null {
  const spatial = p.windows.length
  const regular = p.windows.map((w) => w.regular)
  if (regular.includes(null)) return null
  const flat = flattened(x, spatial)
  const own = contiguousStrides(x.shape.slice(x.ndim - spatial))
  const sizes = [flat.shape[0]!, ...p.windows.map((w) => w.outSize)]
  const strides = [flat.strides[0]!, ...regular.map((r, d) => r!.step * own[d]!)]
  return (k) => {
    const skip = regular.reduce((sum, r, d) => sum + k[d]! * r!.dilation * own[d]!, 0)
    return new Tensor(flat.storage, sizes, strides, flat.offset + skip, flat.dtype)
  }
}

/**
 * Up to so many taps are written out in a map instead of looped over in a reduction. Their number is then part of the
 * kernel's structure; windows are few and small, so that few kernels come of it.
 */
const WRITTEN_OUT = 16

/**
 * Combines over the taps of every element of `outs` (all of shape [outer, spatial..]): `tap` gives the accumulators of
 * one, `finish` the results. Where there are `views`, one operand per tap, and as many operands are allowed, a tap is given the
 * element that it reads; otherwise null, and it loads it.
 */
export function overTaps(
  outs: readonly Tensor[],
  counts: readonly number[],
  monoid: MonoidSpec,
  work: {
    readonly key: string
    readonly loads: readonly Tensor[]
    readonly scalars: readonly Argument[]
    readonly views?: ((k: readonly number[]) => Tensor) | null
  },
  tap: (scope: Scope, k: readonly Expr[], element: Expr | null) => readonly Expr[],
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
      (scope) => tap(scope, scope.at.slice(rank), null),
      (scalars) =>
        finish(
          combined,
          scalars,
          Array.from({ length: rank }, (_, d) => index(d)),
        ),
    )
    return
  }
  const taps = tuples(counts)
  const { views } = work
  const viewed = views && taps.length + outs.length <= outs[0]!.device.backend.capabilities.maxOperands
  const reads = viewed ? { inputs: taps.map(views), loads: [] } : { loads: work.loads }
  const key = `${work.key} ${counts}${viewed ? " viewed" : ""}`
  runMap(outs, { key, ...reads, scalars: work.scalars, coordinates: true }, (scope) => {
    let combined: readonly Expr[] | null = null
    for (const [n, k] of taps.entries()) {
      const next = tap(
        scope,
        k.map((v) => constant(v, "int32")),
        viewed ? scope.inputs[n]! : null,
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
export function newResult(
  like: Tensor,
  shape: Sizes,
  spatial: number,
  dtype: DType = like.dtype,
): { out: Tensor; grid: Tensor } {
  const out = allocate(like.device, shape, contiguousStrides(shape), dtype)
  const sizes = [numelOf(shape.slice(0, shape.length - spatial)), ...shape.slice(shape.length - spatial)]
  return { out, grid: new Tensor(out.storage, sizes, contiguousStrides(sizes), 0, dtype) }
}
