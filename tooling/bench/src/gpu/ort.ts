/** ONNX Runtime for the web on webgpu. It runs models and trains none; inputs and results stay on the GPU until they are read. */
import * as ort from "onnxruntime-web/webgpu"
import { encodeModel, type Model, type Node } from "../onnx.ts"
import { CNN, MLP, type ModelName, type Values } from "./models.ts"
import { type GpuLibrary, TEN, TINY, type TinyOp } from "./works.ts"

const gemm = (input: string, weight: string, bias: string, output: string): Node => ({
  op: "Gemm",
  inputs: [input, weight, bias],
  output,
  ints: { transB: 1 },
})

const { x: mlpInput, ...mlpWeights } = MLP
const { x: cnnInput, ...cnnWeights } = CNN

const block = (input: string, filter: string, bias: string, output: string): Node[] => [
  {
    op: "Conv",
    inputs: [input, filter, bias],
    output: `${output}c`,
    ints: { kernel_shape: [5, 5], pads: [0, 0, 0, 0] },
  },
  { op: "Relu", inputs: [`${output}c`], output: `${output}r` },
  { op: "MaxPool", inputs: [`${output}r`], output, ints: { kernel_shape: [2, 2], strides: [2, 2] } },
]

const MODELS: Record<ModelName, Model> = {
  mlp: {
    inputs: { x: mlpInput.shape },
    constants: mlpWeights,
    nodes: [gemm("x", "w1", "b1", "h"), { op: "Relu", inputs: ["h"], output: "r" }, gemm("r", "w2", "b2", "y")],
    output: [mlpInput.shape[0], 10],
  },
  cnn: {
    inputs: { x: cnnInput.shape },
    constants: cnnWeights,
    nodes: [
      ...block("x", "c1", "d1", "first"),
      ...block("first", "c2", "d2", "second"),
      { op: "Flatten", inputs: ["second"], output: "flat", ints: { axis: 1 } },
      gemm("flat", "w", "b", "y"),
    ],
    output: [cnnInput.shape[0], 10],
  },
}
const INPUTS: Record<ModelName, Values> = { mlp: mlpInput, cnn: cnnInput }

const number = (value: number): Values => ({ shape: [], data: Float32Array.of(value) })
const { a, b, c, d, e } = TEN

const sixteen = (
  nodes: readonly Node[],
  constants: Model["constants"] = {},
  output: Model["output"] = [4, 4],
): Model => ({
  inputs: { x: [4, 4] },
  constants,
  nodes,
  output,
})

/** The other operand is part of the model. */
const TINY_MODELS: Record<TinyOp, { readonly model: Model; readonly x: Values } | null> = {
  "add 2x2": {
    model: {
      inputs: { x: [2, 2] },
      constants: { addend: TINY.addend },
      nodes: [{ op: "Add", inputs: ["x", "addend"], output: "y" }],
      output: [2, 2],
    },
    x: TINY.add,
  },
  "matmul 4x4": {
    model: sixteen([{ op: "MatMul", inputs: ["x", "turn"], output: "y" }], { turn: TINY.turn }),
    x: TINY.square,
  },
  "sum 16": {
    model: sixteen(
      [{ op: "ReduceSum", inputs: ["x", "dims"], output: "y", ints: { keepdims: 0 } }],
      { dims: { shape: [2], data: BigInt64Array.of(0n, 1n) } },
      [],
    ),
    x: TINY.sixteen,
  },
  "relu 16": { model: sixteen([{ op: "Relu", inputs: ["x"], output: "y" }]), x: TINY.sixteen },
  "softmax 4x10": {
    model: {
      inputs: { x: [4, 10] },
      nodes: [{ op: "Softmax", inputs: ["x"], output: "y" }],
      output: [4, 10],
    },
    x: TINY.rows,
  },
  "ten ops": {
    model: sixteen(
      [
        { op: "Mul", inputs: ["x", "a"], output: "t1" },
        { op: "Add", inputs: ["t1", "b"], output: "t2" },
        { op: "Tanh", inputs: ["t2"], output: "t3" },
        { op: "Mul", inputs: ["t3", "c"], output: "t4" },
        { op: "Sub", inputs: ["t4", "d"], output: "t5" },
        { op: "Abs", inputs: ["t5"], output: "t6" },
        { op: "Add", inputs: ["t6", "e"], output: "t7" },
        { op: "Sqrt", inputs: ["t7"], output: "t8" },
        { op: "Neg", inputs: ["t8"], output: "t9" },
        { op: "Exp", inputs: ["t9"], output: "y" },
      ],
      { a: number(a), b: number(b), c: number(c), d: number(d), e: number(e) },
    ),
    x: TINY.sixteen,
  },
  // A model's nodes run one by one.
  "ten ops fused": null,
}

/** The values in a buffer of the GPU, where the session has it. */
async function onGpu({ data, shape }: Values): Promise<ort.Tensor> {
  const device = (await ort.env.webgpu.device) as GPUDevice
  const gpuBuffer = device.createBuffer({
    size: Math.ceil(data.byteLength / 16) * 16,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  })
  device.queue.writeBuffer(gpuBuffer, 0, data)
  return ort.Tensor.fromGpuBuffer(gpuBuffer as never, { dataType: "float32", dims: shape })
}

/** Runs a model on its input so many times, and reads the last result. */
async function runner(model: Model, values: Values): Promise<(times: number) => Promise<Float32Array>> {
  const session = await ort.InferenceSession.create(encodeModel(model), {
    executionProviders: ["webgpu"],
    preferredOutputLocation: "gpu-buffer",
  })
  const x = await onGpu(values)
  const output = session.outputNames[0]
  return async (times) => {
    for (let i = 1; i < times; i++) (await session.run({ x }))[output].dispose()
    const { [output]: last } = await session.run({ x })
    return (await last.getData(true)) as Float32Array
  }
}

export async function openOrt(): Promise<GpuLibrary> {
  // On one thread: it computes on the GPU, and its threads would only take the processor from a software GPU.
  ort.env.wasm.numThreads = 1
  return {
    train: () => null,
    async forward(name) {
      const run = await runner(MODELS[name], INPUTS[name])
      return () => run(1)
    },
    async tiny(name) {
      const tiny = TINY_MODELS[name]
      return tiny && runner(tiny.model, tiny.x)
    },
  }
}
