import { describe, expect, test } from "vitest"
import { type DriverError, module, run } from "./run.ts"

const ROWS = 64
const DEPTH = 16

/** Small whole numbers: every sum of their products is exact. */
const matrix = (rows: number, columns: number, seed: number) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => ((i * 7 + j * 3 + seed) % 9) - 4))

/** Halves of a matrix by extent and depth, in lines of 128 bytes whose pieces are exchanged, as descriptors tell of them. */
function swizzled(of: (extent: number, depth: number) => number, extent: number, alongDepth: boolean): Uint16Array {
  const out = new Uint16Array(alongDepth ? extent * 64 : (extent / 64) * DEPTH * 64)
  for (let e = 0; e < extent; e++)
    for (let k = 0; k < DEPTH; k++) {
      const line = alongDepth ? e : (e >> 6) * DEPTH + k
      const inLine = alongDepth ? k : e & 63
      out[line * 64 + (((inLine >> 3) ^ (line & 7)) << 3) + (inLine & 7)] = new Uint16Array(
        Float16Array.of(of(e, k)).buffer,
      )[0]
    }
  return out
}

/** The same of words, along the depth. */
function swizzledWords(of: (extent: number, depth: number) => number, extent: number): Float32Array {
  const out = new Float32Array(extent * 32)
  for (let e = 0; e < extent; e++)
    for (let k = 0; k < DEPTH / 2; k++) out[e * 32 + (((k >> 2) ^ (e & 7)) << 2) + (k & 3)] = of(e, k)
  return out
}

/** The bits of a descriptor after the address. */
const descriptor = (alongDepth: boolean): bigint => {
  const leading = BigInt(alongDepth ? 1 : (DEPTH * 128) / 16)
  return (1n << 62n) | (64n << 32n) | (leading << 16n)
}

interface Options {
  readonly turned?: readonly [a: boolean, b: boolean]
  /** TF32 in place of halves: words, to which this is added. */
  readonly words?: number
  /** What is left out. */
  readonly without?: string
  readonly env?: Record<string, string>
  /** After the products are on their way. */
  readonly meanwhile?: string
}

async function multiply(
  columns: number,
  { turned = [false, false], words, without = "", env, meanwhile = "" }: Options = {},
) {
  const depth = words === undefined ? DEPTH : DEPTH / 2
  const [x, y] = [matrix(ROWS, depth, 1), matrix(depth, columns, 5)]
  const [ofA, ofB] = [(m: number, k: number) => x[m][k], (n: number, k: number) => y[k][n]]
  const a =
    words === undefined ? swizzled(ofA, ROWS, !turned[0]) : swizzledWords((m, k) => ofA(m, k) * (1 + words), ROWS)
  const b = words === undefined ? swizzled(ofB, columns, !turned[1]) : swizzledWords(ofB, columns)
  const shape = words === undefined ? "k16.f32.f16.f16" : "k8.f32.tf32.tf32"
  const turns = words === undefined ? `, ${Number(turned[0])}, ${Number(turned[1])}` : ""
  const sums = Array.from({ length: columns / 2 }, (_, i) => `%f${i}`)
  const say = (text: string) => (text.startsWith(without) && without ? "" : text)
  const ptx = module(
    `.extern .shared .align 1024 .b8 tiles[];
    .visible .entry k(.param .u64 c, .param .u64 a, .param .u64 b) {
    .reg .b64 %p<4>, %d<4>; .reg .b32 %t, %r<8>; .reg .f32 %f<${sums.length}>; .reg .pred %q<3>;
    mov.u32 %t, %tid.x; ld.param.u64 %p0, [a]; ld.param.u64 %p1, [b]; ld.param.u64 %p2, [c];
    mov.u32 %r0, tiles; setp.eq.u32 %q0, %t, %t; setp.ne.u32 %q1, %t, %t;
    mov.u32 %r1, %t;
    $A: setp.ge.u32 %q2, %r1, ${(a.byteLength + b.byteLength) / 16}; @%q2 bra $E;
    mad.wide.u32 %p3, %r1, 16, %p0; mad.lo.u32 %r2, %r1, 16, %r0;
    setp.lt.u32 %q2, %r1, ${a.byteLength / 16}; @%q2 bra $C;
    sub.u32 %r3, %r1, ${a.byteLength / 16}; mad.wide.u32 %p3, %r3, 16, %p1;
    $C: cp.async.cg.shared.global [%r2], [%p3], 16; add.u32 %r1, %r1, 128; bra $A;
    $E: cp.async.wait_all; ${say("fence.proxy.async.shared::cta;")} bar.sync 0;
    ${sums.map((f) => `mov.f32 ${f}, 0f40000000;`).join(" ")}
    shr.u32 %r4, %r0, 4; cvt.u64.u32 %d0, %r4; or.b64 %d0, %d0, ${descriptor(!turned[0])};
    add.u32 %r5, %r0, ${a.byteLength}; shr.u32 %r5, %r5, 4; cvt.u64.u32 %d1, %r5; or.b64 %d1, %d1, ${descriptor(!turned[1])};
    ${say("wgmma.fence.sync.aligned;")}
    wgmma.mma_async.sync.aligned.m64n${columns}${shape} {${sums.join(", ")}}, %d0, %d1, %q0, 1, 1${turns};
    wgmma.commit_group.sync.aligned;
    ${meanwhile}
    ${say("wgmma.wait_group.sync.aligned 0;")}
    mad.wide.u32 %p2, %t, ${4 * sums.length}, %p2;
    ${sums.map((f, i) => `st.global.f32 [%p2+${4 * i}], ${f};`).join(" ")} }`,
  )
    .replace(/\.version [\d.]+/, ".version 8.0")
    .replace(/\.target sm_\d+/, ".target sm_90a")
  const buffers = { c: new Float32Array(ROWS * columns), a, b }
  const sharedBytes = a.byteLength + b.byteLength
  const { c } = await run({
    ptx,
    buffers,
    env,
    launches: [{ entry: "k", threads: 128, sharedBytes, params: ["c", "a", "b"] }],
  })
  const at = (i: number, j: number) => {
    const thread = (i >> 4) * 32 + (i & 7) * 4 + ((j & 7) >> 1)
    return c[thread * sums.length + (j >> 3) * 4 + ((i >> 3) & 1) * 2 + (j & 1)]
  }
  const got = x.map((_, i) => y[0].map((_, j) => at(i, j)))
  return { got, want: x.map((row) => y[0].map((_, j) => row.reduce((sum, v, k) => sum + v * y[k][j], 2))) }
}

describe("wgmma", () => {
  test.each([
    [8, [false, false]],
    [64, [true, false]],
    [128, [false, true]],
    [256, [true, true]],
  ] as const)("64×16 · 16×%i, turned %j", async (columns, turned) => {
    const { got, want } = await multiply(columns, { turned, env: { CUDA_EMULATOR_RACES: "1" } })
    expect(got).toEqual(want)
  })

  test("cuts words off to TF32", async () => {
    // Its fraction has ten bits.
    const { got, want } = await multiply(64, { words: 2 ** -13 })
    expect(got).toEqual(want)
    const { got: more } = await multiply(64, { words: 2 ** -10 })
    expect(more).not.toEqual(want)
  })

  test("needs the fences", async () => {
    for (const without of ["fence.proxy", "wgmma.fence"])
      await expect(multiply(8, { without })).rejects.toThrow(
        expect.objectContaining<Partial<DriverError>>({ number: 719 }),
      )
  })

  test("the sums are not there before they are waited for", async () => {
    const { got } = await multiply(8, { without: "wgmma.wait" })
    expect(got.flat().every(Number.isNaN)).toBe(true)
  })

  test("what is overwritten meanwhile is seen", async () => {
    const { got, want } = await multiply(8, { meanwhile: "bar.sync 0; st.shared.b32 [%r0], %t; bar.sync 0;" })
    expect(got).not.toEqual(want)
  })

  test("is for its own architecture alone", async () => {
    await expect(multiply(8, { env: { CUDA_EMULATOR_CAPABILITY: "10.0" } })).rejects.toThrow(/sm_90a/)
  })
})
