import { requireIndex, requireMask, requireSameDevice } from "../checks.ts"
import { shapeText, sizesText, tensorText } from "../errors.ts"
import { fromEnd, ints, type Movement, reshaped } from "../movement.ts"
import { broadcastSizes, normalizeDim, type Sizes, sameSizes } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import { expand } from "./views.ts"

/** A 0-d tensor counts as one of one element. */
export const atLeast1d = (shape: Sizes): Sizes => (shape.length ? shape : [1])

/** Along `dim` at the places that `index`, of the input's rank, holds. */
export function alongDim(name: string, x: Tensor, dim: number, index: Tensor): Movement {
  requireIndex(name, "index", index)
  requireSameDevice(name, x, index)
  const d = normalizeDim(name, dim, x.ndim)
  const from = atLeast1d(x.shape)
  const to = atLeast1d(index.shape)
  if (index.numel() > 0 && from.length !== to.length)
    throw new RangeError(
      `${name}: Index tensor must have the same number of dimensions as input tensor, got index ${sizesText(index)} for ${sizesText(x)} at dim ${d}`,
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
export function slicesOf(name: string, x: Tensor, dim: number, index: Tensor, negative = false): Movement {
  requireIndex(name, "index", index)
  requireSameDevice(name, x, index)
  if (index.ndim > 1) throw new RangeError(`${name}: Index is supposed to be a vector (1-d), got ${sizesText(index)}`)
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
export function places(name: string, x: Tensor, index: Tensor): Movement {
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

/** Throws a RangeError where `index` reaches beyond the input in another dim than `dim`, or beyond what is written. */
export function checkSmaller(name: string, x: Tensor, dim: number, index: Tensor, src: Tensor | null): void {
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

/** Input and mask in their common shape. */
export function masked(name: string, x: Tensor, mask: Tensor): [Tensor, Tensor] {
  requireMask(name, x, mask)
  const shape = broadcastSizes(name, x.shape, mask.shape)
  return [sameSizes(x.shape, shape) ? x : expand(x, shape), expand(mask, shape)]
}
