/** ONNX Runtime, native (`node`) or in WebAssembly (`web`). It runs models: a work is a model of a node or a few. */
import { availableParallelism } from "node:os"
import type * as Runtime from "onnxruntime-web"
import { encodeModel, type Model, type Shape } from "./onnx.ts"
import { type Library, numbers, type Runner, type TableWork } from "./works.ts"

const count = (shape: Shape): number => shape.reduce((a, b) => a * b, 1)

const MILLION = [1000, 1000] as const

export const matmul = (n: number): Model => ({
  inputs: { a: [n, n], b: [n, n] },
  nodes: [{ op: "MatMul", inputs: ["a", "b"], output: "y" }],
  output: [n, n],
})

/** The weights belong to the model, as they do in every model: the runtime lays them out for itself ahead of time. */
export const conv2d = ([n, c, h, w]: Shape, [out, , kh, kw]: Shape): Model => ({
  inputs: { x: [n, c, h, w] },
  constants: { w: { shape: [out, c, kh, kw], data: numbers(out * c * kh * kw, 4) } },
  nodes: [{ op: "Conv", inputs: ["x", "w"], output: "y", ints: { kernel_shape: [kh, kw], pads: [0, 0, 0, 0] } }],
  output: [n, out, h - kh + 1, w - kw + 1],
})

/** One node over tensors of one shape, which the result has as well. */
export const elementwise = (op: string, shape: Shape, ...inputs: string[]): Model => ({
  inputs: Object.fromEntries(inputs.map((name) => [name, shape])),
  nodes: [{ op, inputs, output: "result" }],
  output: shape,
})

/** tanh(x·y + y)·0.5 + x */
export const chain = (shape: Shape): Model => ({
  inputs: { x: shape, y: shape },
  constants: { half: { shape: [], data: Float32Array.of(0.5) } },
  nodes: [
    { op: "Mul", inputs: ["x", "y"], output: "xy" },
    { op: "Add", inputs: ["xy", "y"], output: "sum" },
    { op: "Tanh", inputs: ["sum"], output: "tanh" },
    { op: "Mul", inputs: ["tanh", "half"], output: "halved" },
    { op: "Add", inputs: ["halved", "x"], output: "result" },
  ],
  output: shape,
})

export const sum = (shape: Shape, dims: readonly number[]): Model => ({
  inputs: { x: shape },
  constants: { dims: { shape: [dims.length], data: BigInt64Array.from(dims, BigInt) } },
  nodes: [{ op: "ReduceSum", inputs: ["x", "dims"], output: "y", ints: { keepdims: 0 } }],
  output: shape.filter((_, d) => !dims.includes(d)),
})

/** Null: no call for so small a work pays for a session, and this runtime trains nothing. */
const MODELS: Record<TableWork, Model | null> = {
  "add 2x2": null,
  "add 2x2 recorded": null,
  "add 1M": elementwise("Add", MILLION, "a", "b"),
  "gelu 1M": elementwise("Gelu", MILLION, "x"),
  "chain 1M": chain(MILLION),
  "chain fused 1M": null,
  "softmax 1000x1000": elementwise("Softmax", MILLION, "x"),
  "sum 1M": sum(MILLION, [0, 1]),
  "sum dim 0 1M": sum(MILLION, [0]),
  "matmul 256": matmul(256),
  "matmul 512": matmul(512),
  "matmul 1024": matmul(1024),
  "conv2d 3x3": conv2d([8, 32, 28, 28], [64, 32, 3, 3]),
  "mlp step": null,
  "cnn step": null,
}

/** A model in a session, with inputs to run it on. */
export async function session(runtime: typeof Runtime, model: Model, options: Runtime.InferenceSession.SessionOptions) {
  const opened = await runtime.InferenceSession.create(encodeModel(model), options)
  const feeds = Object.fromEntries(
    Object.entries(model.inputs).map(([name, shape]) => [
      name,
      new runtime.Tensor("float32", numbers(count(shape), shape.length), shape),
    ]),
  )
  return { opened, feeds }
}

/** How each of the two is opened. Left alone, the one in WebAssembly takes half the cores. */
const RUNTIMES: Record<string, () => Promise<typeof Runtime>> = {
  // Both packages give the same interface, that of onnxruntime-common.
  node: async () => (await import("onnxruntime-node")) as unknown as typeof Runtime,
  web: async () => {
    const runtime = await import("onnxruntime-web")
    runtime.env.wasm.numThreads = availableParallelism()
    return runtime
  },
}
const PROVIDERS: Record<string, string> = { node: "cpu", web: "wasm" }

export async function ort(kind: string): Promise<Library> {
  const runtime = await RUNTIMES[kind]()
  return {
    name: `ort-${kind}`,
    async prepare(work): Promise<Runner | null> {
      const model = MODELS[work]
      if (!model) return null
      const { opened, feeds } = await session(runtime, model, { executionProviders: [PROVIDERS[kind]] })
      return { run: () => opened.run(feeds) }
    },
  }
}
