/** nn.functional: softmax, convolution, pooling, normalisation, resampling, distances. */

import {
  bad,
  FLOATS,
  type Row,
  type RowInit,
  roundedSteps,
  row,
  type SampleInit,
  sample,
  type TensorOptions,
  t,
  v,
  WIDE,
} from "../row.ts"

const A: TensorOptions = { layout: "transposed" }
const S: TensorOptions = { layout: "sliced" }
const D: TensorOptions = { distinct: true }
const INF = Number.POSITIVE_INFINITY

const functional = (
  name: string,
  samples: readonly SampleInit[],
  errors: Row["errors"] = [],
  more: Partial<RowInit> = {},
): Row => row(name, { in: "nn.functional", dtypes: FLOATS, samples, errors, ...more })

const along = (name: string, more: Partial<RowInit> = {}): Row =>
  functional(
    name,
    [
      [t([2, 3]), 1],
      [t([2, 3]), 0],
      [t([2, 3, 4]), { dim: 1 }],
      [t([3, 4], A), -1],
      [t([2, 7], S), 1],
      [t([]), 0],
      [t([0, 3]), 1],
      [t([3, 0]), 1],
      [t([2, 3]), { dim: 1, dtype: "float64" }],
      [v([1000, 999, 0, -1000, 1000]), 0],
      sample([t([4, 3], { values: [1, INF, 2, -INF, 0, 1, -INF, -INF, -INF, 1, Number.NaN, 2] }), 1], {
        only: WIDE,
        tags: ["extreme"],
      }),
      [t([2, 131]), 1],
    ],
    [bad([t([2, 3]), 2], [name, "dim", "2"])],
    more,
  )

const CONV_ERRORS = (name: string, dims: number[]) => [
  bad([t([1, 3, ...dims]), t([4, 2, ...dims.map(() => 2)])], [name, "3", "2"]),
  bad([t([3]), t([4, 3, ...dims.map(() => 2)])], [name, "[3]"]),
  bad([t([1, 2, ...dims.map(() => 2)]), t([4, 2, ...dims.map(() => 3)])], [name, "kernel"]),
]

const POOL_ERRORS = (name: string, dims: number[]) => [
  bad([t([1, 1, ...dims]), 2, { padding: 3 }], [name, "padding"]),
  bad([t([1, 1, ...dims]), 2, { kernel: 1 }], [name, "kernel"], true),
]

/** Running statistics: never differentiated. */
const stat = (size: number, low: number) => t([size], { low, high: low + 1, requiresGrad: false })

export const NEURAL: readonly Row[] = [
  along("softmax", { aliases: ["softmax"], method: true }),
  along("logSoftmax", { aliases: ["logSoftmax"], method: true }),
  along("softmin"),

  functional(
    "conv1d",
    [
      [t([2, 3, 7]), t([4, 3, 3]), t([4])],
      [t([1, 2, 5]), t([3, 2, 2])],
      [t([2, 2, 9]), t([4, 2, 3]), t([4]), 2, 1],
      [t([2, 4, 9]), t([4, 2, 3]), { dilation: 2, groups: 2 }],
      [t([3, 7]), t([4, 3, 3]), t([4])],
      [t([1, 2, 6]), t([3, 2, 3]), null, 1, "same"],
      [t([1, 2, 6]), t([3, 2, 3]), { padding: "valid" }],
      [t([2, 3, 7], A), t([4, 3, 3], S)],
      [t([0, 3, 7]), t([4, 3, 3])],
    ],
    CONV_ERRORS("conv1d", [5]),
  ),
  functional(
    "conv2d",
    [
      [t([2, 2, 4, 5]), t([3, 2, 3, 3]), t([3])],
      [t([1, 2, 4, 4]), t([3, 2, 2, 2])],
      [t([1, 2, 7, 5]), t([3, 2, 3, 3]), t([3]), 2, 1],
      [t([1, 2, 7, 6]), t([3, 2, 3, 2]), { stride: [2, 1], padding: [0, 1], dilation: [1, 2] }],
      [t([1, 4, 4, 3]), t([4, 2, 3, 3]), t([4]), { groups: 2, padding: 1 }],
      [t([1, 3, 4, 4]), t([3, 1, 3, 3]), { groups: 3 }],
      [t([2, 4, 4]), t([3, 2, 3, 3]), t([3])],
      [t([1, 2, 5, 4]), t([3, 2, 3, 2]), { padding: "same" }],
      [t([1, 2, 5, 5], A), t([3, 2, 3, 3], A)],
      [t([1, 2, 5, 5], S), t([3, 2, 1, 1])],
      [t([0, 2, 5, 5]), t([3, 2, 3, 3]), t([3])],
      [t([1, 1, 3, 3]), t([1, 1, 3, 3])],
      // Large enough for blocks and their remainders.
      sample([t([2, 5, 11, 9]), t([19, 5, 3, 3]), t([19])], { only: ["float32"] }),
    ],
    [
      ...CONV_ERRORS("conv2d", [5, 5]),
      bad([t([1, 3, 5, 5]), t([4, 1, 2, 2]), { groups: 2 }], ["conv2d", "groups"]),
      bad([t([1, 2, 5, 5]), t([4, 2, 2, 2]), t([3])], ["conv2d", "bias"]),
    ],
  ),
  functional(
    "conv3d",
    [
      [t([1, 2, 3, 4, 3]), t([2, 2, 2, 2, 2]), t([2])],
      [t([1, 2, 3, 3, 3]), t([2, 1, 2, 2, 2]), { groups: 2, padding: 1, stride: 2 }],
      [t([2, 3, 3, 3]), t([2, 2, 2, 1, 2])],
    ],
    CONV_ERRORS("conv3d", [3, 3, 3]),
  ),
  functional(
    "convTranspose1d",
    [
      [t([2, 3, 5]), t([3, 4, 3]), t([4])],
      [t([1, 2, 4]), t([2, 3, 3]), null, 2, 1, 1],
      [t([1, 4, 4]), t([4, 2, 3]), { groups: 2, dilation: 2 }],
      [t([2, 4], A), t([2, 3, 2])],
    ],
    [bad([t([1, 3, 5]), t([2, 4, 3])], ["convTranspose1d", "3", "2"])],
    { tolerance: roundedSteps(2) },
  ),
  functional(
    "convTranspose2d",
    [
      [t([1, 2, 3, 4]), t([2, 3, 3, 3]), t([3])],
      [t([1, 2, 3, 3]), t([2, 3, 2, 2]), { stride: 2, padding: 1, outputPadding: 1 }],
      [t([1, 4, 3, 2]), t([4, 2, 3, 2]), t([4]), { stride: [2, 1], groups: 2, dilation: [1, 2] }],
      [t([2, 3, 3], S), t([2, 3, 2, 2])],
    ],
    [
      bad([t([1, 3, 5, 5]), t([2, 4, 3, 3])], ["convTranspose2d", "3", "2"]),
      bad([t([1, 2, 5, 5]), t([2, 4, 3, 3]), { outputPadding: 1 }], ["convTranspose2d", "output"]),
    ],
    { tolerance: roundedSteps(2) },
  ),

  functional(
    "maxPool1d",
    [
      [t([2, 3, 7], D), 2],
      [t([2, 3, 7], D), 3, 2, 1],
      [t([3, 8], D), 2, { dilation: 2, ceilMode: true }],
      [t([2, 3, 7], { ...A, ...D }), 2],
      [t([1, 2, 6], D), 2, { returnIndices: true }],
    ],
    POOL_ERRORS("maxPool1d", [6]),
    { indices: [1] },
  ),
  functional(
    "maxPool2d",
    [
      [t([2, 3, 4, 6], D), 2],
      [t([1, 2, 5, 5], D), 3, 2, 1],
      [t([1, 2, 5, 7], D), [2, 3], { stride: [1, 2], padding: [1, 0], ceilMode: true }],
      [t([1, 2, 6, 6], D), 2, { dilation: 2 }],
      [t([2, 4, 4], D), 2],
      [t([1, 2, 4, 4], { ...A, ...D }), 2],
      [t([1, 2, 5, 5], D), 3, { stride: 1, returnIndices: true }],
      sample([t([1, 1, 3, 3], { values: [1, 1, 1, 1, 1, 1, 1, 1, 1] }), 2, 1], { noGradcheck: "ties" }),
      sample([t([1, 1, 2, 4], { values: [1, Number.NaN, -INF, -INF, 2, 3, -INF, -INF] }), 2], {
        only: WIDE,
        tags: ["extreme"],
      }),
      [t([0, 2, 4, 4]), 2],
    ],
    [...POOL_ERRORS("maxPool2d", [4, 4]), bad([t([1, 1, 2, 2]), 3], ["maxPool2d", "[1, 1, 2, 2]"])],
    { indices: [1] },
  ),
  functional(
    "avgPool1d",
    [
      [t([2, 3, 7]), 2],
      [t([2, 3, 7]), 3, 2, 1],
      [t([3, 8], A), 3, { padding: 1, countIncludePad: false, ceilMode: true }],
    ],
    POOL_ERRORS("avgPool1d", [6]),
  ),
  functional(
    "avgPool2d",
    [
      [t([2, 3, 4, 6]), 2],
      [t([1, 2, 5, 5]), 3, 2, 1],
      [t([1, 2, 5, 7]), [2, 3], { stride: [1, 2], padding: [1, 0], ceilMode: true }],
      [t([1, 2, 5, 5]), 3, { padding: 1, countIncludePad: false }],
      [t([2, 4, 4], S), 2, { divisorOverride: 3 }],
    ],
    POOL_ERRORS("avgPool2d", [4, 4]),
  ),
  functional("adaptiveAvgPool1d", [
    [t([2, 3, 8]), 4],
    [t([2, 3, 7], A), 3],
  ]),
  functional("adaptiveAvgPool2d", [
    [t([2, 3, 4, 6]), 2],
    [t([1, 2, 5, 7]), [3, 4]],
    [t([1, 2, 5, 7]), [null, 1]],
    [t([2, 5, 5], A), 1],
    [t([1, 2, 3, 3]), 5],
  ]),
  functional(
    "adaptiveMaxPool2d",
    [
      [t([2, 3, 4, 6], D), 2],
      [t([1, 2, 5, 7], D), [3, 4]],
      [t([2, 5, 5], { ...D, ...A }), 1],
      [t([1, 1, 4, 4], D), 2, { returnIndices: true }],
    ],
    [],
    { indices: [1] },
  ),

  functional(
    "pad",
    [
      [t([2, 3]), [1, 2]],
      [t([2, 3]), [1, 0, 0, 2], "constant", 0.5],
      [t([2, 3, 4], A), [-1, 2]],
      [t([1, 2, 5]), [2, 3], { mode: "reflect" }],
      [t([1, 2, 4, 5]), [1, 2, 3, 0], { mode: "reflect" }],
      [t([2, 5]), [2, 1], { mode: "replicate" }],
      [t([1, 2, 3, 3], S), [1, 2, 0, 3], { mode: "replicate" }],
      [t([1, 2, 5]), [2, 3], { mode: "circular" }],
      [t([1, 1, 3, 4]), [1, 2, 2, 1], { mode: "circular" }],
      [t([0, 3]), [1, 1]],
      [t([]), []],
    ],
    [
      bad([t([2, 3]), [1]], ["pad", "2"]),
      bad([t([1, 2, 3]), [3, 0], { mode: "reflect" }], ["pad", "3"]),
      bad([t([2, 3]), [1, 1, 1, 1, 1, 1]], ["pad"]),
      bad([t([2, 3]), [1, 1], { mode: "mirror" }], ["pad", "mirror"]),
    ],
  ),
  functional(
    "dropout",
    [
      [t([2, 3]), 0.5, false],
      [t([2, 3], A), { training: false }],
      [t([0]), { p: 0.25, training: false }],
      [t([2, 3]), 0],
      [t([2, 3]), 1],
    ],
    [bad([t([2]), 1.5], ["dropout", "1.5"])],
  ),

  functional(
    "batchNorm",
    [
      [t([4, 3]), stat(3, 0), stat(3, 1)],
      [t([4, 3, 2]), stat(3, 0), stat(3, 1), t([3]), t([3]), true],
      [t([2, 3, 2, 2]), null, null, t([3]), t([3]), true, 0.25, 0.125],
      [t([4, 3], A), stat(3, 0), stat(3, 1), { training: true }],
      [t([2, 3, 4], S), stat(3, 0), stat(3, 1), t([3]), t([3])],
    ],
    [
      bad([t([1, 3]), stat(3, 0), stat(3, 1), { training: true }], ["batchNorm", "[1, 3]"]),
      bad([t([4, 3]), stat(2, 0), stat(2, 1)], ["batchNorm", "3", "2"]),
    ],
  ),
  functional(
    "layerNorm",
    [
      [t([2, 3]), [3]],
      [t([2, 3, 4]), [3, 4], t([3, 4]), t([3, 4])],
      [t([2, 5], A), [5], t([5])],
      [t([2, 5], S), [5], t([5]), t([5]), 0.125],
      [t([0, 3]), [3]],
      [t([3, 5], { low: 100, high: 108 }), [5]],
    ],
    [bad([t([2, 3]), [4]], ["layerNorm", "[2, 3]", "[4]"]), bad([t([2, 3]), [3], t([2])], ["layerNorm", "weight"])],
  ),
  functional(
    "groupNorm",
    [
      [t([2, 4, 3]), 2],
      [t([2, 4, 2, 2]), 4, t([4]), t([4])],
      [t([2, 6], A), 3, { eps: 0.125 }],
    ],
    [bad([t([2, 4, 3]), 3], ["groupNorm", "4", "3"])],
  ),
  functional("instanceNorm", [[t([2, 3, 4])], [t([2, 3, 2, 2], A), { weight: t([3]), bias: t([3]) }]], [], {
    tolerance: roundedSteps(),
  }),
  functional("rmsNorm", [
    [t([2, 3]), [3]],
    [t([2, 3, 4]), [3, 4], t([3, 4])],
    [t([2, 5], A), [5], t([5]), 0.125],
  ]),
  functional("normalize", [
    [t([2, 3])],
    [t([2, 3]), 1, 0],
    [t([2, 3, 4], A), { dim: -1 }],
    sample([t([2, 2], { values: [0, 0, 3, 4] })], {
      noGradcheck: "a zero vector",
      noSecond: "PyTorch divides zero by zero",
    }),
    [t([0, 3])],
  ]),

  functional(
    "interpolate",
    [
      [t([1, 2, 3, 3]), { scaleFactor: 2 }],
      [t([1, 2, 3, 4]), { size: [5, 7] }],
      [t([1, 2, 5, 4]), 3],
      [t([2, 3, 4], A), { size: 7, mode: "nearest" }],
      [t([1, 2, 3, 4]), { size: [5, 7], mode: "bilinear" }],
      [t([1, 2, 3, 4]), { size: [5, 7], mode: "bilinear", alignCorners: true }],
      [t([1, 2, 4, 5], S), { scaleFactor: [0.5, 1.5], mode: "bilinear" }],
      [t([1, 2, 5]), { size: 8, mode: "linear" }],
      [t([1, 2, 5]), { scaleFactor: 2, mode: "linear", alignCorners: true }],
    ],
    [
      bad([t([1, 2, 3, 3])], ["interpolate", "size", "scaleFactor"]),
      bad([t([1, 2, 3]), { size: 4, mode: "bilinear" }], ["interpolate", "bilinear"]),
    ],
  ),
  functional(
    "unfold",
    [
      [t([1, 2, 4, 5]), 2],
      [t([2, 2, 4, 4]), [2, 3], { padding: 1, stride: 2 }],
      [t([1, 2, 5, 5], A), { kernelSize: 2, dilation: 2 }],
      [t([2, 4, 4]), 3],
    ],
    [bad([t([1, 2, 2, 2]), 3], ["unfold", "[1, 2, 2, 2]"])],
  ),
  functional(
    "fold",
    [
      [t([1, 8, 12]), [4, 5], 2],
      [t([2, 8, 6]), { outputSize: [4, 6], kernelSize: 2, stride: 2 }],
      [t([8, 9], A), [4, 4], 2],
    ],
    [bad([t([1, 8, 11]), [4, 5], 2], ["fold", "11", "12"])],
  ),
  functional(
    "pixelShuffle",
    [
      [t([1, 8, 2, 3]), 2],
      [t([4, 2, 2], A), 2],
    ],
    [bad([t([1, 6, 2, 2]), 2], ["pixelShuffle", "6"])],
    {
      aliases: ["pixelShuffle"],
    },
  ),
  functional(
    "pixelUnshuffle",
    [
      [t([1, 2, 4, 6]), 2],
      [t([1, 4, 4], A), 2],
    ],
    [bad([t([1, 2, 3, 4]), 2], ["pixelUnshuffle", "3"])],
    {
      aliases: ["pixelUnshuffle"],
    },
  ),
  functional("cosineSimilarity", [
    [t([2, 3]), t([2, 3])],
    [t([2, 3]), t([3]), 1],
    [t([2, 3, 4], A), t([2, 3, 4]), { dim: 2 }],
    sample([t([2, 2], { values: [0, 0, 3, 4] }), t([2, 2])], {
      noGradcheck: "a zero vector",
      noSecond: "PyTorch divides zero by zero",
    }),
  ]),
  functional("pairwiseDistance", [
    [t([2, 3]), t([2, 3])],
    [t([2, 3]), t([3]), 1],
    [t([3], S), t([2, 3]), { keepdim: true }],
  ]),
  functional(
    "convTranspose3d",
    [
      [t([1, 2, 2, 3, 3]), t([2, 3, 2, 2, 2]), t([3])],
      [t([1, 2, 2, 2, 2]), t([2, 2, 2, 2, 2]), { stride: 2, padding: 1, outputPadding: 1 }],
    ],
    [],
    { tolerance: roundedSteps(2), dtypes: WIDE },
  ),
  functional(
    "maxPool3d",
    [
      [t([1, 2, 4, 4, 4], D), 2],
      [t([2, 3, 5, 4], D), [2, 3, 2], { stride: 1, padding: [1, 1, 0] }],
      [t([1, 1, 3, 3, 3], D), 2, { stride: 1, returnIndices: true }],
    ],
    [],
    { indices: [1], dtypes: WIDE },
  ),
  functional(
    "avgPool3d",
    [
      [t([1, 2, 4, 4, 4]), 2],
      [t([2, 3, 5, 4]), [2, 3, 2], { stride: 1, padding: [1, 1, 0], countIncludePad: false }],
      [t([1, 1, 3, 3, 3]), 2, { divisorOverride: 3, ceilMode: true }],
    ],
    [],
    { dtypes: WIDE },
  ),
  functional(
    "adaptiveAvgPool3d",
    [
      [t([1, 2, 4, 5, 6]), 2],
      [t([2, 3, 4, 5]), [2, null, 3]],
    ],
    [],
    { dtypes: WIDE },
  ),
  functional(
    "adaptiveMaxPool1d",
    [
      [t([2, 3, 8], D), 4],
      [t([2, 3, 7], { ...D, ...A }), 3],
      [t([1, 2, 5], D), 2, { returnIndices: true }],
    ],
    [],
    { indices: [1] },
  ),
  functional(
    "adaptiveMaxPool3d",
    [
      [t([1, 2, 4, 5, 6], D), 2],
      [t([1, 4, 4, 4], D), 2, { returnIndices: true }],
    ],
    [],
    { indices: [1], dtypes: WIDE },
  ),
  functional(
    "lpPool1d",
    [
      [t([2, 3, 7], { low: 0.5, high: 2 }), 2, 3],
      [t([1, 2, 6], { low: 0.5, high: 2 }), 3, 2, 1],
    ],
    [],
    {
      dtypes: WIDE,
    },
  ),
  functional(
    "lpPool2d",
    [
      [t([1, 2, 4, 6], { low: 0.5, high: 2 }), 2, 2],
      [t([1, 2, 5, 5], { low: 0.5, high: 2 }), 2, [2, 3], { stride: 1 }],
    ],
    [],
    { dtypes: WIDE },
  ),
  functional("lpPool3d", [[t([1, 2, 4, 4, 4], { low: 0.5, high: 2 }), 2, 2]], [], { dtypes: WIDE }),
  functional(
    "upsample",
    [
      [t([1, 2, 3, 3]), { scaleFactor: 2 }],
      [t([1, 2, 3, 4]), { size: [5, 7], mode: "bilinear", alignCorners: true }],
    ],
    [],
    { dtypes: WIDE },
  ),
  functional(
    "channelShuffle",
    [
      [t([1, 4, 2, 2]), 2],
      [t([2, 6, 3], A), 3],
    ],
    [bad([t([1, 4, 2, 2]), 3], ["channelShuffle", "4", "3"])],
  ),
  functional(
    "localResponseNorm",
    [
      [t([2, 5, 3]), 3],
      [t([1, 4, 2, 2], A), 2, 0.5, 0.25, 2],
    ],
    [],
    { dtypes: WIDE },
  ),
]
