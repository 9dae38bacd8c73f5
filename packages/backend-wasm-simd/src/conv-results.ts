/** Where the results of a unit go, and handing them on: to the epilogue, or as they are. */
import type { Local } from "./assembler.ts"
import type { Code } from "./code.ts"
import { DIMS, type ResultStride } from "./conv-frame.ts"
import type { ConvUnit } from "./conv-unit.ts"
import { type Place, type ResultBlock, storeBlock } from "./product-block.ts"

/** An array that has an element for each result: the result itself, or an input of the epilogue. */
export interface ResultArray {
  readonly address: Code
  stride(name: ResultStride): Code
}

export const resultArray = (u: ConvUnit): ResultArray => ({
  address: u.slot("result"),
  stride: (name) => u.slot(`result${name}`),
})

/** The epilogue's inputs. */
export const inputArrays = (u: ConvUnit): readonly ResultArray[] =>
  (u.kernel.epilogue?.inputs ?? []).map((_, k) => ({
    address: u.inputSlot(k, "address"),
    stride: (name) => u.inputSlot(k, name),
  }))

/** Makes `place` that of a unit's first position in an array. */
export function placeAtPositions(u: ConvUnit, place: Place, { address, stride }: ResultArray, image: Local): void {
  const { m } = u
  m.set(place.address, address)
  m.advance(place.address, m.mul(image, stride("Image")))
  m.advance(place.address, m.mul(u.group, stride("Group")))
  m.advance(place.address, m.mul(u.firstRow, stride("Row")))
  for (const dim of DIMS) {
    const { from, residue } = u.dims[dim]
    m.advance(place.address, m.mul(m.add(m.mul(from, u.slot(`resultStep${dim}`)), residue), stride(dim)))
  }
  m.set(place.row, stride("Row"))
  m.set(place.column, m.mul(stride("Width"), u.slot("resultStepWidth")))
}

/** How far apart neighbouring rows of positions are in an array. */
export const rowStep = (u: ConvUnit, { stride }: ResultArray): Code =>
  u.m.mul(stride("Height"), u.slot("resultStepHeight"))

/** Makes results of a block of sums. */
export function handOn(u: ConvUnit, parts: Omit<ResultBlock, "rows" | "frame">): void {
  const block = { ...parts, rows: u.rows, frame: u.frame }
  if (u.epilogue) u.epilogue(u.f, u.module, block)
  else storeBlock(u.f, u.module, u.format, block)
}
