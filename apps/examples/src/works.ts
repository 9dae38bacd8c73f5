/** Works whose time says what a backend is worth: some operations, and training steps. */
import type { Library, Tensor } from "./library.ts"
import type { Model } from "./models.ts"

/** One work of one library, ready to run. */
export interface Runner {
  /** Does the work `repeat` times (once where there is no `repeat`). */
  run(): unknown
  /** How often `run` does the work: tiny works are measured in bulk, or the clock would be what is measured. */
  readonly repeat?: number
}

export const WORKS = {
  "add 2x2": "two 2×2 tensors",
  "add 2x2 recorded": "two 2×2 tensors, one of which requires a gradient",
  "add 1M": "two tensors of 1,000,000 elements",
  "gelu 1M": "erf form, 1,000,000 elements",
  "chain 1M": "tanh(x·y + y)·0.5 + x, op by op, 1,000,000 elements",
  "chain fused 1M": "the same as one kernel, where the library has a way; PyTorch op by op",
  "softmax 1000x1000": "over the last dim",
  "sum 1M": "all elements",
  "sum dim 0 1M": "1000×1000, over the first dim",
  "matmul 256": "256×256 by 256×256",
  "matmul 512": "512×512 by 512×512",
  "matmul 1024": "1024×1024 by 1024×1024",
  "conv2d 3x3": "8×32×28×28, 64 channels out, 3×3, no padding",
  "mlp step": "784-256-10, batch 64, cross-entropy, one SGD step",
  "cnn step": "two 5×5 convolutions of 16 and 32 channels, batch 64, one SGD step",
} as const

/** A line of the table. */
export type TableWork = keyof typeof WORKS
export const WORK_NAMES = Object.keys(WORKS) as TableWork[]

/** Small works are repeated in one run. */
export const BULK = 2000

/** Deterministic inputs of about unit size. */
export function numbers(n: number, seed = 1): Float32Array<ArrayBuffer> {
  const out = new Float32Array(n)
  let state = seed >>> 0
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    out[i] = state / 2 ** 31 - 1
  }
  return out
}

/** Labels from 0 to 9. */
export const labels = (n: number): Int32Array<ArrayBuffer> => Int32Array.from({ length: n }, (_, i) => (i * 7) % 10)

type Device = Awaited<ReturnType<Library["setDefaultDevice"]>>

/** Runs `run` so many times in one. */
export const bulk = (run: () => unknown, repeat = BULK): Runner => ({
  repeat,
  run() {
    for (let i = 0; i < repeat; i++) run()
  },
})

/** A work as it is measured: with what it leaves behind freed, and whatever goes on by itself waited for. */
export function complete(torch: Library, { backend }: Device, { run, ...rest }: Runner): Runner {
  const { collectedMemory, syncRead } = backend.capabilities
  // Memory that the engine does not see is freed with the work: a loop would only measure how it runs out.
  const freeing = collectedMemory ? run : () => torch.scope(() => void run())
  if (syncRead) return { ...rest, run: freeing }
  return {
    ...rest,
    async run() {
      freeing()
      await backend.synchronize()
    },
  }
}

/** The works on the default device, each prepared when it is asked for. */
export function worksOf(torch: Library): Record<TableWork, () => Runner> {
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

  /** One training step of a classifier. */
  function step(model: Model, x: Tensor): Runner {
    const y = torch.tensor(labels(x.shape[0]))
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 })
    return {
      run() {
        optimizer.zeroGrad()
        functional.crossEntropy(model(x) as Tensor, y).backward()
        optimizer.step()
      },
    }
  }

  return {
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
      return step(model, random(64, 784))
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
      return step(model, random(64, 1, 28, 28))
    },
  }
}
