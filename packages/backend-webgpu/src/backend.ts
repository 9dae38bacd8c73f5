/** The backend: buffers of a GPU, and launches that are queued for it. */
import {
  type Backend,
  type Buffer,
  CORE,
  computeType,
  type DType,
  describeKernel,
  type Executable,
  input,
  type Kernel,
  kernelKey,
  type MapKernel,
  type Operand,
  type Scalar,
} from "@taeda/core"
import { clashesOf, copySizes } from "./clashes.ts"
import { type Arrange, type CommandCounts, Commands } from "./commands.ts"
import { copyBytes } from "./copy-bytes.ts"
import { openDevice, type Tiles } from "./device.ts"
import { STORED_DTYPES } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import { DeviceErrors } from "./errors.ts"
import { type Extras, executablesOf, outputCount } from "./executables.ts"
import { findAdapter, findGpu } from "./find-gpu.ts"
import type { Gpu, PowerPreference } from "./gpu.ts"
import { type Block, Memory, WebGpuBuffer } from "./memory.ts"
import { Pipelines } from "./pipelines.ts"
import type { Planner } from "./planner.ts"
import type { Plan } from "./program.ts"
import type { Merging } from "./together.ts"

export interface DeviceOptions {
  /** WebGPU itself. Default: the browser's `navigator.gpu`, in Node that of the package `webgpu`. */
  readonly gpu?: object
  /** What `create` of the package `webgpu` takes in Node, for example `["backend=vulkan", "adapter=NVIDIA"]`. */
  readonly dawn?: readonly string[]
  /** Which GPU to prefer where there are several. Default: the system's choice. */
  readonly powerPreference?: PowerPreference
  /** Whether kernels use subgroups, invocations that exchange values directly, where the GPU has them. Default: true. */
  readonly subgroups?: boolean
  /**
   * How matrix products and convolutions read their operands: "staged" in workgroup memory, or "direct". Default: direct where that
   * memory is ordinary memory (software, Arm's GPUs), else staged.
   */
  readonly tiles?: Tiles
  /**
   * Bytes that buffers may take in all: beyond, an allocation throws an OutOfMemoryError at once, where a GPU that runs out
   * says so late. Default: eight times the largest buffer of the GPU, for WebGPU does not tell how much memory there is.
   */
  readonly memoryBytes?: number
}

/** What a backend is made of, besides maps and reductions. */
export interface Parts {
  /** Who plans other kinds of kernels. */
  readonly kernels: Partial<Extras>
  /** Without it dispatches run one by one. */
  readonly merging?: Merging | undefined
}

/** What this backend tells besides what every backend does. */
export interface WebGpuBackend extends Backend {
  /** What was given to the GPU so far: dispatches, submissions, copies, bytes. */
  commandCounts(): CommandCounts
}

/** A compiled kernel. */
class WebGpuExecutable implements Planner {
  readonly kernel: Kernel
  /** The number by which faults name it. */
  readonly id: number
  readonly plan: Planner["plan"]
  readonly shaders: Planner["shaders"]
  readonly outputs: number
  readonly name: () => string

  constructor(kernel: Kernel, id: number, { plan, shaders }: Planner) {
    this.kernel = kernel
    this.id = id
    this.plan = plan
    this.shaders = shaders
    this.outputs = outputCount(kernel)
    this.name = () => describeKernel(kernel)
  }
}

const blockOf = (buffer: Buffer): Block => {
  const { block } = buffer as unknown as WebGpuBuffer
  if (!block) throw new Error("webgpu: this buffer was freed; its tensor cannot be used any more")
  if (block.failure) throw block.failure
  return block
}

const align = (bytes: number): number => Math.ceil(bytes / 4) * 4

/** A backend of these parts. Rejects as `createWebGpu` does. */
export async function createWith({ kernels: extras, merging }: Parts, options: DeviceOptions): Promise<WebGpuBackend> {
  const { supports, plannerOf } = executablesOf(extras)
  const gpu = (options.gpu as Gpu | undefined) ?? (await findGpu(options.dawn))
  const adapter = await findAdapter(gpu, options.powerPreference)
  // Without numbers of subgroups nothing is known of which invocations are together in one.
  const numbered = gpu.wgslLanguageFeatures?.has("subgroup_id") === true
  const { device, limits, software, notes } = await openDevice(
    adapter,
    numbered && options.subgroups !== false,
    options.tiles,
  )
  const errors = new DeviceErrors(device)
  const memory = new Memory(device, errors, options.memoryBytes)
  /** By their numbers. */
  const kernels: Kernel[] = []
  const executableOf = (kernel: Kernel): WebGpuExecutable =>
    new WebGpuExecutable(kernel, kernels.push(kernel) - 1, plannerOf(kernel, limits))
  const pipelines = new Pipelines(device, errors)
  const arrange: Arrange = merging?.(device, pipelines) ?? ((dispatches) => dispatches)
  const commands = new Commands(device, errors, memory, arrange, (kernel) => describeKernel(kernels[kernel]))
  const warmed = new Map<string, WebGpuExecutable>()
  let open = true

  const check = (): void => {
    if (!open) throw new Error("webgpu: the backend was disposed; open a new one with createWebGpu()")
    errors.checkPresent()
  }
  const checked = (buffer: Buffer, from: number, count: number): Block => {
    check()
    const block = blockOf(buffer)
    const { bytes } = buffer as unknown as WebGpuBuffer
    if (from < 0 || count < 0 || from + count > bytes)
      throw new RangeError(`webgpu: bytes ${from} to ${from + count} lie outside a buffer of ${bytes} bytes`)
    return block
  }
  /** Memory that is needed only by the commands that `use` queues. */
  const withBlocks = (sizes: readonly number[], need: () => string, use: (blocks: readonly Block[]) => void): void => {
    const blocks: Block[] = []
    try {
      for (const bytes of sizes) blocks.push(memory.take(bytes, need))
      use(blocks)
    } finally {
      for (const block of blocks) memory.give(block)
    }
  }
  const whole = (from: Block, to: Block): void => commands.copy(from, 0, to, 0, from.capacity)

  /** Queues the dispatches of a plan. All that may fail comes before the first of them. */
  const run = ({ dispatches, temporaries }: Plan, operands: readonly Block[], name: () => string): void => {
    const compiled = dispatches.map(({ shader }) => pipelines.get(shader, name))
    for (const block of operands) block.need ??= name
    const clashes = dispatches.map((dispatch) => clashesOf(dispatch, operands))
    withBlocks([...temporaries, ...copySizes(clashes)], name, (blocks) => {
      for (const [k, { shader, buffers, params, workgroups }] of dispatches.entries()) {
        for (const [i, block] of clashes[k].entries()) whole(block, blocks[temporaries.length + i])
        const bound = buffers.map((ref, i) => {
          if ("faults" in ref) return commands.faults
          if ("temporary" in ref) return blocks[ref.temporary]
          const block = operands[ref.operand]
          const copy = shader.bindings[i].access === "read" ? clashes[k].indexOf(block) : -1
          return copy < 0 ? block : blocks[temporaries.length + copy]
        })
        commands.dispatch(compiled[k], bound, params, workgroups)
      }
    })
  }

  const copyKernels = new Map<string, Planner>()
  const dtypeOfOutput = (kernel: Kernel, j: number): DType =>
    kernel.kind === "sort" ? (j === 0 ? kernel.dtype : "int32") : (kernel as MapKernel).outputs[j].dtype
  /** Copies the elements of a view from one block to another, at the same places. */
  const copyView = (dtype: DType, { offset, sizes, strides }: Operand, from: Block, to: Block): void => {
    const key = `${dtype}${sizes.length}`
    let planner = copyKernels.get(key)
    if (!planner) {
      const kernel: MapKernel = {
        kind: "map",
        rank: sizes.length,
        inputs: [{ dtype, access: "strided" }],
        outputs: [{ dtype, access: "strided" }],
        scalars: [],
        body: [input(0, dtype).cast(computeType(dtype))],
      }
      copyKernels.set(key, (planner = mapPlanner(kernel)))
    }
    const view = { offset, sizes, strides }
    run(planner.plan({ sizes, operands: [view, view], scalars: [] }), [from, to], () => `copy of ${dtype}`)
  }

  return {
    name: "webgpu",
    core: CORE,
    capabilities: {
      dtypes: new Set(STORED_DTYPES),
      syncRead: false,
      collectedMemory: false,
      strictNaN: true,
      random: "philox",
      // One binding is for the words in which faults are reported.
      maxOperands: limits.storageBindings - 1,
      maxBufferBytes: memory.maxBytes,
      memoryBytes: memory.budgetBytes,
      threads: 1,
      software,
      notes,
    },
    allocate(bytes) {
      check()
      return new WebGpuBuffer(memory.take(bytes), bytes) as unknown as Buffer
    },
    free(buffer) {
      const mine = buffer as unknown as WebGpuBuffer
      if (mine.block && open) memory.give(mine.block)
      mine.block = null
    },
    write(buffer, bytes, byteOffset = 0) {
      const block = checked(buffer, byteOffset, bytes.length)
      if (bytes.length === 0) return
      block.need ??= DATA
      const end = byteOffset + bytes.length
      const mayPad = end === (buffer as unknown as WebGpuBuffer).bytes
      if (byteOffset % 4 === 0 && (bytes.length % 4 === 0 || mayPad)) {
        const full = bytes.length & ~3
        if (full > 0) commands.write(block, byteOffset, bytes.subarray(0, full))
        if (full < bytes.length) commands.write(block, byteOffset + full, padded(bytes.subarray(full)))
        return
      }
      withBlocks([align(bytes.length)], COPY, ([temporary]) => {
        commands.write(temporary, 0, padded(bytes))
        run({ dispatches: [copyBytes(0, byteOffset, bytes.length)], temporaries: [] }, [temporary, block], COPY)
      })
    },
    copy(from, fromByte, to, toByte, bytes) {
      const source = checked(from, fromByte, bytes)
      const target = checked(to, toByte, bytes)
      if (bytes === 0) return
      const mayPad = toByte + bytes === (to as unknown as WebGpuBuffer).bytes
      const aligned = fromByte % 4 === 0 && toByte % 4 === 0 && (bytes % 4 === 0 || mayPad)
      if (aligned && source !== target) commands.copy(source, fromByte, target, toByte, align(bytes))
      else run({ dispatches: [copyBytes(fromByte, toByte, bytes)], temporaries: [] }, [source, target], COPY)
    },
    async read(buffer, byteOffset, bytes) {
      const block = checked(buffer, byteOffset, bytes)
      if (bytes === 0) {
        await commands.finish()
        return new Uint8Array(0)
      }
      const start = byteOffset & ~3
      const skip = byteOffset - start
      const read = await commands.read(block, start, align(skip + bytes))
      return skip === 0 && read.length === bytes ? read : read.slice(skip, skip + bytes)
    },
    supports,
    compile(kernel): Executable {
      check()
      const support = supports(kernel)
      if (support !== true) throw new TypeError(`webgpu: cannot compile ${describeKernel(kernel)}: ${support}`)
      const ready = warmed.size > 0 && warmed.get(kernelKey(kernel))
      return (ready || executableOf(kernel)) as unknown as Executable
    },
    async warm(kernels) {
      check()
      const compiling = kernels.flatMap((kernel) => {
        const key = kernelKey(kernel)
        if (supports(kernel) !== true || warmed.has(key)) return []
        const executable = executableOf(kernel)
        warmed.set(key, executable)
        return executable.shaders().map((shader) => pipelines.warm(shader, executable.name))
      })
      // One that fails keeps none of the others from being ready.
      const failed = (await Promise.allSettled(compiling)).find(({ status }) => status === "rejected")
      if (failed) throw (failed as PromiseRejectedResult).reason
      check()
    },
    launch(executable, sizes, operands, scalars: readonly Scalar[]) {
      check()
      const { kernel, id, plan, outputs, name } = executable as unknown as WebGpuExecutable
      const blocks = operands.map(({ buffer }) => blockOf(buffer))
      const planned = plan({ sizes, operands, scalars, kernel: id })
      if (planned.dispatches.length === 0) return
      const first = operands.length - outputs
      // Nor may two bindings write one buffer: all outputs but the first get a copy of it, which is brought back.
      const shared =
        outputs === 1 ? [] : blocks.flatMap((b, k) => (k > first && blocks.indexOf(b, first) < k ? [k] : []))
      if (shared.length === 0) {
        run(planned, blocks, name)
        return
      }
      withBlocks(
        shared.map((k) => blocks[k].capacity),
        name,
        (copies) => {
          const replaced = [...blocks]
          for (const [i, k] of shared.entries()) {
            whole(blocks[k], copies[i])
            replaced[k] = copies[i]
          }
          run(planned, replaced, name)
          for (const [i, k] of shared.entries())
            copyView(dtypeOfOutput(kernel, k - first), operands[k], copies[i], blocks[k])
        },
      )
    },
    async synchronize() {
      check()
      await commands.finish()
    },
    memoryStats: () => memory.stats(),
    get lost() {
      return errors.isLost
    },
    commandCounts: () => ({ ...commands.counts }),
    dispose() {
      if (!open) return
      open = false
      errors.close()
      device.destroy()
    },
  }
}

const COPY = (): string => "copy of bytes"
const DATA = (): string => "values from the host"

/** The bytes, up to a whole number of words. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(align(bytes.length))
  whole.set(bytes)
  return whole
}
