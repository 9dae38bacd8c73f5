/** taeda on webgpu. */
import { open } from "@taeda/backend-webgpu"
import * as torch from "taeda"
import { CNN, LEARNING_RATE, MLP, type ModelName, TARGETS, type Values } from "./models.ts"
import { APART, type GpuLibrary, TEN, TINY, type TinyOp } from "./works.ts"

const { nn, optim } = torch
type Tensor = torch.Tensor

const tensor = ({ data, shape }: Values): Tensor => torch.tensor(data).view([...shape])

const MODELS: Record<ModelName, () => { readonly model: torch.nn.Sequential; readonly x: Values; weights: Values[] }> =
  {
    mlp: () => ({
      model: new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10)),
      x: MLP.x,
      weights: [MLP.w1, MLP.b1, MLP.w2, MLP.b2],
    }),
    cnn: () => ({
      model: new nn.Sequential(
        new nn.Conv2d(1, 16, 5),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(16, 32, 5),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(512, 10),
      ),
      x: CNN.x,
      weights: [CNN.c1, CNN.d1, CNN.c2, CNN.d2, CNN.w, CNN.b],
    }),
  }

function prepare(name: ModelName) {
  const { model, x, weights } = MODELS[name]()
  const parameters = [...model.parameters()]
  torch.noGrad(() => {
    for (const [i, p] of parameters.entries()) p.copy_(tensor(weights[i]))
  })
  return { model, parameters, x: tensor(x) }
}

const { a, b, c, d, e } = TEN
const FUSED = new torch.Pointwise("ten", (x) => x.mul(a).add(b).tanh().mul(c).sub(d).abs().add(e).sqrt().neg().exp())

const TINY_MAKERS: Record<TinyOp, () => { readonly x: Tensor; readonly op: (x: Tensor) => Tensor }> = {
  "add 2x2": () => {
    const addend = tensor(TINY.addend)
    return { x: tensor(TINY.add), op: (x) => x.add(addend) }
  },
  "matmul 4x4": () => {
    const turn = tensor(TINY.turn)
    return { x: tensor(TINY.square), op: (x) => x.matmul(turn) }
  },
  "sum 16": () => ({ x: tensor(TINY.sixteen), op: (x) => x.sum() }),
  "relu 16": () => ({ x: tensor(TINY.sixteen), op: (x) => x.relu() }),
  "softmax 4x10": () => ({ x: tensor(TINY.rows), op: (x) => x.softmax(-1) }),
  "ten ops": () => ({
    x: tensor(TINY.sixteen),
    op: (x) => x.mul(a).add(b).tanh().mul(c).sub(d).abs().add(e).sqrt().neg().exp(),
  }),
  "ten ops fused": () => ({ x: tensor(TINY.sixteen), op: (x) => FUSED.call(x) }),
}

export async function openTaeda(): Promise<GpuLibrary> {
  torch.registerBackend("webgpu", open)
  await torch.setDefaultDevice("webgpu")
  return {
    train(name) {
      const { model, parameters, x } = prepare(name)
      const y = torch.tensor(TARGETS)
      const optimizer = new optim.SGD(parameters, { lr: LEARNING_RATE })
      return async () => {
        optimizer.zeroGrad()
        const loss = nn.functional.crossEntropy(model(x), y)
        loss.backward()
        optimizer.step()
        return Number(await loss.item())
      }
    },
    async forward(name) {
      const { model, x } = prepare(name)
      return () => torch.noGrad(() => model(x)).data() as Promise<Float32Array>
    },
    async tiny(name) {
      const { x, op } = TINY_MAKERS[name]()
      return (times) => {
        let out = op(x)
        for (let i = 1; i < times; i++) out = op(APART.has(name) ? x : out)
        return out.data() as Promise<Float32Array>
      }
    },
  }
}
