/** Making tensors. */

import { bad, CASE_DTYPE, FLOATS, index, NUMERIC, type Row, type RowInit, row, t } from "../row.ts"

const EVERY = [...NUMERIC, "bool"] as const

const make = (name: string, more: RowInit): Row => row(name, { method: false, grad: false, dtypes: EVERY, ...more })

export const CREATION: readonly Row[] = [
  make("tensor", {
    torch: "@tensor",
    samples: [
      [
        [
          [1, 2],
          [3, 4],
        ],
        { dtype: CASE_DTYPE },
      ],
      [2.5],
      [[1, 2, 3]],
      [[true, false]],
      [[1n, 2n]],
      [[]],
      [[[], []]],
      [[[[1.5], [-2]]]],
      [[Number.NaN, Number.POSITIVE_INFINITY, -0]],
    ],
    errors: [
      bad([[[1, 2], [3]]], ["tensor", "1", "2"]),
      bad([[1], { dType: "float32" }], ["tensor", "dType", "dtype"], true),
    ],
  }),
  make("zeros", {
    samples: [[[2, 3], { dtype: CASE_DTYPE }], [[2, 3]], [[]], [[0, 3]]],
    errors: [
      bad([[-1]], ["zeros", "-1"]),
      bad([[2], { requires_grad: true }], ["zeros", "requires_grad", "requiresGrad"], true),
    ],
  }),
  make("ones", { samples: [[[2, 3], { dtype: CASE_DTYPE }], [[2, 3]], [[]]], errors: [bad([[-1]], ["ones", "-1"])] }),
  make("full", {
    torch: "@full",
    samples: [
      [[2, 3], 1, { dtype: CASE_DTYPE }],
      [[2], 1],
      [[2], 0.1],
      [[], -2.5],
      [[2], true],
      [[2], Number.NEGATIVE_INFINITY],
      [[0], 1],
    ],
    errors: [bad([[-1], 1], ["full", "-1"])],
  }),
  make("empty", {
    shapeOnly: true,
    samples: [[[2, 3], { dtype: CASE_DTYPE }], [[]]],
    errors: [bad([[-1]], ["empty", "-1"])],
  }),
  make("arange", {
    dtypes: NUMERIC,
    samples: [
      [0, 5, 1, { dtype: CASE_DTYPE }],
      [5],
      [2, 7],
      [0, 1, 0.25],
      [5, 0, -2],
      [0.5, 3],
      [0, 1, 0.1],
      [3, 3],
      [0, 2, 0.3, { dtype: "float64" }],
      [-3, 4, 2, { dtype: "float32" }],
    ],
    errors: [bad([0, 5, -1], ["arange", "step"]), bad([0, 5, 0], ["arange", "step"])],
  }),
  make("linspace", {
    dtypes: FLOATS,
    samples: [
      [0, 1, 5, { dtype: CASE_DTYPE }],
      [-2, 3, 7],
      [3, -1, 4],
      [0, 1, 1],
      [0, 1, 0],
      [0, 1, 13, { dtype: "float64" }],
      [0, 10, 4, { dtype: "int32" }],
    ],
    errors: [bad([0, 1, -1], ["linspace", "steps"])],
  }),
  make("logspace", {
    dtypes: FLOATS,
    samples: [
      [0, 2, 3, { dtype: CASE_DTYPE }],
      [-1, 1, 5],
      [0, 3, 4, { base: 2 }],
      [0, 1, 0],
      [0, 1, 7, 3, { dtype: "float64" }],
    ],
    errors: [bad([0, 1, -1], ["logspace", "steps"])],
  }),
  make("eye", { samples: [[3, { dtype: CASE_DTYPE }], [2, 4], [4, 2], [0], [1]], errors: [bad([-1], ["eye", "-1"])] }),
  make("trilIndices", {
    samples: [
      [3, 3],
      [2, 4, 1],
      [4, 2, -1],
    ],
  }),
  make("triuIndices", {
    samples: [
      [3, 3],
      [2, 4, 1],
      [4, 2, -1],
    ],
  }),
  ...["zerosLike", "onesLike"].map((name) =>
    make(name, {
      samples: [[t([2, 3])], [t([])], [t([2, 3], { layout: "transposed" })], [t([2]), { dtype: "int32" }], [t([0, 2])]],
    }),
  ),
  make("emptyLike", { shapeOnly: true, samples: [[t([2, 3])], [t([2]), { dtype: "int32" }]] }),
  make("fullLike", {
    samples: [
      [t([2, 3]), 1],
      [t([]), 1],
      [t([2, 3], { layout: "transposed" }), 0.5],
      [t([2]), 2.5, { dtype: "int32" }],
    ],
  }),
  make("oneHot", {
    in: "nn.functional",
    dtypes: ["int32"],
    samples: [
      [index([4], 3), 3],
      [index([2, 3], 5), 7],
      [index([], 2), 2],
      [t([0], { kind: "index" }), 3],
    ],
    errors: [
      bad([t([2], { values: [0, 3], kind: "index" }), 3], ["oneHot", "3"]),
      bad([t([2]), 3], ["oneHot", "float32"]),
    ],
  }),
  ...["newZeros", "newOnes"].map((name) =>
    make(name, {
      in: "Tensor",
      samples: [
        [t([1]), [2, 3]],
        [t([1]), []],
        [t([1]), [2], { dtype: "int32" }],
      ],
    }),
  ),
  make("newEmpty", { in: "Tensor", shapeOnly: true, samples: [[t([1]), [2, 3]]] }),
  make("newFull", {
    in: "Tensor",
    samples: [
      [t([1]), [2, 3], 1],
      [t([1]), [], 1],
      [t([1]), [2], 2.5, { dtype: "float64" }],
    ],
  }),
  make("newTensor", {
    in: "Tensor",
    samples: [
      [t([1]), [1, 2]],
      [t([1]), [[1.5]]],
      [t([1]), [1], { dtype: "int32" }],
    ],
  }),
]
