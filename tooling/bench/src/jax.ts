/** jax-js on its `cpu` or `wasm` device. Its arrays are consumed by use unless `.ref` is taken, and computed when asked for. */
import * as jax from "@jax-js/jax"
import { BULK, type Library, labels, numbers, type Runner, type TableWork } from "./works.ts"

const { lax, nn, numpy: np } = jax
type Array = jax.Array

const random = (...shape: number[]): Array =>
  np
    .array(
      numbers(
        shape.reduce((a, b) => a * b, 1),
        shape.length,
      ),
    )
    .reshape(shape)

const once = (run: () => Array): Runner => ({
  async run() {
    const out = run()
    await out.blockUntilReady()
    out.dispose()
  },
})

const bulk = (run: () => Array): Runner => ({
  repeat: BULK / 100,
  async run() {
    for (let i = 0; i < BULK / 100; i++) {
      const out = run()
      await out.blockUntilReady()
      out.dispose()
    }
  },
})

type Parameters = Record<string, Array>

/** One step of gradient descent, compiled as its users would. */
function step(parameters: Parameters, forward: (p: Parameters, x: Array) => Array, x: Array): Runner {
  const y = nn.oneHot(np.array(labels(x.shape[0]), { dtype: np.int32 }), 10)
  const loss = (p: Parameters, inputs: Array, targets: Array): Array =>
    np.mean(np.sum(nn.logSoftmax(forward(p, inputs)).mul(targets), -1)).mul(-1)
  const update = jax.jit((p: Parameters, inputs: Array, targets: Array) => {
    const gradients = jax.grad(loss)(jax.tree.ref(p), inputs, targets) as Parameters
    return Object.fromEntries(Object.keys(p).map((k) => [k, p[k].sub(gradients[k].mul(0.01))]))
  })
  let current = parameters
  return {
    async run() {
      current = update(current, x.ref, y.ref) as Parameters
      for (const value of Object.values(current)) await value.blockUntilReady()
    },
  }
}

const small = (...shape: number[]): Array => random(...shape).mul(0.1)

const MAKERS: Record<TableWork, () => Runner | null> = {
  "add 2x2": () => {
    const [a, b] = [random(2, 2), random(2, 2)]
    return bulk(() => np.add(a.ref, b.ref))
  },
  "add 2x2 recorded": () => null,
  "add 1M": () => {
    const [a, b] = [random(1000, 1000), random(1000, 1000)]
    return once(() => np.add(a.ref, b.ref))
  },
  "gelu 1M": () => {
    const a = random(1000, 1000)
    return once(() => nn.gelu(a.ref, { approximate: false }))
  },
  "chain 1M": () => {
    const [x, y] = [random(1000, 1000), random(1000, 1000)]
    return once(() => np.tanh(x.ref.mul(y.ref).add(y.ref)).mul(0.5).add(x.ref))
  },
  "chain fused 1M": () => {
    const [x, y] = [random(1000, 1000), random(1000, 1000)]
    const chain = jax.jit((a: Array, b: Array): Array => np.tanh(a.ref.mul(b.ref).add(b)).mul(0.5).add(a))
    return once(() => chain(x.ref, y.ref) as Array)
  },
  "softmax 1000x1000": () => {
    const a = random(1000, 1000)
    return once(() => nn.softmax(a.ref))
  },
  "sum 1M": () => {
    const a = random(1000, 1000)
    return once(() => np.sum(a.ref))
  },
  "sum dim 0 1M": () => {
    const a = random(1000, 1000)
    return once(() => np.sum(a.ref, 0))
  },
  "matmul 256": () => {
    const [a, b] = [random(256, 256), random(256, 256)]
    return once(() => np.matmul(a.ref, b.ref))
  },
  "matmul 512": () => {
    const [a, b] = [random(512, 512), random(512, 512)]
    return once(() => np.matmul(a.ref, b.ref))
  },
  "matmul 1024": () => {
    const [a, b] = [random(1024, 1024), random(1024, 1024)]
    return once(() => np.matmul(a.ref, b.ref))
  },
  "conv2d 3x3": () => {
    const [x, w] = [random(8, 32, 28, 28), random(64, 32, 3, 3)]
    return once(() => lax.conv(x.ref, w.ref, [1, 1], "VALID"))
  },
  "mlp step": () =>
    step(
      { w1: small(784, 256), b1: small(256), w2: small(256, 10), b2: small(10) },
      (p, x) => np.matmul(nn.relu(np.matmul(x, p.w1).add(p.b1)), p.w2).add(p.b2),
      random(64, 784),
    ),
  "cnn step": () => {
    const pool = (x: Array): Array => lax.reduceWindow(x, np.max, [1, 1, 2, 2], [1, 1, 2, 2])
    const block = (x: Array, w: Array, b: Array): Array =>
      pool(nn.relu(lax.conv(x, w, [1, 1], "VALID").add(b.reshape([1, -1, 1, 1]))))
    return step(
      {
        c1: small(16, 1, 5, 5),
        d1: small(16),
        c2: small(32, 16, 5, 5),
        d2: small(32),
        w: small(512, 10),
        b: small(10),
      },
      (p, x) => np.matmul(block(block(x, p.c1, p.d1), p.c2, p.d2).reshape([64, 512]), p.w).add(p.b),
      random(64, 1, 28, 28),
    )
  },
}

export async function jaxjs(device: string): Promise<Library> {
  await jax.init(device as jax.Device)
  jax.defaultDevice(device as jax.Device)
  return { name: `jax-js ${device}`, prepare: async (work) => MAKERS[work]() }
}
