import { expect, test } from "vitest"
import { float16, fromFloat16 } from "./lanes.ts"
import { module, type Numbers, run } from "./run.ts"

/** Each of 64 threads of each of 40 blocks does it once to the same memory; `%g` is its number. */
async function all<O extends Numbers>(body: string, start: O, old?: Int32Array): Promise<{ o: O; old: Int32Array }> {
  const ptx = module(
    `.shared .align 8 .b8 shared[16];
.visible .entry k(.param .u64 po, .param .u64 pold) {
  .reg .b64 %o, %old, %u, %v; .reg .b32 %t, %g, %x, %y; .reg .f32 %f; .reg .f64 %d; .reg .b16 %h; .reg .pred %p;
  ld.param.u64 %o, [po]; ld.param.u64 %old, [pold];
  mov.u32 %t, %tid.x; mov.u32 %g, %ctaid.x; mad.lo.u32 %g, %g, 64, %t;
  mad.wide.u32 %old, %g, 4, %old; cvt.u64.u32 %u, %g;
  ${body}
}`,
    90,
    "7.8",
  )
  const buffers = { o: start, old: old ?? new Int32Array(2560) }
  return run({ ptx, buffers, launches: [{ entry: "k", blocks: [40, 1, 1], threads: 64, params: ["o", "old"] }] })
}

const N = 2560

test.each([
  ["red.global.add.u32 [%o], 2;", Int32Array.of(1), 2 * N + 1],
  ["red.global.add.s32 [%o], -1;", Int32Array.of(1), 1 - N],
  ["red.global.max.s32 [%o], %g;", Int32Array.of(-5), N - 1],
  ["sub.s32 %x, 0, %g; red.global.min.s32 [%o], %x;", Int32Array.of(5), 1 - N],
  ["red.global.min.u32 [%o], %g;", Int32Array.of(-1), 0],
  ["red.global.or.b32 [%o], %g;", Int32Array.of(0), 4095],
  ["red.global.and.b32 [%o], %g;", Int32Array.of(-1), 0],
  ["red.global.xor.b32 [%o], 3;", Int32Array.of(1), 1],
  ["red.global.inc.u32 [%o], 9;", Int32Array.of(0), N % 10],
  ["red.global.dec.u32 [%o], 9;", Int32Array.of(0), (10 - (N % 10)) % 10],
  ["red.relaxed.gpu.global.add.f32 [%o], 0f3F000000;", Float32Array.of(1), 1 + N / 2],
  ["red.global.add.f64 [%o], 0d3FE0000000000000;", Float64Array.of(1), 1 + N / 2],
])("%s", async (body, start, expected) => {
  expect((await all(body, start)).o[0]).toBe(expected)
})

test("64 bits", async () => {
  expect((await all("red.global.add.u64 [%o], 4294967296;", BigInt64Array.of(3n))).o[0]).toBe((BigInt(N) << 32n) + 3n)
  expect((await all("red.global.max.u64 [%o], %u;", BigInt64Array.of(3n))).o[0]).toBe(BigInt(N - 1))
})

test("what was there before comes back, each value once", async () => {
  const { old } = await all("atom.global.add.u32 %x, [%o], 1; st.global.u32 [%old], %x;", Int32Array.of(0))
  expect([...old].sort((p, q) => p - q)).toEqual(Array.from({ length: N }, (_, i) => i))
})

test("a sum by compare and swap", async () => {
  const body = `ld.global.u32 %x, [%o];
  AGAIN: add.u32 %y, %x, 1; atom.global.cas.b32 %y, [%o], %x, %y; setp.ne.u32 %p, %x, %y; mov.u32 %x, %y; @%p bra AGAIN;`
  expect((await all(body, Int32Array.of(10))).o[0]).toBe(N + 10)
})

test("exchanges lose nothing", async () => {
  const { o, old } = await all("atom.global.exch.b32 %x, [%o], %g; st.global.u32 [%old], %x;", Int32Array.of(-1))
  expect([...old, o[0]].sort((p, q) => p - q)).toEqual(Array.from({ length: N + 1 }, (_, i) => i - 1))
})

test("in shared memory", async () => {
  const body = `setp.eq.u32 %p, %t, 0; @%p st.shared.u32 [shared], 0; bar.sync 0; atom.shared.add.u32 %x, [shared], 1; bar.sync 0;
    ld.shared.u32 %x, [shared]; st.global.u32 [%old], %x;`
  expect((await all(body, Int32Array.of(0))).old[2000]).toBe(64)
})

test("half types, alone and in pairs", async () => {
  const body = "mov.b32 %x, 0x3c003800; red.global.add.noftz.f16x2 [%o], %x;"
  const { o } = await all(`setp.lt.u32 %p, %g, 8; @!%p exit; ${body}`, Uint16Array.from(float16(1, 2)))
  expect(fromFloat16(o)).toEqual([5, 10])
  const one = await all(
    "setp.lt.u32 %p, %g, 8; @!%p exit; mov.b16 %h, 0x3f80; red.global.add.noftz.bf16 [%o], %h;",
    Uint16Array.of(0, 0),
  )
  expect(one.o[0]).toBe(0x4100)
})
