/** The plan of a convolution's launch: what its frame holds, and how many units of work there are. */
import type { ConvKernel } from "@taeda/core"
import { Cutter, type InPlace, SHARED } from "./conv-blocks.ts"
import { type Folding, planFolding } from "./conv-fold-plan.ts"
import { inputSlotOf, slotOf } from "./conv-frame.ts"
import { type ConvGeometry, geometryOf, staysInside } from "./conv-geometry.ts"
import { convFrame } from "./conv-slots.ts"
import { isNative } from "./formats.ts"
import type { LaunchPlan, PlacedOperand } from "./launch-plan.ts"

export interface ConvPlan extends LaunchPlan {
  /** Bytes of memory that the launch needs besides each thread's own, often 0; its address goes to the slot `temporarySlot` of `conv-frame.ts`. */
  readonly temporaryBytes: number
}

const NOTHING: ConvPlan = { slots: [], addresses: [], units: 0, grain: 1, temporaryBytes: 0 }

/**
 * The plan of a launch.
 * @param operands two operands, the epilogue's inputs, the result
 * @param scalars stride.., padding.., dilation.., groups
 * @param threads how many threads may share the work; the results don't depend on it
 */
export function planConv(
  kernel: ConvKernel,
  operands: readonly PlacedOperand[],
  scalars: readonly number[],
  threads: number,
): ConvPlan {
  if (operands[operands.length - 1].sizes.includes(0)) return NOTHING
  const geometry = geometryOf(kernel, operands, scalars)
  const folding = planFolding(geometry)
  const inPlace = usedInPlace(geometry, folding)
  const cutter = new Cutter(geometry, inPlace, folding)
  const { blocks, temporaryBytes } = cutter.cut(threads)
  const units = cutter.units(blocks)
  // There is one temporary memory: all units use it, one after the other.
  const launched = temporaryBytes ? 1 : units
  return {
    slots: convFrame(kernel, { geometry, blocks, inPlace, folding, unitsEach: units / launched }),
    addresses: [
      slotOf("source"),
      slotOf("other"),
      ...geometry.inputs.map((_, k) => inputSlotOf(k, "address")),
      slotOf("result"),
    ],
    units: launched,
    grain: temporaryBytes ? 1 : grain(units, cutter.work / units, threads),
    temporaryBytes,
  }
}

/** Vectors can be used where they stand if their elements are side by side, as they are computed with, and are all that is needed. */
function usedInPlace(g: ConvGeometry, folding: Folding | null): InPlace {
  const { pass, format, source, gradient, result } = g
  const [, , columns] = g.correlations
  const isNeighbourly = ({ strides }: ConvGeometry["source"]): boolean => isNative(format) && strides[2] === 1
  return {
    band: isNeighbourly(source) && columns.step === 1 && (folding !== null || staysInside(g)),
    other: isNeighbourly(gradient),
    result: pass !== "weight" && !folding && isNeighbourly(result) && columns.resultStep === 1,
  }
}

/** Weights are packed once per claim: a claim is long where there are many units, but every thread should have several. */
const grain = (units: number, workPerUnit: number, threads: number): number =>
  units * workPerUnit < SHARED
    ? units
    : Math.max(1, Math.min(Math.floor((1 << 21) / workPerUnit), Math.ceil(units / (threads * 4))))
