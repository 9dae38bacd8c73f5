/** Runs compute shaders in Dawn for the process that forked this one: the loader of Vulkan reads its environment when a process starts. */
import process from "node:process"
import { create, globals } from "webgpu"

const { GPUBufferUsage, GPUMapMode } = globals
// Dawn crashes when this is collected; adapters and devices do not keep it.
const gpu = create([])
globalThis.gpu = gpu
const adapter = await gpu.requestAdapter()
if (!adapter) throw new Error("Dawn finds no adapter: set VK_DRIVER_FILES to the description of a Vulkan driver")
const device = await adapter.requestDevice()

/** The inputs are bound first, then the output of `words` u32; all are arrays of u32. */
async function run({ code, inputs, words, workgroups }) {
  device.pushErrorScope("validation")
  const module = device.createShaderModule({ code })
  const { messages } = await module.getCompilationInfo()
  const errors = messages.filter((m) => m.type === "error").map((m) => `${m.lineNum}: ${m.message}`)
  if (errors.length > 0) throw new Error(`the shader does not compile:\n${errors.join("\n")}\n${code}`)
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } })
  const size = 4 * words
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffers = [...inputs.map((i) => i.byteLength), size].map((s) => device.createBuffer({ size: s, usage }))
  for (const [k, input] of inputs.entries()) device.queue.writeBuffer(buffers[k], 0, input)
  const params = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  const back = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [...buffers, params].map((buffer, binding) => ({ binding, resource: { buffer } }))
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(workgroups)
  pass.end()
  encoder.copyBufferToBuffer(buffers.at(-1), 0, back, 0, size)
  device.queue.submit([encoder.finish()])
  const problem = await device.popErrorScope()
  if (problem) throw new Error(problem.message)
  await back.mapAsync(GPUMapMode.READ)
  const result = new Uint32Array(back.getMappedRange().slice(0))
  for (const buffer of [...buffers, params, back]) buffer.destroy()
  return result
}

process.on("message", async ({ id, ...job }) => {
  try {
    process.send({ id, result: await run(job) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on("disconnect", () => {
  device.destroy()
  process.exit(0)
})
process.send({ adapter: `${adapter.info.vendor} ${adapter.info.architecture}` })
