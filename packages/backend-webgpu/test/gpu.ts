/** Runs plans on Dawn, on the software adapter that comes with the browser of the tests, on plain arrays. */
import "./all-functions.ts"
import { DTYPES, type DType, type Scalar, type TypedArray } from "@taeda/core"
import { afterAll } from "vitest"
import { create, globals } from "webgpu"
import type { Planner } from "../src/planner.ts"
import type { BufferRef, Plan, Shader } from "../src/program.ts"
import { FAULT_WORDS } from "../src/writer.ts"

/** Kept: the device does not outlive it. */
let gpu: GPU

async function openDevice(): Promise<GPUDevice> {
  Object.assign(globalThis, globals)
  // The software adapter takes seconds to compile the clearing of workgroup memory, on which no shader relies.
  gpu = create(["enable-dawn-features=disable_workgroup_init"])
  const adapter = await gpu.requestAdapter()
  if (!adapter) throw new Error("Dawn finds no adapter")
  const { maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize, maxBufferSize } = adapter.limits
  return adapter.requestDevice({
    requiredLimits: { maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize, maxBufferSize },
  })
}

const device = await openDevice()
afterAll(() => device.destroy())

const pipelines = new Map<string, Promise<GPUComputePipeline>>()

function pipelineOf({ code }: Shader): Promise<GPUComputePipeline> {
  let pipeline = pipelines.get(code)
  if (!pipeline) {
    const make = async (): Promise<GPUComputePipeline> => {
      const module = device.createShaderModule({ code })
      const { messages } = await module.getCompilationInfo()
      const errors = messages.filter((m) => m.type === "error")
      if (errors.length) throw new Error(`${errors.map((m) => `${m.lineNum}: ${m.message}`).join("\n")}\n${code}`)
      return device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } })
    }
    pipelines.set(code, (pipeline = make()))
  }
  return pipeline
}

/** The dispatches spread over two dims as the device does, from fewer workgroups on, so that small tests see it. */
const MOST_IN_A_ROW = 1000

function memory(bytes: number, fill: number): GPUBuffer {
  const size = Math.max(16, Math.ceil(bytes / 4) * 4)
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size, usage })
  device.queue.writeBuffer(buffer, 0, new Uint8Array(size).fill(fill))
  return buffer
}

async function run(plan: Plan, operands: readonly GPUBuffer[], faults: GPUBuffer): Promise<void> {
  // What temporaries hold at first means nothing.
  const temporaries = plan.temporaries.map((bytes) => memory(bytes, 0xa5))
  const bufferOf = (ref: BufferRef): GPUBuffer =>
    "operand" in ref ? operands[ref.operand] : "temporary" in ref ? temporaries[ref.temporary] : faults
  const encoder = device.createCommandEncoder()
  for (const { shader, buffers, params, workgroups } of plan.dispatches) {
    const uniform = device.createBuffer({
      size: 16 * shader.paramVectors,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    })
    device.queue.writeBuffer(
      uniform,
      0,
      Uint32Array.from(params, (n) => n >>> 0),
    )
    const pipeline = await pipelineOf(shader)
    const entries = [...buffers.map(bufferOf), uniform].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
    pass.dispatchWorkgroups(Math.min(workgroups, MOST_IN_A_ROW), Math.ceil(workgroups / MOST_IN_A_ROW))
    pass.end()
  }
  device.queue.submit([encoder.finish()])
  await device.queue.onSubmittedWorkDone()
  for (const buffer of temporaries) buffer.destroy()
}

async function contents(buffer: GPUBuffer): Promise<ArrayBuffer> {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
  const staging = device.createBuffer({ size: buffer.size, usage })
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const bytes = staging.getMappedRange().slice(0)
  staging.destroy()
  return bytes
}

/** An operand of a launch: raw elements (of half types their bits), and how they are seen. */
export interface Placed {
  readonly dtype: DType
  readonly values: TypedArray
  readonly sizes?: readonly number[]
  readonly strides?: readonly number[]
  readonly offset?: number
  /** The number of an earlier operand that this is the very same as. */
  readonly same?: number
}

export interface Ran {
  /** What is in every operand's memory afterwards. */
  readonly operands: readonly TypedArray[]
  readonly dispatches: number
  /** Operand, dim, coordinate and size of a fault. */
  readonly fault: readonly number[] | undefined
}

export function rowMajor(sizes: readonly number[]): number[] {
  const strides: number[] = []
  for (let d = sizes.length - 1, step = 1; d >= 0; step *= sizes[d--]) strides[d] = step
  return strides
}

export async function launch(
  planner: Planner,
  sizes: readonly number[],
  operands: readonly Placed[],
  scalars: readonly Scalar[] = [],
): Promise<Ran> {
  const buffers: GPUBuffer[] = []
  for (const { values, same } of operands) {
    if (same !== undefined) {
      buffers.push(buffers[same])
      continue
    }
    const buffer = memory(values.byteLength, 0)
    const bytes = new Uint8Array(buffer.size)
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    device.queue.writeBuffer(buffer, 0, bytes)
    buffers.push(buffer)
  }
  const faults = memory(4 * FAULT_WORDS, 0)
  const placed = operands.map(({ sizes: own = sizes, strides = rowMajor(own), offset = 0 }) => ({
    sizes: own,
    strides,
    offset,
  }))
  device.pushErrorScope("validation")
  const plan = planner.plan({ sizes, operands: placed, scalars })
  await run(plan, buffers, faults)
  const error = await device.popErrorScope()
  if (error) throw new Error(error.message)
  const results: TypedArray[] = []
  for (const [k, { dtype, values }] of operands.entries()) {
    const { bytes, array } = DTYPES[dtype]
    results.push(new array(await contents(buffers[k]), 0, values.byteLength / bytes))
  }
  const [happened, ...place] = new Int32Array(await contents(faults))
  for (const buffer of [...buffers, faults]) buffer.destroy()
  return { operands: results, dispatches: plan.dispatches.length, fault: happened ? place.slice(0, 4) : undefined }
}

/** Where two arrays first differ, in words; undefined if nowhere. Said of long arrays in no time. */
export function difference(got: ArrayLike<number | bigint>, want: ArrayLike<number | bigint>): string | undefined {
  if (got.length !== want.length) return `${got.length} elements instead of ${want.length}`
  for (let i = 0; i < want.length; i++)
    if (!Object.is(got[i], want[i])) return `element ${i} of ${want.length} is ${got[i]} instead of ${want[i]}`
  return undefined
}

/** Numbers that look random and are the same every time, from 0 to before `below`. */
export function* mixed(below: number): Generator<number> {
  let state = 12345
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield Math.floor((state / 2 ** 32) * below)
  }
}

/** `n` of them. */
export function someNumbers(n: number, below: number): number[] {
  const source = mixed(below)
  return Array.from({ length: n }, () => source.next().value as number)
}

/** An array of a dtype's raw elements. */
export function filled(dtype: DType, n: number, element: (i: number) => number): TypedArray {
  const array = new DTYPES[dtype].array(n)
  for (let i = 0; i < n; i++) array[i] = element(i)
  return array
}
