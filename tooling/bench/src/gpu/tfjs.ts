/** TensorFlow.js on webgpu. Images have the channels last. */
import * as tf from "@tensorflow/tfjs"
import "@tensorflow/tfjs-backend-webgpu"
import {
  CHANNELS,
  CLASSES,
  CNN,
  FLATTENED,
  LEARNING_RATE,
  MLP,
  type ModelName,
  REST,
  TARGETS,
  type Values,
} from "./models.ts"
import { APART, type GpuLibrary, TEN, TINY, type TinyOp } from "./works.ts"

const tensor = ({ data, shape }: Values): tf.Tensor => tf.tensor(data, [...shape])
/** From PyTorch's layout of a matrix or a convolution's weights to this library's. */
const matrix = (values: Values): tf.Variable => tf.variable(tf.transpose(tensor(values)))
const kernel = (values: Values): tf.Variable => tf.variable(tf.transpose(tensor(values), [2, 3, 1, 0]))
const bias = (values: Values): tf.Variable => tf.variable(tensor(values))

interface Model {
  readonly parameters: tf.Variable[]
  readonly x: tf.Tensor
  readonly forward: (x: tf.Tensor) => tf.Tensor
}

const MODELS: Record<ModelName, () => Model> = {
  mlp: () => {
    const [w1, b1, w2, b2] = [matrix(MLP.w1), bias(MLP.b1), matrix(MLP.w2), bias(MLP.b2)]
    return {
      parameters: [w1, b1, w2, b2],
      x: tensor(MLP.x),
      forward: (x) => tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, w1), b1)), w2), b2),
    }
  },
  cnn: () => {
    const [c1, d1, c2, d2, b] = [kernel(CNN.c1), bias(CNN.d1), kernel(CNN.c2), bias(CNN.d2), bias(CNN.b)]
    const lastChannels = tf.transpose(tf.reshape(tensor(CNN.w), [CLASSES, CHANNELS, REST, REST]), [2, 3, 1, 0])
    const w = tf.variable(tf.reshape(lastChannels, [FLATTENED, CLASSES]))
    const block = (x: tf.Tensor, filter: tf.Variable, add: tf.Variable): tf.Tensor => {
      const convolved = tf.conv2d(x as tf.Tensor4D, filter as unknown as tf.Tensor4D, 1, "valid")
      return tf.maxPool(tf.relu(tf.add(convolved, add)) as tf.Tensor4D, 2, 2, "valid")
    }
    const [n, channels, height, width] = CNN.x.shape
    return {
      parameters: [c1, d1, c2, d2, w, b],
      x: tf.reshape(tensor(CNN.x), [n, height, width, channels]),
      forward: (x) => tf.add(tf.matMul(tf.reshape(block(block(x, c1, d1), c2, d2), [-1, FLATTENED]), w), b),
    }
  },
}

const { a, b, c, d, e } = TEN
const ten = (x: tf.Tensor): tf.Tensor =>
  tf.exp(tf.neg(tf.sqrt(tf.add(tf.abs(tf.sub(tf.mul(tf.tanh(tf.add(tf.mul(x, a), b)), c), d)), e))))

const TINY_MAKERS: Record<TinyOp, (() => { readonly x: tf.Tensor; readonly op: (x: tf.Tensor) => tf.Tensor }) | null> =
  {
    "add 2x2": () => {
      const addend = tensor(TINY.addend)
      return { x: tensor(TINY.add), op: (x) => tf.add(x, addend) }
    },
    "matmul 4x4": () => {
      const turn = tensor(TINY.turn)
      return { x: tensor(TINY.square), op: (x) => tf.matMul(x, turn) }
    },
    "sum 16": () => ({ x: tensor(TINY.sixteen), op: (x) => tf.sum(x) }),
    "relu 16": () => ({ x: tensor(TINY.sixteen), op: (x) => tf.relu(x) }),
    "softmax 4x10": () => ({ x: tensor(TINY.rows), op: (x) => tf.softmax(x) }),
    "ten ops": () => ({ x: tensor(TINY.sixteen), op: ten }),
    // It runs op by op.
    "ten ops fused": null,
  }

/** What a tensor holds; it is freed. */
async function read(out: tf.Tensor): Promise<ArrayLike<number>> {
  const data = await out.data()
  out.dispose()
  return data
}

export async function openTfjs(): Promise<GpuLibrary> {
  tf.enableProdMode()
  if (!(await tf.setBackend("webgpu"))) throw new Error("tfjs does not start its backend webgpu")
  await tf.ready()
  return {
    train(name) {
      const { parameters, x, forward } = MODELS[name]()
      const y = tf.oneHot(tf.tensor1d(TARGETS, "int32"), CLASSES)
      const optimizer = tf.train.sgd(LEARNING_RATE)
      return async () => {
        const loss = () => tf.losses.softmaxCrossEntropy(y, forward(x)) as tf.Scalar
        const [value] = (await read(optimizer.minimize(loss, true, parameters)!)) as ArrayLike<number> & [number]
        return value
      }
    },
    async forward(name) {
      const { x, forward } = MODELS[name]()
      return () => read(tf.tidy(() => forward(x)))
    },
    async tiny(name) {
      const maker = TINY_MAKERS[name]
      if (!maker) return null
      // By default it does small works, whose operands were not on the GPU yet, on the processor; here the GPU is compared.
      tf.env().set("WEBGPU_CPU_FORWARD", false)
      const { x, op } = maker()
      return (times) =>
        read(
          tf.tidy(() => {
            let out = op(x)
            for (let i = 1; i < times; i++) out = op(APART.has(name) ? x : out)
            return out
          }),
        )
    },
  }
}
