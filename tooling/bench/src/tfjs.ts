/** TensorFlow.js on its `cpu` or `wasm` backend, both of which compute at once. */
import * as tf from "@tensorflow/tfjs"
import { BULK, type Library, labels, numbers, type Runner, type TableWork } from "./works.ts"

const random = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    numbers(
      shape.reduce((a, b) => a * b, 1),
      shape.length,
    ),
    shape,
  )

/** Its memory is freed by hand: a run that did not would measure an ever fuller heap. */
const tidy = (run: () => tf.Tensor): Runner => ({
  run() {
    run().dispose()
  },
})

const bulk = (run: () => tf.Tensor): Runner => ({
  repeat: BULK,
  run() {
    for (let i = 0; i < BULK; i++) run().dispose()
  },
})

function step(parameters: tf.Variable[], forward: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Runner {
  const y = tf.oneHot(tf.tensor1d(labels(x.shape[0]), "int32"), 10)
  const optimizer = tf.train.sgd(0.01)
  return {
    run: () => {
      optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, forward(x)) as tf.Scalar, false, parameters)
    },
  }
}

const variable = (...shape: number[]): tf.Variable => tf.variable(random(...shape).mul(0.1))

const MAKERS: Record<TableWork, () => Runner | null> = {
  "add 2x2": () => {
    const [a, b] = [random(2, 2), random(2, 2)]
    return bulk(() => tf.add(a, b))
  },
  // There is no recording without a call of grad around it.
  "add 2x2 recorded": () => null,
  "add 1M": () => {
    const [a, b] = [random(1000, 1000), random(1000, 1000)]
    return tidy(() => tf.add(a, b))
  },
  "gelu 1M": () => {
    const a = random(1000, 1000)
    return tidy(() => tf.tidy(() => tf.mul(tf.mul(a, 0.5), tf.add(tf.erf(tf.mul(a, Math.SQRT1_2)), 1))))
  },
  "chain 1M": () => {
    const [x, y] = [random(1000, 1000), random(1000, 1000)]
    return tidy(() => tf.tidy(() => tf.add(tf.mul(tf.tanh(tf.add(tf.mul(x, y), y)), 0.5), x)))
  },
  // It runs op by op.
  "chain fused 1M": () => null,
  "softmax 1000x1000": () => {
    const a = random(1000, 1000)
    return tidy(() => tf.softmax(a))
  },
  "sum 1M": () => {
    const a = random(1000, 1000)
    return tidy(() => tf.sum(a))
  },
  "sum dim 0 1M": () => {
    const a = random(1000, 1000)
    return tidy(() => tf.sum(a, 0))
  },
  "matmul 256": () => {
    const [a, b] = [random(256, 256), random(256, 256)]
    return tidy(() => tf.matMul(a, b))
  },
  "matmul 512": () => {
    const [a, b] = [random(512, 512), random(512, 512)]
    return tidy(() => tf.matMul(a, b))
  },
  "matmul 1024": () => {
    const [a, b] = [random(1024, 1024), random(1024, 1024)]
    return tidy(() => tf.matMul(a, b))
  },
  "conv2d 3x3": () => {
    const [x, w] = [random(8, 28, 28, 32) as tf.Tensor4D, random(3, 3, 32, 64) as tf.Tensor4D]
    return tidy(() => tf.conv2d(x, w, 1, "valid"))
  },
  "mlp step": () => {
    const [w1, b1, w2, b2] = [variable(784, 256), variable(256), variable(256, 10), variable(10)]
    return step(
      [w1, b1, w2, b2],
      (x) => tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, w1), b1)), w2), b2),
      random(64, 784),
    )
  },
  "cnn step": () => {
    const [c1, d1, c2, d2] = [variable(5, 5, 1, 16), variable(16), variable(5, 5, 16, 32), variable(32)]
    const [w, b] = [variable(512, 10), variable(10)]
    const block = (x: tf.Tensor, c: tf.Variable, d: tf.Variable): tf.Tensor =>
      tf.maxPool(
        tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, c as unknown as tf.Tensor4D, 1, "valid"), d)) as tf.Tensor4D,
        2,
        2,
        "valid",
      )
    return step(
      [c1, d1, c2, d2, w, b],
      (x) => tf.add(tf.matMul(tf.reshape(block(block(x, c1, d1), c2, d2), [-1, 512]), w), b),
      random(64, 28, 28, 1),
    )
  },
}

/** What brings a backend, where it is a package of its own. In Node, wasm has SIMD and no threads: it allows itself none there. */
const BRINGS: Record<string, () => Promise<unknown>> = {
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
}

export async function tfjs(backend: string): Promise<Library> {
  tf.enableProdMode()
  await BRINGS[backend]?.()
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs does not start its backend ${backend}`)
  await tf.ready()
  return { name: `tfjs ${backend}`, prepare: async (work) => MAKERS[work]() }
}
