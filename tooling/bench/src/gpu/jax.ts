/** jax-js on webgpu. Its arrays are consumed by use unless `.ref` is taken, and computed when asked for. */
import * as jax from "@jax-js/jax"
import { CNN, FLATTENED, LEARNING_RATE, MLP, type ModelName, TARGETS, type Values } from "./models.ts"
import { APART, type GpuLibrary, type Issue, TEN, TINY, type TinyOp } from "./works.ts"

const { lax, nn, numpy: np } = jax
type Array = jax.Array
type Parameters = Record<string, Array>

const array = ({ data, shape }: Values): Array => np.array(data).reshape([...shape])
const parameters = (values: Record<string, Values>): Parameters =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [name, array(v)]))
const linear = (x: Array, w: Array, b: Array): Array => np.matmul(x, w.transpose()).add(b)

interface Model {
  readonly weights: Parameters
  readonly x: Array
  readonly forward: (p: Parameters, x: Array) => Array
}

const MODELS: Record<ModelName, () => Model> = {
  mlp: () => {
    const { x, ...weights } = MLP
    return {
      weights: parameters(weights),
      x: array(x),
      forward: (p, input) => linear(nn.relu(linear(input, p.w1, p.b1)), p.w2, p.b2),
    }
  },
  cnn: () => {
    const { x, ...weights } = CNN
    const pool = (y: Array): Array => lax.reduceWindow(y, np.max, [1, 1, 2, 2], [1, 1, 2, 2])
    const block = (y: Array, w: Array, b: Array): Array =>
      pool(nn.relu(lax.conv(y, w, [1, 1], "VALID").add(b.reshape([1, -1, 1, 1]))))
    return {
      weights: parameters(weights),
      x: array(x),
      forward: (p, input) =>
        linear(block(block(input, p.c1, p.d1), p.c2, p.d2).reshape([x.shape[0], FLATTENED]), p.w, p.b),
    }
  },
}

const { a, b, c, d, e } = TEN
const ten = (x: Array): Array => np.exp(np.sqrt(np.abs(np.tanh(x.mul(a).add(b)).mul(c).sub(d)).add(e)).neg())

const TINY_MAKERS: Record<TinyOp, () => { readonly x: Array; readonly op: (x: Array) => Array }> = {
  "add 2x2": () => {
    const addend = array(TINY.addend)
    return { x: array(TINY.add), op: (x) => np.add(x, addend.ref) }
  },
  "matmul 4x4": () => {
    const turn = array(TINY.turn)
    return { x: array(TINY.square), op: (x) => np.matmul(x, turn.ref) }
  },
  "sum 16": () => ({ x: array(TINY.sixteen), op: (x) => np.sum(x) }),
  "relu 16": () => ({ x: array(TINY.sixteen), op: (x) => nn.relu(x) }),
  "softmax 4x10": () => ({ x: array(TINY.rows), op: (x) => nn.softmax(x) }),
  "ten ops": () => ({ x: array(TINY.sixteen), op: ten }),
  "ten ops fused": () => ({ x: array(TINY.sixteen), op: jax.jit(ten) as (x: Array) => Array }),
}

/** A result that nobody reads is never computed unless it is waited for. */
const computed = async (out: Array): Promise<void> => {
  await out.blockUntilReady()
  out.dispose()
}

const apart =
  (x: Array, op: (x: Array) => Array): Issue =>
  async (times) => {
    const others = Array.from({ length: times - 1 }, () => computed(op(x.ref)))
    const last = await op(x.ref).data()
    await Promise.all(others)
    return last as Float32Array
  }

const chained =
  (x: Array, op: (x: Array) => Array): Issue =>
  async (times) => {
    let out = op(x.ref)
    for (let i = 1; i < times; i++) out = op(out)
    return (await out.data()) as Float32Array
  }

export async function openJax(): Promise<GpuLibrary> {
  await jax.init("webgpu")
  jax.defaultDevice("webgpu")
  return {
    /** Compiled as its users would. */
    train(name) {
      const { weights, x, forward } = MODELS[name]()
      const y = nn.oneHot(np.array(TARGETS, { dtype: np.int32 }), 10)
      const loss = (p: Parameters, inputs: Array, targets: Array): Array =>
        np.mean(np.sum(nn.logSoftmax(forward(p, inputs)).mul(targets), -1)).mul(-1)
      const update = jax.jit((p: Parameters, inputs: Array, targets: Array) => {
        const [value, gradients] = jax.valueAndGrad(loss)(jax.tree.ref(p), inputs, targets) as [Array, Parameters]
        const next = Object.keys(p).map((k) => [k, p[k].sub(gradients[k].mul(LEARNING_RATE))])
        return [value, Object.fromEntries(next)]
      })
      let current = weights
      return async () => {
        const [value, next] = update(current, x.ref, y.ref) as [Array, Parameters]
        current = next
        return (await value.data())[0]
      }
    },
    async forward(name) {
      const { weights, x, forward } = MODELS[name]()
      const run = jax.jit(forward)
      return async () => (await (run(jax.tree.ref(weights), x.ref) as Array).data()) as Float32Array
    },
    async tiny(name) {
      const { x, op } = TINY_MAKERS[name]()
      return APART.has(name) ? apart(x, op) : chained(x, op)
    },
  }
}
