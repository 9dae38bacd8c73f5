/** Maps to WebAssembly. */
import type { MapKernel } from "@taeda/core"
import { get } from "./assembler.ts"
import type { Code } from "./code.ts"
import { packed, type Reach, storable, storeLane, storeUnit } from "./elements.ts"
import type { Node } from "./graph.ts"
import { isHalf } from "./half.ts"
import { bytesOf, faultLoads, type LoopBody, loopModule, storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import { eachLane, type Moving, type RowCursor, RowNest } from "./rows.ts"
import { STORED } from "./stored.ts"
import type { Target } from "./target.ts"
import { weigh } from "./weight.ts"

/** Bodies of at most so many nodes are written four times in a row, so that the loop around them weighs less. */
const LIGHT = 16
const UNROLL = 4

/** What may find a coordinate outside of an operand has a look at all of them before an operand changes in place. */
export const checksFirst = (kernel: MapKernel): boolean =>
  kernel.outputs.some((o) => o.aliases !== undefined) && faultLoads(kernel.body).length > 0

/** A module with `run`, and with `check`, to be run over everything before it, where faults must leave no trace. */
export function emitMap(kernel: MapKernel, target: Target): Uint8Array<ArrayBuffer> {
  const first = checksFirst(kernel)
  return loopModule(
    kernel,
    target,
    {
      ...(first && { check: (body: LoopBody) => writeMap(kernel, body, true) }),
      run: (body: LoopBody) => writeMap(kernel, body, false),
    },
    (name) => name === "check" || !first,
  )
}

function writeMap(kernel: MapKernel, body: LoopBody, onlyChecks: boolean): void {
  const { f, g } = body
  const { rank, inputs, outputs } = kernel
  const moving: Moving[] = [
    ...inputs.flatMap((i, k) => (i.access === "load" ? [] : [{ k, access: i.access, bytes: bytesOf(i.dtype) }])),
    ...outputs.map((o, j) => ({ k: inputs.length + j, access: o.access, bytes: STORED[o.dtype].bytes })),
  ]
  const roots = onlyChecks
    ? faultLoads(kernel.body)
    : kernel.body.map((root, j) => (isHalf(outputs[j].dtype) ? storedExpression(root) : root))
  const regular = moving.every((m) => m.access !== "strided") && inputs.every((i) => i.access !== "load")
  const unroll = regular && weigh(kernel.body) <= LIGHT ? UNROLL : 1
  new RowNest(body, rank, moving, unroll).emit((cursor) => {
    const values = lowerExpressions(g, roots, { leaf: body.leaves(cursor) })
    if (onlyChecks) {
      f.push(body.write([]).statements)
      return
    }
    const whole = (j: number): boolean => outputs[j].access === "unit" && !cursor.step.rest
    const stored = values.map((v, j) => {
      const parts = storable(g, outputs[j].dtype, v)
      return whole(j) ? packed(g, outputs[j].dtype, parts) : parts
    })
    store(kernel, body, cursor, stored, whole)
  })
}

function store(
  { inputs, outputs }: MapKernel,
  body: LoopBody,
  cursor: RowCursor,
  stored: readonly (readonly Node[])[],
  whole: (j: number) => boolean,
): void {
  const { f } = body
  const places = outputs.map((_, j): Reach => cursor.reach(inputs.length + j))
  const addresses = places.map((reach) => (reach.kind === "lanes" ? reach.addresses : [reach.address]))
  const { statements, codes } = body.write([...stored.flat(), ...addresses.flat()])
  f.push(statements)
  let next = 0
  const take = (n: number): readonly Code[] => codes.slice(next, (next += n))
  const parts = stored.map((list) => take(list.length))
  const targets = addresses.map((list) => take(list.length))
  // All values come before the first store: an output may be an input in place.
  const ready = parts.map((list, j) =>
    outputs.length > 1 || !whole(j) ? list.map((part) => get(f.let("v128", part))) : list,
  )
  const scattered = outputs.map((_, j) => j).filter((j) => !whole(j))
  outputs.forEach(({ dtype }, j) => {
    const reach = places[j]
    if (reach.kind === "unit") f.push(storeUnit(dtype, targets[j][0], ready[j], reach.offset))
  })
  if (scattered.length > 0)
    eachLane(body, cursor.step, (lane) => {
      for (const j of scattered) f.push(storeLane(outputs[j].dtype, targets[j][lane], ready[j], lane))
    })
}
