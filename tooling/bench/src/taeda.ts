/** taeda on one of its backends. */
import * as torch from "taeda"
import {
  BULK,
  type GrowthOp,
  growthRepeat,
  type Library,
  labels,
  numbers,
  type Runner,
  type TableWork,
} from "./works.ts"

const { nn, optim } = torch
const functional = nn.functional

const random = (...shape: number[]) =>
  torch
    .tensor(
      numbers(
        shape.reduce((a, b) => a * b, 1),
        shape.length,
      ),
    )
    .view(shape)

const bulk = (run: () => unknown, repeat = BULK): Runner => ({
  repeat,
  run() {
    for (let i = 0; i < repeat; i++) run()
  },
})

/** One training step of a classifier. */
function step(
  model: (x: torch.Tensor) => torch.Tensor,
  parameters: Iterable<torch.Parameter>,
  x: torch.Tensor,
): Runner {
  const y = torch.tensor(labels(x.shape[0]))
  const optimizer = new optim.SGD(parameters, { lr: 0.01 })
  return {
    run() {
      optimizer.zeroGrad()
      functional.crossEntropy(model(x), y).backward()
      optimizer.step()
    },
  }
}

const MAKERS: Record<TableWork, () => Runner> = {
  "add 2x2": () => {
    const [a, b] = [random(2, 2), random(2, 2)]
    return bulk(() => a.add(b))
  },
  "add 2x2 recorded": () => {
    const [a, b] = [random(2, 2).requiresGrad_(), random(2, 2)]
    return bulk(() => a.add(b))
  },
  "add 1M": () => {
    const [a, b] = [random(1000, 1000), random(1000, 1000)]
    return { run: () => a.add(b) }
  },
  "gelu 1M": () => {
    const a = random(1000, 1000)
    return { run: () => functional.gelu(a) }
  },
  "chain 1M": () => {
    const [x, y] = [random(1000, 1000), random(1000, 1000)]
    return { run: () => x.mul(y).add(y).tanh().mul(0.5).add(x) }
  },
  "chain fused 1M": () => {
    const [x, y] = [random(1000, 1000), random(1000, 1000)]
    const chain = new torch.Pointwise("chain", (a, b) => a.mul(b).add(b).tanh().mul(0.5).add(a))
    return { run: () => chain.call(x, y) }
  },
  "softmax 1000x1000": () => {
    const a = random(1000, 1000)
    return { run: () => a.softmax(-1) }
  },
  "sum 1M": () => {
    const a = random(1000, 1000)
    return { run: () => a.sum() }
  },
  "sum dim 0 1M": () => {
    const a = random(1000, 1000)
    return { run: () => a.sum(0) }
  },
  "matmul 256": () => {
    const [a, b] = [random(256, 256), random(256, 256)]
    return { run: () => a.matmul(b) }
  },
  "matmul 512": () => {
    const [a, b] = [random(512, 512), random(512, 512)]
    return { run: () => a.matmul(b) }
  },
  "matmul 1024": () => {
    const [a, b] = [random(1024, 1024), random(1024, 1024)]
    return { run: () => a.matmul(b) }
  },
  "conv2d 3x3": () => {
    const [x, w] = [random(8, 32, 28, 28), random(64, 32, 3, 3)]
    return { run: () => functional.conv2d(x, w) }
  },
  "mlp step": () => {
    const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10))
    return step((x) => model(x), model.parameters(), random(64, 784))
  },
  "cnn step": () => {
    const model = new nn.Sequential(
      new nn.Conv2d(1, 16, 5),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(16, 32, 5),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(512, 10),
    )
    return step((x) => model(x), model.parameters(), random(64, 1, 28, 28))
  },
}

const GROWTH: Record<GrowthOp, (n: number) => () => unknown> = {
  add: (n) => {
    const [a, b] = [random(n), random(n)]
    return () => a.add(b)
  },
  gelu: (n) => {
    const a = random(n)
    return () => functional.gelu(a)
  },
  sum: (n) => {
    const a = random(n)
    return () => a.sum()
  },
}

export async function taeda(device: string): Promise<Library> {
  const { backend } = await torch.setDefaultDevice(device)
  const { collectedMemory, syncRead, threads } = backend.capabilities
  /** Memory that the engine does not see is freed with the work, as the peers' is: a loop would only measure how it runs out. */
  const freeing = ({ run, ...rest }: Runner): Runner =>
    collectedMemory ? { run, ...rest } : { ...rest, run: () => torch.scope(() => void run()) }
  /** Waits for the device's work, where that goes on by itself. */
  const waiting = ({ run, ...rest }: Runner): Runner =>
    syncRead
      ? { run, ...rest }
      : {
          ...rest,
          async run() {
            run()
            await backend.synchronize()
          },
        }
  const complete = (runner: Runner): Runner => waiting(freeing(runner))
  return {
    name: `taeda ${backend.name}`,
    threads,
    prepare: async (work) => complete(MAKERS[work]()),
    prepareGrowth: async (op, elements) => complete(bulk(GROWTH[op](elements), growthRepeat(elements))),
  }
}
