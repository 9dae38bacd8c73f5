/** Code as a tree of bytes: what instructions, functions and modules are put together from before they are encoded. */
import { opcodeOf } from "./opcodes.ts"

/** A function of a module, whose number is known only when the module is encoded. */
export interface FunctionRef {
  readonly kind: "function"
  readonly name: string
  index: number
}

export type Code = number | FunctionRef | readonly Code[]

/** Appends the bytes of a tree. */
export function flatten(code: Code, into: number[]): void {
  if (typeof code === "number") into.push(code)
  else if (Array.isArray(code)) {
    const parts = code as readonly Code[]
    // Most parts are numbers, and a call for each is what takes the time.
    for (let k = 0; k < parts.length; k++) {
      const part = parts[k]
      if (typeof part === "number") into.push(part)
      else flatten(part, into)
    }
  } else unsigned((code as FunctionRef).index, into)
}

/** Appends a LEB128 number from 0 on, of up to 53 bits. */
export function unsigned(value: number, into: number[]): void {
  while (value >= 0x80) {
    into.push((value % 0x80) | 0x80)
    value = Math.floor(value / 0x80)
  }
  into.push(value)
}

export function leb(value: number): number[] {
  const bytes: number[] = []
  unsigned(value, bytes)
  return bytes
}

/** A signed LEB128 number. */
export function signedLeb(value: bigint): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = Number(value & 0x7fn)
    value >>= 7n
    if ((value === 0n && !(low & 0x40)) || (value === -1n && low & 0x40)) {
      bytes.push(low)
      return bytes
    }
    bytes.push(low | 0x80)
  }
}

const scratch = new DataView(new ArrayBuffer(8))

export function floatBytes(value: number, width: 4 | 8): number[] {
  if (width === 4) scratch.setFloat32(0, value, true)
  else scratch.setFloat64(0, value, true)
  return Array.from({ length: width }, (_, k) => scratch.getUint8(k))
}

export function integerBytes(value: bigint, width: 4 | 8): number[] {
  scratch.setBigInt64(0, BigInt.asIntN(64, value), true)
  return Array.from({ length: width }, (_, k) => scratch.getUint8(k))
}

const opcodes = new Map<string, readonly number[]>()

/** The bytes of an instruction without its immediates. */
export function opcodeBytes(name: string): readonly number[] {
  let bytes = opcodes.get(name)
  if (!bytes) {
    const [first, second] = opcodeOf(name)
    bytes = second === undefined ? [first] : [first, ...leb(second)]
    opcodes.set(name, bytes)
  }
  return bytes
}

/** An instruction after its arguments. */
export const op = (name: string, ...args: readonly Code[]): Code => [...args, opcodeBytes(name)]

/** A load: `address + offset`. */
export const load = (name: string, address: Code, offset = 0): Code => [address, opcodeBytes(name), 0, leb(offset)]

export const store = (name: string, address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  opcodeBytes(name),
  0,
  leb(offset),
]

/** A load into, or a store of, one lane: `v128.load32_lane` gives the vector, `v128.store32_lane` nothing. */
export const laneAccess = (name: string, address: Code, vector: Code, lane: number, offset = 0): Code => [
  address,
  vector,
  opcodeBytes(name),
  0,
  leb(offset),
  lane,
]

/** `extract_lane`, `replace_lane`. */
export const lane = (name: string, k: number, ...args: readonly Code[]): Code => [...args, opcodeBytes(name), k]

export const i32 = (value: number): Code => [0x41, signedLeb(BigInt(value | 0))]
export const i64 = (value: bigint | number): Code => [0x42, signedLeb(BigInt.asIntN(64, BigInt(value)))]
export const f32 = (value: number): Code => [0x43, floatBytes(value, 4)]
export const f64 = (value: number): Code => [0x44, floatBytes(value, 8)]
/** A vector of 16 bytes. */
export const v128 = (bytes: readonly number[]): Code => [opcodeBytes("v128.const"), bytes]
/** Chooses 16 of the 32 bytes of two vectors. */
export const shuffle = (bytes: readonly number[], a: Code, b: Code): Code => [a, b, opcodeBytes("i8x16.shuffle"), bytes]

/** Chooses four of the eight 32-bit lanes of two vectors. */
export const shuffle32 = (lanes: readonly number[], a: Code, b: Code): Code => shuffle(lanesToBytes(lanes, 4), a, b)

export const lanesToBytes = (lanes: readonly number[], width: number): number[] =>
  lanes.flatMap((l) => Array.from({ length: width }, (_, k) => l * width + k))

export const call = (target: FunctionRef, ...args: readonly Code[]): Code => [...args, 0x10, target]
