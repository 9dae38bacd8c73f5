/** Sample lists that many rows share. */

import { type Layout, type Options, type SampleInit, sample, type TensorOptions, t, v, WIDE } from "../row.ts"

/** Floating values where formulas go wrong: zeros, kinks, tiny, large and non-finite ones. */
export const EXTREMES: readonly number[] = [
  0,
  -0,
  0.5,
  -0.5,
  1,
  -1,
  2,
  -2,
  3,
  -3,
  6,
  20,
  -20,
  89,
  -89,
  100,
  -100,
  750,
  -750,
  1e4,
  -1e4,
  1e-5,
  -1e-5,
  1e-30,
  -1e-30,
  1.5e-38,
  3e38,
  -3e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
]

/** Below the normal range of float32 (in float64, quite normal); devices may take them for zero. */
export const SUBNORMALS: readonly number[] = [1e-40, -1e-40, 3e-45]

/** One tensor in every size and layout, then the extremes. */
export function unary(range: TensorOptions = {}, options: Options = {}, extremes = EXTREMES): SampleInit[] {
  const shapes: [number[], Layout?][] = [
    [[2, 3]],
    [[]],
    [[0, 3]],
    [[1]],
    [[13]],
    [[3, 4], "transposed"],
    [[2, 7], "sliced"],
    [[3, 2], "expanded"],
    [[5], "offset"],
  ]
  return [
    ...shapes.map(([shape, layout]) => [t(shape, { ...range, layout }), options]),
    ...(extremes.length > 0 ? [sample([v(extremes), options], { only: WIDE, tags: ["extreme"] })] : []),
    ...(extremes === EXTREMES
      ? [sample([v(SUBNORMALS), options], { only: ["float32"], tags: ["extreme", "subnormal"] })]
      : []),
  ]
}

const CORNERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -2.5,
  3,
  1e-30,
  3e38,
  -3e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
]
const LEFT = CORNERS.flatMap((x) => CORNERS.map(() => x))
const RIGHT = CORNERS.flatMap(() => CORNERS)

/**
 * Two tensors: equal shapes, every kind of broadcasting, layouts, and all pairs of extremes. The ranges differ, so that
 * the floating grids do too and no two elements are equal by accident.
 */
export function binary(
  left: TensorOptions = {},
  right: TensorOptions = { low: -1, high: 1 },
  options: Options = {},
  extremes = true,
): SampleInit[] {
  const a = (shape: number[], layout?: Layout) => t(shape, { ...left, layout })
  const b = (shape: number[], layout?: Layout) => t(shape, { ...right, layout })
  return [
    [a([2, 3]), b([2, 3]), options],
    [a([3, 1]), b([1, 4]), options],
    [a([]), b([2, 3]), options],
    [a([7]), b([1]), options],
    [a([2, 1, 3]), b([5, 1]), options],
    [a([0, 3]), b([3]), options],
    [a([]), b([]), options],
    [a([3, 4], "transposed"), b([3, 4], "sliced"), options],
    [a([3, 2], "expanded"), b([2], "offset"), options],
    ...(extremes ? [sample([v(LEFT), v(RIGHT), options], { only: WIDE, tags: ["extreme"] })] : []),
  ]
}
