import { describe, expect, test } from "vitest"
import { bfloat16, bitsOf, float16, float32, fromBfloat16, fromFloat16, lanes } from "./lanes.ts"

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)
const out = (count: number): Float32Array => new Float32Array(count)
const TINY = 1e-40 // subnormal
const NAN = 0x7fffffff

const xs = f32(1, -2.5, 3e38, 1e-38, TINY, 0, -0, Infinity, NaN, 0.1, 7, -7, 16777217, 1 / 3)
const ys = f32(3, 0.7, 3e38, 1e-3, TINY, -0, 0, -Infinity, 1, 0.2, 2, 2, 0.5, -1 / 3)

describe("float32 rounds as IEEE 754 says", () => {
  const two = (f: (x: number, y: number) => number) => Float32Array.from(xs, (x, i) => f(x, ys[i]))
  test.each([
    ["add.f32 %d, %a, %b;", two((x, y) => x + y)],
    ["sub.rn.f32 %d, %a, %b;", two((x, y) => x - y)],
    ["mul.f32 %d, %a, %b;", two((x, y) => x * y)],
    ["div.rn.f32 %d, %a, %b;", two((x, y) => x / y)],
    ["sqrt.rn.f32 %d, %a;", Float32Array.from(xs, Math.sqrt)],
    ["rcp.rn.f32 %d, %a;", Float32Array.from(xs, (x) => 1 / x)],
    ["neg.f32 %d, %a;", Float32Array.from(xs, (x) => -x)],
    ["abs.f32 %d, %a;", Float32Array.from(xs, Math.abs)],
    ["copysign.f32 %d, %a, %b;", two((sign, y) => (Object.is(sign, -0) || sign < 0 ? -1 : 1) * Math.abs(y))],
  ])("%s", async (body, expected) => {
    expect(await lanes(body, "f32", out(xs.length), ["f32", xs], ["f32", ys])).toEqual(expected)
  })

  test("a fused product and sum is rounded once, two instructions twice", async () => {
    const a = f32(1 + 2 ** -12)
    const c = f32(-1)
    const fused = await lanes("fma.rn.f32 %d, %a, %a, %c;", "f32", out(1), ["f32", a], ["f32", a], ["f32", c])
    expect(fused[0]).toBe(2 ** -11 + 2 ** -24)
    const apart = await lanes(
      "mul.f32 %d, %a, %a; add.f32 %d, %d, %c;",
      "f32",
      out(1),
      ["f32", a],
      ["f32", a],
      ["f32", c],
    )
    expect(apart[0]).toBe(2 ** -11)
  })

  test("directed rounding", async () => {
    const a = f32(1, 1, -1, -1)
    const b = f32(2 ** -30, 2 ** -30, -(2 ** -30), -(2 ** -30))
    const up = float32(bitsOf(1) + 1)
    const cases = { rz: [1, 1, -1, -1], rm: [1, 1, -up, -up], rp: [up, up, -1, -1], rn: [1, 1, -1, -1] }
    for (const [rounding, expected] of Object.entries(cases)) {
      const sum = await lanes(`add.${rounding}.f32 %d, %a, %b;`, "f32", out(4), ["f32", a], ["f32", b])
      expect([...sum]).toEqual(expected)
      const fused = await lanes(`fma.${rounding}.f32 %d, %a, 0f3F800000, %b;`, "f32", out(4), ["f32", a], ["f32", b])
      expect([...fused]).toEqual(expected)
    }
    const third = await lanes(
      "div.rp.f64 %d, %a, %b;",
      "f64",
      new Float64Array(1),
      ["f64", Float64Array.of(1)],
      ["f64", Float64Array.of(3)],
    )
    expect(third[0]).toBeGreaterThan(1 / 3)
  })

  test("a NaN is the one of the device", async () => {
    const bits = new Uint32Array(2)
    const a = Uint32Array.of(bitsOf(0), 0xffc12345)
    expect([...(await lanes("div.rn.f32 %d, %a, %a;", "b32", bits, ["b32", a]))]).toEqual([NAN, NAN])
    expect([...(await lanes("min.NaN.f32 %d, %a, 0f7FC00001;", "b32", bits, ["b32", a]))]).toEqual([NAN, NAN])
  })

  test("subnormal numbers stay, or become zeros with .ftz", async () => {
    const a = f32(TINY, -TINY)
    const kept = await lanes("mul.f32 %d, %a, 0f3F800000;", "f32", out(2), ["f32", a])
    expect(kept).toEqual(a)
    const flushed = await lanes("mul.ftz.f32 %d, %a, 0f3F800000;", "f32", out(2), ["f32", a])
    expect(flushed).toEqual(f32(0, -0))
    const result = await lanes("mul.ftz.f32 %d, %a, %b;", "f32", out(1), ["f32", f32(1e-30)], ["f32", f32(1e-10)])
    expect(result).toEqual(f32(0))
  })

  test(".sat brings into [0, 1], and NaN to 0", async () => {
    const a = f32(-1, 0.25, 2, NaN, -0)
    expect(await lanes("cvt.sat.f32.f32 %d, %a;", "f32", out(5), ["f32", a])).toEqual(f32(0, 0.25, 1, 0, 0))
    expect(await lanes("add.sat.f32 %d, %a, 0f3F000000;", "f32", out(5), ["f32", a])).toEqual(f32(0, 0.75, 1, 0, 0.5))
  })

  test("min and max pass over NaN and tell zeros apart", async () => {
    const a = f32(NaN, 1, -0, 0, 2, NaN)
    const b = f32(1, NaN, 0, -0, 3, NaN)
    expect(await lanes("min.f32 %d, %a, %b;", "f32", out(6), ["f32", a], ["f32", b])).toEqual(f32(1, 1, -0, -0, 2, NaN))
    expect(await lanes("max.f32 %d, %a, %b;", "f32", out(6), ["f32", a], ["f32", b])).toEqual(f32(1, 1, 0, 0, 3, NaN))
    expect(await lanes("max.NaN.f32 %d, %a, %b;", "f32", out(6), ["f32", a], ["f32", b])).toEqual(
      f32(NaN, NaN, 0, 0, 3, NaN),
    )
  })

  test("testp", async () => {
    const a = f32(1, Infinity, NaN, TINY, 0)
    const is = {
      finite: [1, 0, 0, 1, 1],
      infinite: [0, 1, 0, 0, 0],
      notanumber: [0, 0, 1, 0, 0],
      subnormal: [0, 0, 0, 1, 0],
      normal: [1, 0, 0, 0, 0],
      number: [1, 1, 0, 1, 1],
    }
    for (const [name, expected] of Object.entries(is)) {
      const body = `testp.${name}.f32 %p, %a; selp.u32 %d, 1, 0, %p;`
      expect([...(await lanes(body, "u32", new Uint32Array(5), ["f32", a]))], name).toEqual(expected)
    }
  })
})

describe("float64", () => {
  const a = Float64Array.of(1, -0.1, 1e308, 5e-324, NaN, 2)
  const b = Float64Array.of(3, 0.2, 1e308, 1, 1, Infinity)
  const two = (f: (x: number, y: number) => number) => Float64Array.from(a, (x, i) => f(x, b[i]))
  test.each([
    ["add.f64 %d, %a, %b;", two((x, y) => x + y)],
    ["mul.rn.f64 %d, %a, %b;", two((x, y) => x * y)],
    ["div.rn.f64 %d, %a, %b;", two((x, y) => x / y)],
    ["sqrt.rn.f64 %d, %a;", Float64Array.from(a, Math.sqrt)],
    ["min.f64 %d, %a, %b;", two((x, y) => (Number.isNaN(x) ? y : Math.min(x, y)))],
  ])("%s", async (body, expected) => {
    expect(await lanes(body, "f64", new Float64Array(a.length), ["f64", a], ["f64", b])).toEqual(expected)
  })

  test("gross approximations have no lower half", async () => {
    const x = Float64Array.of(3, 0.7, 1e100)
    const reciprocal = await lanes("rcp.approx.ftz.f64 %d, %a;", "f64", new Float64Array(3), ["f64", x])
    const words = new Uint32Array(reciprocal.buffer)
    for (let i = 0; i < 3; i++) {
      expect(words[2 * i]).toBe(0)
      expect(Math.abs(reciprocal[i] * x[i] - 1)).toBeLessThan(2 ** -19)
    }
  })
})

describe("approximate functions stay within their bounds, and are no better than these by chance", () => {
  const positive = Float32Array.from({ length: 512 }, (_, i) => 0.01 + i * 0.37)
  const angles = Float32Array.from({ length: 512 }, (_, i) => (i - 256) / 82)
  const ulps = (exact: number, got: number) =>
    Math.abs(exact - got) / 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23)
  const relative = (exact: number, got: number) => Math.abs(got / exact - 1)
  const absolute = (exact: number, got: number) => Math.abs(got - exact)
  test.each([
    ["ex2", angles, (x: number) => 2 ** x, ulps, 1, 0.5],
    [
      "lg2",
      positive,
      Math.log2,
      (e: number, g: number) => Math.min(absolute(e, g), relative(e, g)),
      2 ** -22,
      2 ** -25,
    ],
    ["rcp", positive, (x: number) => 1 / x, ulps, 1, 0.5],
    ["rsqrt", positive, (x: number) => 1 / Math.sqrt(x), relative, 2 ** -22.9 * 1.5, 2 ** -25],
    ["sqrt", positive, Math.sqrt, relative, 2 ** -23, 2 ** -25],
    ["sin", angles, Math.sin, absolute, 2 ** -20.5, 2 ** -23],
    ["cos", angles, Math.cos, absolute, 2 ** -20.5, 2 ** -23],
    ["tanh", angles, Math.tanh, relative, 2 ** -11, 2 ** -13],
  ] as const)("%s.approx.f32", async (name, input, f, distance, most, least) => {
    const got = await lanes(`${name}.approx.f32 %d, %a;`, "f32", out(input.length), ["f32", input])
    const worst = Math.max(...Array.from(input, (x, i) => (f(x) === 0 ? 0 : distance(f(x), got[i]))))
    expect(worst).toBeLessThanOrEqual(most)
    expect(worst).toBeGreaterThan(least)
  })

  test("exact results and extremes", async () => {
    const one = async (body: string, x: number) => (await lanes(body, "f32", out(1), ["f32", f32(x)]))[0]
    expect(await one("ex2.approx.f32 %d, %a;", 3)).toBe(8)
    expect(await one("ex2.approx.ftz.f32 %d, %a;", -140)).toBe(0)
    expect(await one("lg2.approx.f32 %d, %a;", 1)).toBe(0)
    expect(await one("lg2.approx.f32 %d, %a;", 0)).toBe(-Infinity)
    expect(await one("rcp.approx.f32 %d, %a;", -0)).toBe(-Infinity)
    expect(await one("tanh.approx.f32 %d, %a;", 50)).toBe(1)
    expect(await one("sin.approx.f32 %d, %a;", -0)).toBe(-0)
    expect(await one("rsqrt.approx.f32 %d, %a;", -1)).toBeNaN()
  })

  test("division", async () => {
    const y = positive.map((x) => x * 0.7 + 1)
    for (const kind of ["approx", "full"]) {
      const got = await lanes(`div.${kind}.f32 %d, %a, %b;`, "f32", out(512), ["f32", positive], ["f32", y])
      const worst = Math.max(...Array.from(positive, (x, i) => ulps(x / y[i], got[i])))
      expect(worst, kind).toBeLessThanOrEqual(2)
      expect(worst, kind).toBeGreaterThan(0.5)
    }
    const huge = await lanes("div.approx.f32 %d, %a, %b;", "f32", out(1), ["f32", f32(1e38)], ["f32", f32(2e38)])
    expect(huge[0]).toBe(0)
  })
})

describe("half types", () => {
  const a = float16(1, 0.1, 65504, -2, 2 ** -24, 1.5)
  const b = float16(3, 0.2, 65504, 0.3, 1, -1.5)
  const half = (f: (x: number, y: number) => number) => {
    const [x, y] = [fromFloat16(a), fromFloat16(b)]
    return fromFloat16(float16(...x.map((each, i) => f(each, y[i]))))
  }
  test.each([
    ["add.f16 %d, %a, %b;", half((x, y) => x + y)],
    ["sub.f16 %d, %a, %b;", half((x, y) => x - y)],
    ["mul.f16 %d, %a, %b;", half((x, y) => x * y)],
    ["fma.rn.f16 %d, %a, %b, %a;", half((x, y) => x * y + x)],
    ["max.f16 %d, %a, %b;", half(Math.max)],
    ["neg.f16 %d, %a;", half((x) => -x)],
  ])("%s", async (body, expected) => {
    const got = await lanes(body, "f16", new Uint16Array(a.length), ["f16", a], ["f16", b])
    expect(fromFloat16(got)).toEqual(expected)
  })

  test("pairs are two numbers", async () => {
    const pair = (low: number, high: number) => Uint32Array.of(float16(low)[0] | (float16(high)[0] << 16))
    const sum = await lanes(
      "add.f16x2 %d, %a, %b;",
      "b32",
      new Uint32Array(1),
      ["b32", pair(1, -2)],
      ["b32", pair(0.5, 8)],
    )
    expect(fromFloat16(new Uint16Array(sum.buffer))).toEqual([1.5, 6])
  })

  test("a sum between two halves goes to the even one; a fused product is rounded once", async () => {
    const x = float16(2048)
    const got = await lanes("add.f16 %d, %a, %b;", "f16", new Uint16Array(1), ["f16", x], ["f16", float16(1)])
    expect(fromFloat16(got)).toEqual([2048])
    // 1.0009765625² + 2^-24 lies just above a tie; in two steps it would go to even, below.
    const fused = await lanes(
      "fma.rn.f16 %d, %a, %a, %b;",
      "f16",
      new Uint16Array(1),
      ["f16", float16(1 + 2 ** -10)],
      ["f16", float16(2 ** -11 - 2 ** -20)],
    )
    const exact = (1 + 2 ** -10) ** 2 + 2 ** -11 - 2 ** -20
    expect(fromFloat16(fused)).toEqual(fromFloat16(float16(exact)))
  })

  test("bfloat16", async () => {
    const x = bfloat16(1, 3, -0.5)
    const y = bfloat16(2 ** -8, 4, 0.25)
    const sum = await lanes("add.bf16 %d, %a, %b;", "bf16", new Uint16Array(3), ["bf16", x], ["bf16", y])
    expect(fromBfloat16(sum)).toEqual([1, 7, -0.25])
    const fused = await lanes("fma.rn.bf16 %d, %a, %b, %a;", "bf16", new Uint16Array(3), ["bf16", x], ["bf16", y])
    expect(fromBfloat16(fused)).toEqual([1, 15, -0.625])
  })
})
