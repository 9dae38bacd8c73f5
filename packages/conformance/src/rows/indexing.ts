/** Reading and writing by index, and searching. */

import {
  ALL,
  bad,
  FLOATS,
  index,
  mask,
  type Row,
  type RowInit,
  row,
  sample,
  slice,
  type TensorOptions,
  t,
  v,
} from "../row.ts"

const MOVED = [...FLOATS, "int32", "bool"] as const
const SUMMED = [...FLOATS, "int32"] as const

const A: TensorOptions = { layout: "transposed" }
const S: TensorOptions = { layout: "sliced" }

/** Where a mask says which elements. */
const PICKED = { readsHost: "what the mask picks" }

/** Indices given one by one. */
const at = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  t(shape, { values, kind: "index", high: Math.max(...values) + 1 })

const moving = (name: string, more: RowInit): Row => row(name, { dtypes: MOVED, ...more })

export const INDEXING: readonly Row[] = [
  moving("at", {
    in: "Tensor",
    torch: "@at",
    samples: [
      [t([3, 4]), 1],
      [t([3, 4]), slice(1, 3), slice(null, null, 2)],
      [t([3, 4]), -1, slice(-3, -1)],
      [t([2, 3, 4]), "...", 0],
      [t([2, 3, 4]), 1, "...", slice(2, null)],
      [t([3, 4]), null, 1, null],
      [t([3, 4], A), slice(0, 2), 3],
      [t([3, 4], S), slice(5, 9)],
      [t([3, 4]), "..."],
      [t([]), "..."],
      [t([]), null],
      [t([0, 3]), slice(0, 2), 1],
      [t([3, 4]), [0, 2, 0]],
      [t([3, 4]), at([2, -1, 0, 0])],
      [t([3, 4]), at([0, 2, 1, 1], [2, 2])],
      [t([3, 4]), at([0, 2]), at([1, 3])],
      [t([3, 4]), at([0, 2], [2, 1]), at([1, 3, 0])],
      [t([2, 3, 4]), slice(), at([2, 0]), slice(1, 3)],
      [t([2, 3, 4]), at([1, 0]), slice(), at([3, 2])],
      [t([2, 3, 4]), slice(), at([2, 0]), at([3, 3])],
      [t([2, 3, 4]), 1, at([2, 0])],
      sample([t([3, 4]), at([2], [])], { readsHost: "an index of one element, which gives a view" }),
      [t([3, 4], A), at([1, 1, 0])],
      sample([t([3, 4]), mask([3, 4])], PICKED),
      sample([t([3, 4]), mask([3])], PICKED),
      sample([t([3, 4]), slice(), mask([4], { seed: 3 })], PICKED),
      sample([t([3, 4]), mask([3], { values: [0, 0, 0] })], PICKED),
      [t([3, 4]), t([0], { kind: "index" })],
    ],
    errors: [
      bad([t([3, 4]), 3], ["at", "3"]),
      bad([t([3, 4]), 0, 0, 0], ["at", "[3, 4]"]),
      bad([t([3, 4]), at([3])], ["at", "3"]),
      bad([t([3, 4]), at([0, 1, 2]), at([0, 1])], ["at", "[3]", "[2]"]),
      bad([t([3, 4]), mask([4])], ["at", "[4]"]),
      bad([t([3, 4]), t([2])], ["at", "float32"]),
      bad([t([3, 4]), slice(0, 3, -1)], ["at", "step"]),
    ],
  }),
  moving("setAt", {
    in: "Tensor",
    torch: "@setAt",
    mutates: true,
    samples: [
      [t([3, 4]), [1], 2],
      [t([3, 4]), [slice(1, 3), slice(null, null, 2)], t([2, 2])],
      [t([3, 4]), [slice(null, null, 2)], t([4])],
      [t([3, 4]), ["...", -1], t([])],
      [t([3, 4], A), [0], t([4], S)],
      [t([3, 4]), [at([2, 0])], t([2, 4])],
      [t([3, 4]), [at([2, 0]), at([1, 3])], t([2])],
      [t([3, 4]), [slice(), at([3, 1])], 0.5],
      [t([3, 4]), [mask([3, 4])], -1],
      sample([t([3, 4]), [mask([3], { values: [1, 0, 1] })], t([2, 4])], PICKED),
      [t([2, 3, 4]), [at([1, 0]), slice(), at([3, 2])], t([2, 3])],
      [t([3, 4], { dtype: "int32" }), [0], t([4])],
    ],
    errors: [
      bad([t([3, 4]), [3], 1], ["setAt", "3"]),
      bad([t([3, 4]), [0], t([3])], ["setAt", "[3]", "[4]"]),
      bad([t([3, 4]), [at([5])], 1], ["setAt", "5"]),
    ],
  }),
  moving("indexSelect", {
    samples: [
      [t([3, 4]), 0, at([2, 0, 0])],
      [t([3, 4]), 1, at([3, 1])],
      [t([3, 4], A), -1, at([0, 3])],
      [t([5]), 0, at([4], [])],
      [t([3, 4]), 0, t([0], { kind: "index" })],
    ],
    errors: [
      bad([t([3, 4]), 0, at([3])], ["indexSelect", "3"]),
      bad([t([3, 4]), 0, at([0, 1], [1, 2])], ["indexSelect"]),
    ],
  }),
  moving("gather", {
    samples: [
      [t([3, 4]), 1, index([3, 2], 4)],
      [t([3, 4]), 0, index([2, 4], 3)],
      [t([3, 4], A), -1, index([2, 3], 4)],
      [t([2, 3, 4]), 1, index([2, 5, 3], 3)],
      [t([3, 4]), 1, index([3, 0], 4)],
      [t([]), 0, at([0], [])],
    ],
    errors: [
      bad([t([3, 4]), 1, at([4, 0, 0], [3, 1])], ["gather", "4"]),
      bad([t([3, 4]), 1, index([3], 2)], ["gather", "dim"]),
      bad([t([3, 4]), 1, t([3, 2])], ["gather", "float32"]),
    ],
  }),
  moving("scatter", {
    inPlace: true,
    samples: [
      [t([3, 4]), 1, at([1, 0, 3, 2, 0, 3], [3, 2]), t([3, 2])],
      [t([3, 4]), 0, at([0, 2, 1, 0], [1, 4]), t([1, 4])],
      [t([3, 4]), 1, at([1, 0, 3], [3, 1]), 2],
      [t([3, 4], A), -1, at([1, 0, 3], [3, 1]), t([3, 1])],
      [t([3]), 0, t([0], { kind: "index" }), t([0])],
    ],
    errors: [
      bad([t([3, 4]), 1, at([4, 0, 0], [3, 1]), t([3, 1])], ["scatter", "4"]),
      bad([t([3, 4]), 1, index([3, 2], 4), t([2, 2])], ["scatter", "[3, 2]", "[2, 2]"]),
    ],
  }),
  row("scatterAdd", {
    inPlace: true,
    dtypes: SUMMED,
    samples: [
      [t([3, 4]), 1, index([3, 6], 4), t([3, 6])],
      [t([3, 4]), 0, index([2, 4], 3), t([2, 4])],
      [t([3, 4], A), 1, index([2, 3], 4), t([2, 3], S)],
      [t([3]), 0, t([0], { kind: "index" }), t([0])],
    ],
    errors: [bad([t([3, 4]), 1, at([4, 0, 0], [3, 1]), t([3, 1])], ["scatterAdd", "4"])],
  }),
  row("scatterReduce", {
    inPlace: true,
    dtypes: SUMMED,
    samples: [
      ...["sum", "prod", "mean", "amax", "amin"].flatMap((reduce) => [
        [t([3, 4]), 1, index([3, 6], 4), t([3, 6], { low: 0.5, high: 1 }), reduce],
        [t([3, 4]), 0, index([2, 4], 3), t([2, 4], { low: -1, high: 1 }), reduce, { includeSelf: false }],
      ]),
    ],
    errors: [bad([t([3, 4]), 1, index([3, 2], 4), t([3, 2]), "middle"], ["scatterReduce", "middle"])],
  }),
  row("indexAdd", {
    inPlace: true,
    dtypes: SUMMED,
    samples: [
      [t([3, 4]), 0, at([2, 0, 2]), t([3, 4])],
      [t([3, 4]), 1, at([3, 1]), t([3, 2]), { alpha: 2 }],
      [t([3, 4], A), 1, at([0, 0]), t([3, 2], S)],
    ],
    errors: [
      bad([t([3, 4]), 0, at([0, 1]), t([3, 4])], ["indexAdd"]),
      bad([t([3, 4]), 0, at([3]), t([1, 4])], ["indexAdd", "3"]),
    ],
  }),
  moving("indexCopy", {
    inPlace: true,
    samples: [
      [t([3, 4]), 0, at([2, 0]), t([2, 4])],
      [t([3, 4]), 1, at([3, 1]), t([3, 2])],
      [t([3, 4], A), 1, at([0, 2]), t([3, 2], S)],
    ],
    errors: [bad([t([3, 4]), 0, at([3]), t([1, 4])], ["indexCopy", "3"])],
  }),
  moving("indexFill", {
    inPlace: true,
    samples: [
      [t([3, 4]), 0, at([2, 0]), 1],
      [t([3, 4]), 1, at([3, 1]), t([])],
      [t([3, 4], A), -1, at([0, 0]), -0.5],
    ],
    errors: [bad([t([3, 4]), 0, at([3]), 1], ["indexFill", "3"])],
  }),
  row("indexPut", {
    inPlace: true,
    dtypes: SUMMED,
    samples: [
      [t([3, 4]), [at([2, 0])], t([2, 4])],
      [t([3, 4]), [at([2, 0, 2]), at([1, 3, 1])], t([3]), { accumulate: true }],
      [t([3, 4]), [at([2, 0]), at([1, 3])], t([])],
      sample([t([3, 4], A), [mask([3, 4])], t([])], PICKED),
    ],
    errors: [bad([t([3, 4]), [at([3])], t([1, 4])], ["indexPut", "3"])],
  }),
  moving("takeAlongDim", {
    samples: [
      [t([3, 4]), index([3, 2], 4), 1],
      [t([3, 4]), index([1, 4], 3), 0],
      [t([3, 4]), index([5], 12)],
      [t([3, 4], A), index([3, 1], 4), 1],
    ],
    errors: [bad([t([3, 4]), index([3], 2), 1], ["takeAlongDim", "dim"])],
  }),
  moving("take", {
    samples: [
      [t([3, 4]), index([5], 12)],
      [t([3, 4], A), index([2, 2], 12)],
      [t([3, 4]), at([-1, 0, 0])],
      [t([]), at([0])],
    ],
    errors: [bad([t([3, 4]), at([12])], ["take", "12"])],
  }),
  moving("maskedSelect", {
    awaited: true,
    samples: [
      [t([3, 4]), mask([3, 4])],
      [t([3, 4]), mask([4])],
      [t([3, 4], A), mask([3, 1])],
      [t([4]), mask([3, 4])],
      [t([]), mask([])],
      [t([2]), mask([2], { values: [0, 0] })],
    ],
    errors: [
      bad([t([3, 4]), t([3, 4])], ["maskedSelect", "bool"]),
      bad([t([3, 4]), mask([3])], ["maskedSelect", "[3, 4]", "[3]"]),
    ],
  }),
  row("nonzero", {
    dtypes: ALL,
    grad: false,
    awaited: true,
    indices: [0, 1, 2],
    samples: [
      [t([2, 3], { low: 0, high: 2 })],
      [mask([3, 4], A)],
      [v([0, 1, 0, -2, Number.NaN, -0])],
      [mask([3, 4]), { asTuple: true }],
      [t([])],
      [t([0, 3])],
    ],
  }),
  row("unique", {
    dtypes: ["float32", "float64", "int32", "int64", "uint8", "bool"],
    grad: false,
    awaited: true,
    indices: [1, 2],
    samples: [
      [t([3, 4], { dtype: "int32", low: 0, high: 5 })],
      [t([7], { low: 0, high: 4 })],
      [v([2, 1, 2, 3, 1])],
      [v([2, 1, 2, 3, 1]), { returnInverse: true, returnCounts: true }],
      [t([2, 5], { dtype: "int32", low: 0, high: 3 }), { returnInverse: true }],
      [t([3, 2], { values: [1, 2, 0, 1, 1, 2] }), { dim: 0, returnInverse: true, returnCounts: true }],
      [t([0])],
    ],
  }),
  moving("repeatInterleave", {
    samples: [
      [t([3]), 2],
      [t([2, 3]), 2, 1],
      [t([2, 3], A), 3, { dim: 0 }],
      [t([2, 3]), 2],
      [t([2]), 0],
      sample([t([3]), at([1, 0, 2])], { awaited: true }),
      sample([t([2, 3]), at([3, 1]), 0], { awaited: true }),
    ],
    errors: [bad([t([3]), -1], ["repeatInterleave", "-1"])],
  }),
  row("searchsorted", {
    dtypes: ["float32", "float64", "int32"],
    method: false,
    grad: false,
    indices: [0],
    samples: [
      [v([1, 3, 5, 7]), v([0, 1, 2, 3, 8])],
      [v([1, 3, 3, 7]), v([3, 7]), { right: true }],
      [t([2, 3], { values: [1, 2, 3, 4, 5, 6] }), t([2, 2], { values: [2, 9, 4, 5] })],
      [v([1, 3, 5]), 4],
      [v([1, 3, 5]), v([3]), { side: "right" }],
    ],
    errors: [bad([t([2, 3]), t([3, 2])], ["searchsorted", "[2, 3]", "[3, 2]"])],
  }),
  row("bucketize", {
    dtypes: ["float32", "float64", "int32"],
    method: false,
    grad: false,
    indices: [0],
    samples: [
      [t([2, 3]), v([-1, 0, 1])],
      [v([1, 2, 3]), v([1, 2, 3]), { right: true }],
      [t([3, 2], A), v([0, 1])],
    ],
    errors: [bad([t([2]), t([2, 2])], ["bucketize", "[2, 2]"])],
  }),
  row("put", {
    inPlace: true,
    dtypes: SUMMED,
    samples: [
      [t([3, 4]), at([0, 5, -1]), t([3])],
      [t([3, 4], A), at([0, 5, 5]), t([3]), true],
    ],
    errors: [bad([t([3, 4]), at([12]), t([1])], ["put", "12"]), bad([t([3, 4]), at([0, 1]), t([3])], ["put"])],
  }),
  moving("maskedScatter", {
    inPlace: true,
    samples: [
      [t([3, 4]), mask([3, 4]), t([12])],
      [t([2, 3], A), mask([3], { values: [1, 0, 1] }), t([2, 2])],
    ],
    errors: [bad([t([3]), t([3]), t([3])], ["maskedScatter", "bool"])],
  }),
  row("argwhere", {
    dtypes: ALL,
    grad: false,
    awaited: true,
    indices: [0],
    samples: [[t([2, 3], { low: 0, high: 2 })], [mask([3, 4], A)], [t([0, 3])]],
  }),
  row("uniqueConsecutive", {
    dtypes: ["float32", "float64", "int32"],
    grad: false,
    awaited: true,
    indices: [1, 2],
    samples: [
      [t([9], { low: 0, high: 2 })],
      [v([1, 1, 2, 2, 3, 1, 1])],
      [v([1, 1, 2, 2, 3, 1, 1]), { returnInverse: true, returnCounts: true }],
      [t([3, 2], { values: [1, 2, 1, 2, 0, 1] }), { dim: 0, returnInverse: true }],
    ],
  }),
  row("isin", {
    dtypes: ["float32", "float64", "int32", "int64", "uint8"],
    method: false,
    grad: false,
    samples: [
      [v([1, 2, 3, 4]), v([2, 4, 5])],
      [t([2, 2], { values: [1, 2, 3, 4] }), v([2, 3]), { invert: true }],
      [v([1, 2, 2]), 2],
    ],
  }),
]
