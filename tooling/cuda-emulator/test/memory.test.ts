import { describe, expect, test } from "vitest"
import { type Launch, module, type Numbers, run } from "./run.ts"

const iota = (count: number) => Int32Array.from({ length: count }, (_, i) => i)

/** A kernel of two buffers, `%o` and `%a`, and what the first then holds. */
async function copy<O extends Numbers>(
  body: string,
  o: O,
  a: Numbers = iota(32),
  { before = "", ...launch }: Partial<Launch> & { before?: string } = {},
): Promise<O> {
  const ptx = module(`${before}
.visible .entry k(.param .u64 po, .param .u64 pa) {
  .reg .b64 %o, %a, %u, %v;
  .reg .b32 %t, %x, %y, %z, %w;
  .reg .b16 %h, %g;
  .reg .f32 %f, %e;
  .reg .pred %p;
  ld.param.u64 %o, [po];
  ld.param.u64 %a, [pa];
  mov.u32 %t, %tid.x;
  mad.wide.u32 %u, %t, 4, %o;
  mad.wide.u32 %v, %t, 4, %a;
  ${body}
}`)
  const results = await run({ ptx, buffers: { o, a }, launches: [{ entry: "k", params: ["o", "a"], ...launch }] })
  return results.o as O
}

describe("loads and stores", () => {
  test("of each width, extended by their sign", async () => {
    const bytes = Uint8Array.from({ length: 128 }, (_, i) => 100 + i)
    const body = (type: string, size: number) =>
      `mad.wide.u32 %v, %t, ${size}, %a; ld.global.${type} %x, [%v]; st.global.u32 [%u], %x;`
    expect((await copy(body("u8", 1), new Int32Array(32), bytes))[31]).toBe(131)
    expect((await copy(body("s8", 1), new Int32Array(32), bytes))[31]).toBe(131 - 256)
    expect((await copy(body("u16", 2), new Int32Array(32), bytes))[20]).toBe(141 * 256 + 140)
    expect((await copy(body("s16", 2), new Int32Array(32), bytes))[20]).toBe(141 * 256 + 140 - 65536)
    const narrow = "ld.global.u32 %x, [%v]; mad.wide.u32 %u, %t, 1, %o; st.global.u8 [%u], %x;"
    expect([
      ...(await copy(
        narrow,
        new Uint8Array(32),
        iota(32).map((i) => i * 257),
      )),
    ]).toEqual([...iota(32)])
  })

  test("of vectors", async () => {
    const body =
      "mad.wide.u32 %v, %t, 16, %a; mad.wide.u32 %u, %t, 16, %o; ld.global.nc.v4.u32 {%x, %y, %z, %w}, [%v]; st.global.v2.u32 [%u+8], {%x, %y}; st.global.v2.b32 [%u], {%z, 9};"
    const got = await copy(body, new Int32Array(128), iota(128))
    expect([...got.subarray(4, 8)]).toEqual([6, 9, 4, 5])
  })

  test("gathered, scattered and the same for all", async () => {
    const reversed = "sub.u32 %x, 31, %t; mad.wide.u32 %v, %x, 4, %a; ld.global.u32 %y, [%v]; st.global.u32 [%u], %y;"
    expect([...(await copy(reversed, new Int32Array(32)))]).toEqual([...iota(32)].reverse())
    const scattered = "ld.global.u32 %y, [%v]; xor.b32 %x, %t, 5; mad.wide.u32 %u, %x, 4, %o; st.global.u32 [%u], %y;"
    expect([...(await copy(scattered, new Int32Array(32)))]).toEqual([...iota(32)].map((i) => i ^ 5))
    const same = "ld.global.u32 %y, [%a+28]; st.global.u32 [%u], %y;"
    expect([...(await copy(same, new Int32Array(32)))]).toEqual(Array(32).fill(7))
    const some = "setp.lt.u32 %p, %t, 3; @%p ld.global.u32 %y, [%v+4]; @!%p mov.u32 %y, 50; st.global.u32 [%u], %y;"
    expect([...(await copy(some, new Int32Array(32)))].slice(0, 5)).toEqual([1, 2, 3, 50, 50])
  })

  test("variables of the module: initialised, constant, holding addresses", async () => {
    const before = `.global .align 4 .u32 table[4] = {10, 20, 30};
      .const .align 4 .f32 numbers[2] = {0f3FC00000, 2.5};
      .global .align 8 .u64 where[2] = {table, table+4};`
    const body = `and.b32 %x, %t, 3; mov.u64 %v, table; mad.wide.u32 %v, %x, 4, %v; ld.global.u32 %y, [%v];
      ld.const.f32 %f, [numbers+4]; cvt.rni.u32.f32 %z, %f; add.u32 %y, %y, %z;
      ld.global.u64 %v, [where+8]; ld.u32 %z, [%v]; add.u32 %y, %y, %z; st.global.u32 [%u], %y;`
    expect([...(await copy(body, new Int32Array(32), iota(32), { before }))].slice(0, 4)).toEqual([32, 42, 52, 22])
  })

  test("local memory is each lane's own, by its space and generic", async () => {
    const body = `.local .align 8 .b8 own[64]; .reg .b64 %SP, %SPL;
      mov.u64 %SPL, own; cvta.local.u64 %SP, %SPL;
      st.local.u32 [own+12], %t; ld.local.u32 %x, [%SPL+12];
      add.u32 %x, %x, 1; st.u32 [%SP+16], %x; ld.local.u32 %y, [own+16]; st.global.u32 [%u], %y;`
    expect([...(await copy(body, new Int32Array(32)))]).toEqual([...iota(32)].map((i) => i + 1))
  })

  test("shared memory, declared and dynamic, by its space and generic", async () => {
    const before = ".extern .shared .align 16 .b8 dynamic[]; .shared .align 4 .b8 fixed[128];"
    const body = `mov.u32 %x, dynamic; mad.lo.u32 %x, %t, 4, %x; mov.u32 %y, fixed; mad.lo.u32 %y, %t, 4, %y;
      st.shared.u32 [%x], %t; st.shared.u32 [%y], 100; bar.sync 0;
      mov.u64 %v, dynamic; cvta.shared.u64 %v, %v; ld.u32 %z, [%v+8]; ld.shared.u32 %w, [fixed+4]; ld.shared.u32 %x, [%x];
      add.u32 %z, %z, %w; add.u32 %z, %z, %x; st.global.u32 [%u], %z;`
    const got = await copy(body, new Int32Array(32), iota(32), { before, sharedBytes: 128 })
    expect([...got]).toEqual([...iota(32)].map((i) => 102 + i))
  })

  test("parameters are laid out by their alignment, structures too", async () => {
    const ptx =
      module(`.visible .entry k(.param .u8 a, .param .u64 o, .param .u16 b, .param .align 8 .b8 s[16], .param .f32 c) {
      .reg .b64 %o, %q; .reg .b32 %x, %y; .reg .f32 %f;
      ld.param.u8 %x, [a]; ld.param.u64 %o, [o]; ld.param.u16 %y, [b]; add.u32 %x, %x, %y;
      ld.param.u32 %y, [s+12]; add.u32 %x, %x, %y; mov.b64 %q, s; ld.param.u32 %y, [%q+8]; add.u32 %x, %x, %y;
      ld.param.f32 %f, [c]; cvt.rzi.u32.f32 %y, %f; add.u32 %x, %x, %y; st.global.u32 [%o], %x; }`)
    const block = new DataView(new ArrayBuffer(44))
    block.setUint8(0, 1)
    block.setUint16(16, 20, true)
    block.setUint32(24 + 12, 300, true)
    block.setUint32(24 + 8, 4000, true)
    block.setFloat32(40, 50000, true)
    const tail = new Uint8Array(block.buffer)
    const params = [tail.slice(0, 1), "o", ...[...tail.slice(16)].map((each) => Uint8Array.of(each))]
    const { o } = await run({ ptx, buffers: { o: new Int32Array(1) }, launches: [{ entry: "k", threads: 1, params }] })
    expect(o[0]).toBe(54321)
  })

  test("blocks have their numbers, in three dimensions", async () => {
    const body = `mov.u32 %x, %ctaid.x; mov.u32 %y, %ctaid.y; mov.u32 %z, %ctaid.z; mov.u32 %w, %nctaid.x;
      mad.lo.u32 %x, %y, %w, %x; mov.u32 %y, %nctaid.y; mul.lo.u32 %w, %w, %y; mad.lo.u32 %x, %z, %w, %x;
      mov.u32 %y, %tid.y; mov.u32 %z, %ntid.x; mad.lo.u32 %y, %y, %z, %t; mad.lo.u32 %x, %x, 6, %y;
      mad.wide.u32 %u, %x, 4, %o; st.global.u32 [%u], %x;`
    const got = await copy(body, new Int32Array(6 * 2 * 3 * 4), iota(1), { blocks: [2, 3, 4], threads: [3, 2, 1] })
    expect([...got]).toEqual([...iota(144)])
  })

  test("many blocks on several threads", async () => {
    const body = "mov.u32 %x, %ctaid.x; mad.lo.u32 %x, %x, 256, %t; mad.wide.u32 %u, %x, 4, %o; st.global.u32 [%u], %x;"
    const got = await copy(body, new Int32Array(256 * 1000), iota(1), { blocks: [1000, 1, 1], threads: 256 })
    expect(got).toEqual(iota(256000))
  })
})

describe("asynchronous copies", () => {
  const before = ".shared .align 16 .b8 tile[512];"
  const start = `mov.u32 %x, tile; mad.lo.u32 %x, %t, 16, %x; mad.wide.u32 %v, %t, 16, %a; mov.u32 %y, 77;
    st.shared.u32 [%x], %y;`
  const end = "ld.shared.u32 %z, [%x]; st.global.u32 [%u], %z;"

  test("arrive once they are waited for, and not before", async () => {
    const body = (wait: string) =>
      `${start} cp.async.cg.shared.global [%x], [%v], 16; cp.async.commit_group; ${wait} ${end}`
    const expected = [...iota(32)].map((i) => 4 * i)
    expect([...(await copy(body("cp.async.wait_group 0;"), new Int32Array(32), iota(128), { before }))]).toEqual(
      expected,
    )
    expect([...(await copy(body("cp.async.wait_all;"), new Int32Array(32), iota(128), { before }))]).toEqual(expected)
    expect((await copy(body("cp.async.wait_group 1;"), new Int32Array(32), iota(128), { before }))[3]).toBe(77)
    expect((await copy(body(""), new Int32Array(32), iota(128), { before }))[3]).toBe(77)
  })

  test("fill with zeros what is not read", async () => {
    const body = `${start} mov.u32 %w, 4; cp.async.ca.shared.global [%x], [%v], 8, %w; cp.async.wait_all; ld.shared.u32 %z, [%x+4]; st.global.u32 [%u], %z;`
    expect((await copy(body, new Int32Array(32).fill(1), iota(128), { before }))[3]).toBe(0)
  })
})

describe("addresses are checked", () => {
  test.each([
    [
      "a load behind the end",
      "ld.global.u32 %x, [%v+4]; st.global.u32 [%u], %x;",
      700,
      /line 16: a load of 4 bytes at 0x[0-9a-f]+ in global memory is out of bounds, lane 31/,
    ],
    ["a load before the beginning", "ld.global.u32 %x, [%v-4]; st.global.u32 [%u], %x;", 700, /lane 0/],
    ["a store behind the end", "st.global.u32 [%u+4], 1;", 700, /a store/],
    [
      "half of a vector behind the end",
      "mad.wide.u32 %v, %t, 8, %a; setp.eq.u32 %p, %t, 0; @%p ld.global.v2.u32 {%x, %y}, [%a+120]; @%p ld.global.v2.u32 {%x, %y}, [%a+128];",
      700,
      /8 bytes/,
    ],
    ["a null pointer", "mov.u64 %v, 0; ld.global.u32 %x, [%v];", 700, /0x0/],
    ["a generic address", "ld.u32 %x, [%v+4];", 700, /global/],
    ["shared memory", "st.shared.u32 [%t], 1;", 700, /shared/],
    [
      "local memory",
      ".local .b8 own[16]; cvt.u64.u32 %v, %t; ld.local.u8 %x, [%v];",
      700,
      /local memory is out of bounds, lane 16/,
    ],
    ["an atomic operation", "red.global.add.u32 [%u+4], 1;", 700, /an atomic operation/],
    ["a misaligned word", "ld.global.u32 %x, [%v+2];", 716, /misaligned/],
    ["a misaligned vector", "ld.global.v4.u32 {%x, %y, %z, %w}, [%a+8];", 716, /16 bytes/],
  ])("%s", async (_, body, number, text) => {
    await expect(copy(body, new Int32Array(32))).rejects.toMatchObject({ number, message: expect.stringMatching(text) })
  })

  test("lanes that are off touch nothing", async () => {
    const body = "setp.lt.u32 %p, %t, 31; mov.u32 %x, 1; @%p ld.global.u32 %x, [%v+4]; @%p st.global.u32 [%u+4], %x;"
    expect((await copy(body, new Int32Array(32)))[31]).toBe(31)
  })

  test("a fault stays: what comes after fails too", async () => {
    const ptx = module(
      ".visible .entry bad() { .reg .b64 %a; .reg .b32 %x; mov.u64 %a, 64; ld.global.u32 %x, [%a]; } .visible .entry good() { ret; }",
    )
    const launches = [
      { entry: "bad", params: [] },
      { entry: "good", params: [] },
    ]
    await expect(run({ ptx, launches })).rejects.toMatchObject({ number: 700 })
  })
})
