import { describe, expect, test } from "vitest"
import { lanes } from "./lanes.ts"

const s32 = [0, 1, -1, 5, -7, 2147483647, -2147483648, 123456789, -987654321, 65536, 3, 31]
const t32 = [1, -1, 3, -2, 5, 2, -1, 1000, 77, -65536, 0, 4]
const a = Int32Array.from(s32)
const b = Int32Array.from(t32)
const u = (x: number) => x >>> 0
const wide = (x: number) => BigInt(x)

const two = (f: (x: number, y: number) => number) => Int32Array.from(a, (x, i) => f(x, b[i]))
const reverse = (x: number) => Number.parseInt(u(x).toString(2).padStart(32, "0").split("").reverse().join(""), 2)
const ones = (x: number) => u(x).toString(2).replaceAll("0", "").length
const high = (product: bigint) => Number(BigInt.asIntN(32, product >> 32n))

describe("32 bits", () => {
  test.each([
    ["add.s32 %d, %a, %b;", two((x, y) => x + y)],
    ["sub.s32 %d, %a, %b;", two((x, y) => x - y)],
    ["mul.lo.s32 %d, %a, %b;", two(Math.imul)],
    ["mul.hi.s32 %d, %a, %b;", two((x, y) => high(wide(x) * wide(y)))],
    ["mul.hi.u32 %d, %a, %b;", two((x, y) => high(wide(u(x)) * wide(u(y))))],
    ["mad.lo.s32 %d, %a, %b, 7;", two((x, y) => Math.imul(x, y) + 7)],
    ["div.u32 %d, %a, %b;", two((x, y) => (y === 0 ? -1 : Math.floor(u(x) / u(y))))],
    ["rem.u32 %d, %a, %b;", two((x, y) => (y === 0 ? x : u(x) % u(y)))],
    ["div.s32 %d, %a, %b;", two((x, y) => (y === 0 ? -1 : Math.trunc(x / y)))],
    ["rem.s32 %d, %a, %b;", two((x, y) => (y === 0 ? x : x % y))],
    ["min.s32 %d, %a, %b;", two(Math.min)],
    ["max.u32 %d, %a, %b;", two((x, y) => Math.max(u(x), u(y)))],
    ["abs.s32 %d, %a;", two((x) => Math.abs(x))],
    ["neg.s32 %d, %a;", two((x) => -x)],
    ["and.b32 %d, %a, %b;", two((x, y) => x & y)],
    ["xor.b32 %d, %a, %b;", two((x, y) => x ^ y)],
    ["not.b32 %d, %a;", two((x) => ~x)],
    ["cnot.b32 %d, %a;", two((x) => (x === 0 ? 1 : 0))],
    ["lop3.b32 %d, %a, %b, 0x0f0f0f0f, 0xe8;", two((x, y) => (x & y) | (y & 0x0f0f0f0f) | (x & 0x0f0f0f0f))],
    ["shl.b32 %d, %a, %b;", two((x, y) => (u(y) > 31 ? 0 : x << y))],
    ["shr.u32 %d, %a, %b;", two((x, y) => (u(y) > 31 ? 0 : x >>> y))],
    ["shr.s32 %d, %a, %b;", two((x, y) => x >> (u(y) > 31 ? 31 : y))],
    ["shf.l.wrap.b32 %d, %a, %b, 9;", two((x, y) => (y << 9) | (x >>> 23))],
    ["shf.r.clamp.b32 %d, %a, %b, 40;", two((_, y) => y)],
    ["popc.b32 %d, %a;", two((x) => ones(x))],
    ["clz.b32 %d, %a;", two(Math.clz32)],
    ["brev.b32 %d, %a;", two((x) => reverse(x))],
    ["bfind.u32 %d, %a;", two((x) => 31 - Math.clz32(x))],
    [
      "bfind.shiftamt.s32 %d, %a;",
      two((x) => {
        const y = x < 0 ? ~x : x
        return y === 0 ? -1 : Math.clz32(y)
      }),
    ],
    ["bfe.u32 %d, %a, 5, 9;", two((x) => (x >>> 5) & 0x1ff)],
    ["bfe.s32 %d, %a, 5, 9;", two((x) => ((x >>> 5) << 23) >> 23)],
    ["bfe.s32 %d, %a, 28, 9;", two((x) => x >> 28)],
    ["bfi.b32 %d, %a, %b, 4, 8;", two((x, y) => (y & ~0xff0) | ((x << 4) & 0xff0))],
    ["prmt.b32 %d, %a, %b, 0x5410;", two((x, y) => (x & 0xffff) | (y << 16))],
    ["prmt.b32 %d, %a, %b, 0x8888;", two((x) => (x << 24) >> 31)],
    ["sad.s32 %d, %a, %b, 1;", two((x, y) => Math.abs(x - y) + 1)],
    ["mul24.lo.s32 %d, %a, %b;", two((x, y) => Math.imul((x << 8) >> 8, (y << 8) >> 8))],
    [
      "dp4a.s32.s32 %d, %a, %b, 3;",
      two(
        (x, y) => 3 + [0, 8, 16, 24].reduce((sum, at) => sum + ((x << (24 - at)) >> 24) * ((y << (24 - at)) >> 24), 0),
      ),
    ],
    ["add.sat.s32 %d, %a, %b;", two((x, y) => Math.max(-2147483648, Math.min(2147483647, x + y)))],
    ["setp.lt.u32 %p, %a, %b; selp.b32 %d, %a, %b, %p;", two((x, y) => (u(x) < u(y) ? x : y))],
    ["slct.s32.s32 %d, 1, 2, %a;", two((x) => (x >= 0 ? 1 : 2))],
    [
      "setp.gt.s32 %p, %a, 0; setp.lt.and.s32 %q|%r, %b, 3, !%p; selp.s32 %d, 1, 0, %q; @%r add.s32 %d, %d, 2;",
      two((x, y) => (y < 3 && !(x > 0) ? 1 : 0) + (!(y < 3) && !(x > 0) ? 2 : 0)),
    ],
    ["set.ge.s32.s32 %d, %a, %b;", two((x, y) => (x >= y ? -1 : 0))],
    ["cvt.s8.s32 %x, %a; mov.b32 %d, %x;", two((x) => (x << 24) >> 24)],
    ["cvt.sat.s8.s32 %x, %a; mov.b32 %d, %x;", two((x) => Math.max(-128, Math.min(127, x)))],
    ["cvt.sat.u16.s32 %x, %a; mov.b32 %d, %x;", two((x) => Math.max(0, Math.min(65535, x)))],
  ])("%s", async (body, expected) => {
    expect(await lanes(body, "s32", new Int32Array(a.length), ["s32", a], ["s32", b])).toEqual(expected)
  })

  test("carries run through words", async () => {
    const x = BigUint64Array.of(0xffffffffffffffffn, 0x00000001ffffffffn, 5n)
    const y = BigUint64Array.of(1n, 1n, 7n)
    const split = "mov.b64 {%x, %y}, %a; mov.b64 {%t, %n}, %b;"
    const sum = `${split} add.cc.u32 %x, %x, %t; addc.u32 %y, %y, %n; mov.b64 %d, {%x, %y};`
    const difference = `${split} sub.cc.u32 %x, %x, %t; subc.u32 %y, %y, %n; mov.b64 %d, {%x, %y};`
    const product = `${split} mul.lo.u32 %d0, %x, %t; mul.hi.u32 %d1, %x, %t; mad.lo.cc.u32 %d1, %x, %n, %d1; madc.lo.u32 %d1, %y, %t, %d1; mov.b64 %d, {%d0, %d1};`
    const all = (f: (p: bigint, q: bigint) => bigint) =>
      BigUint64Array.from(x, (p, i) => BigInt.asUintN(64, f(p, y[i])))
    const compute = (body: string) =>
      lanes(`.reg .b32 %d0, %d1; ${body}`, "u64", new BigUint64Array(3), ["u64", x], ["u64", y])
    expect(await compute(sum)).toEqual(all((p, q) => p + q))
    expect(await compute(difference)).toEqual(all((p, q) => p - q))
    expect(await compute(product.replace("madc.lo.u32", "mad.lo.u32"))).toEqual(all((p, q) => p * q))
  })
})

describe("64 bits", () => {
  const x = BigInt64Array.of(0n, -1n, 1n << 62n, -(1n << 63n), 1234567890123456789n, -42n)
  const y = BigInt64Array.of(3n, 7n, -5n, -1n, 1000000007n, 6n)
  const all = (f: (p: bigint, q: bigint) => bigint) => BigInt64Array.from(x, (p, i) => f(p, y[i]))
  const U = (p: bigint) => BigInt.asUintN(64, p)
  test.each([
    ["add.s64 %d, %a, %b;", all((p, q) => p + q)],
    ["mul.lo.s64 %d, %a, %b;", all((p, q) => p * q)],
    ["mul.hi.s64 %d, %a, %b;", all((p, q) => (p * q) >> 64n)],
    ["mul.hi.u64 %d, %a, %b;", all((p, q) => (U(p) * U(q)) >> 64n)],
    ["div.s64 %d, %a, %b;", all((p, q) => p / q)],
    ["rem.s64 %d, %a, %b;", all((p, q) => p % q)],
    ["div.u64 %d, %a, %b;", all((p, q) => U(p) / U(q))],
    ["max.s64 %d, %a, %b;", all((p, q) => (p > q ? p : q))],
    ["shr.s64 %d, %a, 60;", all((p) => p >> 60n)],
    ["shl.b64 %d, %a, 64;", all(() => 0n)],
    ["bfe.u64 %d, %a, 10, 30;", all((p) => (U(p) >> 10n) & ((1n << 30n) - 1n))],
    ["bfi.b64 %d, %a, %b, 16, 8;", all((p, q) => (q & ~0xff0000n) | ((p & 0xffn) << 16n))],
    ["clz.b64 %x, %a; cvt.u64.u32 %d, %x;", all((p) => BigInt(U(p) === 0n ? 64 : 64 - U(p).toString(2).length))],
    ["cvt.u32.u64 %x, %a; mul.wide.u32 %d, %x, 3;", all((p) => (p & 0xffffffffn) * 3n)],
    ["cvt.u32.u64 %x, %a; mad.wide.s32 %d, %x, -3, %b;", all((p, q) => BigInt.asIntN(32, p) * -3n + q)],
    ["setp.hi.u64 %p, %a, %b; selp.b64 %d, 1, 0, %p;", all((p, q) => (U(p) > U(q) ? 1n : 0n))],
  ])("%s", async (body, expected) => {
    expect(await lanes(body, "s64", new BigInt64Array(x.length), ["s64", x], ["s64", y])).toEqual(expected)
  })
})

test("16 bits", async () => {
  const x = Int16Array.of(32767, -32768, -3, 250)
  const y = Int16Array.of(2, -1, 7, 250)
  const all = (f: (p: number, q: number) => number) => Int16Array.from(x, (p, i) => f(p, y[i]))
  const compute = (body: string) => lanes(body, "s16", new Int16Array(4), ["s16", x], ["s16", y])
  expect(await compute("mul.lo.s16 %d, %a, %b;")).toEqual(all((p, q) => Math.imul(p, q)))
  expect(await compute("add.s16 %d, %a, %b;")).toEqual(all((p, q) => p + q))
  expect(await compute("shr.s16 %d, %a, 20;")).toEqual(all((p) => (p < 0 ? -1 : 0)))
  expect(await compute("shl.b16 %d, %a, 16;")).toEqual(all(() => 0))
  expect(await compute("max.s16 %d, %a, %b;")).toEqual(all(Math.max))
  expect(await compute("mul.wide.s16 %x, %a, %b; shr.s32 %x, %x, 16; cvt.u16.u32 %d, %x;")).toEqual(
    all((p, q) => (p * q) >> 16),
  )
})
