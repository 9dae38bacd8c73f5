/** Running combinations by doubling: after step d every element combines itself and the d - 1 before it (Hillis, Steele). */
import type { DType, ScalarType } from "../dtype.ts"
import { type Expr, index, input, load, scalar, substitute, where } from "../expr.ts"
import type { ScanKernel } from "../kernel.ts"
import {
  type Arguments,
  countOf,
  inputViews,
  isEmpty,
  type Lowering,
  loaded,
  restride,
  runMap,
  type Temporaries,
  type View,
  viewOf,
  withInts,
  withTemporaries,
} from "./views.ts"

/** How an accumulator is kept in memory: there are no uint32 buffers. */
const storageOf = (type: ScalarType): DType => (type === "uint32" ? "int32" : type)

/** The scan kernel: a map lifts, log2(n) maps combine, a map finishes. */
export const scan: Lowering<ScanKernel> = (kernel, sizes, operands, scalars, context) => {
  if (isEmpty(sizes)) return
  const { accumulators, inputs, outputs, lift, reverse, finish } = kernel
  const args: Arguments = { types: kernel.scalars, values: scalars }
  const length = sizes.length ? sizes[sizes.length - 1] : 1
  const rows = [countOf(sizes) / length, length]
  withTemporaries(context, (temporaries) => {
    let current = take(temporaries, accumulators, sizes)
    runMap(context, { sizes, inputs: inputViews(inputs, operands), outputs: current, body: lift, arguments: args })
    const doubling = combineWithNeighbour(kernel)
    for (let distance = 1; distance < length; distance *= 2) {
      const next = take(temporaries, accumulators, sizes)
      runMap(context, {
        sizes: rows,
        inputs: current.map((view) => loaded(asRows(view, rows))),
        outputs: next.map((view) => asRows(view, rows)),
        body: doubling,
        arguments: withInts(args, [reverse ? -distance : distance, length]),
      })
      temporaries.drop(...current)
      current = next
    }
    runMap(context, {
      sizes,
      inputs: current,
      outputs: outputs.map(({ dtype }, k) => viewOf(operands[inputs.length + k], dtype)),
      body: substitute(finish, (node) =>
        node.op === "result"
          ? input(Number(node.value), storageOf(accumulators[Number(node.value)])).cast(node.dtype)
          : undefined,
      ),
      arguments: args,
    })
  })
}

const take = (temporaries: Temporaries, accumulators: readonly ScalarType[], sizes: readonly number[]): View[] =>
  accumulators.map((type) => temporaries.take(sizes, storageOf(type)))

const asRows = (view: View, rows: readonly number[]): View => restride(view, rows, [rows[1], 1])

/**
 * Over [rows, length]: each accumulator combined with the one `distance` before it in scan order, where there is one.
 * Both are loads of one operand: with a second, shifted view of each, three accumulators would exceed eight operands.
 */
function combineWithNeighbour({ accumulators, combine, scalars }: ScanKernel): Expr[] {
  const distance = scalar(scalars.length, "int32")
  const length = scalar(scalars.length + 1, "int32")
  const here = index(1)
  const there = here.sub(distance)
  const accumulatorAt = (k: number, at: Expr): Expr =>
    load(k, storageOf(accumulators[k]), [index(0), at], "zero").cast(accumulators[k])
  const combined = substitute(combine, (node) => {
    if (node.op !== "left" && node.op !== "right") return undefined
    return accumulatorAt(Number(node.value), node.op === "left" ? there : here).cast(node.dtype)
  })
  const exists = there.ge(0).and(there.lt(length))
  return combined.map((value, k) => where(exists, value, accumulatorAt(k, here).cast(value.dtype)))
}
