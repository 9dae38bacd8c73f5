/** Pointwise functions of one tensor. */

import type { DType } from "@taeda/core"
import {
  ALL,
  bad,
  FLOATS,
  INTEGRAL,
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
import { EXTREMES, unary } from "./samples.ts"

/** Floating functions take integers and bools too, and give the default float. */
const PROMOTING: readonly DType[] = [...FLOATS, "int32", "bool"]

const smooth = (name: string, range: TensorOptions = {}, more: Partial<RowInit> = {}): Row =>
  row(name, { inPlace: true, dtypes: PROMOTING, samples: unary(range), ...more })

/** Steps: the gradient is zero, or passes through. */
const step = (name: string, more: Partial<RowInit> = {}): Row =>
  row(name, { inPlace: true, dtypes: NUMERIC, samples: unary({ low: -4, high: 4 }), ...more })

const predicate = (name: string, more: Partial<RowInit> = {}): Row =>
  row(name, { dtypes: ALL, grad: false, samples: unary({ low: -4, high: 4 }), ...more })

/** A function of nn.functional: one run over all sizes and extremes for the defaults, then the options. */
const activation = (
  name: string,
  options: Options[] = [],
  more: Partial<RowInit> = {},
  range: TensorOptions = { low: -4, high: 4 },
): Row =>
  row(name, {
    in: "nn.functional",
    samples: [
      ...unary(range),
      ...options.flatMap((each) => [
        [t([3, 5], range), each] as const,
        sample([v(EXTREMES), each], { only: WIDE, tags: ["extreme"] }),
      ]),
    ],
    ...more,
  })

const UNIT: TensorOptions = { low: -1, high: 1 }
const POSITIVE: TensorOptions = { low: 0, high: 4 }

const TRIGAMMA: Row["gradientTolerance"] = {
  float64: { rtol: 1e-8, atol: 1e-9, reason: "PyTorch's trigamma has nine or ten digits" },
}

/** The extremes at which PyTorch's own float32 formula keeps its digits. */
const TAME = EXTREMES.filter((x) => !(Math.abs(x) > 20 && Number.isFinite(x)))

const overwriting = (name: string, options: Options[] = []): Row =>
  row(name, {
    in: "nn.functional",
    method: false,
    mutates: true,
    samples: [
      [t([2, 3])],
      [t([3, 4], { layout: "transposed" })],
      ...options.map((each): SampleInit => [t([2, 3]), each]),
    ],
  })

export const UNARY: readonly Row[] = [
  row("abs", { inPlace: true, dtypes: NUMERIC, samples: unary() }),
  row("neg", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: unary(),
    errors: [bad([t([2], { dtype: "bool" })], ["neg", "bool"])],
  }),
  row("positive", {
    dtypes: NUMERIC,
    samples: unary(),
    errors: [bad([t([2], { dtype: "bool" })], ["positive", "bool"])],
  }),
  step("sign", { dtypes: ALL }),
  step("sgn", { dtypes: ALL }),
  smooth("exp", {}, { errors: [bad([t([2]), { dimm: 1 }], ["exp", "dimm"], true)] }),
  smooth("exp2"),
  smooth("expm1"),
  smooth("log", POSITIVE),
  smooth("log2", POSITIVE),
  smooth("log10", POSITIVE),
  smooth("log1p", { low: -0.5, high: 4 }),
  smooth("sqrt", POSITIVE),
  smooth("rsqrt", POSITIVE),
  row("square", { inPlace: true, dtypes: NUMERIC, samples: unary() }),
  smooth("reciprocal", { low: 0.5, high: 4 }),
  smooth("sin"),
  smooth("cos"),
  smooth("tan", UNIT),
  smooth("asin", UNIT),
  smooth("acos", UNIT),
  smooth("atan"),
  smooth("sinh"),
  smooth("cosh"),
  smooth("tanh"),
  smooth("asinh"),
  smooth("acosh", { low: 1, high: 4 }),
  smooth("atanh", UNIT),
  smooth("erf"),
  smooth("erfc"),
  smooth("erfinv", UNIT),
  smooth("lgamma", { low: 0, high: 8 }, { gradientTolerance: TRIGAMMA }),
  smooth(
    "digamma",
    { low: 0, high: 8 },
    {
      gradientTolerance: TRIGAMMA,
      // At the poles PyTorch's trigamma gives whatever the rounding of π leaves of a division by zero.
      samples: unary(
        { low: 0, high: 8 },
        {},
        EXTREMES.filter((x) => !(x <= 0 && Number.isInteger(x))),
      ),
    },
  ),
  smooth("sigmoid", { low: -8, high: 8 }),
  smooth(
    "logit",
    { low: 0, high: 1 },
    {
      samples: [
        ...unary({ low: 0, high: 1 }),
        [t([2, 3], { low: 0, high: 1 }), 0.125],
        sample([v(EXTREMES), { eps: 0.25 }], { only: WIDE, tags: ["extreme"] }),
      ],
    },
  ),
  smooth("sinc"),
  step("floor"),
  step("ceil"),
  step("trunc"),
  step("round", {
    samples: [
      ...unary({ low: -4, high: 4 }),
      sample([v([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997])], { only: WIDE, noGradcheck: "on a step" }),
      [t([2, 3]), { decimals: 1 }],
      sample([t([2, 3], { low: -200, high: 200 }), { decimals: -1 }], { noGradcheck: "on a step" }),
    ],
  }),
  step("frac", { dtypes: FLOATS, errors: [bad([t([2], { dtype: "int32" })], ["frac", "int32"])] }),
  smooth("deg2rad", { low: -180, high: 180 }),
  smooth("rad2deg"),
  predicate("isnan"),
  predicate("isinf"),
  predicate("isfinite"),
  predicate("isposinf"),
  predicate("isneginf"),
  predicate("signbit"),
  predicate("logicalNot"),
  row("bitwiseNot", {
    inPlace: true,
    dtypes: INTEGRAL,
    grad: false,
    samples: unary({}, {}, []),
    errors: [bad([t([2])], ["bitwiseNot", "float32"])],
  }),
  row("nanToNum", {
    inPlace: true,
    dtypes: ALL,
    samples: [
      ...unary(),
      sample([v(EXTREMES), 0.5, 2, -3], { only: WIDE, tags: ["extreme"] }),
      sample([v(EXTREMES), { posinf: 7 }], { only: WIDE, tags: ["extreme"] }),
    ],
  }),
  row("clamp", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      [t([2, 3]), -1, 1],
      [t([2, 3]), { min: 0 }],
      [t([7]), { max: 0.5 }],
      [t([2, 3]), t([2, 3], UNIT), t([3], { low: 1, high: 2 })],
      [t([2, 3]), { min: t([2, 1], UNIT) }],
      [t([2, 3], { layout: "transposed" }), 1, -1],
      [t([0, 3]), 0, 1],
      [t([]), 0, 1],
      sample([v(EXTREMES), -2.5, 1e5], { only: WIDE, tags: ["extreme"] }),
      sample([v(EXTREMES), -1, 1], { only: WIDE, tags: ["extreme"] }),
      [t([4], { dtype: "int32" }), 0.5, 2.5],
    ],
    errors: [bad([t([2, 3])], ["clamp", "min", "max"]), bad([t([2, 3]), { minimum: 0 }], ["clamp", "minimum"], true)],
  }),
  row("clampMin", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      [t([2, 3]), 0],
      [t([]), 1],
      [t([2, 3]), t([3], UNIT)],
      sample([v(EXTREMES), 1], { only: WIDE, tags: ["extreme"] }),
    ],
  }),
  row("clampMax", {
    inPlace: true,
    dtypes: NUMERIC,
    samples: [
      [t([2, 3]), 0],
      [t([]), 1],
      [t([2, 3]), t([3], UNIT)],
      sample([v(EXTREMES), 1], { only: WIDE, tags: ["extreme"] }),
    ],
  }),

  row("relu", {
    inPlace: true,
    aliases: ["nn.functional.relu"],
    dtypes: NUMERIC,
    samples: unary(),
    errors: [bad([t([2], { dtype: "bool" })], ["relu", "bool"])],
  }),
  activation("relu6", [], {}, { low: -8, high: 8 }),
  activation("leakyRelu", [{ negativeSlope: 0.25 }]),
  activation("elu", [{ alpha: 0.5 }]),
  activation("selu", [], { aliases: ["selu"] }),
  activation("celu", [{ alpha: 2 }], { aliases: ["celu"] }),
  activation("gelu", [{ approximate: "tanh" }], {
    errors: [bad([t([2]), { approximate: "none!" }], ["gelu", "none!"])],
  }),
  activation("silu"),
  activation("mish"),
  activation("softplus", [{ beta: 2, threshold: 3 }]),
  activation("softsign"),
  activation("hardtanh", [{ minVal: -0.5, maxVal: 2.5 }]),
  activation("hardsigmoid"),
  activation("hardswish"),
  activation("tanhshrink"),
  activation("softshrink", [{ lambd: 1.5 }], {
    anyZero: "PyTorch's vector code and its scalar code give different ones",
    errors: [bad([t([2]), { lambd: -1 }], ["softshrink", "lambd"])],
  }),
  activation("hardshrink", [{ lambd: 1.5 }], { aliases: ["hardshrink"] }),
  activation("logsigmoid"),
  row("threshold", {
    in: "nn.functional",
    aliases: ["threshold"],
    samples: [
      [t([2, 3]), 0.5, 20],
      [t([]), -1, 0],
      [t([3, 4], { layout: "transposed" }), 0, -5],
      sample([v(EXTREMES), 0.5, -7], { only: WIDE, tags: ["extreme"] }),
    ],
  }),
  row("prelu", {
    in: "nn.functional",
    aliases: ["prelu"],
    method: true,
    samples: [
      [t([2, 3]), t([1], UNIT)],
      [t([2, 3, 4]), t([3], UNIT)],
      [t([4]), t([1], UNIT)],
      [t([2, 3], { layout: "sliced" }), t([3], UNIT)],
      [t([0, 3]), t([3], UNIT)],
      sample([v(EXTREMES), t([1])], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3]), t([4])], ["prelu", "3", "4"])],
  }),
  row("glu", {
    in: "nn.functional",
    samples: [
      [t([2, 6])],
      [t([4, 3]), 0],
      [t([2, 4, 3]), { dim: -2 }],
      [t([4, 2], { layout: "transposed" })],
      [t([0, 4])],
      sample([v(EXTREMES.slice(0, 30))], { only: WIDE, tags: ["extreme"] }),
    ],
    errors: [bad([t([2, 3])], ["glu", "3"])],
  }),
  row("entr", { in: "special", samples: unary({ low: 0, high: 4 }) }),
  row("ndtr", { in: "special", tolerance: roundedSteps(), samples: unary() }),
  row("logNdtr", {
    in: "special",
    dtypes: WIDE,
    samples: unary(
      {},
      {},
      TAME.filter((x) => !(Math.abs(x) > 20)),
    ),
    gradientTolerance: {
      float32: { rtol: 1e-5, atol: 1e-5, reason: "a quotient of two tails, in PyTorch of rounded ones" },
    },
  }),
  row("polygamma", {
    samples: [0, 1, 2, 3].flatMap((n): SampleInit[] => [
      [n, t([2, 3], { low: 0, high: 8 })],
      [n, t([4], { low: 0, high: 8, layout: "sliced" })],
    ]),
    gradientTolerance: TRIGAMMA,
    tolerance: TRIGAMMA,
    errors: [bad([-1, t([2])], ["polygamma", "-1"])],
  }),
  row("polygamma_", {
    in: "Tensor",
    mutates: true,
    samples: [[t([2, 3], { low: 0, high: 8 }), 1]],
    gradientTolerance: TRIGAMMA,
    tolerance: TRIGAMMA,
  }),
  row("mvlgamma", {
    inPlace: true,
    gradientTolerance: TRIGAMMA,
    samples: [
      [t([2, 3], { low: 1, high: 8 }), 1],
      [t([2, 3], { low: 2, high: 8 }), 3],
      [t([3, 4], { low: 2, high: 8, layout: "transposed" }), 2],
    ],
    errors: [bad([t([2]), 0], ["mvlgamma", "0"])],
  }),
  // The forms that overwrite, of functions of nn.functional that have no method.
  overwriting("leakyRelu_", [{ negativeSlope: 0.25 }]),
  overwriting("hardtanh_", [{ minVal: -0.5, maxVal: 1.5 }]),
  overwriting("elu_", [{ alpha: 0.5 }]),
  overwriting("selu_"),
  overwriting("celu_", [{ alpha: 2 }]),
  row("threshold_", { in: "nn.functional", method: false, mutates: true, samples: [[t([2, 3]), 0.5, 20]] }),
  row("rrelu", {
    in: "nn.functional",
    aliases: ["rrelu"],
    samples: [[t([2, 3])], [t([3, 4], { layout: "transposed" }), 0.25, 0.5, false]],
  }),
  row("rrelu_", { in: "nn.functional", method: false, mutates: true, samples: [[t([2, 3])], [t([2, 3]), 0.25, 0.5]] }),
]
