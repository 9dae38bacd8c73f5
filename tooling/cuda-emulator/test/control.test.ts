import { describe, expect, test } from "vitest"
import { lanes } from "./lanes.ts"
import { module, run } from "./run.ts"

const iota = (count: number) => Int32Array.from({ length: count }, (_, i) => i)

/** A kernel of one warp or more that leaves a number for each thread. */
async function perThread(body: string, threads = 32, before = "", env: Record<string, string> = {}): Promise<number[]> {
  const ptx = module(`${before}
.visible .entry k(.param .u64 po) {
  .reg .b64 %o;
  .reg .b32 %t, %d, %x, %y, %z;
  .reg .pred %p, %q;
  mov.u32 %t, %tid.x;
  ${body}
  ld.param.u64 %o, [po];
  mad.wide.u32 %o, %t, 4, %o;
  st.global.u32 [%o], %d;
}`)
  const launch = { entry: "k", threads, params: ["o"] }
  return [...(await run({ ptx, buffers: { o: new Int32Array(threads) }, launches: [launch], env })).o]
}

describe("divergence", () => {
  test("both sides of a branch, then together", async () => {
    const body = `
      setp.lt.u32 %p, %t, 10;
      @%p bra LOW;
      mov.u32 %d, 100;
      bra DONE;
    LOW:
      mov.u32 %d, 200;
    DONE:
      activemask.b32 %x;
      popc.b32 %x, %x;
      add.u32 %d, %d, %x;`
    expect(await perThread(body)).toEqual([...iota(32)].map((t) => (t < 10 ? 232 : 132)))
  })

  test("loops of different lengths", async () => {
    const body = `
      mov.u32 %d, 0;
      mov.u32 %x, 0;
    LOOP:
      setp.ge.u32 %p, %x, %t;
      @%p bra END;
      add.u32 %x, %x, 1;
      add.u32 %d, %d, %x;
      bra LOOP;
    END:
      vote.sync.ballot.b32 %y, 1, 0xffffffff;
      popc.b32 %y, %y;
      mad.lo.u32 %d, %y, 1000, %d;`
    expect(await perThread(body)).toEqual([...iota(32)].map((t) => (t * (t + 1)) / 2 + 32000))
  })

  test("lanes that leave early", async () => {
    const body = `
      mov.u32 %d, %t;
      setp.gt.u32 %p, %t, 4;
      ld.param.u64 %o, [po];
      mad.wide.u32 %o, %t, 4, %o;
      @%p st.global.u32 [%o], 7;
      @%p exit;
      activemask.b32 %d;`
    expect(await perThread(body)).toEqual([...iota(32)].map((t) => (t > 4 ? 7 : 31)))
  })

  test("labels and registers in scopes of their own", async () => {
    const part = (n: number) => `{ .reg .b32 %x; mov.u32 %x, ${n}; bra L; mov.u32 %x, 0; L: add.u32 %d, %d, %x; }`
    expect(await perThread(`mov.u32 %x, 5; mov.u32 %d, 0; ${part(1)} ${part(2)} add.u32 %d, %d, %x;`)).toEqual(
      Array(32).fill(8),
    )
  })
})

describe("functions", () => {
  const square = `.func (.param .b32 r) square(.param .b32 a) {
    .reg .b32 %x; .reg .pred %p;
    ld.param.u32 %x, [a];
    setp.gt.u32 %p, %x, 20;
    @%p mov.u32 %x, 1;
    @%p bra OUT;
    mul.lo.u32 %x, %x, %x;
  OUT:
    st.param.u32 [r], %x;
    ret;
  }
  .func (.reg .b32 r) twice(.reg .b32 a) { add.u32 r, a, a; setp.gt.u32 %never, a, 1000; ret; }`.replace(
    "setp.gt.u32 %never, a, 1000; ",
    "",
  )
  const call = (argument: string) =>
    `{ .param .b32 p0; .param .b32 r0; st.param.b32 [p0+0], ${argument}; call.uni (r0), square, (p0); ld.param.b32 %d, [r0+0]; }`

  test("with parameters in memory, and in registers", async () => {
    const f = (t: number) => (t > 20 ? 1 : t * t)
    expect(await perThread(call("%t"), 32, square)).toEqual([...iota(32)].map(f))
    expect(await perThread("call (%d), twice, (%t);", 32, square)).toEqual([...iota(32)].map((t) => 2 * t))
  })

  test("called by some lanes, from several places", async () => {
    const body = `mov.u32 %d, 9; setp.lt.u32 %p, %t, 3; @!%p bra SKIP; ${call("%t")} SKIP: @%p bra END; call (%d), twice, (%d); END:`
    expect(await perThread(body, 32, square)).toEqual([...iota(32)].map((t) => (t < 3 ? t * t : 18)))
    const guarded = "mov.u32 %d, 1; setp.lt.u32 %p, %t, 3; @%p call (%d), twice, (%t);"
    expect(await perThread(guarded, 32, square)).toEqual([...iota(32)].map((t) => (t < 3 ? 2 * t : 1)))
  })

  test("arrays as parameters", async () => {
    const sum = `.func (.param .align 8 .b8 r[8]) pair(.param .align 4 .b8 a[8]) {
      .reg .b32 %x, %y;
      ld.param.u32 %x, [a+0]; ld.param.u32 %y, [a+4];
      add.u32 %x, %x, %y; st.param.u32 [r+4], %x; st.param.u32 [r+0], %y; ret; }`
    const body = `{ .param .align 4 .b8 p[8]; .param .align 8 .b8 r[8]; st.param.u32 [p+0], %t; st.param.u32 [p+4], 100;
      call (r), pair, (p); ld.param.u32 %d, [r+4]; }`
    expect(await perThread(body, 32, sum)).toEqual([...iota(32)].map((t) => t + 100))
  })
})

describe("warps", () => {
  const shuffle = (mode: string, amount: number, clamp: number) =>
    `shfl.sync.${mode}.b32 %d|%p, %t, ${amount}, ${clamp}, 0xffffffff; @!%p add.u32 %d, %d, 1000;`
  test.each([
    ["idx", 5, 31, () => 5],
    ["up", 3, 0, (t: number) => (t < 3 ? t + 1000 : t - 3)],
    ["down", 2, 31, (t: number) => (t > 29 ? t + 1000 : t + 2)],
    ["bfly", 1, 31, (t: number) => t ^ 1],
    // Segments of eight lanes.
    ["down", 4, 0x1807, (t: number) => (t % 8 < 4 ? t + 4 : t + 1000)],
  ] as const)("shfl.sync.%s by %i", async (mode, amount, clamp, expected) => {
    expect(await perThread(shuffle(mode, amount, clamp))).toEqual([...iota(32)].map(expected))
  })

  test("votes", async () => {
    const vote = (kind: string, test: string) =>
      perThread(`setp.${test}.u32 %p, %t, 5; vote.sync.${kind}.pred %q, %p, -1; selp.u32 %d, 1, 0, %q;`)
    expect((await vote("all", "lt"))[0]).toBe(0)
    expect((await vote("any", "lt"))[0]).toBe(1)
    expect((await vote("uni", "lt"))[0]).toBe(0)
    expect(await perThread("setp.lt.u32 %p, %t, 5; vote.sync.ballot.b32 %d, !%p, -1;")).toEqual(Array(32).fill(~31))
  })

  test("match and redux", async () => {
    expect((await perThread("and.b32 %x, %t, 1; match.any.sync.b32 %d, %x, -1;")).slice(0, 2)).toEqual([
      0x55555555,
      0xaaaaaaaa | 0,
    ])
    expect((await perThread("match.all.sync.b32 %d|%p, %t, -1;"))[3]).toBe(0)
    expect((await perThread("redux.sync.add.s32 %d, %t, -1;"))[7]).toBe(496)
    expect((await perThread("redux.sync.max.u32 %d, %t, -1;"))[7]).toBe(31)
  })

  test("a reduction by shuffles", async () => {
    const step = (n: number) => `shfl.sync.bfly.b32 %x, %d, ${n}, 31, -1; add.u32 %d, %d, %x;`
    expect(await perThread(`mov.u32 %d, %t; ${[16, 8, 4, 2, 1].map(step).join(" ")}`)).toEqual(Array(32).fill(496))
  })

  test("lanes of a mask wait for one another", async () => {
    // The lower half arrives first, the upper by a longer way; the shuffle needs all.
    const body =
      "setp.lt.u32 %p, %t, 16; @%p bra GO; mov.u32 %x, 3; mov.u32 %y, 4; GO: bar.warp.sync -1; shfl.sync.bfly.b32 %d, %t, 16, 31, -1;"
    expect(await perThread(body)).toEqual([...iota(32)].map((t) => t ^ 16))
    const never = "setp.lt.u32 %p, %t, 16; @%p bra OTHER; bar.warp.sync -1; bra END; OTHER: mov.u32 %d, 1; trap; END:"
    await expect(perThread(never)).rejects.toThrow("trap")
    const alone =
      "setp.lt.u32 %p, %t, 16; @!%p bra LATER; vote.sync.ballot.b32 %d, 1, -1; bra END; LATER: vote.sync.ballot.b32 %d, 1, -1; END:"
    await expect(perThread(alone)).rejects.toThrow(/\.sync instruction never come/)
  })

  test("special registers", async () => {
    expect(await perThread("mov.u32 %d, %lanemask_lt;")).toEqual([...iota(32)].map((t) => ((1 << t) - 1) | 0))
    expect((await perThread("mov.u32 %d, %warpid;", 96))[70]).toBe(2)
    expect((await perThread("mov.u32 %d, %ntid.x;", 96))[70]).toBe(96)
    expect((await perThread("mov.u32 %d, %laneid;", 96))[70]).toBe(6)
    expect((await perThread("mov.u64 %o, %globaltimer; setp.gt.u64 %p, %o, 0; selp.u32 %d, WARP_SZ, 0, %p;"))[0]).toBe(
      32,
    )
  })
})

describe("barriers", () => {
  const before = ".shared .align 4 .b8 buffer[1024];"
  const own = "mov.u32 %y, buffer; mad.lo.u32 %x, %t, 4, %y;"

  test("what other warps have stored is there after a barrier", async () => {
    const body = `${own} st.shared.u32 [%x], %t; bar.sync 0; sub.u32 %z, 255, %t; mad.lo.u32 %x, %z, 4, %y; ld.shared.u32 %d, [%x];`
    expect(await perThread(body, 256, before, { CUDA_EMULATOR_RACES: "1" })).toEqual([...iota(256)].map((t) => 255 - t))
  })

  test("without it, the race is found where one looks", async () => {
    const body = `${own} st.shared.u32 [%x], %t; sub.u32 %z, 255, %t; mad.lo.u32 %x, %z, 4, %y; ld.shared.u32 %d, [%x];`
    await perThread(body, 256, before)
    await expect(perThread(body, 256, before, { CUDA_EMULATOR_RACES: "1" })).rejects.toThrow(
      /races with a (store|load) of warp/,
    )
    // Within one warp nothing is said.
    await perThread(body.replaceAll("255", "31"), 32, before, { CUDA_EMULATOR_RACES: "1" })
  })

  test("a load that a later store races with", async () => {
    const body = `${own} st.shared.u32 [%x], %t; bar.sync 0; ld.shared.u32 %d, [%y]; setp.eq.u32 %p, %t, 40; @%p st.shared.u32 [%y], 1;`
    await expect(perThread(body, 64, before, { CUDA_EMULATOR_RACES: "1" })).rejects.toThrow(
      /a store at byte 0 of shared memory races with a load of warp 0/,
    )
    const atomics = `${own} st.shared.u32 [%x], 0; bar.sync 0; red.shared.add.u32 [%y], 1; bar.sync 0; ld.shared.u32 %d, [%y];`
    expect((await perThread(atomics, 64, before, { CUDA_EMULATOR_RACES: "1" }))[0]).toBe(64)
  })

  test("bar.red", async () => {
    expect((await perThread("setp.lt.u32 %p, %t, 50; bar.red.popc.u32 %d, 0, %p;", 96))[90]).toBe(50)
    expect((await perThread("setp.lt.u32 %p, %t, 50; bar.red.and.pred %q, 0, %p; selp.u32 %d, 1, 0, %q;", 96))[0]).toBe(
      0,
    )
    expect((await perThread("setp.lt.u32 %p, %t, 50; bar.red.or.pred %q, 0, %p; selp.u32 %d, 1, 0, %q;", 96))[90]).toBe(
      1,
    )
  })

  test("named barriers of some warps", async () => {
    const body = `${own} mov.u32 %d, 0; setp.ge.u32 %p, %t, 64; @%p bra OUT; st.shared.u32 [%x], %t; bar.sync 1, 64; xor.b32 %z, %t, 32; mad.lo.u32 %x, %z, 4, %y; ld.shared.u32 %d, [%x]; OUT:`
    expect(await perThread(body, 128, before)).toEqual([...iota(128)].map((t) => (t < 64 ? t ^ 32 : 0)))
  })

  test("warps that have left are not waited for; those that never come are found", async () => {
    expect((await perThread("mov.u32 %d, 1; setp.ge.u32 %p, %t, 32; @%p exit; bar.sync 0;", 64))[0]).toBe(1)
    await expect(
      perThread("mov.u32 %d, 1; setp.ge.u32 %p, %t, 32; @%p bra B; bar.sync 0; bra E; B: bar.sync 1; E:", 64),
    ).rejects.toThrow(/others never reach/)
    await expect(perThread("setp.ge.u32 %p, %t, 16; @%p bar.sync 0; mov.u32 %d, 1;")).rejects.toThrow(/skip a barrier/)
  })
})

test("an endless loop ends", async () => {
  await expect(perThread("L: bra L;", 32, "", { CUDA_EMULATOR_BRANCHES: "100000" })).rejects.toMatchObject({
    number: 702,
  })
})

test("a warp may wait for another without a barrier", async () => {
  const before = ".shared .align 4 .u32 flag;"
  const body = `setp.eq.u32 %p, %t, 0; @%p st.shared.u32 [flag], 0; bar.sync 0; setp.lt.u32 %p, %t, 32; @!%p bra SET;
    WAIT: ld.volatile.shared.u32 %d, [flag]; setp.eq.u32 %q, %d, 0; @%q bra WAIT; bra END;
    SET: st.volatile.shared.u32 [flag], 5; mov.u32 %d, 6; END:`
  expect(await perThread(body, 64, before)).toEqual([...iota(64)].map((t) => (t < 32 ? 5 : 6)))
})

test("predicates are computed with", async () => {
  const body =
    "setp.gt.s32 %p, %a, 2; setp.lt.s32 %q, %a, 8; and.pred %r, %p, %q; not.pred %p, %r; xor.pred %q, %p, %r; selp.s32 %d, 1, 0, %r; @%q add.s32 %d, %d, 10;"
  const got = await lanes(body, "s32", new Int32Array(10), ["s32", iota(10)])
  expect([...got]).toEqual([10, 10, 10, 11, 11, 11, 11, 11, 10, 10])
})
