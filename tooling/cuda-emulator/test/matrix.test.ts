import { describe, expect, test } from "vitest"
import { bitsOf } from "./lanes.ts"
import { module, run } from "./run.ts"

/** Small whole numbers: every format holds them, and every sum of their products is exact. */
const matrix = (rows: number, columns: number, seed: number) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => ((i * 7 + j * 3 + seed) % 9) - 4))

const product = (a: number[][], b: number[][], c: number[][]) =>
  a.map((row, i) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], c[i][j])))

const half = (x: number) => new Uint16Array(Float16Array.of(x).buffer)[0]
const encoders = {
  tf32: { per: 1, pack: ([x]: number[]) => bitsOf(x) },
  f16: { per: 2, pack: ([x, y]: number[]) => half(x) | (half(y) << 16) },
  bf16: { per: 2, pack: ([x, y]: number[]) => (bitsOf(x) >>> 16) | (bitsOf(y) & 0xffff0000) },
}

// Where each lane's elements lie is in the manual's figures: a row for each group of four lanes, `per` columns for a lane.

function fragments(k: number, { per, pack }: (typeof encoders)["tf32" | "f16"], a: number[][], b: number[][]) {
  const span = <T>(f: (i: number) => T) => Array.from({ length: per }, (_, i) => f(i))
  const ofA: number[] = []
  const ofB: number[] = []
  for (let lane = 0; lane < 32; lane++) {
    const group = lane >> 2
    const at = (lane & 3) * per
    for (let first = 0; first < k; first += 4 * per) {
      for (const down of [0, 8]) ofA.push(pack(span((i) => a[group + down][first + at + i])))
      ofB.push(pack(span((i) => b[first + at + i][group])))
    }
  }
  return { ofA: Uint32Array.from(ofA), ofB: Uint32Array.from(ofB) }
}

function fragmentOfSums(c: number[][]): Float32Array {
  const out: number[] = []
  for (let lane = 0; lane < 32; lane++)
    for (const down of [0, 8]) for (const right of [0, 1]) out.push(c[(lane >> 2) + down][(lane & 3) * 2 + right])
  return Float32Array.from(out)
}

const list = (name: string, count: number) => Array.from({ length: count }, (_, i) => `%${name}${i}`).join(", ")

async function multiply(
  shape: string,
  type: keyof typeof encoders,
  k: number,
  a: number[][],
  b: number[][],
  c: number[][],
) {
  const { ofA, ofB } = fragments(k, encoders[type], a, b)
  const [countA, countB] = [ofA.length / 32, ofB.length / 32]
  const load = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => `ld.global.b32 %${name}${i}, [%p${name}+${4 * i}];`).join("\n")
  const ptx = module(`.visible .entry k(.param .u64 c, .param .u64 a, .param .u64 b) {
    .reg .b64 %pa, %pb, %pc; .reg .b32 %t, %a<4>, %b<2>, %c<4>;
    mov.u32 %t, %tid.x;
    ld.param.u64 %pa, [a]; ld.param.u64 %pb, [b]; ld.param.u64 %pc, [c];
    mad.wide.u32 %pa, %t, ${4 * countA}, %pa; mad.wide.u32 %pb, %t, ${4 * countB}, %pb; mad.wide.u32 %pc, %t, 16, %pc;
    ${load("a", countA)} ${load("b", countB)} ${load("c", 4)}
    mma.sync.aligned.${shape}.row.col.f32.${type}.${type}.f32 {${list("c", 4)}}, {${list("a", countA)}}, {${list("b", countB)}}, {${list("c", 4)}};
    st.global.v4.b32 [%pc], {${list("c", 4)}}; }`)
  const buffers = { c: fragmentOfSums(c), a: ofA, b: ofB }
  return (await run({ ptx, buffers, launches: [{ entry: "k", params: ["c", "a", "b"] }] })).c
}

describe("mma.sync", () => {
  test.each([
    ["m16n8k4", "tf32", 4],
    ["m16n8k8", "tf32", 8],
    ["m16n8k8", "f16", 8],
    ["m16n8k8", "bf16", 8],
    ["m16n8k16", "f16", 16],
    ["m16n8k16", "bf16", 16],
  ] as const)("%s of %s", async (shape, type, k) => {
    const [a, b, c] = [matrix(16, k, 0), matrix(k, 8, 5), matrix(16, 8, 2)]
    expect(await multiply(shape, type, k, a, b, c)).toEqual(fragmentOfSums(product(a, b, c)))
  })

  test("tf32 looks at ten bits of the fraction; sums are cut off, not rounded", async () => {
    const zeros = (rows: number, columns: number) => Array.from({ length: rows }, () => Array<number>(columns).fill(0))
    const [a, b, c] = [zeros(16, 8), zeros(8, 8), zeros(16, 8)]
    a[0][0] = 1 + 2 ** -11
    b[0][0] = 1
    expect((await multiply("m16n8k8", "tf32", 8, a, b, c))[0]).toBe(1)
    c[0][0] = 1
    a[0][0] = 2 ** -24 * 1.5
    expect((await multiply("m16n8k8", "tf32", 8, a, b, c))[0]).toBe(1)
  })

  test("needs all lanes", async () => {
    const ptx =
      module(`.visible .entry k() { .reg .b32 %a<4>, %t; .reg .pred %p; mov.u32 %t, %tid.x; setp.lt.u32 %p, %t, 3;
      @%p mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%a0, %a1, %a2, %a3}, {%a0, %a1, %a2, %a3}, {%a0, %a1}, {%a0, %a1, %a2, %a3}; }`)
    await expect(run({ ptx, launches: [{ entry: "k", params: [] }] })).rejects.toThrow(/all lanes/)
  })
})

test.each([
  ["", 0],
  [".trans", 1],
])("ldmatrix.x2%s", async (transposed, swaps) => {
  const ptx = module(`.shared .align 16 .b8 tile[256];
  .visible .entry k(.param .u64 po) {
    .reg .b64 %o; .reg .b32 %t, %x, %y, %z, %base; .reg .b16 %h; .reg .pred %p;
    mov.u32 %t, %tid.x; mov.u32 %x, 0; mov.u32 %base, tile;
    FILL: mad.lo.u32 %y, %x, 32, %t; cvt.u16.u32 %h, %y; shl.b32 %y, %y, 1; add.u32 %y, %y, %base; st.shared.b16 [%y], %h;
    add.u32 %x, %x, 1; setp.lt.u32 %p, %x, 4; @%p bra FILL; bar.sync 0;
    and.b32 %x, %t, 15; shl.b32 %x, %x, 4; add.u32 %x, %x, %base;
    ldmatrix.sync.aligned.m8n8.x2${transposed}.shared.b16 {%y, %z}, [%x];
    ld.param.u64 %o, [po]; mad.wide.u32 %o, %t, 8, %o; st.global.v2.b32 [%o], {%y, %z}; }`)
  const { o } = await run({ ptx, buffers: { o: new Uint16Array(128) }, launches: [{ entry: "k", params: ["o"] }] })
  const expected = []
  for (let lane = 0; lane < 32; lane++)
    for (const tile of [0, 1])
      for (const i of [0, 1]) {
        const [row, column] = [lane >> 2, (lane & 3) * 2 + i]
        expected.push(tile * 64 + (swaps ? column * 8 + row : row * 8 + column))
      }
  expect([...o]).toEqual(expected)
})
