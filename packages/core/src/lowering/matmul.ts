/** Sums of products as one reduce, with an epilogue: matmul, and what convolutions become. */
import { type Expr, input, left, result, right, substitute } from "../expr.ts"
import type { Epilogue, MatmulKernel } from "../kernel.ts"
import {
  type Arguments,
  accumulatorOf,
  contiguousStrides,
  inputViews,
  type Lowering,
  type LoweringContext,
  restride,
  runMap,
  runReduce,
  type View,
  viewOf,
  withTemporaries,
} from "./views.ts"

/** The matmul kernel: iteration [b.., M, N | K], the operand that lacks a dim standing still along it. */
export const matmul: Lowering<MatmulKernel> = (kernel, sizes, operands, scalars, context) => {
  const { batch, dtype, epilogue } = kernel
  const [a, c] = operands.map((operand) => viewOf(operand, dtype))
  const out = viewOf(operands[operands.length - 1], dtype)
  contract(context, {
    sizes,
    reduced: 1,
    a: restride(a, sizes, [...a.strides.slice(0, batch), a.strides[batch], 0, a.strides[batch + 1]]),
    b: restride(c, sizes, [...c.strides.slice(0, batch), 0, c.strides[batch + 1], c.strides[batch]]),
    out,
    outSizes: out.sizes,
    outStrides: out.strides,
    epilogue,
    epilogueInputs: epilogue ? inputViews(epilogue.inputs, operands.slice(2)) : [],
    arguments: { types: epilogue?.scalars ?? [], values: scalars },
  })
}

/** out = epilogue(Σ a·b), the sum over the last `reduced` of `sizes`. */
export interface Contraction {
  readonly sizes: readonly number[]
  readonly reduced: number
  /** Over the whole iteration space. */
  readonly a: View
  readonly b: View
  /** The result as the epilogue sees it. */
  readonly out: View
  /** The same elements in the same order, dim by dim as they remain of `sizes`. */
  readonly outSizes: readonly number[]
  readonly outStrides: readonly number[]
  readonly epilogue: Epilogue | null
  readonly epilogueInputs: readonly View[]
  readonly arguments: Arguments
}

/**
 * Half types are summed in float32 and narrow integers in int32, and converted once, after the epilogue. `finish` sees
 * no inputs, so an epilogue that has some becomes a map: in place where the result can hold the sums.
 */
export function contract(context: LoweringContext, c: Contraction): void {
  const { sizes, reduced, a, b, out, outSizes, outStrides, epilogue, epilogueInputs, arguments: args } = c
  const accumulator = accumulatorOf(out.dtype)
  const sumInto = (target: View, finish: Expr): void =>
    runReduce(context, {
      sizes,
      reduced,
      inputs: [a, b],
      outputs: [target],
      monoid: {
        accumulators: [accumulator],
        identity: [accumulator === "int64" ? 0n : 0],
        lift: [input(0, a.dtype).cast(accumulator).mul(input(1, b.dtype).cast(accumulator))],
        combine: [left(0, accumulator).add(right(0, accumulator))],
      },
      finish: [finish],
      arguments: args,
    })
  const sum = result(0, accumulator)
  const target = restride(out, outSizes, outStrides)
  if (!epilogue || !epilogueInputs.length) {
    sumInto(target, epilogue ? applied(epilogue, sum) : sum)
    return
  }
  withTemporaries(context, (temporaries) => {
    const inPlace = accumulator === out.dtype
    const sums = inPlace ? out : temporaries.take(out.sizes, accumulator)
    sumInto(inPlace ? target : restride(sums, outSizes, contiguousStrides(outSizes)), sum)
    runMap(context, {
      sizes: out.sizes,
      inputs: [sums, ...epilogueInputs],
      outputs: [out],
      body: [applied(epilogue, input(0, accumulator))],
      inPlace,
      arguments: args,
    })
  })
}

/** The epilogue of `value`; its own inputs come after the one that may hold the value. */
const applied = (epilogue: Epilogue, value: Expr): Expr =>
  substitute([epilogue.body], (node) => {
    if (node.op === "result") return value.cast(node.dtype)
    return node.op === "input" ? input(Number(node.value) + 1, node.dtype) : undefined
  })[0]
