/**
 * Scatters to WebAssembly: values and their places four at a time, stored one after the other, in the order of the iteration. A
 * unit of work is a row (in a space of one dim, an element), and units are not independent of each other.
 */
import type { DType, ScatterKernel } from "@taeda/core"
import { get } from "./assembler.ts"
import { lane as laneCode } from "./code.ts"
import { convertValue } from "./conversions.ts"
import { loadElements, storable, storeLane } from "./elements.ts"
import { isHalf } from "./half.ts"
import { LANE_OF, permuteValue, type Value } from "./lanes.ts"
import { bytesOf, faultLoads, type LoopBody, loopModule, range, storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import { applyPrimitive } from "./primitives.ts"
import { eachLane, type Moving, RowNest } from "./rows.ts"
import type { Target } from "./target.ts"

/** Nothing is written unless everything is in bounds. */
export const checksFirst = (kernel: ScatterKernel): boolean =>
  kernel.bounds === "fault" || faultLoads([kernel.value, ...kernel.coordinates]).length > 0

/** Whether different coordinates along dim 0 of the iteration always mean different elements of the target. */
export const hasIndependentRows = (kernel: ScatterKernel): boolean =>
  kernel.rank > 1 && kernel.coordinates.some((c) => c.op === "index" && Number(c.value) === 0)

/** A module with `run`, and with `check`, to be run over everything before it, where something may be out of bounds. */
export function emitScatter(kernel: ScatterKernel, target: Target): Uint8Array<ArrayBuffer> {
  return loopModule(
    kernel,
    target,
    {
      ...(checksFirst(kernel) && { check: (body: LoopBody) => writeCheck(kernel, body) }),
      run: (body: LoopBody) => writeScatter(kernel, body),
    },
    (name) => name === "check",
  )
}

const movingOf = ({ inputs }: ScatterKernel): Moving[] =>
  inputs.flatMap((i, k) => (i.access === "load" ? [] : [{ k, access: i.access, bytes: bytesOf(i.dtype) }]))

function writeCheck(kernel: ScatterKernel, body: LoopBody): void {
  const roots = [...kernel.coordinates, ...faultLoads([kernel.value, ...kernel.coordinates])]
  new RowNest(body, kernel.rank, movingOf(kernel)).emit((cursor) => {
    const values = lowerExpressions(body.g, roots, { leaf: body.leaves(cursor) })
    if (kernel.bounds === "fault") body.locate(kernel.inputs.length, values.slice(0, kernel.targetRank), true)
    body.f.push(body.write([]).statements)
  })
}

function writeScatter(kernel: ScatterKernel, body: LoopBody): void {
  const { f, g } = body
  const { dtype, combine } = kernel
  const computed: DType = isHalf(dtype) ? "float32" : dtype
  const root = isHalf(dtype) ? storedExpression(kernel.value) : kernel.value
  new RowNest(body, kernel.rank, movingOf(kernel), 1, true).emit((cursor) => {
    const values = lowerExpressions(g, [...kernel.coordinates, root], { leaf: body.leaves(cursor) })
    const places = values.slice(0, kernel.targetRank)
    const { inside, addresses } = body.locate(kernel.inputs.length, places, false)
    const added: Value = convertValue(g, values[kernel.targetRank], root.dtype, computed, LANE_OF[computed])
    const plain = storable(g, dtype, added)
    const parts = combine === "set" ? plain : added.parts
    const { statements, codes } = body.write([...parts, ...addresses, ...(inside ? [inside] : [])])
    f.push(statements)
    const vectors = parts.map((_, p) => f.let("v128", codes[p]))
    const targets = range(4).map((l) => f.let("ptr", codes[parts.length + l]))
    const mask = inside && f.let("v128", codes[parts.length + 4])
    const one = (l: number): void => {
      if (combine === "set") {
        f.push(storeLane(dtype, get(targets[l]), vectors.map(get), l))
        return
      }
      const current = loadElements(g, dtype, { kind: "splat", address: g.local(targets[l], 2) })
      const mine = permuteValue(g, { lane: added.lane, parts: vectors.map((v) => g.local(v, 2)) }, [l, l, l, l])
      const result = body.write(storable(g, dtype, applyPrimitive(g, combine, computed, [current, mine])))
      f.push(result.statements, storeLane(dtype, get(targets[l]), result.codes, 0))
    }
    eachLane(body, cursor.step, (l) => {
      if (mask) f.if(laneCode("i32x4.extract_lane", l, get(mask)), () => one(l))
      else one(l)
    })
  })
}
