/** Runs rows of primitives over arrays of words, on the software GPU. */
import "./all-functions.ts"
import type { ScalarType } from "@taeda/core"
import { findAdapter, findGpu } from "../src/find-gpu.ts"
import type { GpuDevice } from "../src/gpu.ts"
import { helperCode, zeroBitsFunction } from "../src/wgsl-math.ts"
import { type Row, type WgslType, wgslType } from "../src/wgsl-primitives.ts"

export type Words = Uint32Array<ArrayBuffer>

const WORKGROUP = 64
// WebGPU's numbers for the uses of buffers.
const [MAP_READ, COPY_SRC, COPY_DST, UNIFORM, STORAGE] = [1, 4, 8, 64, 128]

const ofWord = (type: WgslType, word: string): string =>
  type === "u32" ? word : type === "bool" ? `(${word} != 0u)` : `bitcast<${type}>(${word})`
const toWord = (type: WgslType, value: string): string =>
  type === "u32" ? value : type === "bool" ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`

function shaderOf(row: Row, from: readonly ScalarType[], to: ScalarType, count: number): string {
  const args = from.map((_, k) => `a${k}`)
  const body = [
    ...from.map((dtype, k) => `  let a${k} = ${ofWord(wgslType(dtype), `b${k}[at]`)};`),
    `  let y = ${row(...args)};`,
    `  b${from.length}[at] = ${toWord(wgslType(to), "y")};`,
  ].join("\n")
  const bindings = [...from, to].map((_, k) => {
    const access = k < from.length ? "read" : "read_write"
    return `@group(0) @binding(${k}) var<storage, ${access}> b${k}: array<u32>;`
  })
  return `${bindings.join("\n")}
@group(0) @binding(${bindings.length}) var<uniform> params: vec4u;
${zeroBitsFunction("params.x")}
${helperCode(body)}
@compute @workgroup_size(${WORKGROUP}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x;
  if (at >= ${count}u + zeroBits()) { return; }
${body}
}`
}

export class RowRunner {
  private readonly device: GpuDevice

  private constructor(device: GpuDevice) {
    this.device = device
  }

  static async open(): Promise<RowRunner> {
    const adapter = await findAdapter(await findGpu())
    return new RowRunner(await adapter.requestDevice({ requiredFeatures: [], requiredLimits: {} }))
  }

  close(): void {
    this.device.destroy()
  }

  /**
   * The row's value for each place of the columns. A word has the bits of a float or integer, or 0 or 1 for a bool. `edit` stands
   * in for a device that computes otherwise.
   */
  async apply(
    row: Row,
    from: readonly ScalarType[],
    to: ScalarType,
    columns: readonly Words[],
    edit: (code: string) => string = (code) => code,
  ): Promise<Words> {
    const { device } = this
    const count = columns[0]?.length ?? 1
    const code = edit(shaderOf(row, from, to, count))
    device.pushErrorScope("validation")
    const types = [...columns.map(() => "read-only-storage" as const), "storage" as const, "uniform" as const]
    const entries = types.map((type, binding) => ({ binding, visibility: 4, buffer: { type } }))
    const layout = device.createBindGroupLayout({ entries })
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    })
    const problem = await device.popErrorScope()
    if (problem) throw new Error(`${problem.message}\n${code}`)
    const size = 4 * count
    const storage = [...columns, undefined].map(() =>
      device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST }),
    )
    for (const [k, column] of columns.entries()) device.queue.writeBuffer(storage[k], 0, column)
    const params = device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST })
    const back = device.createBuffer({ size, usage: MAP_READ | COPY_DST })
    const group = [...storage, params].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout, entries: group }), [])
    pass.dispatchWorkgroups(Math.ceil(count / WORKGROUP), 1)
    pass.end()
    encoder.copyBufferToBuffer(storage[columns.length], 0, back, 0, size)
    device.queue.submit([encoder.finish()])
    await back.mapAsync(1)
    const result = new Uint32Array(back.getMappedRange().slice(0))
    for (const buffer of [...storage, params, back]) buffer.destroy()
    return result
  }
}
