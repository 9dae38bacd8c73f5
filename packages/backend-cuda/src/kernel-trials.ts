/**
 * Kernels whose instructions lean on how a device lays things out (asynchronous copies, matrices loaded by a warp, descriptors of shared
 * memory) are tried on the device at hand before they are used: a small product of whole numbers, which is exact in each type, is
 * compared with what the host finds. Kernels that fail are not used there any more; the next simpler ones stand in.
 */
import { decodeHalf, encodeHalf, type MatmulKernel } from "@taeda/core"
import type { AsyncTile } from "./contraction-async.ts"
import { GIVES_UP } from "./contraction-tma.ts"
import type { CudaContext, DeviceInfo, DeviceMemory } from "./driver.ts"
import { capabilityText, versionText } from "./driver-words.ts"
import { cudaErrorOf, isOutOfMemory } from "./errors.ts"
import { matmulPlanner } from "./matmul.ts"
import type { Modules } from "./modules.ts"
import { MOST_PARAM_BYTES } from "./pack.ts"
import type { DeviceLimits, KernelTrial, Module, PlacedOperand, Plan } from "./program.ts"

type Family = AsyncTile["by"]

const TITLES: Readonly<Record<Family, string>> = {
  tma: "the kernels to which the tensor memory accelerator copies (cp.async.bulk.tensor, mbarrier, wgmma)",
  mma: "the kernels that copy while tensor cores multiply (cp.async, ldmatrix, mma)",
  wgmma: "the kernels in which warpgroups multiply (wgmma)",
}

/** What is known of a device. */
interface Verdicts {
  /** Trials by what they were of. */
  readonly passed: Set<string>
  readonly failed: Set<Family>
}

/** By device, as long as the process lives: what took a device down is not tried on it again. */
const known = new Map<string, Verdicts>()

/** Rows, columns and depth beyond a tile, in elements: what lies behind the last ones is there too. */
const BEYOND = 8
/** What operands begin at multiples of. */
const ALIGNMENT = 256
/** Bytes of a tile's step along the depth. */
const STEP_BYTES = 128

/** A block has all tiles of a trial, where blocks take several. */
const ALONE: Partial<DeviceLimits> = { multiprocessors: 1, trusts: undefined }

/** What is tried must not take the device down: who waits in vain leaves, and the results are wrong. */
const harmless = (module: Module): Module => ({ ...module, ptx: module.ptx.replaceAll(`\n${GIVES_UP};`, "\nret;") })

const view = (sizes: readonly number[], rowMajor: boolean): PlacedOperand => ({
  offset: 0,
  sizes,
  strides: rowMajor ? [sizes[1], 1] : [1, sizes[0]],
})

/** Whole numbers from -1 to 1, in no order. */
function numbers(count: number, seed: number): Int8Array {
  let state = seed
  return Int8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return ((state >>> 16) % 3) - 1
  })
}

export class KernelTrials {
  private readonly context: CudaContext
  private readonly modules: Modules
  private readonly limits: DeviceLimits
  private readonly device: string
  private readonly isTime: () => boolean
  private readonly verdicts: Verdicts

  /** `name` is what words call the device: "cuda:0"; `isTime` says whether something may be computed and read now. */
  constructor(
    context: CudaContext,
    modules: Modules,
    limits: DeviceLimits,
    { name, info, driverVersion }: { readonly name: string; readonly info: DeviceInfo; readonly driverVersion: number },
    isTime: () => boolean,
  ) {
    this.context = context
    this.modules = modules
    this.limits = limits
    this.device = `${name} (${info.name}, compute capability ${capabilityText(info.computeCapability)}, driver for CUDA ${versionText(driverVersion)})`
    this.isTime = isTime
    const key = `${info.uuid} ${this.device}`
    let verdicts = known.get(key)
    if (!verdicts) known.set(key, (verdicts = { passed: new Set(), failed: new Set() }))
    this.verdicts = verdicts
  }

  /** How many families of kernels failed: a plan that was made before may have one of them. */
  get failures(): number {
    return this.verdicts.failed.size
  }

  /** Whether the kernels give what they should. @throws CudaError where they took the device down. */
  trusts(trial: KernelTrial): boolean {
    const { passed, failed } = this.verdicts
    const { tile, dtype, reading } = trial
    if (failed.has(tile.by)) return false
    const key = [tile.by, dtype, reading.a, reading.b].join()
    if (passed.has(key)) return true
    if (!this.isTime()) return false
    try {
      const mistake = this.mistakeOf(trial)
      if (mistake) this.fail(tile.by, `give wrong results: ${mistake}`)
      else passed.add(key)
      return mistake === null
    } catch (error) {
      const said = cudaErrorOf(error)
      if (!said) throw error
      if (isOutOfMemory(said)) return false
      this.fail(tile.by, `do not run: ${said.message}`)
      if (this.context.isLost()) throw error
      return false
    }
  }

  private fail(family: Family, what: string): void {
    this.verdicts.failed.add(family)
    process.emitWarning(
      `cuda: on ${this.device} ${TITLES[family]} ${what}. They are not used there: simpler kernels stand in, whose results are right but come later. Please report this to the makers of taeda, with the output of "npx taeda doctor --json".`,
      "CudaKernelWarning",
    )
  }

  /** What is wrong with a product, in words; null where nothing is. */
  private mistakeOf({ tile, dtype, precision, reading }: KernelTrial): string | null {
    const bytes = dtype === "float32" ? 4 : 2
    const [m, n] = [tile.rows + BEYOND, tile.columns + BEYOND]
    // More steps than are under way at once.
    const k = (tile.stages + 1) * (STEP_BYTES / bytes) + BEYOND
    const operands = [view([m, k], reading.a === "depth"), view([k, n], reading.b === "column"), view([m, n], true)]
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype, precision, epilogue: null }
    const { launches } = matmulPlanner(kernel, { ...this.limits, ...ALONE, tuning: { tile } }).plan({
      sizes: [m, n, k],
      operands,
      scalars: [],
    })
    const [x, y] = [numbers(m * k, 1), numbers(k * n, 2)]
    const encoded = (values: Int8Array): Uint8Array =>
      new Uint8Array((dtype === "float32" ? Float32Array.from(values) : encodeHalf(values, halfOf(dtype))).buffer)
    const got = this.run(launches, [encoded(x), encoded(y)], bytes * m * n)
    const values =
      dtype === "float32" ? new Float32Array(got.buffer) : decodeHalf(new Uint16Array(got.buffer), halfOf(dtype))
    const at = ({ strides }: PlacedOperand, i: number, j: number): number => i * strides[0] + j * strides[1]
    const row = new Float64Array(n)
    for (let i = 0; i < m; i++) {
      row.fill(0)
      for (let d = 0; d < k; d++) {
        const factor = x[at(operands[0], i, d)]
        const [first, step] = [at(operands[1], d, 0), operands[1].strides[1]]
        if (factor !== 0) for (let j = 0; j < n; j++) row[j] += factor * y[first + j * step]
      }
      const j = row.findIndex((sum, c) => sum !== values[i * n + c])
      if (j >= 0)
        return `in a product of ${m}×${k} and ${k}×${n} elements of ${dtype}, [${i}, ${j}] should be ${row[j]}, and is ${values[i * n + j]}`
    }
    return null
  }

  /** Runs the launches of a product on memory of their own; the bytes of the result. */
  private run(launches: Plan["launches"], inputs: readonly Uint8Array[], resultBytes: number): Uint8Array<ArrayBuffer> {
    const { context, modules } = this
    const begins: number[] = []
    let end = 0
    for (const bytes of [...inputs.map(({ length }) => length), resultBytes]) {
      begins.push(end)
      end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
    }
    const loaded = launches.map((launch) => {
      if (!("module" in launch)) throw new Error("cuda: a trial of our own kernels has one of a library's")
      return { launch, kernel: modules.get(harmless(launch.module)) }
    })
    const memory = context.allocate(end)
    try {
      const pinned = context.allocatePinned(end)
      inputs.forEach((bytes, i) => {
        pinned.bytes.set(bytes, begins[i])
      })
      context.upload(memory, 0, pinned, 0, end)
      for (const { launch, kernel } of loaded) {
        const params = new Uint8Array(MOST_PARAM_BYTES)
        kernel.pack(new DataView(params.buffer), launch.numbers, launch.maps)
        const memories: DeviceMemory[] = launch.buffers.map(() => memory)
        const ranges = new Float64Array(
          launch.buffers.flatMap((ref) => ("operand" in ref ? [begins[ref.operand], 0, end] : [0, 0, 0])),
        )
        context.launch(kernel.function, launch.blocks, params, kernel.bytes, memories, ranges)
      }
      context.download(pinned, 0, memory, begins[2], resultBytes)
      context.synchronize()
      const result = pinned.bytes.slice(0, resultBytes)
      context.freePinned(pinned)
      return result as Uint8Array<ArrayBuffer>
    } finally {
      if (!context.isLost()) context.free(memory)
    }
  }
}

const halfOf = (dtype: KernelTrial["dtype"]): "float16" | "bfloat16" => (dtype === "bfloat16" ? dtype : "float16")
