/** Layers and what they are called with, in every way that the constructor's arguments change the result's shape. */

/** The constructor's arguments, and the call's: text of a program that sees `torch`. */
export type Sample = readonly [made: string, called: string]

const SPATIAL = ["torch.rand(2, 6, 9)", "torch.rand(2, 6, 9, 10)", "torch.rand(2, 6, 7, 8, 9)"] as const
const SINGLE = ["torch.rand(6, 9)", "torch.rand(6, 9, 10)", "torch.rand(6, 7, 8, 9)"] as const
const RANKS = [1, 2, 3] as const
type Rank = (typeof RANKS)[number]

/** The same list of N numbers written out. */
const list = (numbers: readonly number[], n: number): string => `[${numbers.slice(0, n).join(", ")}]`

/** The layers of one, two and three dims. */
const each = (name: string, samples: (rank: Rank, batch: string, single: string) => readonly Sample[]) =>
  Object.fromEntries(
    RANKS.map((rank) => [`${name}${rank}d`, samples(rank, SPATIAL[rank - 1] as string, SINGLE[rank - 1] as string)]),
  )

/** Of layers that leave the shape as it is, with arguments that do not matter to it. */
const same = (...made: readonly string[]): readonly Sample[] =>
  (made.length > 0 ? made : [""]).flatMap((args) => [
    [args, "torch.rand(2, 3)"],
    [args, "torch.rand(2, 3, 4, 5).double()"],
  ])

const convolution = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["6, 8, 3", batch],
  ["6, 8, 3, 2", single],
  [`6, 8, ${list([3, 2, 1], rank)}, ${list([2, 1, 3], rank)}, ${list([1, 0, 2], rank)}`, batch],
  ["6, 9, 2, 2, 1, { dilation: 2, groups: 3, bias: false }", batch],
  ["6, 9, 2, 1, 1, 2, 3, false", batch],
  ['6, 8, 3, { padding: "same" }', batch],
  ['6, 8, 3, { padding: "valid", stride: 2 }', batch],
  ['6, 8, 3, { padding: 1, paddingMode: "replicate" }', batch],
  ["{ inChannels: 6, outChannels: 8, kernelSize: 3, stride: 2 }", batch],
]
const transposed = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["6, 8, 3", batch],
  ["6, 8, 3, 2", single],
  [`6, 8, ${list([3, 2, 1], rank)}, ${list([2, 2, 3], rank)}, ${list([1, 0, 0], rank)}, 1`, batch],
  ["6, 9, 3, 2, 1, 1, 3, false, 2", batch],
  ["6, 8, 3, { stride: 3, padding: 1, outputPadding: 2, dilation: 2, groups: 2 }", batch],
  ["{ inChannels: 6, outChannels: 8, kernelSize: 3, stride: 2 }", batch],
  ["6, 8, 3, 2", `${batch}, ${list([[20], [20, 22], [16, 18, 20]][rank - 1] as number[], 3)}`],
]

const maxPool = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["2", batch],
  ["3, 2, 1", single],
  [`${list([3, 2, 2], rank)}, ${list([2, 1, 3], rank)}, ${list([1, 0, 1], rank)}, 2`, batch],
  ["2, { ceilMode: true }", batch],
  ["2, { returnIndices: true }", batch],
  ["{ kernelSize: 3, stride: 2, padding: 1, dilation: 1 }", batch],
]
const averagePool = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["2", batch],
  ["3, 2, 1", single],
  [list([3, 2, 2], rank), batch],
  ["2, 3, 1, true", batch],
  ["{ kernelSize: 3, stride: 2 }", batch],
]
const adaptive = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["1", batch],
  [list([3, 2, 2], rank), single],
  [`[${["null", "2", "3"].slice(0, rank).join(", ")}]`, batch],
  ["{ outputSize: 3 }", batch],
]
const adaptiveMax = (rank: Rank, batch: string, single: string): readonly Sample[] => [
  ...adaptive(rank, batch, single),
  ["2, true", batch],
]

const padding =
  (constant: boolean) =>
  (rank: Rank, batch: string, single: string): readonly Sample[] =>
    ["1", list([1, 2, 0, 3, 2, 1], 2 * rank), list([-1, 2, 0, -2, 1, -1], 2 * rank)].flatMap((sides) =>
      [batch, single].map((x) => [constant ? `${sides}, 0.5` : sides, x] as const),
    )

const batchNorm = (batch: string): readonly Sample[] => [
  ["6", batch],
  ["6, { affine: false, trackRunningStats: false }", batch],
]
const instanceNorm = (_rank: Rank, batch: string, single: string): readonly Sample[] => [
  ["6", batch],
  ["6, { affine: true }", single],
]

/** Losses of corresponding elements; `before` are the settings before the reduction. */
const elementwise = (before: string, broadcasts = true): readonly Sample[] =>
  ["", `${before}"sum"`, `${before}"none"`, '{ reduction: "none" }'].flatMap((made) => [
    [made, "torch.rand(4, 3), torch.rand(4, 3)"],
    ...(broadcasts ? [[made, "torch.rand(4, 3), torch.rand(3).double()"] as const] : []),
  ])
const classes = (before: string): readonly Sample[] =>
  ["", `${before}"sum"`, '{ reduction: "none" }'].flatMap((made) => [
    [made, "torch.rand(4, 3), torch.randint(3, [4])"],
    [made, "torch.rand(4, 3, 5, 6), torch.randint(3, [4, 5, 6])"],
    [made, "torch.rand(3), torch.randint(3, [])"],
  ])
const three = (tensors: string, before: string): readonly Sample[] => [
  ["", tensors],
  [`${before}"sum"`, tensors],
  ['{ reduction: "none" }', tensors],
]
const SIGNS = "torch.tensor([1, -1, 1, 1])"

/** By class. */
export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  Linear: [
    ["5, 7", "torch.rand(5)"],
    ["5, 7, false", "torch.rand(2, 3, 5)"],
    ["{ inFeatures: 5, outFeatures: 7 }", "torch.rand(2, 5)"],
  ],
  Bilinear: [
    ["3, 4, 5", "torch.rand(2, 3), torch.rand(2, 4)"],
    ["{ in1Features: 3, in2Features: 4, outFeatures: 5, bias: false }", "torch.rand(2, 6, 3), torch.rand(2, 6, 4)"],
  ],
  Identity: [
    ["", "torch.rand(2, 3)"],
    ["54, { unused: true }", "torch.randint(3, [4])"],
  ],
  Embedding: [
    ["10, 3", "torch.randint(10, [2, 2])"],
    ["{ numEmbeddings: 10, embeddingDim: 3 }", "torch.randint(10, [])"],
  ],

  ...each("Conv", convolution),
  ...each("ConvTranspose", transposed),
  ...each("MaxPool", maxPool),
  ...each("AvgPool", averagePool),
  ...each("AdaptiveAvgPool", adaptive),
  ...each("AdaptiveMaxPool", adaptiveMax),
  ...each("ZeroPad", padding(false)),
  ...each("ConstantPad", padding(true)),
  ...each("ReflectionPad", padding(false)),
  ...each("ReplicationPad", padding(false)),
  ...each("CircularPad", padding(false)),

  Unfold: [
    ["2", "torch.rand(2, 3, 5, 6)"],
    ["[2, 3], 1, [1, 0], 2", "torch.rand(3, 5, 6)"],
    ["{ kernelSize: 2, dilation: 2 }", "torch.rand(2, 3, 5, 6)"],
  ],
  Fold: [
    ["[5, 6], 2", "torch.rand(2, 12, 20)"],
    ["5, [2, 3], 1, [1, 0], 2", "torch.rand(18, 6)"],
    ["{ outputSize: [5, 6], kernelSize: 2, dilation: 2 }", "torch.rand(2, 12, 12)"],
  ],
  Upsample: [
    ["{ scaleFactor: 2 }", "torch.rand(2, 3, 4)"],
    ["[5, 6]", "torch.rand(2, 3, 4, 4)"],
    ["null, [2, 3]", "torch.rand(2, 3, 4, 4)"],
    ['7, null, "trilinear"', "torch.rand(2, 3, 4, 4, 4)"],
  ],
  UpsamplingNearest2d: [
    ["7", "torch.rand(2, 3, 4, 4)"],
    ["{ scaleFactor: 3 }", "torch.rand(2, 3, 4, 4)"],
  ],
  UpsamplingBilinear2d: [
    ["[7, 5]", "torch.rand(2, 3, 4, 4)"],
    ["{ scaleFactor: 3 }", "torch.rand(2, 3, 4, 4)"],
  ],

  Flatten: [
    ["", "torch.rand(2, 3, 4)"],
    ["0", "torch.rand(2, 3, 4)"],
    ["{ endDim: 1, startDim: 0 }", "torch.rand(2, 3, 4)"],
  ],
  Unflatten: [
    ["1, [2, 3]", "torch.rand(2, 6)"],
    ["-1, [2, -1, 3]", "torch.rand(2, 12)"],
  ],
  PixelShuffle: [["2", "torch.rand(2, 8, 3, 4)"]],
  PixelUnshuffle: [["2", "torch.rand(2, 4, 6)"]],
  ChannelShuffle: [["3", "torch.rand(2, 6, 4, 5)"]],

  BatchNorm1d: [...batchNorm("torch.rand(2, 6)"), ...batchNorm(SPATIAL[0])],
  BatchNorm2d: batchNorm(SPATIAL[1]),
  BatchNorm3d: batchNorm(SPATIAL[2]),
  ...each("InstanceNorm", instanceNorm),
  LayerNorm: [
    ["5", "torch.rand(2, 5)"],
    ["[4, 5], { elementwiseAffine: false }", "torch.rand(2, 4, 5)"],
  ],
  RMSNorm: [
    ["5", "torch.rand(2, 5)"],
    ["{ normalizedShape: [4, 5] }", "torch.rand(2, 4, 5)"],
  ],
  GroupNorm: [["3, 6", "torch.rand(2, 6, 4)"]],
  LocalResponseNorm: [["2", "torch.rand(2, 6, 4)"]],

  ReLU: same("", "true"),
  ReLU6: same(),
  LeakyReLU: same("0.1"),
  RReLU: same(),
  PReLU: same("", "{ init: 0.1 }").filter(([, called]) => !called.includes("double")),
  ELU: same(),
  SELU: same(),
  CELU: same("{ alpha: 2 }"),
  GELU: same("", '"tanh"'),
  SiLU: same(),
  Mish: same(),
  Sigmoid: same(),
  Tanh: same(),
  Softplus: same(),
  Softsign: same(),
  Hardtanh: same("-2, 2"),
  Hardsigmoid: same(),
  Hardswish: same(),
  Tanhshrink: same(),
  Softshrink: same(),
  Hardshrink: same(),
  LogSigmoid: same(),
  Threshold: same("0.1, 20"),
  Dropout: same("", "0.1"),
  Dropout1d: [["0.1", SPATIAL[0]]],
  Dropout2d: [["0.1", SPATIAL[1]]],
  Dropout3d: [["0.1", SPATIAL[2]]],
  GLU: [
    ["", "torch.rand(2, 6)"],
    ["{ dim: 0 }", "torch.rand(2, 6)"],
    ["1", "torch.rand(2, 6, 3)"],
  ],
  Softmax: same("", "1", "{ dim: -2 }"),
  LogSoftmax: same("", "1"),
  Softmin: same("1"),
  Softmax2d: [["", SPATIAL[1]]],

  CosineSimilarity: [
    ["", "torch.rand(2, 3), torch.rand(2, 3)"],
    ["0", "torch.rand(2, 3), torch.rand(3).double()"],
    ["{ dim: -1, eps: 1e-6 }", "torch.rand(2, 3, 4), torch.rand(3, 1)"],
  ],
  PairwiseDistance: [
    ["", "torch.rand(2, 3), torch.rand(2, 3)"],
    ["1, 1e-6, true", "torch.rand(2, 3), torch.rand(3).double()"],
    ["{ keepdim: true }", "torch.rand(3), torch.rand(3)"],
  ],

  CrossEntropyLoss: [
    ...classes("null, -100, "),
    ['{ labelSmoothing: 0.1, reduction: "none" }', "torch.rand(4, 3), torch.rand(4, 3)"],
  ],
  NLLLoss: classes("null, -100, "),
  MSELoss: elementwise(""),
  L1Loss: elementwise(""),
  SmoothL1Loss: elementwise(""),
  HuberLoss: elementwise(""),
  BCELoss: elementwise("null, ", false),
  BCEWithLogitsLoss: elementwise("null, ", false),
  KLDivLoss: [...elementwise(""), ['"batchmean"', "torch.rand(4, 3), torch.rand(4, 3)"]],
  HingeEmbeddingLoss: elementwise("1, "),
  SoftMarginLoss: elementwise(""),
  PoissonNLLLoss: elementwise("true, false, 1e-8, "),
  MultiLabelSoftMarginLoss: elementwise("null, ", false),
  GaussianNLLLoss: [
    ...three("torch.rand(4, 3), torch.rand(4, 3), torch.rand(4, 3)", "false, 1e-6, "),
    ["", "torch.rand(4, 3), torch.rand(4, 3), 0.5"],
  ],
  MarginRankingLoss: three(`torch.rand(4), torch.rand(4), ${SIGNS}`, "0, "),
  CosineEmbeddingLoss: three(`torch.rand(4, 3), torch.rand(4, 3), ${SIGNS}`, "0, "),
  TripletMarginLoss: three("torch.rand(4, 3), torch.rand(4, 3), torch.rand(4, 3)", "1, 2, 1e-6, false, "),

  Sequential: [
    ["new torch.nn.Linear(5, 6), new torch.nn.Identity(), new torch.nn.GLU()", "torch.rand(2, 5)"],
    ["[new torch.nn.Conv2d(6, 4, 3), new torch.nn.ConvTranspose2d(4, 2, 3, 2)]", SPATIAL[1]],
    ["new torch.nn.ReflectionPad1d(2), new torch.nn.Dropout(), new torch.nn.Flatten()", SPATIAL[0]],
    [
      "new torch.nn.Sequential(new torch.nn.Unfold(2), new torch.nn.Softmax(1)), new torch.nn.LayerNorm(72)",
      SPATIAL[1],
    ],
  ],
}

/** Exports of `nn` that are no layers, and why. */
export const NO_LAYERS: Readonly<Record<string, string>> = {
  Module: "the base class: a module's own `forward` says what it gives",
  ModuleList: "it is not called",
  ModuleDict: "it is not called",
  ParameterList: "it is not called",
  ParameterDict: "it is not called",
}

const VARIANCE = "the elements' losses of three tensors are not worked out; reduced, it has no dims"

/** Samples whose results are not known to the last size and dtype, and why. */
export const OPEN: Readonly<Record<string, string>> = {
  Embedding: "its dtype is the table's, which `to` changes",
  GaussianNLLLoss: VARIANCE,
  MarginRankingLoss: VARIANCE,
  CosineEmbeddingLoss: VARIANCE,
  TripletMarginLoss: VARIANCE,
}
