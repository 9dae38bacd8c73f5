/** The same network in the parts of TensorFlow.js that it needs: its core and one backend. */
import "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import { BATCH, CLASSES, HIDDEN, images, labels, PIXELS, STEPS } from "./data.ts"

await tf.setBackend("webgpu")
const parameter = (fanIn: number, ...size: number[]): tf.Variable =>
  tf.variable(tf.randomUniform(size, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)))
const [w1, b1] = [parameter(PIXELS, PIXELS, HIDDEN), parameter(PIXELS, HIDDEN)]
const [w2, b2] = [parameter(HIDDEN, HIDDEN, CLASSES), parameter(HIDDEN, CLASSES)]
const optimizer = tf.train.momentum(0.02, 0.9)
const x = tf.tensor2d(images, [BATCH, PIXELS])
const y = tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES)
for (let step = 0; step < STEPS; step++) {
  const loss = optimizer.minimize(() => {
    const hidden = tf.relu(tf.add(tf.matMul(x, w1 as tf.Tensor2D), b1))
    return tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(hidden, w2 as tf.Tensor2D), b2)) as tf.Scalar
  }, true)!
  console.log((await loss.data())[0])
}
