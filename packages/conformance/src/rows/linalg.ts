/** Products of matrices and vectors. */

import {
  bad,
  FLOATS,
  index,
  type Row,
  type RowInit,
  roundedSteps,
  row,
  type SampleInit,
  sample,
  type TensorOptions,
  t,
} from "../row.ts"

const MULTIPLIED = [...FLOATS, "int32"] as const

const A: TensorOptions = { layout: "transposed" }
const S: TensorOptions = { layout: "sliced" }
const E: TensorOptions = { layout: "expanded" }
const O: TensorOptions = { layout: "offset" }

const product = (
  name: string,
  samples: readonly SampleInit[],
  errors: Row["errors"],
  more: Partial<RowInit> = {},
): Row => row(name, { dtypes: MULTIPLIED, samples, errors, ...more })

export const LINALG: readonly Row[] = [
  product(
    "matmul",
    [
      [t([2, 3]), t([3, 4])],
      [t([2, 3, 4]), t([2, 4, 5])],
      [t([3]), t([3])],
      [t([3]), t([3, 4])],
      [t([2, 3]), t([3])],
      [t([3]), t([2, 3, 4])],
      [t([2, 3, 4]), t([4])],
      [t([2, 1, 3, 4]), t([5, 4, 2])],
      [t([2, 3, 4]), t([4, 5])],
      [t([3, 4]), t([2, 4, 5])],
      [t([2, 3], A), t([3, 4], A)],
      [t([2, 3], S), t([3, 4], O)],
      [t([3, 2], E), t([2, 3], E)],
      [t([2, 3, 4], A), t([2, 4, 3], A)],
      [t([1, 7]), t([7, 13])],
      [t([13, 1]), t([1, 7])],
      [t([2, 0]), t([0, 3])],
      [t([0, 3]), t([3, 2])],
      [t([0, 2, 3]), t([3, 2])],
      [t([0]), t([0])],
      sample([t([33, 65]), t([65, 17])], { only: ["float32"] }),
      sample([t([17, 33], A), t([33, 18])], { only: ["float32"] }),
    ],
    [
      bad([t([2, 3]), t([4, 5])], ["matmul", "[2, 3]", "[4, 5]"]),
      bad([t([]), t([3])], ["matmul", "[]"]),
      bad([t([2, 3, 4]), t([3, 4, 5])], ["matmul", "[2, 3, 4]", "[3, 4, 5]"]),
      bad([t([2, 3]), t([3, 2], { dtype: "int32" })], ["matmul", "float32", "int32"]),
    ],
  ),
  product(
    "mm",
    [
      [t([2, 3]), t([3, 4])],
      [t([3, 1]), t([1, 2])],
      [t([2, 3], A), t([3, 4], S)],
      [t([2, 0]), t([0, 3])],
    ],
    [bad([t([2, 3]), t([4, 3])], ["mm", "[2, 3]", "[4, 3]"]), bad([t([3]), t([3, 2])], ["mm", "2"])],
  ),
  product(
    "bmm",
    [
      [t([2, 3, 4]), t([2, 4, 5])],
      [t([1, 1, 7]), t([1, 7, 1])],
      [t([2, 3, 4], A), t([2, 4, 3], E)],
      [t([0, 3, 4]), t([0, 4, 5])],
      [t([2, 3, 0]), t([2, 0, 5])],
    ],
    [bad([t([2, 3, 4]), t([3, 4, 5])], ["bmm", "[2, 3, 4]", "[3, 4, 5]"]), bad([t([3, 4]), t([4, 5])], ["bmm", "3"])],
  ),
  product(
    "mv",
    [
      [t([2, 3]), t([3])],
      [t([2, 3], A), t([3], S)],
      [t([2, 0]), t([0])],
    ],
    [bad([t([2, 3]), t([2])], ["mv", "[2, 3]", "[2]"])],
  ),
  product(
    "dot",
    [
      [t([3]), t([3])],
      [t([7], S), t([7], O)],
      [t([0]), t([0])],
    ],
    [bad([t([3]), t([4])], ["dot", "3", "4"]), bad([t([2, 3]), t([3])], ["dot", "1"])],
  ),
  product(
    "outer",
    [
      [t([2]), t([3])],
      [t([3], S), t([2], O)],
      [t([0]), t([2])],
    ],
    [bad([t([2, 3]), t([3])], ["outer", "1"])],
  ),
  product(
    "addmm",
    [
      [t([2, 4]), t([2, 3]), t([3, 4])],
      [t([4]), t([2, 3]), t([3, 4])],
      [t([2, 1]), t([2, 3], A), t([3, 4]), { beta: 2, alpha: 3 }],
      [t([]), t([2, 3]), t([3, 4]), { beta: 0.5, alpha: -0.25 }],
      [t([4]), t([2, 0]), t([0, 4])],
      [t([2, 2], { values: [Number.NaN, 1, 2, 3] }), t([2, 3]), t([3, 2]), { beta: 0 }],
    ],
    [
      bad([t([5]), t([2, 3]), t([3, 4])], ["addmm", "[5]"]),
      bad([t([4]), t([2, 3]), t([2, 4])], ["addmm", "[2, 3]", "[2, 4]"]),
    ],
  ),
  product(
    "addmv",
    [
      [t([2]), t([2, 3]), t([3])],
      [t([1]), t([2, 3], A), t([3]), { beta: 2, alpha: 3 }],
    ],
    [bad([t([3]), t([2, 3]), t([3])], ["addmv", "[3]"])],
  ),
  product(
    "baddbmm",
    [
      [t([2, 3, 5]), t([2, 3, 4]), t([2, 4, 5])],
      [t([5]), t([2, 3, 4]), t([2, 4, 5], A), { beta: 2, alpha: 3 }],
    ],
    [bad([t([4]), t([2, 3, 4]), t([2, 4, 5])], ["baddbmm", "[4]"])],
  ),
  product(
    "einsum",
    [
      ["ij,jk->ik", t([2, 3]), t([3, 4])],
      ["bij,bjk->bik", t([2, 3, 4]), t([2, 4, 5])],
      ["ii", t([3, 3])],
      ["ii->i", t([3, 3])],
      ["ij->ji", t([2, 3])],
      ["ij->", t([2, 3])],
      ["i,j->ij", t([2]), t([3])],
      ["i,i", t([3]), t([3])],
      ["ij,kj", t([2, 3]), t([4, 3])],
      ["...ij,...jk->...ik", t([2, 3, 4]), t([4, 5])],
      ["b...->...b", t([2, 3, 4], A)],
      ["bn,anm,bm->ba", t([2, 3]), t([5, 3, 4]), t([2, 4])],
      ["ij,ij->j", t([2, 3], S), t([2, 3])],
      ["ij,jk->ik", [t([2, 0]), t([0, 3])]],
    ],
    [
      bad(["ij,jk->ik", t([2, 3]), t([4, 5])], ["einsum", "j", "3", "4"]),
      bad(["ij,jk->ik", t([2, 3])], ["einsum", "operand"]),
      bad(["ijk->i", t([2, 3])], ["einsum", "[2, 3]"]),
      bad(["ij->k", t([2, 3])], ["einsum", "k"]),
    ],
    { method: false },
  ),
  product("trace", [[t([3, 3])], [t([2, 4])], [t([3, 2], A)], [t([0, 2])]], [bad([t([3])], ["trace", "2"])]),
  product(
    "tensordot",
    [
      [t([2, 3, 4]), t([3, 4, 5])],
      [t([2, 3]), t([3, 4]), 1],
      [t([2]), t([3]), 0],
      [
        t([2, 3, 4]),
        t([4, 3, 5]),
        [
          [1, 2],
          [1, 0],
        ],
      ],
      [t([3, 2], A), t([3, 4]), { dims: [[0], [0]] }],
    ],
    [bad([t([2, 3]), t([4, 5]), 1], ["tensordot", "3", "4"])],
    { method: false },
  ),
  product(
    "linear",
    [
      [t([2, 3]), t([4, 3])],
      [t([2, 3]), t([4, 3]), t([4])],
      [t([3]), t([4, 3]), t([4])],
      [t([2, 5, 3]), t([4, 3]), t([4])],
      [t([2, 3], A), t([4, 3], A), t([4], S)],
      [t([0, 3]), t([4, 3]), t([4])],
      [t([3]), t([3])],
    ],
    [
      bad([t([2, 3]), t([4, 5])], ["linear", "[2, 3]", "[4, 5]"]),
      bad([t([2, 3]), t([4, 3]), t([5])], ["linear", "[5]"]),
    ],
    { in: "nn.functional", dtypes: FLOATS },
  ),
  product(
    "bilinear",
    [
      [t([2, 3]), t([2, 4]), t([5, 3, 4])],
      [t([2, 3]), t([2, 4]), t([5, 3, 4]), t([5])],
      [t([2, 6, 3], A), t([2, 6, 4]), t([5, 3, 4]), t([5])],
    ],
    [bad([t([2, 3]), t([2, 4]), t([5, 4, 4])], ["bilinear", "3", "4"])],
    { in: "nn.functional", dtypes: FLOATS },
  ),
  row("embedding", {
    in: "nn.functional",
    dtypes: FLOATS,
    samples: [
      [index([2, 3], 5), t([5, 4])],
      sample([index([4], 5), t([5, 3]), { paddingIdx: 2 }], { noGradcheck: "the padding row gets no gradient" }),
      [index([], 5), t([5, 3])],
      [index([3], 5, S), t([5, 3], A), -1],
      [t([0], { kind: "index" }), t([5, 3])],
    ],
    errors: [
      bad([t([2], { values: [0, 5], kind: "index" }), t([5, 3])], ["embedding", "5"]),
      bad([t([2]), t([5, 3])], ["embedding", "float32"]),
    ],
  }),
  product(
    "cross",
    [
      [t([2, 3]), t([2, 3]), 1],
      [t([3, 4], A), t([3, 1]), 0],
      [t([3]), t([3])],
    ],
    [bad([t([2, 2]), t([2, 2]), 1], ["cross", "3"])],
  ),
  product(
    "cross",
    [
      [t([2, 3]), t([2, 3])],
      [t([3, 4], A), t([3, 4]), { dim: 0 }],
    ],
    [],
    { in: "linalg", tolerance: roundedSteps() },
  ),
  product(
    "vdot",
    [
      [t([3]), t([3])],
      [t([7], S), t([7], O)],
    ],
    [bad([t([3]), t([4])], ["vdot", "3", "4"])],
  ),
  product(
    "ger",
    [
      [t([2]), t([3])],
      [t([3], S), t([2], O)],
    ],
    [bad([t([2, 3]), t([3])], ["ger", "1"])],
  ),
  product(
    "inner",
    [
      [t([3]), t([3])],
      [t([2, 3]), t([4, 3])],
      [t([2, 4, 3], A), t([3])],
      [t([]), t([2])],
    ],
    [bad([t([2, 3]), t([2, 4])], ["inner", "3", "4"])],
  ),
  product(
    "kron",
    [
      [t([2, 3]), t([2, 2])],
      [t([3]), t([2, 2])],
      [t([2, 3]), t([1, 2, 2])],
    ],
    [],
  ),
  product(
    "addmm_",
    [
      [t([2, 4]), t([2, 3]), t([3, 4])],
      [t([2, 4], A), t([2, 3]), t([3, 4]), { beta: 2, alpha: 3 }],
    ],
    [],
    {
      in: "Tensor",
      mutates: true,
    },
  ),
  product(
    "addmv_",
    [
      [t([2]), t([2, 3]), t([3])],
      [t([2]), t([2, 3]), t([3]), { beta: 2, alpha: 3 }],
    ],
    [],
    {
      in: "Tensor",
      mutates: true,
    },
  ),
  product(
    "addbmm",
    [
      [t([3, 5]), t([2, 3, 4]), t([2, 4, 5])],
      [t([5]), t([2, 3, 4], A), t([2, 4, 5]), { beta: 2, alpha: 3 }],
    ],
    [bad([t([4]), t([2, 3, 4]), t([2, 4, 5])], ["addbmm", "[4]"])],
    { tolerance: roundedSteps(2) },
  ),
  product("addbmm_", [[t([3, 5]), t([2, 3, 4]), t([2, 4, 5])]], [], {
    in: "Tensor",
    mutates: true,
    tolerance: roundedSteps(),
  }),
  product("baddbmm_", [[t([2, 3, 5]), t([2, 3, 4]), t([2, 4, 5]), { beta: 2 }]], [], { in: "Tensor", mutates: true }),
  product(
    "addr",
    [
      [t([2, 3]), t([2]), t([3])],
      [t([3]), t([2], S), t([3]), { beta: 2, alpha: 3 }],
    ],
    [bad([t([2, 4]), t([2]), t([3])], ["addr"])],
  ),
  product("addr_", [[t([2, 3]), t([2]), t([3]), { alpha: 2 }]], [], { in: "Tensor", mutates: true }),
  product(
    "cdist",
    [
      [t([3, 2]), t([4, 2])],
      [t([2, 3, 2], A), t([4, 2]), 1],
      [t([3, 2]), t([4, 2]), { p: 3 }],
    ],
    [bad([t([3, 2]), t([4, 3])], ["cdist", "2", "3"])],
    { method: false, dtypes: ["float32", "float64"] },
  ),
]
