import { describe, expect, it } from "vitest"
import { packerOf } from "../src/pack.ts"
import type { NumberType } from "../src/program.ts"

const packed = (pointers: number, numbers: readonly NumberType[], values: readonly (number | bigint)[]): DataView => {
  const packer = packerOf({ pointers, numbers, entry: "kernel" })
  const view = new DataView(new ArrayBuffer(packer.bytes))
  packer.pack(view, values)
  return view
}

describe("the numbers of a launch", () => {
  it("stand behind the addresses, each at its natural alignment", () => {
    const view = packed(2, ["u32", "f64", "s32", "u64", "f32"], [7, 0.1, -1, 2 ** 40, 0.1])
    expect(view.byteLength).toBe(16 + 4 + 4 + 8 + 4 + 4 + 8 + 4)
    expect(view.getUint32(16, true)).toBe(7)
    expect(view.getFloat64(24, true)).toBe(0.1)
    expect(view.getInt32(32, true)).toBe(-1)
    expect(view.getBigUint64(40, true)).toBe(2n ** 40n)
    expect(view.getFloat32(48, true)).toBe(Math.fround(0.1))
  })

  it.each([0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1), -(2 ** 33) - 5])(
    "of 64 bits are the same from a number as from a BigInt: %d",
    (value) => {
      expect(packed(0, ["s64"], [value]).getBigInt64(0, true)).toBe(BigInt(value))
      expect(packed(0, ["s64"], [BigInt(value)]).getBigInt64(0, true)).toBe(BigInt(value))
      expect(packed(0, ["u32"], [value]).getUint32(0, true)).toBe(Number(BigInt.asUintN(32, BigInt(value))))
      expect(packed(0, ["u32"], [BigInt(value)]).getUint32(0, true)).toBe(Number(BigInt.asUintN(32, BigInt(value))))
    },
  )

  it("keep what floats have besides: -0, infinity, NaN", () => {
    for (const value of [-0, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(packed(0, ["f32"], [value]).getFloat32(0, true)).toBe(value)
      expect(packed(0, ["f64"], [value]).getFloat64(0, true)).toBe(value)
    }
  })

  it("are as many as the kernel takes, and fit into its block", () => {
    expect(() => packed(0, ["u32", "u32"], [1])).toThrow("kernel takes 2 numbers, and was given 1")
    expect(() => packerOf({ pointers: 512, numbers: ["u32"], entry: "kernel" })).toThrow(
      "kernel takes 4100 bytes of parameters, and kernels can have 4096",
    )
  })
})
