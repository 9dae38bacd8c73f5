/** Pointwise functions of two or three tensors. */

import {
  ALL,
  bad,
  FLOATS,
  INTEGRAL,
  INTS,
  mask,
  NUMERIC,
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
import { binary, EXTREMES } from "./samples.ts"

/** Divisors: away from zero, and on a grid where no quotient is a whole number. */
const DIVISOR: TensorOptions = { low: 0.5, high: 4 }

/** All signs of an integer division that does not come out even. */
const signs = (right = [2, 2, -2, -2, 3, -3]): SampleInit =>
  sample([v([7, -7, 7, -7, 6, 5]), v(right)], { only: ["int32", "int64", "int8", "float32"] })

const mismatch = (name: string) => bad([t([2, 3]), t([4])], [name, "[2, 3]", "[4]"])

const ZEROS_TIE = "0 and -0 are equal, and either may win"

const comparison = (name: string): Row =>
  row(name, {
    dtypes: ALL,
    grad: false,
    samples: [
      ...binary(),
      [t([2, 3]), 0],
      [t([2, 3], { dtype: "int32" }), 1.5],
      [t([4], { dtype: "int32" }), t([4], { dtype: "int32", seed: 1 })],
    ],
    errors: [mismatch(name)],
  })

const logical = (name: string): Row =>
  row(name, { dtypes: ALL, grad: false, samples: binary({ low: 0, high: 2 }), errors: [mismatch(name)] })

const bitwise = (name: string): Row =>
  row(name, {
    inPlace: true,
    dtypes: INTEGRAL,
    grad: false,
    samples: [...binary({}, {}, {}, false), [t([2, 3], { dtype: "int32" }), 5]],
    errors: [bad([t([2]), t([2])], [name, "float32"])],
  })

const shift = (name: string): Row =>
  row(name, {
    inPlace: true,
    dtypes: INTS,
    grad: false,
    samples: [...binary({}, { low: 0, high: 5 }, {}, false), [t([2, 3], { dtype: "int32" }), 2]],
    errors: [bad([t([2]), t([2])], [name, "float32"])],
  })

const simple = (name: string, more: Partial<RowInit> = {}): Row =>
  row(name, { samples: binary(), errors: [mismatch(name)], ...more })

export const BINARY: readonly Row[] = [
  row("add", {
    inPlace: true,
    dtypes: ALL,
    samples: [
      ...binary(),
      [t([2, 3]), 2],
      [t([2, 3]), t([3]), { alpha: 2 }],
      [t([2, 3]), 0.5, { alpha: 0.25 }],
      [t([3], { dtype: "int32" }), 1],
      [t([3], { dtype: "int32" }), 1.5],
    ],
    errors: [
      mismatch("add"),
      bad([t([2], { dtype: "int32" }), t([2], { dtype: "int32" }), { alpha: 0.5 }], ["add", "alpha"]),
      bad([t([2]), t([2]), { alfa: 2 }], ["add", "alfa", "alpha"], true),
    ],
  }),
  row("sub", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [...binary(), [t([2, 3]), 2], [t([2, 3]), t([3]), { alpha: -0.5 }]],
    errors: [mismatch("sub"), bad([mask([2]), mask([2])], ["sub", "bool"])],
  }),
  row("rsub", {
    method: false,
    dtypes: NUMERIC,
    samples: [...binary({}, {}, {}, false), [t([2, 3]), 2], [t([2, 3]), t([3]), { alpha: 2 }]],
    errors: [mismatch("rsub")],
  }),
  row("mul", { inPlace: true, dtypes: ALL, samples: [...binary(), [t([2, 3]), 0.5]], errors: [mismatch("mul")] }),
  row("div", {
    inPlace: true,
    aliases: ["trueDivide"],
    dtypes: ALL,
    samples: [
      ...binary({}, DIVISOR),
      [t([2, 3]), 4],
      [t([3], { dtype: "int32" }), 2],
      ...["trunc", "floor"].flatMap((roundingMode): SampleInit[] => [
        sample([t([2, 3]), t([3], DIVISOR), { roundingMode }], { only: NUMERIC }),
        sample([v([7, -7, 7, -7, 6, 5]), v([2, 2, -2, -2, 3, -3]), { roundingMode }], {
          only: ["int32", "float64"],
          noGradcheck: "on a step",
        }),
        sample(
          [v([0, 1, -1, 3e38, Infinity, -Infinity, NaN, 1]), v([0, 0, 0, 1e-30, 2, 2, 1, Infinity]), { roundingMode }],
          {
            only: WIDE,
            tags: ["extreme"],
          },
        ),
      ]),
    ],
    errors: [mismatch("div"), bad([t([2]), t([2]), { roundingMode: "up" }], ["div", "up"])],
  }),
  row("floorDivide", {
    inPlace: true,
    grad: false,
    dtypes: NUMERIC,
    samples: [...binary({}, DIVISOR), [t([2, 3]), 2], signs()],
    errors: [mismatch("floorDivide")],
  }),
  row("remainder", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [...binary({}, DIVISOR), [t([2, 3]), 2], [5, t([3], { ...DIVISOR, requiresGrad: false })], signs()],
    errors: [mismatch("remainder")],
  }),
  row("fmod", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [...binary({}, DIVISOR), [t([2, 3]), 2], signs()],
    errors: [mismatch("fmod")],
  }),
  row("pow", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      ...binary({ low: 0.5, high: 4 }, { low: 0, high: 4 }),
      ...[0, 1, 2, 3, 0.5, -1, -0.5].map((exponent): SampleInit => [t([2, 3], { low: 0.5, high: 4 }), exponent]),
      [t([2, 3]), 3],
      [t([2, 3], { dtype: "int32" }), 2],
      [2, t([2, 3])],
      [0.5, t([3], { layout: "sliced" })],
      ...[2, 3, 0.5, -1].map((exponent) => sample([v(EXTREMES), exponent], { only: WIDE, tags: ["extreme"] })),
    ],
    errors: [mismatch("pow"), bad([t([2], { dtype: "int32" }), -1], ["pow", "negative"])],
  }),
  simple("atan2", { inPlace: true, dtypes: [...FLOATS, "int32"] }),
  simple("maximum", { dtypes: ALL, anyZero: ZEROS_TIE }),
  simple("minimum", { dtypes: ALL, anyZero: ZEROS_TIE }),
  simple("fmax", { dtypes: ALL }),
  simple("fmin", { dtypes: ALL }),
  simple("hypot", { inPlace: true }),
  simple("copysign", { inPlace: true, dtypes: [...FLOATS, "int32"], samples: [...binary(), [t([2, 3]), -1]] }),
  simple("heaviside", { inPlace: true, grad: false, dtypes: ALL }),
  simple("logaddexp"),
  simple("logaddexp2"),
  simple("xlogy", {
    inPlace: true,
    dtypes: [...FLOATS, "int32"],
    samples: [...binary({}, { low: 0, high: 4 }), [t([3]), 2], [0, t([3], DIVISOR)]],
  }),
  comparison("eq"),
  comparison("ne"),
  comparison("lt"),
  comparison("le"),
  comparison("gt"),
  comparison("ge"),
  logical("logicalAnd"),
  logical("logicalOr"),
  logical("logicalXor"),
  bitwise("bitwiseAnd"),
  bitwise("bitwiseOr"),
  bitwise("bitwiseXor"),
  shift("bitwiseLeftShift"),
  shift("bitwiseRightShift"),
  row("isclose", {
    grad: false,
    dtypes: NUMERIC,
    samples: [
      ...binary(),
      [t([2, 3]), t([2, 3], { seed: 1 })],
      [t([2, 3]), t([2, 3], { low: -1, high: 1 }), { rtol: 0, atol: 1 }],
      [v([NaN, 1]), v([NaN, 1]), { equalNan: true }],
    ],
  }),
  row("where", {
    torch: "@where",
    method: false,
    dtypes: ALL,
    samples: [
      [mask([2, 3]), t([2, 3]), t([2, 3])],
      [mask([2, 1]), t([3]), t([])],
      [mask([2, 3]), t([2, 3]), 0],
      [mask([2, 3], { layout: "transposed" }), 1.5, t([3], { layout: "sliced" })],
      [mask([3]), 1, 0],
      [mask([3]), 1.5, 0],
      [mask([0, 3]), t([3]), t([0, 1])],
      [mask([]), t([]), t([])],
      [mask([3]), t([3], { dtype: "int32" }), 1.5],
      sample([mask([EXTREMES.length]), v(EXTREMES), v([...EXTREMES].reverse())], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [
      bad([mask([2, 3]), t([4]), t([4])], ["where", "[2, 3]", "[4]"]),
      bad([t([2]), t([2]), t([2])], ["where", "bool", "float32"]),
    ],
  }),
  row("lerp", {
    inPlace: true,
    samples: [
      [t([2, 3]), t([2, 3]), 0.25],
      [t([2, 3]), t([3]), t([2, 1], { low: 0, high: 1 })],
      [t([7]), t([7]), 0.75],
      [t([2, 3], { layout: "transposed" }), t([3], { layout: "sliced" }), 0.5],
      [t([0, 3]), t([3]), 0.5],
      [t([]), t([]), t([])],
      sample([v(EXTREMES), v([...EXTREMES].reverse()), 0.25], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3]), t([4]), 0.5], ["lerp", "[2, 3]", "[4]"])],
  }),
  row("addcmul", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      [t([2, 3]), t([2, 3]), t([2, 3])],
      [t([2, 3]), t([2, 1]), t([3]), { value: 2 }],
      [t([2, 3], { layout: "transposed" }), t([]), t([3], { layout: "sliced" }), { value: -0.5 }],
      [t([0]), t([0]), t([1])],
      sample([v(EXTREMES), v([...EXTREMES].reverse()), v([2])], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3]), t([4]), t([3])], ["addcmul", "[4]"])],
  }),
  row("addcdiv", {
    inPlace: true,
    samples: [
      [t([2, 3]), t([2, 3]), t([2, 3], DIVISOR)],
      [t([2, 3]), t([2, 1]), t([3], DIVISOR), { value: 2 }],
      [t([2, 3], { layout: "transposed" }), t([]), t([3], { ...DIVISOR, layout: "sliced" }), { value: -0.5 }],
      [t([0]), t([0]), t([1], DIVISOR)],
      sample([v([1]), v(EXTREMES), v([...EXTREMES].reverse())], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3]), t([4]), t([3])], ["addcdiv", "[4]"])],
  }),
  row("maskedFill", {
    inPlace: true,
    dtypes: ALL,
    samples: [
      [t([2, 3]), mask([2, 3]), 1],
      [t([2, 3]), mask([3]), t([])],
      [t([2, 3], { layout: "transposed" }), mask([2, 1]), -0.5],
      [t([2, 3]), mask([2, 3], { layout: "sliced" }), Number.NEGATIVE_INFINITY],
      [t([0, 3]), mask([3]), 1],
      [t([]), mask([]), 2],
      [t([3]), mask([2, 3]), 2],
    ],
    errors: [
      bad([t([2, 3]), t([2, 3]), 1], ["maskedFill", "bool"]),
      bad([t([2, 3]), mask([4]), 1], ["maskedFill", "[2, 3]", "[4]"]),
    ],
  }),
  ...["eq_", "ne_", "lt_", "le_", "gt_", "ge_", "logicalAnd_", "logicalOr_", "logicalXor_"].map((name) =>
    row(name, {
      in: "Tensor",
      mutates: true,
      grad: false,
      dtypes: ALL,
      samples: [
        [t([2, 3]), t([2, 3], { low: -1, high: 1 })],
        [t([3, 4], { layout: "transposed" }), t([4])],
      ],
    }),
  ),
  row("logicalNot_", { in: "Tensor", mutates: true, grad: false, dtypes: ALL, samples: [[t([2, 3])]] }),
  row("trueDivide_", {
    in: "Tensor",
    mutates: true,
    samples: [
      [t([2, 3]), t([3], DIVISOR)],
      [t([2, 3]), 4],
    ],
  }),
  row("floatPower", {
    samples: [
      [t([2, 3], { low: 0.5, high: 4 }), t([3])],
      [t([2, 3], { low: 0.5, high: 4 }), 2],
      [2, t([3])],
      [t([2, 3], { dtype: "int32", low: 1, high: 5 }), 0.5],
    ],
    noGradcheck: undefined,
  }),
  row("floatPower_", {
    in: "Tensor",
    mutates: true,
    dtypes: ["float64"],
    samples: [
      [t([2, 3], { low: 0.5, high: 4 }), 2],
      [t([2, 3], { low: 0.5, high: 4 }), t([3])],
    ],
  }),
  row("nextafter", {
    inPlace: true,
    grad: false,
    dtypes: WIDE,
    samples: binary(),
  }),
  row("ldexp", {
    inPlace: true,
    // PyTorch's gradient takes 2 to a negative integer for 0.
    samples: [
      [t([2, 3]), t([2, 3], { dtype: "int32", low: 0, high: 5 })],
      [t([2, 3]), t([3], { dtype: "int32", low: 0, high: 5 })],
      sample([v([1, -3, 2]), v([-4, -1, 3], { dtype: "int32", requiresGrad: false })], { only: ["int32"] }),
    ],
  }),
  ...["gcd", "lcm"].map((name) =>
    row(name, {
      inPlace: true,
      grad: false,
      dtypes: ["int32", "int64", "uint8", "int8"],
      samples: [
        [t([2, 3]), t([2, 3], { seed: 7 })],
        [t([3, 1]), t([4], { layout: "sliced" })],
        [v([0, 0, 12, -12, 7], { dtype: "int32" }), v([0, 5, 18, 18, -3], { dtype: "int32" })],
      ],
      errors: [bad([t([2]), t([2])], [name, "float32"])],
    }),
  ),
  row("xlog1py", {
    in: "special",
    samples: [...binary({}, { low: 0, high: 4 }, {}, false), [t([3]), 2], [0, t([3], { low: 0, high: 4 })]],
  }),
]
