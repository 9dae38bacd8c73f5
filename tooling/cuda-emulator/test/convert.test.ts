import { describe, expect, test } from "vitest"
import { bfloat16, bitsOf, float16, float32, fromBfloat16, fromFloat16, lanes } from "./lanes.ts"

const xs = Float32Array.of(1.5, 2.5, -1.5, -2.5, 0.3, -0.7, 1e20, -1e20, NaN, Infinity, 200.5, -200.5)
const even = (x: number) => {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(x)
}
const clamp = (x: number, low: number, high: number) => (Number.isNaN(x) ? 0 : Math.max(low, Math.min(high, x)))

describe("float32 to integers clamps, and takes NaN to 0", () => {
  const roundings = { rni: even, rzi: Math.trunc, rmi: Math.floor, rpi: Math.ceil }
  test.each(Object.entries(roundings))("%s", async (rounding, f) => {
    const to = <T extends Int32Array | Uint32Array>(type: string, zeros: T) =>
      lanes(`cvt.${rounding}.${type}.f32 %d, %a;`, "b32", zeros, ["f32", xs])
    expect(await to("s32", new Int32Array(12))).toEqual(
      Int32Array.from(xs, (x) => clamp(f(x), -2147483648, 2147483647)),
    )
    expect(await to("u32", new Uint32Array(12))).toEqual(Uint32Array.from(xs, (x) => clamp(f(x), 0, 4294967295)))
    expect(await to("s8", new Int32Array(12))).toEqual(Int32Array.from(xs, (x) => clamp(f(x), -128, 127)))
    const integral = await lanes(`cvt.${rounding}.f32.f32 %d, %a;`, "f32", new Float32Array(12), ["f32", xs])
    expect(integral.map((x) => x + 0)).toEqual(Float32Array.from(xs, (x) => f(x) + 0))
  })

  test("to 64 bits a NaN becomes the uppermost bit alone", async () => {
    const got = await lanes("cvt.rzi.s64.f32 %d, %a;", "s64", new BigInt64Array(12), ["f32", xs])
    const limit = 1n << 63n
    expect([...got]).toEqual([1n, 2n, -1n, -2n, 0n, 0n, limit - 1n, -limit, -limit, limit - 1n, 200n, -200n])
    const double = await lanes("cvt.rzi.u64.f64 %d, %a;", "u64", new BigUint64Array(3), [
      "f64",
      Float64Array.of(-1, 2 ** 63, 1e30),
    ])
    expect([...double]).toEqual([0n, limit, 2n ** 64n - 1n])
  })
})

test("integers to floats are rounded once", async () => {
  const integers = BigInt64Array.of(16777217n, -16777219n, (1n << 60n) + (1n << 36n) + 1n, -5n)
  const expected = Float32Array.from(integers, Number)
  // 2^60 + 2^36 + 1 lies above the tie that float64 would have made of it.
  expected[2] = 2 ** 60 + 2 ** 37
  expect(await lanes("cvt.rn.f32.s64 %d, %a;", "f32", new Float32Array(4), ["s64", integers])).toEqual(expected)
  const down = await lanes("cvt.rm.f32.s64 %d, %a;", "f32", new Float32Array(4), ["s64", integers])
  expect([...down]).toEqual([16777216, -16777220, 2 ** 60, -5])
  const unsigned = await lanes("cvt.rn.f32.u32 %d, %a;", "f32", new Float32Array(2), [
    "u32",
    Uint32Array.of(4294967295, 7),
  ])
  expect([...unsigned]).toEqual([4294967296, 7])
  const bytes = await lanes("cvt.rn.f32.s8 %d, %a;", "f32", new Float32Array(2), ["s8", Int8Array.of(-3, 100)])
  expect([...bytes]).toEqual([-3, 100])
  const toHalf = await lanes("cvt.rn.f16.s32 %d, %a;", "f16", new Uint16Array(2), ["s32", Int32Array.of(2049, 70000)])
  expect(fromFloat16(toHalf)).toEqual([2048, Infinity])
})

test("float64 to float32 in each direction", async () => {
  const x = Float64Array.of(1 + 2 ** -30, -1 - 2 ** -30, 1e300, 1e-46)
  const up = float32(bitsOf(1) + 1)
  const most = float32(0x7f7fffff)
  const tiny = 2 ** -149
  const cases = { rn: [1, -1, Infinity, 0], rz: [1, -1, most, 0], rm: [1, -up, most, 0], rp: [up, -1, Infinity, tiny] }
  for (const [rounding, expected] of Object.entries(cases)) {
    const got = await lanes(`cvt.${rounding}.f32.f64 %d, %a;`, "f32", new Float32Array(4), ["f64", x])
    expect([...got], rounding).toEqual(expected)
  }
})

test("half types round to even, from float32 and from float64 once", async () => {
  const x = Float32Array.of(2049, 2051, 65519.996, 65520, 2 ** -25, 2 ** -25 * 1.5, 0.1, NaN)
  const got = await lanes("cvt.rn.f16.f32 %d, %a;", "f16", new Uint16Array(8), ["f32", x])
  expect(fromFloat16(got)).toEqual(fromFloat16(float16(...x)))
  const cut = await lanes("cvt.rz.f16.f32 %d, %a;", "f16", new Uint16Array(8), ["f32", x])
  expect(fromFloat16(cut)).toEqual([2048, 2050, 65504, 65504, 0, 0, 0.0999755859375, NaN])
  const tie = Float64Array.of(1 + 2 ** -11 + 2 ** -40)
  const once = await lanes("cvt.rn.f16.f64 %d, %a;", "f16", new Uint16Array(1), ["f64", tie])
  expect(fromFloat16(once)).toEqual([1 + 2 ** -10])

  const y = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, -0.1)
  const brain = await lanes("cvt.rn.bf16.f32 %d, %a;", "bf16", new Uint16Array(4), ["f32", y])
  expect(fromBfloat16(brain)).toEqual([1, 1 + 2 ** -6, Infinity, -0.10009765625])
  const back = await lanes("cvt.f32.bf16 %d, %a;", "f32", new Float32Array(2), ["bf16", bfloat16(1.5, -3)])
  expect([...back]).toEqual([1.5, -3])
  const pair = await lanes("cvt.rn.bf16x2.f32 %d, %a, 0f40000000;", "b32", new Uint32Array(1), [
    "f32",
    Float32Array.of(3),
  ])
  expect(fromBfloat16(new Uint16Array(pair.buffer))).toEqual([2, 3])
  const tensor = await lanes("cvt.rna.tf32.f32 %d, %a;", "b32", new Uint32Array(2), [
    "f32",
    Float32Array.of(1 + 2 ** -11, 1 + 2 ** -12),
  ])
  expect([...tensor].map(float32)).toEqual([1 + 2 ** -10, 1])
})

test("packing and unpacking", async () => {
  const x = BigUint64Array.of(0x0123456789abcdefn)
  const body = ".reg .b16 %h<4>; mov.b64 {%h0, %h1, %h2, %h3}, %a; mov.b64 %d, {%h3, %h2, %h1, %h0};"
  expect([...(await lanes(body, "u64", new BigUint64Array(1), ["u64", x]))]).toEqual([0xcdef89ab45670123n])
  const skip = "mov.b64 {_, %x}, %a; cvt.u64.u32 %d, %x;"
  expect([...(await lanes(skip, "u64", new BigUint64Array(1), ["u64", x]))]).toEqual([0x01234567n])
})
