/** A buffer: a block of the linear memory. */
import type { Buffer, Operand } from "@taeda/core"

export class WasmBuffer {
  /** Where it begins; 0 once it was freed. */
  address: number
  readonly bytes: number

  constructor(address: number, bytes: number) {
    this.address = address
    this.bytes = bytes
  }
}

/** @throws Error if the buffer was freed. */
export function addressOfBuffer(buffer: Buffer): number {
  const { address } = buffer as unknown as WasmBuffer
  if (address === 0) throw new Error("wasm: this buffer was freed; its tensor cannot be used any more")
  return address
}

/** The address of an operand's first element, whose type takes so many bytes. */
export const addressOf = (operand: Operand, bytes: number): number =>
  addressOfBuffer(operand.buffer) + operand.offset * bytes
