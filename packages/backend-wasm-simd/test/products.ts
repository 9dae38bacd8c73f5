/** What the tests of matrix products and convolutions share. */
import type { DType } from "@taeda/core"
import { get } from "../src/assembler.ts"
import { op } from "../src/code.ts"
import type { EmitEpilogue, Place } from "../src/product-block.ts"
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half-numbers.ts"
import { forEachIndex, type PlacedArray } from "./launch.ts"

/** What a stored element means, and what is stored for a number. */
export const CODECS: Partial<Record<DType, { from: (bits: number) => number; to: (x: number) => number }>> = {
  float16: { from: fromFloat16, to: toFloat16 },
  bfloat16: { from: fromBfloat16, to: toBfloat16 },
}

/** Unit roundoff of sums, and of a stored result. */
export const ROUNDING: Partial<Record<DType, readonly [sum: number, stored: number]>> = {
  float32: [2 ** -24, 0],
  float64: [2 ** -53, 0],
  float16: [2 ** -24, 2 ** -11],
  bfloat16: [2 ** -24, 2 ** -8],
}

/** The elements of an array in row-major order, as the numbers that they stand for. */
export function dense(array: PlacedArray, dtype: DType): Float64Array {
  const decode = CODECS[dtype]?.from
  const values: number[] = []
  forEachIndex(array.sizes, (...index) => {
    const x = Number(array.get(...index))
    values.push(decode ? decode(x) : x)
  })
  return Float64Array.from(values)
}

/** Numbers of a float type between -1 and 1. */
export function fillFloats(array: PlacedArray, dtype: DType, next: () => number): void {
  const encode = CODECS[dtype]?.to
  forEachIndex(array.sizes, (...index) => {
    const x = next() * 2 - 1
    array.set(encode ? encode(Math.fround(x)) : x, ...index)
  })
}

/** max(result + bias, 0) of float32, element by element. */
export const biasAndRelu: EmitEpilogue = (f, _module, { rows, columns, result, out, inputs: [bias] }) => {
  const [i, j] = [f.local("ptr"), f.local("ptr")]
  const at = (p: Place) =>
    f.op(
      "ptr.add",
      get(p.address),
      f.op("ptr.add", f.op("ptr.mul", get(i), get(p.row)), f.op("ptr.mul", get(j), get(p.column))),
    )
  f.for(i, f.ptr(0), get(rows), f.ptr(1), () => {
    f.for(j, f.ptr(0), get(columns), f.ptr(1), () => {
      const sum = op("f32.add", f.load("f32.load", at(result)), f.load("f32.load", at(bias)))
      f.store("f32.store", at(out), op("f32.max", sum, [0x43, 0, 0, 0, 0]))
    })
  })
}
