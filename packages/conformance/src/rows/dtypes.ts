/** Conversions, and the dtype that operands of different dtypes give: every pair, with tensors, 0-d tensors and numbers. */

import type { DType } from "@taeda/core"
import { bad, mask, type Row, type RowInit, row, type SampleInit, type TensorOptions, t, v } from "../row.ts"

const EACH: readonly DType[] = [
  "bool",
  "uint8",
  "int8",
  "int16",
  "int32",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
]

const SMALL: TensorOptions = { low: 1, high: 5 }
const pairs = EACH.flatMap((a) => EACH.map((b) => [a, b] as const))
const of = (dtype: DType, shape: number[] = [2]) => t(shape, { ...SMALL, dtype })

const promotion = (name: string, samples: readonly SampleInit[], more: Partial<RowInit> = {}): Row =>
  row(name, { variant: "promotion", grad: false, samples, ...more })

const TENSORS = pairs.map(([a, b]): SampleInit => [of(a), of(b)])
const ZERO_DIM = pairs.map(([a, b]): SampleInit => [of(a), of(b, [])])
const ZERO_DIM_LEFT = pairs.map(([a, b]): SampleInit => [of(a, []), of(b)])
const NUMBERS = EACH.flatMap((a): SampleInit[] => [
  [of(a), 2],
  [of(a), 1.5],
  [of(a, []), 2],
  [of(a, []), 1.5],
])
const withoutBool = (samples: readonly SampleInit[]) =>
  samples.filter((call) => !(call as { dtype?: DType }[]).some((arg) => arg.dtype === "bool"))

const conversion = (name: string, samples: readonly SampleInit[] = CONVERTED, more: Partial<RowInit> = {}): Row =>
  row(name, {
    in: "Tensor",
    noGradcheck: "rounds more coarsely than finite differences can see through",
    samples,
    ...more,
  })

/** One tensor of each dtype, and what converting cuts off. */
const CONVERTED: readonly SampleInit[] = [
  ...EACH.map((dtype): SampleInit => [of(dtype)]),
  [v([1.75, -1.75, 0.5, -0.5, 0, 100.25], { dtype: "float64" })],
  [t([2, 3], { layout: "transposed", dtype: "float32" })],
]

export const DTYPE_ROWS: readonly Row[] = [
  promotion("add", [...TENSORS, ...ZERO_DIM, ...ZERO_DIM_LEFT, ...NUMBERS]),
  promotion("sub", [...withoutBool(ZERO_DIM), ...withoutBool(NUMBERS)]),
  promotion("mul", [...TENSORS, ...NUMBERS]),
  promotion("div", [...TENSORS, ...ZERO_DIM, ...NUMBERS]),
  promotion("floorDivide", [...withoutBool(TENSORS), ...withoutBool(NUMBERS)]),
  promotion("lt", [...TENSORS, ...NUMBERS]),
  promotion("eq", [...ZERO_DIM, ...NUMBERS]),
  promotion("maximum", [...TENSORS, ...ZERO_DIM]),
  promotion("atan2", [...TENSORS, ...ZERO_DIM]),
  promotion(
    "cat",
    pairs.map(([a, b]): SampleInit => [[of(a), of(b)]]),
    { method: false },
  ),
  promotion(
    "where",
    [
      ...pairs.map(([a, b]): SampleInit => [mask([2]), of(a), of(b)]),
      ...pairs.map(([a, b]): SampleInit => [mask([2]), of(a), of(b, [])]),
      ...EACH.flatMap((a): SampleInit[] => [
        [mask([2]), of(a), 2],
        [mask([2]), 1.5, of(a)],
      ]),
    ],
    { torch: "@where", method: false },
  ),
  promotion(
    "sum",
    EACH.map((dtype): SampleInit => [of(dtype)]),
  ),
  promotion(
    "sqrt",
    EACH.map((dtype): SampleInit => [of(dtype)]),
  ),

  conversion("float"),
  conversion("double"),
  conversion("half"),
  conversion("bfloat16"),
  conversion("int"),
  conversion("long"),
  conversion("short"),
  conversion("bool", [...CONVERTED, [v([0, -0, Number.NaN, 1e-30, Number.POSITIVE_INFINITY])]]),
  conversion("byte", CONVERTED.slice(0, 10)),
  conversion("char"),
  conversion("to", [
    ...pairs.map(([a, b]): SampleInit => [of(a), b]),
    [t([2, 3]), "float64", { copy: true }],
    [t([2, 3], { dtype: "float32" }), "float32", { copy: true }],
    [t([2, 3], { dtype: "float32" }), { dtype: "float16" }],
    [t([2, 3], { dtype: "float32" }), t([1], { dtype: "float64" })],
  ]),
  conversion(
    "type",
    [
      [t([2, 3], { dtype: "float32" }), "float64"],
      [t([2, 3], { dtype: "float32" }), "int32"],
      [t([2, 3], { dtype: "float32" }), "float32"],
    ],
    { errors: [bad([t([2]), "float31"], ["type", "float31"])] },
  ),
  conversion("typeAs", [
    [of("float32"), of("float64")],
    [of("int32"), of("float16")],
    [of("float64"), of("int32")],
  ]),
]
