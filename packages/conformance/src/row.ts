/**
 * Rows: one per op, saying on what inputs the op is tried, in which dtypes, and how closely it must agree with PyTorch.
 *
 * A row knows nothing of the library under test nor of Python: it names the op by its path in the namespace
 * (`nn.functional.softmax`; PyTorch's path is the same in snake_case) and describes tensors by specs. The suite turns
 * specs into tensors of the library, the golden-value script turns them into tensors of PyTorch, and both compute the
 * elements from the spec's seed (see inputs.ts), so that no input is stored.
 */

import type { DType } from "@taeda/core"

/** Where an op lives. `Tensor`: a method only, or a property. */
export type Namespace = "torch" | "nn.functional" | "linalg" | "special" | "Tensor"

/** How a tensor lies in its storage. Its elements are numbered by storage position, gaps included. */
export type Layout = "contiguous" | "transposed" | "sliced" | "expanded" | "offset"

/** What the elements are: numbers in [low, high), or integers below `high` (an index; all different for a permutation). */
export type Content = "value" | "index" | "permutation"

export interface TensorOptions {
  /** Left out: the dtype of the case (int32 for an index). */
  readonly dtype?: DType
  /** Bounds of the elements; -2 and 2 unless given. Floating elements stay off every multiple of their grid's step. */
  readonly low?: number
  readonly high?: number
  /** No two elements alike, as long as the range has room. */
  readonly distinct?: boolean
  readonly layout?: Layout
  /** The elements themselves, in row-major order; the layout is then contiguous. */
  readonly values?: readonly number[]
  readonly kind?: Content
  /** Left out: true for every floating value tensor of a row with gradients. */
  readonly requiresGrad?: boolean
  /** Left out: one more than the tensor's position among the sample's tensors. */
  readonly seed?: number
}

export interface TensorSpec extends TensorOptions {
  readonly spec: "tensor"
  readonly shape: readonly number[]
}

export interface SliceSpec {
  readonly spec: "slice"
  readonly start: number | null
  readonly stop: number | null
  readonly step: number | null
}

/** Stands for the dtype of the case. */
export interface DTypeSlot {
  readonly spec: "dtype"
}

export type Arg =
  | TensorSpec
  | SliceSpec
  | DTypeSlot
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | readonly Arg[]

export type Options = { readonly [name: string]: Arg }

export type Tag = "extreme" | "subnormal" | "zeroSize" | "scalar" | "strided" | "broadcast"

/** One call: positional arguments and named options. */
export interface Sample {
  readonly args: readonly Arg[]
  readonly options: Options
  /** Exactly these dtypes, in place of the row's choice. */
  readonly only?: readonly DType[]
  /** The result is awaited, in a row where it commonly is not. */
  readonly awaited?: boolean
  /** Why finite differences say nothing at these values. */
  readonly noGradcheck?: string
  /** Why second derivatives are not compared at these values. */
  readonly noSecond?: string
  /** What PyTorch reads on the host: where reads are not synchronous the call may be refused, or give a copy. */
  readonly readsHost?: string
  readonly tags: readonly Tag[]
}

/** A call that must throw an error whose message contains every word (letter case aside) and leave its inputs alone. */
export interface ErrorSample {
  readonly args: readonly Arg[]
  readonly options: Options
  readonly words: readonly string[]
  /** PyTorch accepts it, or cannot be asked (named options, for one). */
  readonly oursAlone: boolean
}

export interface Tolerance {
  readonly rtol: number
  readonly atol: number
  /** Why the default does not do. */
  readonly reason: string
}

export interface Row {
  readonly name: string
  readonly in: Namespace
  /** Sets a second row of the same op apart. */
  readonly variant?: string
  /** PyTorch's path where snake_case of ours is not it; `@name` is an adapter of the golden-value script. */
  readonly torch?: string
  /** Other paths of the very same function, e.g. `softmax` for `nn.functional.softmax`. */
  readonly aliases: readonly string[]
  /** Also a Tensor method, with the first argument as the receiver. */
  readonly method: boolean
  /** A property of Tensor, not a function. */
  readonly property: boolean
  /** `name_` exists as a Tensor method. */
  readonly inPlace: boolean
  /** Changes its first argument and returns it: call it on a copy. */
  readonly mutates: boolean
  /** The result is awaited, and `nameSync` exists. */
  readonly awaited: boolean
  /** Only shapes and dtypes of the result are defined. */
  readonly shapeOnly: boolean
  /** Why a zero may have either sign. */
  readonly anyZero?: string
  readonly dtypes: readonly DType[]
  readonly grad: boolean
  /** Positions of results that hold indices or counts: always of the default integer dtype. */
  readonly indices: readonly number[]
  /** Why finite differences say nothing about this op. */
  readonly noGradcheck?: string
  readonly tolerance: Readonly<Partial<Record<DType, Tolerance>>>
  /** Of gradients, where they are less exact than the values. */
  readonly gradientTolerance: Readonly<Partial<Record<DType, Tolerance>>>
  readonly samples: readonly Sample[]
  readonly errors: readonly ErrorSample[]
}

export const FLOATS: readonly DType[] = ["float32", "float64", "float16", "bfloat16"]
export const WIDE: readonly DType[] = ["float32", "float64"]
export const INTS: readonly DType[] = ["int32", "int64", "uint8", "int8"]
export const NUMERIC: readonly DType[] = [...FLOATS, ...INTS]
export const ALL: readonly DType[] = [...NUMERIC, "bool"]
export const INTEGRAL: readonly DType[] = [...INTS, "bool"]

/** Agreement asked for unless a row says otherwise: PyTorch's own defaults, with float64 a good deal tighter. */
export const TOLERANCE: Readonly<Record<DType, { readonly rtol: number; readonly atol: number }>> = {
  float64: { rtol: 1e-10, atol: 1e-12 },
  float32: { rtol: 1.3e-6, atol: 1e-5 },
  float16: { rtol: 1e-3, atol: 1e-5 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-5 },
  int64: { rtol: 0, atol: 0 },
  int32: { rtol: 0, atol: 0 },
  int16: { rtol: 0, atol: 0 },
  int8: { rtol: 0, atol: 0 },
  uint8: { rtol: 0, atol: 0 },
  bool: { rtol: 0, atol: 0 },
}

/** How closely results of `dtype` must agree in `row`. */
export const toleranceOf = (row: Row, dtype: DType): { readonly rtol: number; readonly atol: number } =>
  row.tolerance[dtype] ?? TOLERANCE[dtype]

/**
 * Gradients in half types: PyTorch rounds after every step of its backward formulas, where a kernel rounds once, so a few
 * of its roundings are allowed for, also of terms that cancel (all inputs are of the order of 1).
 */
const HALF_GRADIENTS: Readonly<Partial<Record<DType, { readonly rtol: number; readonly atol: number }>>> = {
  float16: { rtol: 4e-3, atol: 4e-3 },
  bfloat16: { rtol: 3e-2, atol: 3e-2 },
}

/** How closely gradients of `dtype` must agree in `row`. */
export function gradientToleranceOf(row: Row, dtype: DType): { readonly rtol: number; readonly atol: number } {
  const own = row.gradientTolerance[dtype]
  if (own) return own
  const values = toleranceOf(row, dtype)
  const half = HALF_GRADIENTS[dtype] ?? values
  return { rtol: Math.max(values.rtol, half.rtol), atol: Math.max(values.atol, half.atol) }
}

const ROUNDED = "PyTorch rounds partial results to the half type, which a kernel rounds once"

/** For ops of several steps, in half types: `scale` is the order of magnitude of the partial results. */
export const roundedSteps = (scale = 1): Row["tolerance"] => ({
  float16: { rtol: 2e-3 * scale, atol: 2e-3 * scale, reason: ROUNDED },
  bfloat16: { rtol: 1.6e-2 * scale, atol: 1.6e-2 * scale, reason: ROUNDED },
})

export const t = (shape: readonly number[], options: TensorOptions = {}): TensorSpec => ({
  spec: "tensor",
  shape,
  ...options,
})
/** Indices below `high`. */
export const index = (shape: readonly number[], high: number, options: TensorOptions = {}): TensorSpec =>
  t(shape, { low: 0, high, kind: "index", ...options })
/** A bool tensor. */
export const mask = (shape: readonly number[], options: TensorOptions = {}): TensorSpec =>
  t(shape, { dtype: "bool", ...options })
/** A vector of exactly these elements. */
export const v = (values: readonly number[], options: TensorOptions = {}): TensorSpec =>
  t([values.length], { values, ...options })
export const slice = (
  start: number | null = null,
  stop: number | null = null,
  step: number | null = null,
): SliceSpec => ({ spec: "slice", start, stop, step })
export const CASE_DTYPE: DTypeSlot = { spec: "dtype" }

/** Positional arguments, and named options as a trailing plain object. */
export type Call = readonly (Arg | Options)[]
export type SampleInit = Call | Sample

type SampleAttributes = Partial<Omit<Sample, "args" | "options">>

const isOptions = (arg: Arg | Options): arg is Options =>
  typeof arg === "object" && arg !== null && !Array.isArray(arg) && !("spec" in arg)

const splitCall = (call: Call): { args: Arg[]; options: Options } => {
  const last = call.at(-1)
  return last !== undefined && isOptions(last)
    ? { args: call.slice(0, -1) as Arg[], options: last }
    : { args: [...call] as Arg[], options: {} }
}

/** A sample with its dtypes or tags given. */
export const sample = (call: Call, attributes: SampleAttributes = {}): Sample => {
  const { args, options } = splitCall(call)
  return { args, options, ...attributes, tags: [...new Set([...derivedTags(args), ...(attributes.tags ?? [])])] }
}

export const isTensorSpec = (arg: unknown): arg is TensorSpec =>
  typeof arg === "object" && arg !== null && (arg as { spec?: unknown }).spec === "tensor"

/** Every tensor of a call in order: positional ones first, lists flattened, then named ones. */
export const tensorsOf = (args: readonly Arg[], options: Options = {}): TensorSpec[] =>
  [...args, ...Object.values(options)].flatMap((arg): TensorSpec[] =>
    isTensorSpec(arg) ? [arg] : Array.isArray(arg) ? tensorsOf(arg as readonly Arg[]) : [],
  )

function derivedTags(args: readonly Arg[]): Tag[] {
  const tensors = tensorsOf(args)
  const shapes = new Set(tensors.map((tensor) => tensor.shape.join()))
  const rules: [Tag, boolean][] = [
    ["zeroSize", tensors.some((tensor) => tensor.shape.includes(0))],
    ["scalar", tensors.some((tensor) => tensor.shape.length === 0)],
    ["strided", tensors.some((tensor) => (tensor.layout ?? "contiguous") !== "contiguous")],
    ["broadcast", shapes.size > 1],
  ]
  return rules.filter(([, holds]) => holds).map(([tag]) => tag)
}

const isSample = (init: SampleInit): init is Sample => !Array.isArray(init)

/** A call that must fail, and the words of its message. */
export const bad = (call: Call, words: readonly string[], oursAlone = false): ErrorSample => ({
  ...splitCall(call),
  words,
  oursAlone,
})

export interface RowInit extends Partial<Omit<Row, "name" | "samples">> {
  readonly samples: readonly SampleInit[]
}

/** A row; what is left out takes the commonest value: a differentiable torch op with a method, in every float dtype. */
export const row = (name: string, init: RowInit): Row => ({
  in: "torch",
  aliases: [],
  method: (init.in ?? "torch") === "torch",
  property: false,
  inPlace: false,
  mutates: false,
  awaited: false,
  shapeOnly: false,
  dtypes: FLOATS,
  grad: true,
  indices: [],
  tolerance: {},
  gradientTolerance: {},
  errors: [],
  ...init,
  name,
  samples: init.samples.map((each) => (isSample(each) ? each : sample(each))),
})

/** The op's path in the namespace: `add`, `nn.functional.softmax`, `Tensor.at`. */
export const pathOf = (row: Row): string => (row.in === "torch" ? row.name : `${row.in}.${row.name}`)

/** The row's key: its path, and its variant where there is one. */
export const idOf = (row: Row): string => (row.variant ? `${pathOf(row)} (${row.variant})` : pathOf(row))
