/** Reductions and scans along dimensions. */

import {
  ALL,
  bad,
  CASE_DTYPE,
  type Call,
  FLOATS,
  INTS,
  mask,
  NUMERIC,
  type Options,
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

const INF = Number.POSITIVE_INFINITY

/** Special values in reducing order: an infinity, a NaN, both, and neither. */
const ODD_ROWS = t([5, 3], { values: [1, INF, 2, 1, Number.NaN, 2, -INF, INF, 0, -0, 0, -0, 3e38, 3e38, -3e38] })

/** Over everything, over one dim, several dims, kept dims, every layout. `dims`: how a list of dims is passed. */
function reduce(
  range: TensorOptions = {},
  options: Options = {},
  severalDims = true,
  oddRows = ODD_ROWS,
): SampleInit[] {
  const x = (shape: number[], more: TensorOptions = {}) => t(shape, { ...range, ...more })
  return [
    [x([2, 3]), options],
    [x([2, 3]), { dim: 1, ...options }],
    [x([2, 3]), { dim: 0, keepdim: true, ...options }],
    [x([2, 3, 4]), { dim: -1, ...options }],
    ...(severalDims
      ? [
          [x([2, 3, 4]), { dim: [0, 2], ...options }],
          [x([2, 3, 4]), { dim: [-1, 1], keepdim: true, ...options }],
          [x([3, 4], { layout: "transposed" }), { dim: [0, 1], ...options }],
        ]
      : []),
    [x([]), options],
    [x([]), { dim: 0, ...options }],
    [x([1]), options],
    [x([7, 13]), { dim: 0, ...options }],
    [x([3, 4], { layout: "transposed" }), { dim: 0, ...options }],
    [x([2, 7], { layout: "sliced" }), options],
    [x([3, 2], { layout: "expanded" }), { dim: 1, ...options }],
    [x([2, 3, 2], { layout: "offset" }), { dim: 1, ...options }],
    [x([3, 0]), { dim: 0, ...options }],
    sample([oddRows, { dim: 1, ...options }], { only: WIDE, tags: ["extreme"] }),
  ]
}

/** What a reduction with an identity gives for nothing. */
const empty = (options: Options = {}): SampleInit[] => [
  [t([0, 3]), options],
  [t([0, 3]), { dim: 0, ...options }],
]

const dimErrors = (name: string) => [
  bad([t([2, 3]), { dim: 2 }], [name, "dim", "2"]),
  bad([t([2, 3]), { dimension: 1 }], [name, "dimension"], true),
]

const emptyError = (name: string) => bad([t([0, 3]), { dim: 0 }], [name, "[0, 3]"])

const DISTINCT: TensorOptions = { distinct: true }
const TIES = t([3, 4], { values: [1, 3, 3, 2, 0, 0, -1, 0, 5, 5, 5, 5] })
const tied = (...rest: Call) => sample([TIES, ...rest], { noGradcheck: "ties" })

const extremum = (name: string, more: Partial<RowInit> = {}): Row =>
  row(name, {
    anyZero: "0 and -0 are equal, and either may win",
    dtypes: ALL,
    indices: [1],
    samples: [
      ...reduce(DISTINCT, {}, false),
      tied(),
      tied(1),
      tied(0, true),
      [t([2, 3]), t([3], { low: -1, high: 1 })],
    ],
    errors: [...dimErrors(name), bad([t([0])], [name]), emptyError(name)],
    ...more,
  })

const argExtremum = (name: string): Row =>
  row(name, {
    dtypes: NUMERIC,
    grad: false,
    indices: [0],
    samples: [
      ...reduce(DISTINCT, {}, false),
      [TIES],
      [TIES, 1],
      [TIES, { dim: 0, keepdim: true }],
      [v([1, Number.NaN, 3])],
    ],
    errors: [...dimErrors(name), bad([t([0])], [name])],
  })

/** Without the row whose sum overflows in PyTorch's gradient, which is NaN for it. */
const TAME_ROWS = t([4, 3], { values: [1, INF, 2, 1, Number.NaN, 2, -INF, INF, 0, -0, 0, -0] })

const variance = (name: string): Row =>
  row(name, {
    samples: [
      ...reduce({}, {}, true, TAME_ROWS),
      [t([2, 3]), { correction: 0 }],
      [t([5, 3]), { dim: 0, correction: 2 }],
      [t([5, 3], { low: 100, high: 108 }), { dim: 0, keepdim: true }],
    ],
    errors: [...dimErrors(name), bad([t([2], { dtype: "int32" })], [name, "int32"])],
  })

const scan = (name: string, more: Partial<RowInit> = {}, range: TensorOptions = {}): Row =>
  row(name, {
    anyZero: "a backend may begin with the identity, which makes 0 of -0",
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      [t([2, 3], range), 1],
      [t([7], range), { dim: 0 }],
      [t([2, 3, 4], range), 1],
      [t([3, 4], { ...range, layout: "transposed" }), -2],
      [t([2, 5], { ...range, layout: "sliced" }), 1],
      [t([0, 3], range), 0],
      [t([3, 0], range), 0],
      [t([], range), 0],
      [t([1, 13], range), -1],
      sample([ODD_ROWS, 1], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3]), 2], [name, "dim", "2"])],
    ...more,
  })

export const REDUCTION: readonly Row[] = [
  row("sum", {
    dtypes: ALL,
    samples: [
      ...reduce(),
      ...empty(),
      [t([2, 3]), 1, true],
      [t([2, 3]), { dtype: "float64" }],
      [t([2, 3], { dtype: "int32" }), { dim: 1, dtype: "float32" }],
      [t([2, 3]), []],
      [t([3, 257]), 1],
    ],
    errors: [...dimErrors("sum"), bad([t([2, 3]), [0, 0]], ["sum", "dim"])],
  }),
  row("mean", {
    samples: [...reduce(), ...empty(), [t([2, 3], { dtype: "int32" }), { dtype: "float32" }], [t([3, 257]), 1]],
    errors: [...dimErrors("mean"), bad([t([2], { dtype: "int32" })], ["mean", "int32"])],
  }),
  row("prod", {
    dtypes: ALL,
    samples: [
      ...reduce({}, {}, false),
      ...empty(),
      [t([3, 3], { values: [2, 0, 3, 0, 0, 3, 1, 2, 3] }), 1],
      [v([2, 0, 3])],
      [v([0, 0, 3])],
      [t([2, 3]), { dim: 1, dtype: "float64" }],
    ],
    errors: dimErrors("prod"),
  }),
  extremum("max"),
  extremum("min"),
  row("amax", {
    anyZero: "0 and -0 are equal, and either may win",
    dtypes: ALL,
    samples: [...reduce(DISTINCT), tied(), tied(1)],
    errors: [...dimErrors("amax"), emptyError("amax")],
  }),
  row("amin", {
    anyZero: "0 and -0 are equal, and either may win",
    dtypes: ALL,
    samples: [...reduce(DISTINCT), tied(), tied(1)],
    errors: [...dimErrors("amin"), emptyError("amin")],
  }),
  argExtremum("argmax"),
  argExtremum("argmin"),
  ...["all", "any"].map((name) =>
    row(name, {
      dtypes: ALL,
      grad: false,
      samples: [...reduce({ low: 0, high: 2 }), ...empty(), [mask([4, 5]), 1], [v([0, 0])], [v([1, 1])]],
      errors: dimErrors(name),
    }),
  ),
  variance("std"),
  variance("var"),
  ...["stdMean", "varMean"].map((name) =>
    row(name, {
      method: false,
      samples: [...reduce({}, {}, true, TAME_ROWS), [t([2, 3]), { correction: 0 }]],
      errors: dimErrors(name),
    }),
  ),
  row("norm", {
    samples: [
      [t([2, 3])],
      ...[1, 2, 3, INF, -INF, 0, "fro"].map((p): SampleInit => [t([2, 3]), p]),
      ...[1, 2, INF].map((p): SampleInit => [t([2, 3, 4], { distinct: true, low: 0 }), p, 1]),
      [t([2, 3]), 2, [0, 1], true],
      [t([3, 4], { layout: "transposed" }), { p: 2, dim: 0 }],
      [t([])],
      [t([0, 3]), 2, 0],
      sample([v([0, 0, 0])], { noGradcheck: "a zero vector", noSecond: "PyTorch divides zero by zero" }),
      sample([v([0, 3, 0]), 1], { noGradcheck: "kinks at zero" }),
      sample([ODD_ROWS, 2, 1], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: dimErrors("norm"),
  }),
  row("vectorNorm", {
    in: "linalg",
    samples: [
      [t([2, 3])],
      ...[1, 2, 3, 0.5, INF, -INF, 0].map((ord): SampleInit => [t([2, 3], DISTINCT), ord]),
      [t([2, 3, 4]), 2, [0, 2], true],
      [t([3, 4], { layout: "transposed" }), { dim: 0, keepdim: true }],
      [t([])],
    ],
    errors: [bad([t([2], { dtype: "int32" })], ["vectorNorm", "int32"])],
  }),
  row("logsumexp", {
    samples: [
      [t([2, 3]), 1],
      [t([2, 3]), 0, true],
      [t([2, 3, 4]), [0, 2]],
      [t([]), 0],
      [t([0, 3]), 0],
      [t([3, 4], { layout: "transposed" }), -1],
      [t([5], { values: [1000, 999, 0, -1000, 1000] }), 0],
      [t([2], { values: [-INF, -INF] }), 0],
      sample([ODD_ROWS, 1], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: dimErrors("logsumexp"),
    tolerance: roundedSteps(),
  }),
  row("countNonzero", {
    dtypes: ALL,
    grad: false,
    indices: [0],
    samples: [
      [t([3, 4])],
      [t([3, 4]), 0],
      [v([0, 1, -0, 2])],
      [mask([3, 4]), 1],
      [t([2, 3, 2], { dtype: "int32" }), [0, 2]],
      [t([0, 3]), 0],
      [t([])],
      [v([Number.NaN, 0, 1])],
    ],
    errors: dimErrors("countNonzero").slice(0, 1),
  }),
  row("nansum", {
    samples: [...reduce(), ...empty(), [t([2, 3]), { dtype: "float64" }]],
    errors: dimErrors("nansum"),
  }),
  row("nanmean", { samples: [...reduce(), ...empty()], errors: dimErrors("nanmean") }),
  row("median", {
    dtypes: NUMERIC,
    indices: [1],
    samples: [...reduce(DISTINCT, {}, false), [t([2, 4], DISTINCT), 1], [v([1, Number.NaN, 3])]],
    errors: dimErrors("median"),
  }),
  scan("cumsum", {
    dtypes: ALL,
    samples: [
      ...scan("cumsum").samples,
      [t([2, 3]), 1, { dtype: "float64" }],
      [t([4], { dtype: "int32" }), 0, { dtype: CASE_DTYPE }],
    ],
  }),
  scan("cumprod", {
    samples: [
      ...scan("cumprod").samples,
      [v([2, 0, 3, 4]), 0],
      [v([2, 0, 3, 0, 4]), 0],
      [t([2, 3]), 1, { dtype: "float64" }],
    ],
  }),
  ...["cummax", "cummin"].map((name) =>
    scan(name, { inPlace: false, indices: [1], samples: [...scan(name, {}, DISTINCT).samples, tied(1)] }),
  ),
  scan("logcumsumexp", { inPlace: false, dtypes: FLOATS }),
  row("diff", {
    dtypes: NUMERIC,
    samples: [
      [t([5])],
      [t([2, 5])],
      [t([2, 5]), 2],
      [t([3, 4]), { dim: 0 }],
      [t([3, 4], { layout: "transposed" }), 1, 0],
      [t([2, 5]), { prepend: t([2, 1]), append: t([2, 2]) }],
      [t([2, 3]), 5],
      [t([0, 3])],
      [t([2, 3]), 0],
    ],
    errors: [bad([t([])], ["diff"]), bad([t([3]), -1], ["diff", "-1"])],
  }),
  row("equal", {
    dtypes: ALL,
    grad: false,
    awaited: true,
    samples: [
      [t([2, 3]), t([2, 3])],
      [t([2, 3]), t([2, 3], { seed: 1 })],
      [t([2, 3]), t([3])],
      [t([0, 3]), t([0, 3])],
      [v([Number.NaN]), v([Number.NaN])],
      [v([0]), v([-0])],
    ],
  }),
  row("allclose", {
    grad: false,
    awaited: true,
    dtypes: [...FLOATS, "int32"],
    samples: [
      [t([2, 3]), t([2, 3])],
      [t([2, 3]), t([2, 3], { seed: 1 })],
      [t([2, 3]), t([3]), { atol: 10 }],
      [v([Number.NaN]), v([Number.NaN])],
      [v([Number.NaN]), v([Number.NaN]), { equalNan: true }],
      [v([INF, 1]), v([INF, 1.000001]), 0, 0.5],
    ],
    errors: [bad([t([2, 3]), t([4])], ["allclose", "[2, 3]", "[4]"])],
  }),
  row("bincount", {
    dtypes: INTS,
    grad: false,
    awaited: true,
    indices: [0],
    samples: [
      [t([7], { low: 0, high: 5 })],
      [t([7], { low: 0, high: 5 }), { minlength: 8 }],
      [t([0], { dtype: "int32" })],
      [t([7], { low: 0, high: 5, dtype: "int32" }), t([7], { dtype: "float64" })],
    ],
    errors: [
      bad([t([3], { low: 0, high: 3 })], ["bincount", "float32"]),
      bad([v([1, -1], { dtype: "int32" })], ["bincount"]),
    ],
  }),
  row("aminmax", {
    dtypes: NUMERIC,
    samples: [
      [t([2, 3], DISTINCT)],
      [t([2, 3], DISTINCT), { dim: 1 }],
      [t([3, 4], { ...DISTINCT, layout: "transposed" }), { dim: 0, keepdim: true }],
      [t([])],
    ],
    errors: [bad([t([0])], ["aminmax"]), bad([t([2, 3]), { dim: 2 }], ["aminmax", "dim", "2"])],
  }),
  row("dist", {
    samples: [
      [t([2, 3]), t([2, 3])],
      [t([2, 3]), t([3]), 1],
      [t([4]), t([4]), INF],
      [t([3, 4], { layout: "transposed" }), t([3, 4]), 3],
    ],
  }),
  row("nanmedian", {
    dtypes: NUMERIC,
    indices: [1],
    samples: [
      [t([7], DISTINCT)],
      [t([3, 5], DISTINCT), 1],
      [t([3, 4], { ...DISTINCT, layout: "transposed" }), 0, true],
      [v([Number.NaN, 3, 1, Number.NaN, 2])],
    ],
    errors: dimErrors("nanmedian"),
  }),
  row("mode", {
    dtypes: NUMERIC,
    indices: [1],
    samples: [
      [t([3, 4], { values: [1, 2, 2, 0, 3, 3, 3, 1, 0, 5, 5, 7] })],
      [t([3, 4], { values: [1, 2, 2, 0, 3, 3, 3, 1, 0, 2, 2, 7] }), 0, true],
      [t([])],
    ].map((call) => sample(call, { noGradcheck: "ties" })),
    errors: dimErrors("mode"),
  }),
  ...["quantile", "nanquantile"].map((name) =>
    row(name, {
      dtypes: WIDE,
      samples: [
        [t([7], DISTINCT), 0.5],
        [t([3, 5], DISTINCT), 0.3, 1],
        [t([3, 5], DISTINCT), t([3], { values: [0, 0.25, 1], requiresGrad: false }), { dim: 0, keepdim: true }],
        ...["lower", "higher", "midpoint", "nearest"].map(
          (interpolation): SampleInit => [t([2, 5], DISTINCT), 0.3, { dim: 1, interpolation }],
        ),
        [t([3, 4], { ...DISTINCT, layout: "transposed" }), 0.75],
        sample([v([1, Number.NaN, 3, 2]), 0.5], { tags: ["extreme"] }),
      ],
      errors: [bad([t([3]), 1.5], [name, "1.5"]), bad([t([3]), 0.5, { interpolation: "cubic" }], [name, "cubic"])],
    }),
  ),
  row("cov", {
    samples: [
      [t([3, 5])],
      [t([5]), { correction: 0 }],
      [t([3, 4]), { fweights: t([4], { dtype: "int32", low: 1, high: 4 }) }],
      [t([2, 4], { layout: "transposed" }), { aweights: t([4], { low: 0.5, high: 2, requiresGrad: false }) }],
    ],
  }),
  row("corrcoef", { samples: [[t([3, 5])], [t([2, 4], { layout: "transposed" })]] }),
  row("histc", {
    dtypes: WIDE,
    grad: false,
    samples: [
      [t([13])],
      [t([2, 7]), 4],
      [t([13]), 5, -1, 1],
      [t([3, 4], { layout: "transposed" }), { bins: 3, min: 0, max: 2 }],
    ],
    errors: [bad([t([3]), 0], ["histc", "bins"])],
  }),
]
