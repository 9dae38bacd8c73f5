/** Runs plans on a GPU by hand: buffers between sentinels, dispatches one after the other, the output read back. */
import "./all-functions.ts"
import { DTYPES, type DType, decodeHalf, encodeHalf, type HalfDType } from "@taeda/core"
import { create, globals } from "webgpu"
import type { GpuLimits, PlacedOperand, Plan, Shader } from "../src/program.ts"

/** Kept: no device outlives it. */
let gpu: GPU

async function openDevice(): Promise<GPUDevice> {
  Object.assign(globalThis, globals)
  // The software adapter takes seconds to compile the clearing of workgroup memory, on which no shader relies.
  gpu ??= create(["enable-dawn-features=disable_workgroup_init"])
  const adapter = await gpu.requestAdapter()
  if (!adapter)
    throw new Error("no WebGPU adapter: the tests of shaders need Vulkan (VK_DRIVER_FILES names its driver)")
  return adapter.requestDevice()
}

export const LIMITS: GpuLimits = {
  storageBindings: 8,
  invocations: 256,
  workgroupBytes: 16384,
  subgroups: 0,
  shaderF16: false,
  staging: true,
}

/** Workgroups along the first dim of a dispatch; tests of the spreading over two set fewer. */
const MOST_WORKGROUPS = 65535
const MARGIN = 64
/** What memory is filled with: a NaN in every float type. */
const FILL = 0xff

/** An array in a buffer of its own, with sentinels around it. */
export class Placed implements PlacedOperand {
  readonly dtype: DType
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
  bytes: Uint8Array<ArrayBuffer>

  /** Any strides; by default row-major ones. `shift`: elements by which it begins later than at a margin's end. */
  constructor(dtype: DType, sizes: readonly number[], strides = dense(sizes), shift = 1) {
    this.dtype = dtype
    this.sizes = sizes
    this.strides = strides
    const reach = (pick: (x: number) => number): number =>
      sizes.includes(0) ? 0 : sizes.reduce((sum, size, d) => sum + pick((size - 1) * strides[d]), 0)
    const [low, high] = [reach((x) => Math.min(x, 0)), reach((x) => Math.max(x, 0))]
    this.offset = MARGIN + shift - low
    this.bytes = new Uint8Array(Math.ceil(((this.offset + high + 1 + MARGIN) * DTYPES[dtype].bytes) / 4) * 4).fill(FILL)
  }

  private get elements(): Record<number, number> {
    return new DTYPES[this.dtype].array(this.bytes.buffer) as unknown as Record<number, number>
  }

  private place(index: readonly number[]): number {
    return index.reduce((sum, i, d) => sum + i * this.strides[d], this.offset)
  }

  /** Gives every element the number that `value` gives for its coordinates, rounded to the type. */
  fill(value: (...index: number[]) => number): this {
    const { elements, dtype } = this
    forEachIndex(this.sizes, (index) => {
      const x = value(...index)
      elements[this.place(index)] = isHalf(dtype) ? encodeHalf([x], dtype)[0] : x
    })
    return this
  }

  /** The element as a number. */
  reader(): (...index: number[]) => number {
    const { elements, dtype } = this
    return (...index) => {
      const stored = elements[this.place(index)]
      return isHalf(dtype) ? decodeHalf(Uint16Array.of(stored), dtype)[0] : stored
    }
  }

  /** How many bytes that belong to no element are no longer what they were. */
  get damage(): number {
    const bytes = this.bytes.slice()
    const width = DTYPES[this.dtype].bytes
    forEachIndex(this.sizes, (index) => {
      const at = this.place(index) * width
      bytes.fill(FILL, at, at + width)
    })
    return bytes.reduce((count, byte) => count + (byte === FILL ? 0 : 1), 0)
  }
}

const isHalf = (dtype: DType): dtype is HalfDType => dtype === "float16" || dtype === "bfloat16"

export function dense(sizes: readonly number[]): number[] {
  const strides: number[] = []
  let step = 1
  for (let d = sizes.length - 1; d >= 0; d--) {
    strides[d] = step
    step *= sizes[d]
  }
  return strides
}

export function forEachIndex(sizes: readonly number[], visit: (index: readonly number[]) => void): void {
  if (sizes.includes(0)) return
  const index = sizes.map(() => 0)
  for (;;) {
    visit(index)
    let d = sizes.length - 1
    while (d >= 0 && ++index[d] === sizes[d]) index[d--] = 0
    if (d < 0) return
  }
}

/** A device and its pipelines. */
export class Runner {
  private readonly device: GPUDevice
  private readonly pipelines = new Map<string, GPUComputePipeline>()

  private constructor(device: GPUDevice) {
    this.device = device
  }

  /** @throws Error where there is no adapter: these tests need one. */
  static async open(): Promise<Runner> {
    return new Runner(await openDevice())
  }

  close(): void {
    this.device.destroy()
  }

  private pipeline({ code, bindings, paramVectors }: Shader): GPUComputePipeline {
    let pipeline = this.pipelines.get(code)
    if (!pipeline) {
      const layout = this.device.createBindGroupLayout({
        entries: [
          ...bindings.map(
            ({ access }, binding): GPUBindGroupLayoutEntry => ({
              binding,
              visibility: GPUShaderStage.COMPUTE,
              buffer: { type: access === "read" ? "read-only-storage" : "storage" },
            }),
          ),
          {
            binding: bindings.length,
            visibility: GPUShaderStage.COMPUTE,
            buffer: { type: "uniform", minBindingSize: paramVectors * 16 },
          },
        ],
      })
      pipeline = this.device.createComputePipeline({
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: this.device.createShaderModule({ code }), entryPoint: "main" },
      })
      this.pipelines.set(code, pipeline)
    }
    return pipeline
  }

  /** Runs a plan; the last operand then has what was written. Temporaries are NaN before. */
  async run(plan: Plan, operands: readonly Placed[], mostWorkgroups = MOST_WORKGROUPS): Promise<void> {
    const { device } = this
    device.pushErrorScope("validation")
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const made: GPUBuffer[] = []
    const buffer = (bytes: Uint8Array<ArrayBuffer>, as = usage): GPUBuffer => {
      const gpu = device.createBuffer({ size: bytes.length, usage: as })
      device.queue.writeBuffer(gpu, 0, bytes)
      made.push(gpu)
      return gpu
    }
    const memory = operands.map(({ bytes }) => buffer(bytes))
    const temporaries = plan.temporaries.map((bytes) => buffer(new Uint8Array(bytes).fill(FILL)))
    const encoder = device.createCommandEncoder()
    for (const { shader, buffers, params, workgroups } of plan.dispatches) {
      const pipeline = this.pipeline(shader)
      const numbers = new Uint32Array(shader.paramVectors * 4)
      numbers.set(params)
      const bound = buffers.map((ref) => {
        if ("faults" in ref) throw new Error("products report no faults")
        return "operand" in ref ? memory[ref.operand] : temporaries[ref.temporary]
      })
      bound.push(buffer(new Uint8Array(numbers.buffer), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST))
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(
        0,
        device.createBindGroup({
          layout: pipeline.getBindGroupLayout(0),
          entries: bound.map((gpu, binding) => ({ binding, resource: { buffer: gpu } })),
        }),
      )
      const across = Math.min(workgroups, mostWorkgroups)
      pass.dispatchWorkgroups(across, Math.ceil(workgroups / across))
      pass.end()
    }
    const out = operands[operands.length - 1]
    const staging = device.createBuffer({
      size: out.bytes.length,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    })
    made.push(staging)
    encoder.copyBufferToBuffer(memory[memory.length - 1], 0, staging, 0, out.bytes.length)
    device.queue.submit([encoder.finish()])
    const error = await device.popErrorScope()
    if (error) throw new Error(error.message)
    await staging.mapAsync(GPUMapMode.READ)
    out.bytes = new Uint8Array(staging.getMappedRange().slice(0))
    for (const gpu of made) gpu.destroy()
  }
}

/** Numbers between 0 and 1, the same ones every time. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
