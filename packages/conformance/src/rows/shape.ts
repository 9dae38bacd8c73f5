/** Shapes: views, joining and splitting. */

import {
  ALL,
  bad,
  FLOATS,
  type Row,
  type RowInit,
  row,
  type SampleInit,
  sample,
  type TensorOptions,
  t,
} from "../row.ts"

/** Moves elements and computes nothing: two floating dtypes and three others show all there is. */
const MOVED = [...FLOATS, "int32", "bool"] as const

const A: TensorOptions = { layout: "transposed" }
const S: TensorOptions = { layout: "sliced" }
const E: TensorOptions = { layout: "expanded" }
const O: TensorOptions = { layout: "offset" }

/** A row of a function that only moves elements; a Tensor method too unless `more` says otherwise. */
const move = (name: string, samples: readonly SampleInit[], errors: Row["errors"], more: Partial<RowInit> = {}): Row =>
  row(name, { dtypes: MOVED, samples, errors, ...more })

const outOfRange = (name: string, ...rest: (number | number[])[]) => bad([t([2, 3]), ...rest], [name, "dim"])

export const SHAPE: readonly Row[] = [
  move(
    "reshape",
    [
      [t([2, 3]), [3, 2]],
      [t([2, 3]), [-1]],
      [t([2, 3], A), [3, 2]],
      [t([2, 3], S), [2, -1]],
      [t([4, 2], E), [8]],
      [t([2, 3], O), [1, 6, 1]],
      [t([1]), []],
      [t([]), [1, 1]],
      [t([0, 3]), [3, 0]],
      [t([2, 3, 4], A), [4, 6]],
    ],
    [
      bad([t([2, 3]), [4, 2]], ["reshape", "[2, 3]", "[4, 2]"]),
      bad([t([2, 3]), [-1, -1]], ["reshape", "-1"]),
      bad([t([2, 3]), [-1, 4]], ["reshape", "[2, 3]"]),
    ],
  ),
  move(
    "view",
    [
      [t([2, 3]), [3, 2]],
      [t([2, 3]), [6]],
      [t([2, 6], S), [2, 2, 3]],
      [t([2, 3], O), [-1]],
      [t([0, 3]), [0]],
      [t([]), [1]],
    ],
    [bad([t([2, 3]), [4]], ["view", "[2, 3]", "[4]"]), bad([t([2, 3], A), [6]], ["view", "reshape"])],
    { in: "Tensor" },
  ),
  move("ravel", [[t([2, 3])], [t([2, 3], A)], [t([])], [t([0, 3])]], []),
  move(
    "flatten",
    [
      [t([2, 3, 4])],
      [t([2, 3, 4]), 1],
      [t([2, 3, 4]), 0, 1],
      [t([2, 3, 4], A), { startDim: -2 }],
      [t([])],
      [t([2, 0, 3]), 0, 1],
    ],
    [bad([t([2, 3]), 1, 0], ["flatten", "startDim"]), bad([t([2, 3]), 2], ["flatten", "2"])],
  ),
  move(
    "unflatten",
    [
      [t([2, 6]), 1, [2, 3]],
      [t([2, 6]), -1, [-1, 2]],
      [t([6, 2], A), 0, [3, 2]],
    ],
    [bad([t([2, 6]), 1, [4, 2]], ["unflatten", "6"])],
  ),
  move(
    "transpose",
    [
      [t([2, 3]), 0, 1],
      [t([2, 3, 4]), 0, -1],
      [t([2, 3], S), 1, 0],
      [t([]), 0, 0],
      [t([0, 3]), 0, 1],
    ],
    [outOfRange("transpose", 0, 2)],
  ),
  move(
    "swapaxes",
    [
      [t([2, 3]), 0, 1],
      [t([2, 3, 4]), -1, 1],
    ],
    [outOfRange("swapaxes", 0, 2)],
  ),
  move("t", [[t([2, 3])], [t([3])], [t([])], [t([2, 3], S)]], [bad([t([2, 3, 4])], ["t", "2"])], {}),
  move("T", [[t([2, 3])], [t([2, 3], S)]], [], { in: "Tensor", property: true }),
  move("mT", [[t([2, 3])], [t([2, 3, 4])]], [bad([t([3])], ["mT", "2"])], {
    in: "Tensor",
    torch: "Tensor.mT",
    property: true,
  }),
  move(
    "permute",
    [
      [t([2, 3, 4]), [2, 0, 1]],
      [t([2, 3]), [1, 0]],
      [t([2, 3, 4], S), [0, -1, 1]],
      [t([]), []],
      [t([0, 3]), [1, 0]],
    ],
    [bad([t([2, 3]), [0, 0]], ["permute", "0"]), bad([t([2, 3]), [0]], ["permute", "2"])],
  ),
  move(
    "movedim",
    [
      [t([2, 3, 4]), 0, 2],
      [t([2, 3, 4]), [0, 1], [-1, 0]],
      [t([2, 3], A), 1, 0],
    ],
    [bad([t([2, 3]), [0, 1], [0, 0]], ["movedim"])],
    { aliases: ["moveaxis"] },
  ),
  move(
    "squeeze",
    [
      [t([1, 3, 1])],
      [t([1, 3, 1]), 0],
      [t([1, 3, 1]), 1],
      [t([1, 3, 1]), [0, -1]],
      [t([2, 1, 3], S), { dim: 1 }],
      [t([])],
      [t([1, 0])],
    ],
    [outOfRange("squeeze", 2)],
    { inPlace: true },
  ),
  move(
    "unsqueeze",
    [
      [t([2, 3]), 0],
      [t([2, 3]), -1],
      [t([2, 3], S), 1],
      [t([]), 0],
      [t([0]), 1],
    ],
    [outOfRange("unsqueeze", 3)],
    { inPlace: true },
  ),
  move(
    "expand",
    [
      [t([1, 3]), [2, 3]],
      [t([3]), [2, -1]],
      [t([]), [2, 2]],
      [t([3, 1], A), [3, 4]],
      [t([1, 3]), [0, 3]],
      [t([1]), [2, 3]],
    ],
    [bad([t([2, 3]), [4, 3]], ["expand", "[2, 3]", "[4, 3]"]), bad([t([2, 3]), [3]], ["expand", "[2, 3]"])],
    { in: "Tensor" },
  ),
  move(
    "expandAs",
    [
      [t([1, 3]), t([2, 3])],
      [t([]), t([2])],
    ],
    [bad([t([2, 3]), t([4, 3])], ["expandAs", "[2, 3]"])],
    {
      in: "Tensor",
    },
  ),
  move(
    "broadcastTo",
    [
      [t([1, 3]), [2, 3]],
      [t([3, 1], S), [2, 3, 4]],
    ],
    [bad([t([2, 3]), [4, 3]], ["broadcastTo", "[2, 3]", "[4, 3]"])],
  ),
  move(
    "repeat",
    [
      [t([2, 3]), [2, 1]],
      [t([3]), [2, 2]],
      [t([2, 3], A), [1, 2]],
      [t([2]), [0]],
      [t([]), [3]],
      [t([2, 1], E), [1, 2]],
    ],
    [bad([t([2, 3]), [2]], ["repeat"])],
    { in: "Tensor" },
  ),
  move(
    "tile",
    [
      [t([2, 3]), [2]],
      [t([3]), [2, 2]],
      [t([2, 3], A), [1, 2]],
    ],
    [],
  ),
  move(
    "flip",
    [
      [t([2, 3]), [0]],
      [t([2, 3]), [0, 1]],
      [t([2, 3, 4], A), [-1]],
      [t([]), []],
      [t([0, 3]), [1]],
    ],
    [outOfRange("flip", [2]), bad([t([2, 3]), [0, 0]], ["flip", "dim"])],
  ),
  move("fliplr", [[t([2, 3])], [t([2, 3, 2], A)]], [bad([t([3])], ["fliplr", "2"])]),
  move("flipud", [[t([2, 3])], [t([3], S)]], [bad([t([])], ["flipud", "1"])]),
  move(
    "roll",
    [
      [t([2, 3]), 1, 0],
      [t([2, 3]), 2],
      [t([3, 4]), [1, -2], [0, 1]],
      [t([3, 4], A), 5, 1],
      [t([0, 3]), 1, 0],
      [t([]), 1],
    ],
    [bad([t([2, 3]), [1, 2], [0]], ["roll", "shifts", "dims"])],
  ),
  move(
    "rot90",
    [[t([2, 3])], [t([2, 3]), 2], [t([2, 3]), -1, [1, 0]], [t([2, 3, 2], A), 1, [0, 2]]],
    [bad([t([2, 3]), 1, [0, 0]], ["rot90", "dims"])],
  ),
  move(
    "cat",
    [
      [[t([2, 3]), t([1, 3])]],
      [[t([2, 3]), t([2, 1]), t([2, 2])], 1],
      [[t([2, 3], A), t([2, 3], S)], { dim: -1 }],
      [[t([0]), t([2, 3])], 1],
      [[t([2, 3])]],
      [[t([0, 3]), t([2, 3])]],
      [[t([2], { dtype: "int32" }), t([2])]],
    ],
    [
      bad([[t([2, 3]), t([2, 4])]], ["cat", "[2, 3]", "[2, 4]"]),
      bad([[]], ["cat", "empty"]),
      bad([[t([2, 3]), t([2, 3])], 2], ["cat", "dim", "2"]),
      bad([[t([]), t([])]], ["cat", "stack"]),
    ],
    { method: false },
  ),
  move(
    "stack",
    [
      [[t([2, 3]), t([2, 3])]],
      [[t([2, 3]), t([2, 3])], -1],
      [[t([2, 3], A), t([2, 3], E)], 1],
      [[t([]), t([])]],
      [[t([0, 2])]],
    ],
    [bad([[t([2, 3]), t([3, 2])]], ["stack", "[2, 3]", "[3, 2]"]), bad([[]], ["stack", "empty"])],
    { method: false },
  ),
  move("hstack", [[[t([2, 3]), t([2, 1])]], [[t([2]), t([3])]], [[t([]), t([2])]]], [], { method: false }),
  move("vstack", [[[t([2, 3]), t([1, 3])]], [[t([2]), t([2])]], [[t([]), t([1])]]], [], { method: false }),
  move(
    "split",
    [
      [t([5, 2]), 2],
      [t([5, 2]), [1, 4]],
      [t([2, 6], A), 4, 1],
      [t([2, 5], S), [2, 0, 3], { dim: -1 }],
      [t([0, 2]), 2],
    ],
    [bad([t([5, 2]), [1, 2]], ["split", "5"]), bad([t([5, 2]), -1], ["split", "-1"])],
  ),
  move(
    "chunk",
    [
      [t([5, 2]), 2],
      [t([7]), 3],
      [t([2, 6], A), 4, 1],
      [t([2]), 5],
      [t([2, 3]), 1],
    ],
    [bad([t([5, 2]), 0], ["chunk", "0"])],
  ),
  move("unbind", [[t([2, 3])], [t([2, 3]), 1], [t([2, 3, 2], A), -1]], [bad([t([])], ["unbind"])]),
  move(
    "narrow",
    [
      [t([5, 2]), 0, 1, 3],
      [t([2, 5]), -1, 2, 2],
      [t([3, 4], A), 1, 1, 2],
      [t([3]), 0, -2, 1],
      [t([3]), 0, 3, 0],
    ],
    [bad([t([5, 2]), 0, 3, 3], ["narrow", "5"]), outOfRange("narrow", 2, 0, 1)],
  ),
  move(
    "select",
    [
      [t([2, 3]), 0, 1],
      [t([2, 3]), -1, -1],
      [t([2, 3, 4], A), 1, 0],
      [t([2, 3], S), 1, 2],
      [t([3]), 0, 0],
    ],
    [bad([t([2, 3]), 0, 2], ["select", "2"]), bad([t([]), 0, 0], ["select"])],
  ),
  move(
    "unfold",
    [
      [t([7]), 0, 3, 2],
      [t([2, 5]), 1, 2, 1],
      [t([5, 2], A), 0, 5, 1],
      [t([4]), 0, 2, 2],
    ],
    [bad([t([3]), 0, 4, 1], ["unfold", "4", "3"])],
    { in: "Tensor" },
  ),
  move(
    "diagonal",
    [
      [t([3, 3])],
      [t([2, 4]), 1],
      [t([4, 2]), -1],
      [t([2, 3, 4]), { dim1: 1, dim2: 2 }],
      [t([2, 3, 4], A), 0, 0, 2],
      [t([2, 2]), 5],
    ],
    [bad([t([3])], ["diagonal", "dim"]), bad([t([2, 2]), 0, 1, 1], ["diagonal", "dim"])],
  ),
  move(
    "diag",
    [[t([3])], [t([3]), 1], [t([2]), -2], [t([3, 3])], [t([2, 4], A), 1], [t([0])]],
    [bad([t([2, 2, 2])], ["diag", "3"])],
  ),
  move("tril", [[t([3, 3])], [t([2, 4]), 1], [t([2, 4, 3], A), -1], [t([0, 3])]], [bad([t([3])], ["tril", "2"])], {
    inPlace: true,
  }),
  move("triu", [[t([3, 3])], [t([2, 4]), 1], [t([2, 4, 3], A), -1], [t([0, 3])]], [bad([t([3])], ["triu", "2"])], {
    inPlace: true,
  }),
  move(
    "asStrided",
    [
      [t([6]), [2, 2], [2, 1]],
      [t([6]), [2, 3], [1, 1], 1],
      [t([2, 3]), [3], [0]],
      sample([t([2, 3], O), [2], [2], 3], { noGradcheck: "a moved copy lies otherwise in its storage" }),
      [t([]), [2], [0]],
    ],
    [bad([t([4]), [3, 2], [2, 1]], ["asStrided", "4"])],
  ),
  move(
    "contiguous",
    [[t([2, 3])], [t([2, 3], A)], [t([2, 3], S)], [t([2, 3], E)], [t([2, 3], O)], [t([])], [t([0, 3])]],
    [],
    {
      in: "Tensor",
    },
  ),
  move("clone", [[t([2, 3])], [t([2, 3], A)], [t([2, 3], E)], [t([])], [t([0, 3])]], []),
  move("detach", [[t([2, 3])], [t([2, 3], A)]], [], { dtypes: ["float32", "float64"] }),
  move(
    "fill_",
    [
      [t([2, 3]), 2],
      [t([2, 3], A), t([])],
      [t([0]), 1],
      [t([2, 3], S), -0.5],
    ],
    [],
    { in: "Tensor", mutates: true },
  ),
  move("zero_", [[t([2, 3])], [t([2, 3], A)], [t([0])]], [], { in: "Tensor", mutates: true }),
  row("copy_", {
    in: "Tensor",
    mutates: true,
    dtypes: ALL,
    samples: [
      [t([2, 3]), t([2, 3])],
      [t([2, 3]), t([3], S)],
      [t([2, 3], A), t([])],
      [t([2, 3]), t([3], { dtype: "int32" })],
      [t([3], { dtype: "int32" }), t([3])],
      [t([0, 3]), t([3])],
    ],
    errors: [bad([t([2, 3]), t([4])], ["copy_", "[2, 3]", "[4]"])],
  }),
  move(
    "meshgrid",
    [
      [[t([2]), t([3])], { indexing: "ij" }],
      [[t([2]), t([3])], { indexing: "xy" }],
      [[t([]), t([2])], { indexing: "ij" }],
    ],
    [bad([[t([2]), t([3])], { indexing: "yx" }], ["meshgrid", "indexing"])],
    { method: false },
  ),
  move(
    "viewAs",
    [
      [t([2, 3]), t([3, 2])],
      [t([2, 3]), t([6])],
    ],
    [bad([t([2, 3]), t([4])], ["viewAs", "[2, 3]", "[4]"])],
    {
      in: "Tensor",
    },
  ),
  move("reshapeAs", [[t([2, 3], A), t([3, 2])]], [bad([t([2, 3]), t([4])], ["reshapeAs", "[2, 3]", "[4]"])], {
    in: "Tensor",
  }),
  move(
    "tensorSplit",
    [
      [t([7]), 3],
      [t([2, 5], A), [1, 3], 1],
      [t([2, 5]), 2, { dim: -1 }],
      [t([3]), [2, 7]],
    ],
    [bad([t([5]), 0], ["tensorSplit", "0"])],
  ),
  move(
    "swapdims",
    [
      [t([2, 3]), 0, 1],
      [t([2, 3, 4], A), 0, -1],
    ],
    [outOfRange("swapdims", 0, 2)],
  ),
  ...["transpose_", "swapaxes_", "swapdims_"].map((name) =>
    move(
      name,
      [
        [t([2, 3]), 0, 1],
        [t([2, 3, 4], A), 0, -1],
      ],
      [outOfRange(name, 0, 2)],
      { in: "Tensor", mutates: true },
    ),
  ),
  move("t_", [[t([2, 3])], [t([3])]], [bad([t([2, 3, 4])], ["t_", "2"])], { in: "Tensor", mutates: true }),
  ...["hsplit", "vsplit", "dsplit"].map((name) =>
    move(
      name,
      [
        [t([2, 4, 6]), 2],
        [t([4, 4, 4], A), [1, 3]],
      ],
      [bad([t([2]), 5], [name])],
    ),
  ),
  move(
    "selectScatter",
    [
      [t([2, 3]), t([3]), 0, 1],
      [t([2, 3], A), t([2], S), 1, -1],
    ],
    [bad([t([2, 3]), t([2]), 0, 0], ["selectScatter", "[2]", "[3]"])],
  ),
  move(
    "sliceScatter",
    [
      [t([4, 3]), t([2, 3]), 0, 1, 3],
      [t([4, 3], A), t([2, 3], S), { start: 0, end: 4, step: 2 }],
      [t([2, 5]), t([2, 2]), 1, 3],
    ],
    [bad([t([4, 3]), t([3, 3]), 0, 1, 3], ["sliceScatter", "[3, 3]", "[2, 3]"])],
  ),
  move(
    "diagonalScatter",
    [
      [t([3, 3]), t([3])],
      [t([3, 4], A), t([3], S), 1],
    ],
    [bad([t([3, 3]), t([2])], ["diagonalScatter", "[2]", "[3]"])],
  ),
  ...["concat", "concatenate"].map((name) =>
    move(name, [[[t([2, 3]), t([1, 3])]], [[t([2, 3]), t([2, 1])], 1]], [], { method: false }),
  ),
  ...["atleast1d", "atleast2d", "atleast3d"].map((name) =>
    move(name, [[t([])], [t([2])], [t([2, 3], A)], [t([2, 3, 2])], [t([2, 2, 2, 2])], [t([]), t([3])]], [], {
      method: false,
      torch: name.replace(/(\dd)/, "_$1"),
    }),
  ),
  move("rowStack", [[[t([2, 3]), t([1, 3])]], [[t([2]), t([2])]]], [], { method: false, torch: "row_stack" }),
  move("dstack", [[[t([2, 3]), t([2, 3])]], [[t([2]), t([2])]]], [], { method: false }),
  move("columnStack", [[[t([2, 3]), t([2, 1])]], [[t([2]), t([2, 2])]]], [], { method: false }),
  move(
    "broadcastTensors",
    [
      [t([2, 1]), t([3])],
      [t([]), t([2, 2], A)],
    ],
    [bad([t([2]), t([3])], ["broadcastTensors", "[2]", "[3]"])],
    { method: false },
  ),
  move("cartesianProd", [[t([2]), t([3])], [t([3])], [t([2], S), t([1]), t([2])]], [], { method: false }),
  move(
    "blockDiag",
    [
      [t([2, 3]), t([1, 2])],
      [t([]), t([2]), t([2, 2], A)],
    ],
    [],
    { method: false },
  ),
  move("diagEmbed", [[t([3])], [t([2, 3]), 1], [t([2, 3], A), { offset: -1, dim1: 0, dim2: 2 }]], []),
  move("diagflat", [[t([3])], [t([2, 2]), 1], [t([2], S), -1]], []),
]
