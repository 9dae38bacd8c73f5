/** Orders. Without `stable`, PyTorch leaves the order of equal elements open: they are all different there. */

import { bad, NUMERIC, type Row, type RowInit, row, type SampleInit, sample, type TensorOptions, t, v } from "../row.ts"

const D: TensorOptions = { distinct: true }
const TIES = v([2, 1, 2, 0, 1, 2, 0, -0])
const NANS = v([2, Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3])

/** By dim and direction; `first` comes right after the tensor. */
const orders = (...first: number[]): SampleInit[] => [
  [t([2, 5], D), ...first],
  [t([7], D), ...first, { dim: 0 }],
  [t([3, 4], D), ...first, 0],
  [t([3, 4], { ...D, layout: "transposed" }), ...first],
  [t([2, 5], { ...D, layout: "sliced" }), ...first, { dim: -1 }],
  [t([2, 3, 4], D), ...first, { dim: 1 }],
  [NANS, ...first],
]

const FLAT: SampleInit[] = [[t([])], [t([0])], [t([0, 3])], [t([1])], [t([130], D)]]

const order = (name: string, more: RowInit): Row => row(name, { dtypes: NUMERIC, ...more })

export const SORTING: readonly Row[] = [
  order("sort", {
    indices: [1],
    samples: [
      ...orders(),
      ...FLAT,
      [t([2, 5], D), { descending: true }],
      [NANS, { descending: true }],
      sample([TIES, { stable: true }], { noGradcheck: "ties" }),
      sample([TIES, { stable: true, descending: true }], { noGradcheck: "ties" }),
      [t([3, 4], { low: 0, high: 3, dtype: "int32" }), { stable: true, dim: 0 }],
    ],
    errors: [bad([t([2, 3]), 2], ["sort", "dim", "2"])],
  }),
  order("argsort", {
    grad: false,
    indices: [0],
    samples: [...orders(), ...FLAT, [t([2, 5], D), -1, true], [TIES, { stable: true }]],
    errors: [bad([t([2, 3]), 2], ["argsort", "dim", "2"])],
  }),
  order("msort", { samples: [[t([5, 2], D)], [t([4], D)], [t([3, 4], { ...D, layout: "transposed" })], [NANS]] }),
  order("topk", {
    indices: [1],
    samples: [
      ...orders(2),
      [t([2, 5], D), 3, { largest: false }],
      [t([5], D), 5],
      [t([5], D), 0],
      [t([]), 1],
      [NANS, 3, -1, false],
    ],
    errors: [bad([t([2, 3]), 4], ["topk", "4", "3"]), bad([t([2, 3]), 1, 2], ["topk", "dim", "2"])],
  }),
  order("kthvalue", {
    indices: [1],
    samples: [...orders(2), [t([2, 5], D), 3, 1, true], [t([]), 1]],
    errors: [bad([t([2, 3]), 4], ["kthvalue", "4", "3"])],
  }),
]
