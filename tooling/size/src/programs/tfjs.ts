/** The same network in TensorFlow.js, as its users import it, with layers and an optimiser. */
import * as tf from "@tensorflow/tfjs"
import "@tensorflow/tfjs-backend-webgpu"
import { BATCH, CLASSES, HIDDEN, images, labels, PIXELS, STEPS } from "./data.ts"

await tf.setBackend("webgpu")
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: HIDDEN, activation: "relu", inputShape: [PIXELS] }),
    tf.layers.dense({ units: CLASSES }),
  ],
})
const optimizer = tf.train.momentum(0.02, 0.9)
const x = tf.tensor2d(images, [BATCH, PIXELS])
const y = tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES)
for (let step = 0; step < STEPS; step++) {
  const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, model.apply(x) as tf.Tensor), true)!
  console.log((await loss.data())[0])
}
