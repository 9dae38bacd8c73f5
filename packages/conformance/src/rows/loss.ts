/** Losses. Targets lie on another grid than inputs, so that no difference hits a kink. */

import {
  bad,
  FLOATS,
  index,
  type Row,
  type RowInit,
  row,
  type SampleInit,
  sample,
  type TensorOptions,
  t,
  v,
  WIDE,
} from "../row.ts"
import { EXTREMES } from "./samples.ts"

const A: TensorOptions = { layout: "transposed" }
const TARGET: TensorOptions = { low: -1, high: 1 }
const UNIT: TensorOptions = { low: 0, high: 1 }

const functional = (
  name: string,
  samples: readonly SampleInit[],
  errors: Row["errors"] = [],
  more: Partial<RowInit> = {},
): Row => row(name, { in: "nn.functional", dtypes: FLOATS, samples, errors, ...more })

const WEIGHTED: SampleInit = [t([2, 3]), t([2, 3], TARGET), { weight: t([2, 3], { ...UNIT, requiresGrad: false }) }]

/** Elementwise losses, in every reduction. */
const elementwise = (name: string, more: SampleInit[]): Row =>
  functional(
    name,
    [
      [t([2, 3]), t([2, 3], TARGET)],
      ...["none", "sum"].map((reduction): SampleInit => [t([2, 3], A), t([2, 3], TARGET), { reduction }]),
      [t([]), t([], TARGET)],
      [t([0, 3]), t([0, 3], TARGET)],
      ...more,
      sample([v(EXTREMES), v(EXTREMES.map(() => 1)), { reduction: "none" }], { only: WIDE, tags: ["extreme"] }),
    ],
    [
      bad([t([2, 3]), t([2, 4])], [name, "[2, 3]", "[2, 4]"]),
      bad([t([2, 3]), t([2, 3]), { reduction: "max" }], [name, "max"]),
    ],
  )

const classes = (shape: number[], count: number, ignored?: number) =>
  ignored === undefined
    ? index(shape, count)
    : t(shape, {
        kind: "index",
        high: count,
        values: [ignored, ...Array.from({ length: shape[0] - 1 }, (_, i) => i % count)],
      })

const SIGNS = t([4], { values: [1, -1, -1, 1], requiresGrad: false })
const REDUCTIONS = ["none", "sum"]

export const LOSS: readonly Row[] = [
  elementwise("mseLoss", [WEIGHTED]),
  elementwise("l1Loss", [WEIGHTED]),
  elementwise("smoothL1Loss", [
    [t([2, 3]), t([2, 3], TARGET), { beta: 0.5 }],
    [t([2, 3]), t([2, 3], TARGET), { beta: 0 }],
  ]),
  elementwise("huberLoss", [WEIGHTED, [t([2, 3]), t([2, 3], TARGET), { delta: 0.5 }]]),
  functional(
    "crossEntropy",
    [
      [t([4, 3]), classes([4], 3)],
      [t([4, 3]), t([4, 3], UNIT)],
      [t([3]), classes([], 3)],
      [t([2, 3, 5]), classes([2, 5], 3)],
      [t([2, 3, 2, 2], A), classes([2, 2, 2], 3)],
      ...REDUCTIONS.map((reduction): SampleInit => [t([4, 3]), classes([4], 3), { reduction }]),
      [t([4, 3]), classes([4], 3), t([3], { ...UNIT, requiresGrad: false })],
      [t([4, 3]), classes([4], 3, -100)],
      [t([4, 3]), classes([4], 3, 1), { ignoreIndex: 1 }],
      [t([4, 3]), classes([4], 3), { labelSmoothing: 0.25 }],
      [t([4, 3]), classes([4], 3, -100), { weight: t([3], { ...UNIT, requiresGrad: false }), labelSmoothing: 0.25 }],
      [
        t([4, 3]),
        t([4, 3], UNIT),
        { weight: t([3], { ...UNIT, requiresGrad: false }), labelSmoothing: 0.25, reduction: "none" },
      ],
      [t([2, 3, 5]), t([2, 3, 5], UNIT), { reduction: "sum" }],
      [t([2, 2], { values: [1000, -1000, 0, 500] }), classes([2], 2)],
      [t([0, 3]), t([0], { kind: "index" })],
    ],
    [
      bad([t([4, 3]), classes([5], 3)], ["crossEntropy", "4", "5"]),
      bad([t([4, 3]), t([4], { values: [0, 1, 3, 2], kind: "index" })], ["crossEntropy", "3"]),
      bad([t([4, 3]), classes([4], 3), { labelSmoothing: 2 }], ["crossEntropy", "labelSmoothing"]),
      bad(
        [t([4, 3]), classes([4], 3), { label_smoothing: 0.1 }],
        ["crossEntropy", "label_smoothing", "labelSmoothing"],
        true,
      ),
    ],
  ),
  functional(
    "nllLoss",
    [
      [t([4, 3]), classes([4], 3)],
      [t([4, 3]), classes([4], 3), t([3], { ...UNIT, requiresGrad: false })],
      [t([3]), classes([], 3)],
      [t([2, 3, 5]), classes([2, 5], 3)],
      [t([4, 3], A), classes([4], 3, -100)],
      [t([4, 3]), classes([4], 3, 2), { ignoreIndex: 2, reduction: "none" }],
      ...REDUCTIONS.map((reduction): SampleInit => [t([4, 3]), classes([4], 3), { reduction }]),
    ],
    [
      bad([t([4, 3]), classes([5], 3)], ["nllLoss", "4", "5"]),
      bad([t([4, 3]), t([4], { values: [0, 1, 3, 2], kind: "index" })], ["nllLoss", "3"]),
    ],
  ),
  functional(
    "binaryCrossEntropy",
    [
      [t([2, 3], UNIT), t([2, 3], UNIT)],
      [t([2, 3], UNIT), t([2, 3], UNIT), t([3], { ...UNIT, requiresGrad: false })],
      ...REDUCTIONS.map((reduction): SampleInit => [t([2, 3], { ...UNIT, ...A }), t([2, 3], UNIT), { reduction }]),
      sample([v([0, 1, 0, 1, 1e-30]), v([0, 0, 1, 1, 1], { requiresGrad: false }), { reduction: "none" }], {
        only: WIDE,
        tags: ["extreme"],
      }),
    ],
    [
      bad([t([2, 3], UNIT), t([2, 4], UNIT)], ["binaryCrossEntropy", "[2, 3]", "[2, 4]"]),
      bad([v([2]), v([1])], ["binaryCrossEntropy", "0", "1"]),
      bad([t([4], UNIT), classes([4], 2)], ["binaryCrossEntropy", "one dtype", "int32[4]"]),
    ],
    {
      gradientTolerance: {
        float64: { rtol: 1e-8, atol: 1e-12, reason: "PyTorch adds 1e-12 to a denominator in the second derivative" },
      },
    },
  ),
  functional(
    "binaryCrossEntropyWithLogits",
    [
      [t([2, 3]), t([2, 3], UNIT)],
      [
        t([2, 3]),
        t([2, 3], UNIT),
        {
          weight: t([3], { ...UNIT, requiresGrad: false }),
          posWeight: t([3], { low: 1, high: 3, requiresGrad: false }),
        },
      ],
      ...REDUCTIONS.map((reduction): SampleInit => [t([2, 3], A), t([2, 3], UNIT), { reduction }]),
      sample([v(EXTREMES), v(EXTREMES.map((_, i) => i % 2)), { reduction: "none" }], { only: WIDE, tags: ["extreme"] }),
    ],
    [
      bad([t([2, 3]), t([2, 4])], ["binaryCrossEntropyWithLogits", "[2, 3]", "[2, 4]"]),
      bad([t([4]), classes([4], 2)], ["binaryCrossEntropyWithLogits", "int32", "floating"]),
    ],
  ),
  functional("klDiv", [
    [t([2, 3]), t([2, 3], UNIT)],
    [t([2, 3]), t([2, 3]), { logTarget: true }],
    ...["none", "sum", "batchmean"].map((reduction): SampleInit => [t([2, 3], A), t([2, 3], UNIT), { reduction }]),
    [v([-1, -2]), v([0, 1], { requiresGrad: false }), { reduction: "none" }],
  ]),
  functional("hingeEmbeddingLoss", [
    [t([4]), SIGNS],
    [t([4]), SIGNS, 0.5],
    ...REDUCTIONS.map((reduction): SampleInit => [t([4]), SIGNS, { reduction }]),
  ]),
  functional("marginRankingLoss", [
    [t([4]), t([4], TARGET), SIGNS],
    [t([4]), t([4], TARGET), SIGNS, 0.5],
    ...REDUCTIONS.map((reduction): SampleInit => [t([4]), t([4], TARGET), SIGNS, { reduction }]),
  ]),
  functional("cosineEmbeddingLoss", [
    [t([4, 3]), t([4, 3]), SIGNS],
    [t([4, 3]), t([4, 3]), SIGNS, 0.25],
    ...REDUCTIONS.map((reduction): SampleInit => [t([4, 3]), t([4, 3]), SIGNS, { reduction }]),
  ]),
  functional("tripletMarginLoss", [
    [t([4, 3]), t([4, 3]), t([4, 3])],
    [t([4, 3]), t([4, 3]), t([4, 3]), { margin: 0.5, p: 1, swap: true }],
    ...REDUCTIONS.map((reduction): SampleInit => [t([4, 3]), t([4, 3]), t([4, 3]), { reduction }]),
  ]),
  functional("poissonNllLoss", [
    [t([2, 3]), t([2, 3], { low: 0, high: 4 })],
    [t([2, 3], UNIT), t([2, 3], UNIT), { logInput: false }],
    [t([2, 3]), t([2, 3], { low: 0, high: 4, requiresGrad: false }), { full: true, reduction: "sum" }],
    [t([2, 3]), t([2, 3], UNIT), { reduction: "none" }],
  ]),
  functional(
    "gaussianNllLoss",
    [
      [t([2, 3]), t([2, 3]), t([2, 3], { low: 0.5, high: 2 })],
      [t([2, 3]), t([2, 3]), t([2, 1], { low: 0.5, high: 2 }), { full: true }],
      sample([t([2, 3]), t([2, 3]), t([2, 3], { low: 0, high: 1 }), { eps: 0.25, reduction: "sum" }], {
        noGradcheck: "the gradient passes through the lower bound",
      }),
    ],
    [bad([t([2]), t([2]), v([1, -1])], ["gaussianNllLoss", "var"])],
  ),
  functional("softMarginLoss", [
    [t([4]), SIGNS],
    ...REDUCTIONS.map((reduction): SampleInit => [t([4]), SIGNS, { reduction }]),
  ]),
  functional("multilabelSoftMarginLoss", [
    [t([2, 3]), t([2, 3], { ...UNIT, requiresGrad: false })],
    [t([2, 3]), t([2, 3], { ...UNIT, requiresGrad: false }), t([3], { ...UNIT, requiresGrad: false })],
    ...REDUCTIONS.map(
      (reduction): SampleInit => [t([2, 3], A), t([2, 3], { ...UNIT, requiresGrad: false }), { reduction }],
    ),
  ]),
]
