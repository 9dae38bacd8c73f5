/** What is measured: data, so that taeda and PyTorch are asked for the same. */

/** As `works.py` and `ours.ts` know them. */
export const OPS = [
  "copy",
  "add",
  "gelu",
  "sum",
  "sum0",
  "sum1",
  "softmax",
  "layernorm",
  "matmul",
  "matmulT",
  "conv",
  "convGrads",
  "sort",
  "sortRows",
  "cumsum",
  "cumsumRows",
  "cumsumColumns",
  "topk",
  "sumRows",
  "softmaxRows",
  "addTransposed",
  "indexAdd",
  "launch",
  "launchRecorded",
  "launchInPlace",
  "launchNumber",
  "launchChain",
  "launchSum",
  "launchSoftmax",
  "launchProduct",
  "step",
] as const
export type Op = (typeof OPS)[number]

/** "tf32" is float32 whose factors may be rounded. */
export type Type = "float32" | "tf32" | "float16" | "bfloat16"

export interface Work {
  readonly part: string
  readonly name: string
  readonly op: Op
  readonly type: Type
  readonly sizes: readonly number[]
  /** What one run does: bytes that must move, or operations of floats; 0 where its time alone says something. */
  readonly amount: number
  readonly unit: "GB/s" | "TFLOP/s" | "µs"
}

/** "tiny" proves that everything works, where no time means anything. */
export type Scale = "card" | "tiny"

const BYTES: Readonly<Record<Type, number>> = { float32: 4, tf32: 4, float16: 2, bfloat16: 2 }

interface Sizes {
  readonly elements: readonly number[]
  readonly square: number
  readonly matrices: readonly number[]
  /** Rows of a product whose other factor is 4096×4096. */
  readonly rows: readonly number[]
  readonly weights: number
  /** Rows of products that are for either kernel. */
  readonly few: readonly number[]
  /** N, C, H, K (channels out), R (kernel), stride. */
  readonly images: readonly (readonly number[])[]
  readonly sorted: number
  readonly launches: number
  /** Batch, width and depth of a perceptron; batch and channels of a network of convolutions. */
  readonly steps: readonly { readonly kind: number; readonly sizes: readonly number[]; readonly name: string }[]
}

const SIZES: Readonly<Record<Scale, Sizes>> = {
  card: {
    elements: [2 ** 16, 2 ** 20, 2 ** 24, 2 ** 27],
    square: 8192,
    matrices: [1024, 2048, 4096, 8192],
    rows: [8, 64, 256],
    weights: 4096,
    few: [1, 2, 4, 5, 8, 16, 32, 128, 512],
    images: [
      [64, 64, 56, 64, 3, 1],
      [64, 256, 28, 256, 3, 1],
      [64, 256, 56, 64, 1, 1],
      [64, 3, 224, 64, 7, 2],
    ],
    sorted: 2 ** 22,
    launches: 3000,
    steps: [
      { kind: 0, sizes: [64, 784, 256, 10], name: "mlp 784-256-10, batch 64" },
      { kind: 0, sizes: [1024, 1024, 4096, 1024], name: "mlp 1024-4096-1024, batch 1024" },
      { kind: 1, sizes: [64, 28, 16, 32], name: "cnn 16-32 on 28×28, batch 64" },
      { kind: 1, sizes: [256, 64, 64, 128], name: "cnn 64-128 on 64×64, batch 256" },
    ],
  },
  tiny: {
    elements: [2 ** 8],
    square: 16,
    matrices: [64],
    rows: [8],
    weights: 32,
    few: [4, 5],
    images: [[2, 3, 8, 4, 3, 1]],
    sorted: 2 ** 8,
    launches: 3,
    steps: [
      { kind: 0, sizes: [4, 8, 8, 10], name: "mlp" },
      { kind: 1, sizes: [2, 16, 2, 2], name: "cnn" },
    ],
  },
}

/** How many tensors of the sizes given a work reads and writes. */
const MOVED = { copy: 2, add: 3, gelu: 2, sum: 1 } as const

function bandwidth({ elements, square }: Sizes): Work[] {
  const types = ["float32", "bfloat16"] as const
  const along = (["sum0", "sum1", "softmax", "layernorm"] as const).flatMap((op) =>
    types.map((type): Work => {
      const moved = op === "sum0" || op === "sum1" ? 1 : 2
      const amount = moved * square * square * BYTES[type]
      return { part: "bandwidth", name: `${op} ${type} ${square}²`, op, type, sizes: [square], amount, unit: "GB/s" }
    }),
  )
  const pointwise = (Object.keys(MOVED) as (keyof typeof MOVED)[]).flatMap((op) =>
    types.flatMap((type) =>
      elements.map((n): Work => {
        const amount = MOVED[op] * n * BYTES[type]
        return { part: "bandwidth", name: `${op} ${type} ${n}`, op, type, sizes: [n], amount, unit: "GB/s" }
      }),
    ),
  )
  return [...pointwise, ...along]
}

const product = (op: "matmul" | "matmulT", type: Type, m: number, n: number, k: number, part = "matmul"): Work => ({
  part,
  name: `${type} ${m}×${k} · ${k}×${n}${op === "matmulT" ? " transposed" : ""}`,
  op,
  type,
  sizes: [m, n, k],
  amount: 2 * m * n * k,
  unit: "TFLOP/s",
})

function products({ matrices, rows, weights }: Sizes): Work[] {
  const types = ["bfloat16", "tf32", "float16", "float32"] as const
  return types.flatMap((type) => [
    // The largest last: what is cut off by the time is the least.
    ...matrices.map((n) => product("matmul", type, n, n, n)),
    ...matrices.filter((n) => n === 4096 || matrices.length === 1).map((n) => product("matmulT", type, n, n, n)),
    ...rows.map((m) => product("matmulT", type, m, weights, weights)),
  ])
}

/** Products of few rows, by an even matrix and by a small one. */
const thresholds = ({ few, weights }: Sizes): Work[] =>
  (["bfloat16", "float32"] as const).flatMap((type) =>
    few.flatMap((m) => [weights, weights / 8].map((n) => product("matmulT", type, m, n, n, "thresholds"))),
  )

function convolutions({ images }: Sizes): Work[] {
  return (["tf32", "float16", "float32"] as const).flatMap((type) =>
    images.flatMap((sizes) =>
      (["conv", "convGrads"] as const).map((op): Work => {
        const [n, c, h, k, r, stride] = sizes
        const out = Math.floor((h + 2 * (r >> 1) - r) / stride) + 1
        const flops = 2 * n * k * out * out * c * r * r
        const name = `${op === "conv" ? "forward" : "forward and gradients"} ${type} ${n}×${c}×${h}², ${k} of ${r}×${r}/${stride}`
        return {
          part: "conv",
          name,
          op,
          type,
          sizes,
          amount: flops * (op === "conv" ? 1 : 3),
          unit: "TFLOP/s",
        }
      }),
    ),
  )
}

const timed = (part: string, op: Op, name: string, sizes: readonly number[], type: Type = "float32"): Work => ({
  part,
  name,
  op,
  type,
  sizes,
  amount: 0,
  unit: "µs",
})

const others = ({ sorted, square }: Sizes): Work[] => [
  timed("other", "sort", `sort ${sorted} float32`, [sorted]),
  timed("other", "sort", `sort ${sorted} bfloat16`, [sorted], "bfloat16"),
  timed("other", "sort", `sort ${16 * sorted} float32`, [16 * sorted]),
  timed("other", "sortRows", `sort ${square / 8} rows of ${square} float32`, [square / 8, square]),
  timed("other", "sortRows", `sort ${square} rows of ${square / 8} float32`, [square, square / 8]),
  timed("other", "topk", `the greatest 8 of ${sorted} float32`, [8, sorted]),
  timed("other", "topk", `the greatest 2 of ${square} rows of ${square / 8} float32`, [2, square, square / 8]),
  timed("other", "cumsum", `cumsum ${sorted} float32`, [sorted]),
  timed("other", "cumsum", `cumsum ${16 * sorted} float32`, [16 * sorted]),
  timed("other", "cumsumRows", `cumsum ${square} rows of ${square} float32`, [square, square]),
  timed("other", "cumsumColumns", `cumsum ${square} columns of ${square} float32`, [square, square]),
  timed("other", "sumRows", `sum ${sorted} rows of 16 float32`, [sorted, 16]),
  timed("other", "sumRows", `sum ${sorted / 4} rows of 64 float32`, [sorted / 4, 64]),
  timed("other", "softmaxRows", `softmax ${sorted / 4} rows of 64 float32`, [sorted / 4, 64]),
  timed("other", "addTransposed", `add ${square}² float32, one of them transposed`, [square]),
  timed("other", "indexAdd", `indexAdd of ${sorted} float32 into ${sorted / 16}`, [sorted, sorted / 16]),
]

const launches = ({ launches: count }: Sizes): Work[] => [
  timed("launch", "launch", "add 2×2", [count]),
  timed("launch", "launchRecorded", "add 2×2, with a gradient", [count]),
  timed("launch", "launchInPlace", "add_ 2×2", [count]),
  timed("launch", "launchNumber", "add a number to 2×2", [count]),
  timed("launch", "launchChain", "each of ten mul of the last result, 2×2", [count]),
  timed("launch", "launchSum", "sum of 2×2", [count]),
  timed("launch", "launchSoftmax", "softmax of 2×2", [count]),
  timed("launch", "launchProduct", "product of 2×2", [count]),
]

const steps = ({ steps: all }: Sizes): Work[] =>
  all.flatMap(({ kind, sizes, name }) =>
    (["float32", "tf32"] as const).map((type) => timed("steps", "step", `${name}, ${type}`, [kind, ...sizes], type)),
  )

/** A work, and the same of a size at which nothing but its calls costs time on a processor. */
export interface HostWork {
  readonly ours: Work
  readonly peer: Work
}

/** Launches, and the first of the steps of each kind: what costs the host, whatever the GPU. */
export function hostWorks(scale: Scale): readonly HostWork[] {
  const [small, all] = [SIZES.tiny.steps, SIZES[scale].steps]
  const first = small.map(({ kind }) => all.find((step) => step.kind === kind) ?? all[0])
  const [ours, peers] = [first, small].map((chosen) => steps({ ...SIZES[scale], steps: chosen }))
  return [
    ...launches(SIZES[scale]).map((work) => ({ ours: work, peer: work })),
    ...ours.flatMap((work, i) =>
      work.type === "float32" ? [{ ours: work, peer: { ...peers[i], name: work.name } }] : [],
    ),
  ]
}

export function worksOf(scale: Scale): readonly Work[] {
  const sizes = SIZES[scale]
  return [launches, products, bandwidth, steps, thresholds, convolutions, others].flatMap((make) => make(sizes))
}
