/**
 * Kernels: what the core asks of a backend. Each is a small typed description of loops over strided views with scalar
 * expressions inside; no backend ever sees the name of an op. The union is closed. `map` and `reduce` are required of
 * every backend; the rest has a default in terms of those two (`lowering/`, of `rows` `ops/over-rows.ts`), to be
 * overridden for speed.
 *
 * A kernel is structure only: ranks, types, access and expressions. Sizes, strides, offsets and scalars come with the
 * launch, so that one compilation serves all shapes.
 *
 * Operands of a launch stand in the order: inputs, then outputs. Rules that every machine can keep, and core obeys:
 *  - outputs never overlap each other, and no two elements of an output are the same memory;
 *  - an output's memory is not among the inputs, except that input `output.aliases` is the very same view (in place);
 *  - element offsets and strides count elements, never bytes; strides may be 0 (inputs only) or negative.
 */
import type { DType, ScalarType } from "./dtype.ts"
import type { Expr, Scalar } from "./expr.ts"
import type { ReducedPrecision } from "./matmul-precision.ts"

/**
 * How an operand moves along the innermost iteration dim: by one element, not at all, or by any stride. `load`: it does
 * not follow the iteration but is read through `load` expressions at coordinates of its own `rank` dims.
 */
export type Access = "unit" | "broadcast" | "strided" | "load"

export interface InputType {
  readonly dtype: DType
  readonly access: Access
  /** For `load`: the number of the operand's own dims. */
  readonly rank?: number
}

export interface OutputType {
  readonly dtype: DType
  readonly access: "unit" | "strided"
  /** The input that is the same view as this output. */
  readonly aliases?: number
}

/** out_j[i] = body_j(i) for every i of the iteration space, which has `rank` dims. */
export interface MapKernel {
  readonly kind: "map"
  readonly rank: number
  readonly inputs: readonly InputType[]
  readonly outputs: readonly OutputType[]
  readonly scalars: readonly ScalarType[]
  /** One expression per output, of the output's dtype (half types: of float32, rounded when stored). */
  readonly body: readonly Expr[]
}

/**
 * A commutative monoid over tuples: `lift` makes the accumulators of one element, `combine` merges two tuples (`left`,
 * `right`), `identity` is the tuple of nothing. A backend may combine in any order and keep accumulators wider than
 * their type; the error must be no worse than pairwise summation in that type.
 */
export interface Monoid {
  readonly accumulators: readonly ScalarType[]
  readonly identity: readonly Scalar[]
  readonly lift: readonly Expr[]
  readonly combine: readonly Expr[]
}

/** Combines over the last `reduced` of the `rank` iteration dims; outputs have the dims that remain. */
export interface ReduceKernel extends Monoid {
  readonly kind: "reduce"
  readonly rank: number
  readonly reduced: number
  readonly inputs: readonly InputType[]
  readonly outputs: readonly OutputType[]
  readonly scalars: readonly ScalarType[]
  /** One per output, over `result`, `scalar` and the `index` of remaining dims. */
  readonly finish: readonly Expr[]
}

/**
 * Reductions over each row, one after the other, and then what is made of them. A row is the last `reduced` of the `rank`
 * iteration dims; rows know nothing of each other.
 *
 * A stage combines all elements of a row. `result(k)` is accumulator k of a row, counted on through the stages: `lift` may
 * use those of the stages before its own, `body` and `finish` use all. So x − mean, squared, is the `lift` of a second stage.
 * What depends on no element (on results, scalars and the remaining dims' `index` alone) is the same all along a row and is
 * best computed once.
 *
 * Outputs are first those with an element for each point of the iteration, one per `body`; then those that have only the
 * remaining dims, one per `finish`. Either list may be empty. Elements are read again at each stage: no output is an input.
 */
export interface RowsKernel {
  readonly kind: "rows"
  readonly rank: number
  readonly reduced: number
  readonly inputs: readonly InputType[]
  /** Without `aliases`. */
  readonly outputs: readonly OutputType[]
  readonly scalars: readonly ScalarType[]
  readonly stages: readonly Monoid[]
  /** Over `input`, `load`, `index`, `scalar` and `result`. */
  readonly body: readonly Expr[]
  /** Over `result`, `scalar` and the `index` of remaining dims. */
  readonly finish: readonly Expr[]
}

/** Inclusive running combination along the last iteration dim, in order (the monoid need not commute). */
export interface ScanKernel extends Monoid {
  readonly kind: "scan"
  readonly rank: number
  readonly inputs: readonly InputType[]
  readonly outputs: readonly OutputType[]
  readonly scalars: readonly ScalarType[]
  /** From the last element to the first. */
  readonly reverse: boolean
  readonly finish: readonly Expr[]
}

/** What happens to a result before it is stored: an expression over `result(0)`, inputs of the output's shape, scalars. */
export interface Epilogue {
  readonly inputs: readonly InputType[]
  readonly scalars: readonly ScalarType[]
  readonly body: Expr
}

/** What products and convolutions have in common. */
interface ProductKernel {
  readonly dtype: DType
  readonly epilogue: Epilogue | null
  /**
   * Of float32 alone: factors may be rounded before they are multiplied, to 11 significant bits ("high") or 8 ("medium"); sums
   * stay float32. Without it nothing is rounded, which a backend may do always.
   */
  readonly precision?: ReducedPrecision | undefined
}

/**
 * out[b.., m, n] = Σ_k a[b.., m, k]·c[b.., k, n]. Iteration sizes are [b.., M, N, K]; operands a, c, epilogue inputs, out
 * with their own strides over [b.., M, K], [b.., K, N] and [b.., M, N].
 */
export interface MatmulKernel extends ProductKernel {
  readonly kind: "matmul"
  /** The number of batch dims. */
  readonly batch: number
}

/**
 * Cross-correlation with zero padding, and its two gradients.
 * forward: (x, w) → y; input: (gy, w) → gx; weight: (x, gy) → gw.
 * x [N, G·Ci, S..], w [G·Co, Ci, K..], y [N, G·Co, O..]. Sizes: the sizes of the result; scalars, all int32:
 * stride.., padding.., dilation.., groups. Epilogue inputs stand before the output.
 */
export interface ConvKernel extends ProductKernel {
  readonly kind: "conv"
  readonly pass: "forward" | "input" | "weight"
  /** 1, 2 or 3. */
  readonly spatial: number
}

/**
 * For every point of the iteration space, in order: target[coordinates] ⊕= value. The target is the last operand, read
 * and written; its own dims are `targetRank`. Deterministic: contributions to one element combine in iteration order,
 * and `set` keeps the last.
 */
export interface ScatterKernel {
  readonly kind: "scatter"
  readonly rank: number
  readonly inputs: readonly InputType[]
  readonly scalars: readonly ScalarType[]
  readonly value: Expr
  readonly coordinates: readonly Expr[]
  readonly combine: "set" | "add" | "mul" | "min" | "max"
  readonly dtype: DType
  readonly targetRank: number
  /** Coordinates outside the target are dropped; `fault` also reports them. */
  readonly bounds: "zero" | "fault"
  /** No two iterations go to one element, which a machine that runs them all at once is glad to know. */
  readonly distinct?: boolean
}

/** Stable sort along the last dim; NaN is the greatest. Operands: x, values, indices (int32), all of one shape. */
export interface SortKernel {
  readonly kind: "sort"
  readonly rank: number
  readonly dtype: DType
  readonly descending: boolean
}

export type Kernel =
  | MapKernel
  | ReduceKernel
  | RowsKernel
  | ScanKernel
  | MatmulKernel
  | ConvKernel
  | ScatterKernel
  | SortKernel

const inputKey = (i: InputType): string => `${i.dtype}.${i.access}${i.rank ?? ""}`
const inputsKey = (inputs: readonly InputType[]): string => inputs.map(inputKey).join()
const outputsKey = (outputs: readonly OutputType[]): string =>
  outputs.map((o) => `${o.dtype}.${o.access}${o.aliases === undefined ? "" : `=${o.aliases}`}`).join()
const exprsKey = (exprs: readonly Expr[]): readonly number[] => exprs.map((e) => e.id)
const monoidKey = (m: Monoid): string =>
  `${m.accumulators}|${m.identity.map((v) => (Object.is(v, -0) ? "-0" : v))}|${exprsKey(m.lift)}|${exprsKey(m.combine)}`
const epilogueKey = (e: Epilogue | null): string => (e ? `${inputsKey(e.inputs)}|${e.scalars}|${e.body.id}` : "")

/** Equal for kernels of equal structure, within this process. */
export function kernelKey(k: Kernel): string {
  switch (k.kind) {
    case "map":
      return `map|${k.rank}|${inputsKey(k.inputs)}|${outputsKey(k.outputs)}|${k.scalars}|${exprsKey(k.body)}`
    case "reduce":
      return `reduce|${k.rank}|${k.reduced}|${inputsKey(k.inputs)}|${outputsKey(k.outputs)}|${k.scalars}|${monoidKey(k)}|${exprsKey(k.finish)}`
    case "rows":
      return `rows|${k.rank}|${k.reduced}|${inputsKey(k.inputs)}|${outputsKey(k.outputs)}|${k.scalars}|${k.stages.map(monoidKey).join(";")}|${exprsKey(k.body)}|${exprsKey(k.finish)}`
    case "scan":
      return `scan|${k.rank}|${k.reverse}|${inputsKey(k.inputs)}|${outputsKey(k.outputs)}|${k.scalars}|${monoidKey(k)}|${exprsKey(k.finish)}`
    case "matmul":
      return `matmul|${k.batch}|${k.dtype}|${k.precision}|${epilogueKey(k.epilogue)}`
    case "conv":
      return `conv|${k.pass}|${k.spatial}|${k.dtype}|${k.precision}|${epilogueKey(k.epilogue)}`
    case "scatter":
      return `scatter|${k.rank}|${inputsKey(k.inputs)}|${k.scalars}|${k.value.id}|${exprsKey(k.coordinates)}|${k.combine}|${k.dtype}|${k.targetRank}|${k.bounds}|${k.distinct ?? false}`
    case "sort":
      return `sort|${k.rank}|${k.dtype}|${k.descending}`
  }
}

/** The element types of a kernel's operands. */
export function operandDtypes(k: Kernel): readonly DType[] {
  if ("outputs" in k) return [...k.inputs, ...k.outputs].map((o) => o.dtype)
  return k.kind === "scatter" ? [...k.inputs.map((i) => i.dtype), k.dtype] : [k.dtype]
}

/** What a person reads in a profile or an error: the kernel in a few words. */
export function describeKernel(k: Kernel): string {
  switch (k.kind) {
    case "map":
    case "reduce":
    case "rows":
    case "scan":
      return `${k.kind} of rank ${k.rank}: (${k.inputs.map((i) => i.dtype).join(", ")}) -> ${k.outputs.map((o) => o.dtype).join(", ")}`
    case "matmul":
      return `matmul ${k.dtype}, ${k.batch} batch dims`
    case "conv":
      return `conv${k.spatial}d ${k.pass} ${k.dtype}`
    case "scatter":
      return `scatter-${k.combine} ${k.dtype}`
    case "sort":
      return `sort ${k.dtype}${k.descending ? " descending" : ""}`
  }
}
