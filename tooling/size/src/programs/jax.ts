/** The same network in jax-js, on WebGPU; it has no modules and no optimisers of its own. */
import { defaultDevice, grad, init, type Array as JaxArray, jit, nn, numpy as np, random, tree } from "@jax-js/jax"
import { BATCH, CLASSES, HIDDEN, images, labels, PIXELS, STEPS } from "./data.ts"

await init("webgpu")
defaultDevice("webgpu")
type Parameters = Record<string, JaxArray>

const parameter = (seed: number, fanIn: number, ...size: number[]): JaxArray => {
  const bound = 1 / Math.sqrt(fanIn)
  return random.uniform(random.key(seed), size, { minval: -bound, maxval: bound })
}
let parameters: Parameters = {
  w1: parameter(1, PIXELS, PIXELS, HIDDEN),
  b1: parameter(2, PIXELS, HIDDEN),
  w2: parameter(3, HIDDEN, HIDDEN, CLASSES),
  b2: parameter(4, HIDDEN, CLASSES),
}
let momenta = Object.fromEntries(Object.entries(parameters).map(([k, p]) => [k, np.zerosLike(p.ref)])) as Parameters
const x = np.array(images).reshape([BATCH, PIXELS])
const y = nn.oneHot(np.array(labels), CLASSES)
const lossOf = (p: Parameters, inputs: JaxArray, targets: JaxArray): JaxArray => {
  const hidden = nn.relu(np.matmul(inputs, p.w1!).add(p.b1!))
  return np.mean(np.sum(nn.logSoftmax(np.matmul(hidden, p.w2!).add(p.b2!)).mul(targets), -1)).mul(-1)
}
const update = jit((p: Parameters, m: Parameters, inputs: JaxArray, targets: JaxArray) => {
  const gradients = grad(lossOf)(tree.ref(p), inputs.ref, targets.ref) as Parameters
  const loss = lossOf(tree.ref(p), inputs, targets)
  const next = Object.fromEntries(Object.keys(m).map((k) => [k, m[k]!.mul(0.9).add(gradients[k]!)])) as Parameters
  const moved = Object.fromEntries(Object.keys(p).map((k) => [k, p[k]!.sub(next[k]!.ref.mul(0.02))])) as Parameters
  return [moved, next, loss] as const
})
for (let step = 0; step < STEPS; step++) {
  const [moved, next, loss] = update(parameters, momenta, x.ref, y.ref) as [Parameters, Parameters, JaxArray]
  parameters = moved
  momenta = next
  console.log((await loss.data())[0])
}
