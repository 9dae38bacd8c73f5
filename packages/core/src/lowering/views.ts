/**
 * What every lowering needs: views with their element types, access classes that agree with strides, temporaries, and
 * the launching of a `map` or `reduce` over such views.
 */
import type { Buffer, Capabilities, Operand } from "../backend.ts"
import { computeType, DTYPES, type DType, type ScalarType } from "../dtype.ts"
import type { Expr, Scalar } from "../expr.ts"
import type { Access, InputType, Kernel, MapKernel, Monoid, OutputType, ReduceKernel } from "../kernel.ts"

/** What a lowering may use: memory, and the two kernels that every backend runs. Work is queued in order. */
export interface LoweringContext {
  readonly capabilities: Capabilities
  allocate(bytes: number, dtype: DType): Buffer
  free(buffer: Buffer): void
  /** Compiles (with the core's cache) and launches. */
  run(
    kernel: MapKernel | ReduceKernel,
    sizes: readonly number[],
    operands: readonly Operand[],
    scalars: readonly Scalar[],
  ): void
}

/** Does the work of one launch of `kernel` by launches of maps and reduces. */
export type Lowering<K extends Kernel> = (
  kernel: K,
  sizes: readonly number[],
  operands: readonly Operand[],
  scalars: readonly Scalar[],
  context: LoweringContext,
) => void

/** An operand and its element type; `loaded` if it is read through `load` instead of following the iteration. */
export interface View extends Operand {
  readonly dtype: DType
  readonly loaded?: boolean
}

export const viewOf = (operand: Operand, dtype: DType): View => ({ ...operand, dtype })
export const loaded = (view: View): View => ({ ...view, loaded: true })

/** The same memory under other sizes and strides, `skip` elements further on. */
export const restride = (view: View, sizes: readonly number[], strides: readonly number[], skip = 0): View => ({
  ...view,
  sizes,
  strides,
  offset: view.offset + skip,
})

export const isEmpty = (sizes: readonly number[]): boolean => sizes.includes(0)
export const countOf = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)

/** Row-major strides. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  const strides: number[] = []
  let step = 1
  for (let d = sizes.length - 1; d >= 0; d--) {
    strides[d] = step
    step *= sizes[d]
  }
  return strides
}

/**
 * The access class of a view that follows the iteration. With nothing to step over (no dims, or an innermost size of at
 * most 1) every class is true of it; then it is "unit", the class of contiguous views, so that odd strides of such dims
 * compile nothing new.
 */
export function accessOf(sizes: readonly number[], strides: readonly number[]): Exclude<Access, "load"> {
  const last = sizes.length - 1
  if (last < 0 || sizes[last] <= 1 || strides[last] === 1) return "unit"
  return strides[last] === 0 ? "broadcast" : "strided"
}

/** Like `accessOf`, for outputs, whose strides are never 0 where it matters. */
export const outputAccessOf = (sizes: readonly number[], strides: readonly number[]): OutputType["access"] =>
  accessOf(sizes, strides) === "unit" ? "unit" : "strided"

const inputTypeOf = ({ dtype, sizes, strides, loaded }: View): InputType =>
  loaded ? { dtype, access: "load", rank: sizes.length } : { dtype, access: accessOf(sizes, strides) }

const outputTypeOf = ({ dtype, sizes, strides }: View, aliases?: number): OutputType => ({
  dtype,
  access: outputAccessOf(sizes, strides),
  ...(aliases === undefined ? {} : { aliases }),
})

/** The views of the inputs of a kernel, in the order of its launch. */
export const inputViews = (inputs: readonly InputType[], operands: readonly Operand[]): View[] =>
  inputs.map(({ dtype, access }, k) => ({ ...operands[k], dtype, loaded: access === "load" }))

/** What sums, products and comparisons compute in: float32 for half types, int32 for what is narrower than that. */
export const accumulatorOf = (dtype: DType): DType => {
  const { kind, bytes } = DTYPES[dtype]
  return kind === "float" ? computeType(dtype) : bytes < 4 ? "int32" : dtype
}

/** `value` as the body of an output: half types take float32 and round when stored. */
export const storable = (value: Expr, dtype: DType): Expr => value.cast(computeType(dtype))

/** Scalar arguments of a launch and their types. */
export interface Arguments {
  readonly types: readonly ScalarType[]
  readonly values: readonly Scalar[]
}

export const NO_ARGUMENTS: Arguments = { types: [], values: [] }

/** `before`, followed by int32 arguments. */
export const withInts = (before: Arguments, ints: readonly number[]): Arguments => ({
  types: [...before.types, ...ints.map((): ScalarType => "int32")],
  values: [...before.values, ...ints],
})

interface Loops {
  readonly sizes: readonly number[]
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
  readonly arguments?: Arguments
}

/** Launches a map, unless there is nothing to do. `inPlace`: output 0 is the same view as input 0. */
export function runMap(
  context: LoweringContext,
  {
    sizes,
    inputs,
    outputs,
    body,
    inPlace,
    arguments: args = NO_ARGUMENTS,
  }: Loops & { body: readonly Expr[]; inPlace?: boolean },
): void {
  if (isEmpty(sizes)) return
  const kernel: MapKernel = {
    kind: "map",
    rank: sizes.length,
    inputs: inputs.map(inputTypeOf),
    outputs: outputs.map((view, k) => outputTypeOf(view, inPlace && k === 0 ? 0 : undefined)),
    scalars: args.types,
    body: body.map((e, k) => storable(e, outputs[k].dtype)),
  }
  context.run(kernel, sizes, [...inputs, ...outputs].map(operandOf), args.values)
}

/** Launches a reduce over the last `reduced` of `sizes`, unless no output has elements. */
export function runReduce(
  context: LoweringContext,
  {
    sizes,
    reduced,
    inputs,
    outputs,
    monoid,
    finish,
    arguments: args = NO_ARGUMENTS,
  }: Loops & { reduced: number; monoid: Monoid; finish: readonly Expr[] },
): void {
  if (isEmpty(sizes.slice(0, sizes.length - reduced))) return
  const kernel: ReduceKernel = {
    kind: "reduce",
    rank: sizes.length,
    reduced,
    inputs: inputs.map(inputTypeOf),
    outputs: outputs.map((view) => outputTypeOf(view)),
    scalars: args.types,
    accumulators: monoid.accumulators,
    identity: monoid.identity,
    lift: monoid.lift,
    combine: monoid.combine,
    finish: finish.map((e, k) => storable(e, outputs[k].dtype)),
  }
  context.run(kernel, sizes, [...inputs, ...outputs].map(operandOf), args.values)
}

const operandOf = ({ buffer, offset, sizes, strides }: View): Operand => ({ buffer, offset, sizes, strides })

/** Temporary memory of one lowering: contiguous views, each dropped after its last use. */
export interface Temporaries {
  take(sizes: readonly number[], dtype: DType): View
  /** Frees the memory of a view that `take` gave; of any other view it does nothing. */
  drop(...views: readonly View[]): void
}

/** Runs `use` and frees whatever it has not dropped, also when a kernel faults. */
export function withTemporaries(context: LoweringContext, use: (temporaries: Temporaries) => void): void {
  const live = new Set<Buffer>()
  const free = (buffer: Buffer): void => {
    if (live.delete(buffer)) context.free(buffer)
  }
  try {
    use({
      take(sizes, dtype) {
        const buffer = context.allocate(Math.max(1, countOf(sizes)) * DTYPES[dtype].bytes, dtype)
        live.add(buffer)
        return { buffer, offset: 0, sizes, strides: contiguousStrides(sizes), dtype }
      },
      drop: (...views) => {
        for (const view of views) free(view.buffer)
      },
    })
  } finally {
    for (const buffer of live) free(buffer)
  }
}
