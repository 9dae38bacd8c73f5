/**
 * Convolutions with and without copies whose channels are innermost, and by cuDNN where the machine has it: that ours give the same, and
 * how fast each pass is. What the backend would choose without cuDNN is marked.
 */
import type { ConvKernel } from "@taeda/core"
import type { DeviceMemory } from "../../../packages/backend-cuda/src/driver.ts"
import { plannerOf } from "../../../packages/backend-cuda/src/executables.ts"
import { countOf } from "../../../packages/backend-cuda/src/launch.ts"
import type { NativeLibraries } from "../../../packages/backend-cuda/src/native-libraries.ts"
import { denseOf } from "../../../packages/backend-cuda/src/native-libraries.ts"
import type { DeviceLimits, Plan } from "../../../packages/backend-cuda/src/program.ts"
import { numbers, openBench, timeOf, withTemporary } from "./bench.ts"
import type { Place } from "./open.ts"
import { attempt, print } from "./rows.ts"
import { imagesOf, type Scale, type Type } from "./works.ts"

interface Kind {
  readonly type: Type
  readonly dtype: "float32" | "float16" | "bfloat16"
  readonly precision?: ConvKernel["precision"]
}
const KINDS: readonly Kind[] = [
  { type: "tf32", dtype: "float32", precision: "high" },
  { type: "float32", dtype: "float32" },
  { type: "bfloat16", dtype: "bfloat16" },
]
const PASSES = ["forward", "input", "weight"] as const
type Pass = (typeof PASSES)[number]
const WAYS = { "in place": "never", "of copies": "always" } as const

/** A layer: the sizes of its three tensors, and what a convolution is told. */
function layerOf([n, c, h, k, r, stride]: readonly number[]) {
  const padding = r >> 1
  const out = Math.floor((h + 2 * padding - r) / stride) + 1
  const [x, w, y] = [
    [n, c, h, h],
    [k, c, r, r],
    [n, k, out, out],
  ]
  return {
    name: `${n}×${c}×${h}², ${k} of ${r}×${r}/${stride}`,
    operands: { forward: [x, w, y], input: [y, w, x], weight: [x, y, w] },
    scalars: [stride, stride, padding, padding, 1, 1, 1],
    amount: 2 * countOf(y) * c * r * r,
  }
}
type Layer = ReturnType<typeof layerOf>

function planOf(
  { dtype, precision }: Kind,
  pass: Pass,
  layer: Layer,
  limits: DeviceLimits,
  libraries?: NativeLibraries,
): Plan {
  const kernel: ConvKernel = { kind: "conv", pass, spatial: 2, dtype, precision, epilogue: null }
  const operands = layer.operands[pass].map(denseOf)
  return plannerOf(kernel, limits, libraries).plan({ sizes: operands[2].sizes, operands, scalars: layer.scalars })
}

/** Runs each way of a pass, holds what they give against each other, and tells their times. */
function compare(
  part: string,
  { bench, libraries }: Awaited<ReturnType<typeof openBench>>,
  kind: Kind,
  pass: Pass,
  layer: Layer,
  scale: Scale,
): void {
  const { limits, context } = bench
  const name = `${pass} ${kind.type} ${layer.name}`
  const bytes = kind.dtype === "float32" ? 4 : 2
  const [first, second, result] = layer.operands[pass]
  const operands: DeviceMemory[] = [
    bench.filled(numbers(countOf(first), kind.dtype, 1)),
    bench.filled(numbers(countOf(second), kind.dtype, 2)),
    context.allocate(countOf(result) * bytes),
  ]
  const time = (way: string, who: string, plan: Plan): void => {
    const ms = timeOf(bench, plan, operands, scale)
    print({ kind: "time", part, work: `${name}, ${way}`, who, ms, amount: layer.amount, unit: "TFLOP/s" })
  }
  try {
    const chosen = planOf(kind, pass, layer, limits).launches.length
    let want: Uint8Array | undefined
    let before = -1
    for (const [way, copies] of Object.entries(WAYS)) {
      const plan = planOf(kind, pass, layer, { ...limits, tuning: { copies } })
      // What cannot be copied has one way.
      if (plan.launches.length === before) continue
      before = plan.launches.length
      const got = withTemporary(bench, plan, (temporaries) => {
        bench.run(plan, operands, temporaries)
        return bench.read(operands[2])
      })
      want ??= got
      const wrong = got.findIndex((byte, i) => byte !== want![i])
      if (wrong >= 0) throw new Error(`byte ${wrong} differs from that of the convolution in place`)
      const mark = plan.launches.length === chosen ? ", chosen" : ""
      time(`${way}${mark}`, "taeda", plan)
    }
    const theirs = planOf(kind, pass, layer, limits, libraries)
    if (theirs.launches.some((launch) => "convolution" in launch)) time("cuDNN", "cuDNN", theirs)
  } finally {
    for (const memory of operands) context.free(memory)
  }
}

export async function tuneConvolutions(part: string, scale: Scale, place: Place): Promise<void> {
  const opened = await openBench(place)
  for (const image of imagesOf(scale)) {
    const layer = layerOf(image)
    for (const kind of KINDS)
      for (const pass of PASSES)
        await attempt(part, `${pass} ${kind.type} ${layer.name}`, () => compare(part, opened, kind, pass, layer, scale))
  }
}
