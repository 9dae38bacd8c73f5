/**
 * Frames: where a launch's arguments stand in memory, in slots of eight bytes. The first slots are for the report of a fault;
 * then come the sizes of the iteration, the operands and the scalars.
 */
import { DTYPES, type Operand, type Scalar, type ScalarType } from "@taeda/core"
import type { LoopKernel } from "./loops.ts"
import { STORED } from "./stored.ts"

/** Slots for the report of a fault: operand and dim, size, the mask of lanes inside, the coordinates. */
export const FAULT_SLOTS = 6
export const FAULT = { operand: 0, dim: 4, size: 8, inside: 16, coordinates: 32 } as const

export const SLOT = 8

/** An operand of a loop kernel, as the frame holds it. */
interface Entry {
  readonly bytes: number
  /** Its first slot: the address, then sizes (if `addressed`), then strides in bytes. */
  readonly slot: number
  /** Whether it is read or written at coordinates of its own. */
  readonly addressed: boolean
  readonly rank: number
}

/** What launches of a kernel write, and where its code reads it. */
export class FrameLayout {
  readonly rank: number
  readonly entries: readonly Entry[]
  private readonly scalars: readonly ScalarType[]
  private readonly scalarSlot: number
  readonly slots: number

  constructor(kernel: LoopKernel) {
    this.rank = kernel.rank
    let slot = FAULT_SLOTS + kernel.rank
    const entry = (bytes: number, addressed: boolean, rank: number): Entry => {
      const made: Entry = { bytes, slot, addressed, rank }
      slot += 1 + rank * (addressed ? 2 : 1)
      return made
    }
    const kept = kernel.kind === "reduce" ? kernel.rank - kernel.reduced : kernel.rank
    this.entries = [
      ...kernel.inputs.map((i) =>
        entry(STORED[i.dtype].bytes, i.access === "load", i.access === "load" ? (i.rank ?? 0) : kernel.rank),
      ),
      ...(kernel.kind === "scatter"
        ? [entry(STORED[kernel.dtype].bytes, true, kernel.targetRank)]
        : kernel.outputs.map((o) => entry(STORED[o.dtype].bytes, false, kept))),
    ]
    this.scalars = kernel.scalars
    this.scalarSlot = slot
    this.slots = slot + this.scalars.length
  }

  /** Byte offsets in the frame. */
  size(d: number): number {
    return (FAULT_SLOTS + d) * SLOT
  }

  address(k: number): number {
    return this.entries[k].slot * SLOT
  }

  ownSize(k: number, d: number): number {
    return (this.entries[k].slot + 1 + d) * SLOT
  }

  stride(k: number, d: number): number {
    const { slot, addressed, rank } = this.entries[k]
    return (slot + 1 + (addressed ? rank : 0) + d) * SLOT
  }

  scalar(k: number): number {
    return (this.scalarSlot + k) * SLOT
  }

  /** Writes a launch's arguments. `addressOf` gives the address of an operand's first element. */
  write(
    words: Int32Array,
    frame: number,
    sizes: readonly number[],
    operands: readonly Operand[],
    addressOf: (operand: Operand, bytes: number) => number,
    scalars: readonly Scalar[],
  ): void {
    let at = (frame >> 2) + FAULT_SLOTS * 2
    for (let d = 0; d < sizes.length; d++, at += 2) setPointer(words, at, sizes[d])
    for (let k = 0; k < this.entries.length; k++) {
      const { bytes, addressed, rank } = this.entries[k]
      const operand = operands[k]
      const { strides } = operand
      setPointer(words, at, addressOf(operand, bytes))
      at += 2
      if (addressed) for (let d = 0; d < rank; d++, at += 2) setPointer(words, at, operand.sizes[d])
      for (let d = 0; d < rank; d++, at += 2) setPointer(words, at, (strides[d] ?? 0) * bytes)
    }
    for (let k = 0; k < this.scalars.length; k++, at += 2) setScalar(words, at, this.scalars[k], scalars[k])
  }
}

const HIGH = 2 ** 32

/** Writes an address, size or stride as 64 bits, of which a 32-bit memory reads the lower half. */
export function setPointer(words: Int32Array, at: number, value: number): void {
  words[at] = value
  words[at + 1] = Math.floor(value / HIGH)
}

const scratch = new DataView(new ArrayBuffer(8))

/** Writes a scalar, converted to its type, as 64 bits. */
export function setScalar(words: Int32Array, at: number, dtype: ScalarType, scalar: Scalar): void {
  if (dtype === "int64") scratch.setBigInt64(0, BigInt(scalar), true)
  else if (dtype === "float64") scratch.setFloat64(0, Number(scalar), true)
  else if (dtype === "bool") scratch.setInt32(0, Number(scalar) ? 1 : 0, true)
  else if (dtype !== "uint32" && DTYPES[dtype].kind === "float") scratch.setFloat32(0, Number(scalar), true)
  else scratch.setInt32(0, integer(scalar, dtype), true)
  words[at] = scratch.getInt32(0, true)
  words[at + 1] = scratch.getInt32(4, true)
}

/** Wrapped to the type; a fraction is cut off. */
function integer(scalar: Scalar, dtype: ScalarType): number {
  const low = typeof scalar === "bigint" ? Number(BigInt.asIntN(32, scalar)) : Number(scalar) | 0
  if (dtype === "int8") return (low << 24) >> 24
  if (dtype === "uint8") return low & 255
  if (dtype === "int16") return (low << 16) >> 16
  return low
}
