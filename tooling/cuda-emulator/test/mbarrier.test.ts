/** Barriers in shared memory, and boxes of tensors that are brought there. */
import { describe, expect, test } from "vitest"
import { type DriverError, module, run, type TensorMap } from "./run.ts"

const FLOAT16 = 6
const SWIZZLE_128 = 3
/** Elements of a line, lines and matrices; lines are longer than what is seen of them. */
const SIZES = [40, 5, 2] as const
const PITCH = 48
const BOX = [64, 8, 1] as const
const BYTES = 2 * BOX[0] * BOX[1]

interface Options {
  /** The element, the line and the matrix at which the box begins. */
  readonly at?: readonly [number, number, number]
  readonly map?: Partial<TensorMap>
  /** Lines of the kernel by how they begin, and what stands in their place. */
  readonly instead?: Readonly<Record<string, string>>
  readonly env?: Record<string, string>
}

/** Brings a box to shared memory, and copies that word by word. */
async function bring({ at = [0, 0, 0], map, instead = {}, env }: Options = {}) {
  const source = new Uint16Array(PITCH * SIZES[1] * SIZES[2]).map((_, i) => i + 1)
  const lines = `
    mbarrier.init.shared::cta.b64 [%r1], 1;
    fence.proxy.async.shared::cta;
    mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r1], ${BYTES};
    cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r0], [%d1, {%r2, %r3, ${at[2]}}], [%r1];
    $W: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r1], 0;
    @!%p1 bra $W;`
    .split("\n")
    .map((line) => {
      const found = Object.keys(instead).find((start) => line.trim().startsWith(start))
      return found === undefined ? line : instead[found]
    })
  const [init, fence, expects, copy, ...wait] = lines.filter((line) => line.trim())
  const ptx = module(
    `.extern .shared .align 1024 .b8 tile[];
    .visible .entry k(.param .align 64 .b8 map[128], .param .u64 out) {
    .reg .b64 %d<6>; .reg .b32 %t, %r<8>; .reg .pred %p<3>;
    mov.u32 %t, %tid.x; mov.u32 %r0, tile; add.u32 %r1, %r0, ${BYTES}; mov.s32 %r2, ${at[0]}; mov.s32 %r3, ${at[1]};
    mov.b64 %d0, map; cvta.param.u64 %d1, %d0; ld.param.u64 %d2, [out];
    setp.ne.u32 %p0, %t, 0;
    @%p0 bra $I;
    ${init} ${fence}
    $I: bar.sync 0;
    @%p0 bra $C;
    ${expects} ${copy}
    $C: bar.warp.sync 0xffffffff;
    ${wait.join(" ")}
    mov.u32 %r5, %t;
    $N: setp.ge.u32 %p2, %r5, ${BYTES / 4}; @%p2 bra $E;
    mad.lo.u32 %r6, %r5, 4, %r0; ld.shared.b32 %r7, [%r6];
    mad.wide.u32 %d3, %r5, 4, %d2; st.global.b32 [%d3], %r7;
    add.u32 %r5, %r5, 64; bra $N;
    $E: ret; }`,
  )
    .replace(/\.version [\d.]+/, ".version 8.0")
    .replace(/\.target sm_\d+/, ".target sm_90a")
  const whole: TensorMap = {
    map: "source",
    type: FLOAT16,
    sizes: SIZES,
    strides: [2 * PITCH, 2 * PITCH * SIZES[1]],
    box: BOX,
    swizzle: SWIZZLE_128,
    ...map,
  }
  const { out } = await run({
    ptx,
    buffers: { source, out: new Uint16Array(BYTES / 2) },
    env,
    launches: [{ entry: "k", threads: 64, sharedBytes: BYTES + 16, params: [whole, "out"] }],
  })
  /** What lies at an element of a line, where pieces are exchanged. */
  const got = (line: number, e: number): number => out[line * 64 + (((e >> 3) ^ (line & 7)) << 3) + (e & 7)]
  const want = (line: number, e: number): number => {
    const [x, y, z] = [at[0] + e, at[1] + line, at[2]]
    const inside = x >= 0 && x < SIZES[0] && y >= 0 && y < SIZES[1] && z < SIZES[2]
    return inside ? source[z * PITCH * SIZES[1] + y * PITCH + x] : 0
  }
  const each = (of: (line: number, e: number) => number) =>
    Array.from({ length: BOX[1] }, (_, line) => Array.from({ length: BOX[0] }, (_, e) => of(line, e)))
  return { got: each(got), want: each(want) }
}

const fails = (options: Options, number: number) =>
  expect(bring(options)).rejects.toThrow(expect.objectContaining<Partial<DriverError>>({ number }))

describe("a box of a tensor", () => {
  test.each([[[0, 0, 0]], [[8, 3, 1]], [[-16, -2, 0]], [[64, 0, 0]], [[0, 0, 2]]] as const)(
    "from %j on: what is outside is 0",
    async (at) => {
      const { got, want } = await bring({ at })
      expect(got).toEqual(want)
    },
  )

  test("is not there before its barrier was asked", async () => {
    const { got } = await bring({
      instead: { $W: "", "@!%p1": "mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r1], 1;" },
    })
    const { want } = await bring()
    // The other parity is over from the start; asking brings the bytes, though.
    expect(got).toEqual(want)
    await fails({ instead: { $W: "", "@!%p1": "" } }, 719)
  })

  test("can be wrong where that is asked for", async () => {
    const { got, want } = await bring({ env: { CUDA_EMULATOR_WRONG: "bulk" } })
    expect(got).not.toEqual(want)
  })

  test("needs a barrier that it may know of", async () => {
    await fails({ instead: { fence: "" } }, 719)
    await fails({ instead: { "mbarrier.init": "" } }, 719)
  })

  test("comes to the block's shared memory by either name", async () => {
    const copy =
      "cp.async.bulk.tensor.3d.shared::cta.global.mbarrier::complete_tx::bytes [%r0], [%d1, {%r2, %r3, 0}], [%r1];"
    const { got, want } = await bring({ instead: { "cp.async": copy } })
    expect(got).toEqual(want)
  })

  test("needs its barrier until it is there", async () => {
    const inval = "mbarrier.inval.shared::cta.b64 [%r1];"
    const wait = "mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r1], 0;"
    const { got, want } = await bring({ instead: { "@!%p1": `@!%p1 bra $W; bar.sync 0; @!%p0 ${inval}` } })
    expect(got).toEqual(want)
    await fails({ instead: { $W: inval, "@!%p1": "" } }, 719)
    await fails({ instead: { "mbarrier.arrive": `${inval} ${wait}` } }, 719)
  })

  test("never completes a phase that expects other bytes, or more arrivals", async () => {
    const expecting = (bytes: number) => `mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r1], ${bytes};`
    await fails({ instead: { "mbarrier.arrive": expecting(BYTES + 16) } }, 702)
    await fails({ instead: { "mbarrier.init": "mbarrier.init.shared::cta.b64 [%r1], 2;" } }, 702)
    await fails({ instead: { "mbarrier.arrive": `${expecting(BYTES)} ${expecting(0)}` } }, 719)
  })

  test("is refused where the driver would, and where its bytes are not allocated", async () => {
    for (const map of [
      { strides: [2 * PITCH + 2, 960] },
      { box: [128, 8, 1] },
      { box: [4, 8, 1] },
      { sizes: [0, 5, 2] },
      { swizzle: 1 },
    ] as const)
      await fails({ map }, 1)
    await fails({ map: { sizes: [SIZES[0], 6, 2] }, at: [0, 0, 1] }, 700)
  })
})
