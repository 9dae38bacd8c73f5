/** How taeda does each work. */
import type { CudaBackend } from "@taeda/backend-cuda"
import * as torch from "taeda"
import type { Op, Type, Work } from "./works.ts"

/** Something that is launched again and again. */
export interface Prepared {
  readonly run: () => void
  /** Whether what counts is how fast the host can launch. */
  readonly onHost?: true
  /** How often `run` does the work; 1 by default. */
  readonly repeat?: number
  readonly dispose?: () => void
}

/** Ops of a chain; `works.py` has as many. */
const CHAIN = 10

const DTYPES = { float32: "float32", tf32: "float32", float16: "float16", bfloat16: "bfloat16" } as const

const randn = (type: Type, ...shape: number[]) => torch.randn(...shape).to(DTYPES[type])

/** Copies bytes as the driver does it: what no kernel can be faster than by much. */
function copy(backend: CudaBackend, { type, sizes: [n] }: Work): Prepared {
  const bytes = n * (type === "float32" ? 4 : 2)
  const [from, to] = [0, 1].map(() => backend.allocate(bytes, DTYPES[type]))
  return {
    run: () => backend.copy(from, 0, to, 0, bytes),
    dispose: () => {
      backend.free(from)
      backend.free(to)
    },
  }
}

/** `each`: how many works a run does. */
const bulk = (repeat: number, run: () => unknown, each = 1): Prepared => ({
  repeat: repeat * each,
  onHost: true,
  run: () => {
    for (let i = 0; i < repeat; i++) run()
  },
})

/** A step of training: a perceptron, or two convolutions with pooling and a linear layer. */
export function stepOf({ sizes: [kind, batch, a, b, c] }: Work): () => void {
  const { nn, optim } = torch
  const perceptron = () => {
    const model = new nn.Sequential(new nn.Linear(a, b), new nn.ReLU(), new nn.Linear(b, c))
    const x = torch.randn(batch, a)
    return { forward: () => model(x) as torch.Tensor, parameters: model.parameters(), classes: c }
  }
  const convolutions = () => {
    const model = new nn.Sequential(
      new nn.Conv2d(1, b, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(b, c, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(c * (a / 4) ** 2, 10),
    )
    const x = torch.randn(batch, 1, a, a)
    return { forward: () => model(x) as torch.Tensor, parameters: model.parameters(), classes: 10 }
  }
  const { forward, parameters, classes } = [perceptron, convolutions][kind]()
  const y = torch.arange(batch).remainder(classes)
  const optimizer = new optim.SGD(parameters, { lr: 0.01 })
  return () => {
    optimizer.zeroGrad()
    nn.functional.crossEntropy(forward(), y).backward()
    optimizer.step()
  }
}

const PREPARE: Readonly<Record<Op, (work: Work, backend: CudaBackend) => Prepared>> = {
  copy: (work, backend) => copy(backend, work),
  add({ type, sizes: [n] }) {
    const [a, b] = [randn(type, n), randn(type, n)]
    return { run: () => a.add(b) }
  },
  gelu({ type, sizes: [n] }) {
    const a = randn(type, n)
    return { run: () => torch.nn.functional.gelu(a) }
  },
  sum({ type, sizes: [n] }) {
    const a = randn(type, n)
    return { run: () => a.sum() }
  },
  sum0({ type, sizes: [n] }) {
    const a = randn(type, n, n)
    return { run: () => a.sum(0) }
  },
  sum1({ type, sizes: [n] }) {
    const a = randn(type, n, n)
    return { run: () => a.sum(1) }
  },
  softmax({ type, sizes: [n] }) {
    const a = randn(type, n, n)
    return { run: () => a.softmax(-1) }
  },
  layernorm({ type, sizes: [n] }) {
    const [a, weight, bias] = [randn(type, n, n), randn(type, n), randn(type, n)]
    return { run: () => torch.nn.functional.layerNorm(a, [n], weight, bias) }
  },
  matmul({ type, sizes: [m, n, k] }) {
    const [a, b] = [randn(type, m, k), randn(type, k, n)]
    return { run: () => a.matmul(b) }
  },
  matmulT({ type, sizes: [m, n, k] }) {
    const [a, b] = [randn(type, m, k), randn(type, n, k).t()]
    return { run: () => a.matmul(b) }
  },
  conv({ type, sizes: [n, c, h, k, r, stride] }) {
    const [x, w] = [randn(type, n, c, h, h), randn(type, k, c, r, r)]
    const options = { stride, padding: r >> 1 }
    return { run: () => torch.nn.functional.conv2d(x, w, options) }
  },
  convGrads({ type, sizes: [n, c, h, k, r, stride] }) {
    const [x, w] = [randn(type, n, c, h, h).requiresGrad_(), randn(type, k, c, r, r).requiresGrad_()]
    const options = { stride, padding: r >> 1 }
    const gradient = torch.nn.functional.conv2d(x, w, options).detach()
    return { run: () => torch.autograd.grad(torch.nn.functional.conv2d(x, w, options), [x, w], gradient) }
  },
  sort({ type, sizes: [n] }) {
    const a = randn(type, n)
    return { run: () => a.sort() }
  },
  sortRows({ type, sizes: [rows, n] }) {
    const a = randn(type, rows, n)
    return { run: () => a.sort() }
  },
  cumsum({ type, sizes: [n] }) {
    const a = randn(type, n)
    return { run: () => a.cumsum(0) }
  },
  cumsumRows({ type, sizes: [rows, n] }) {
    const a = randn(type, rows, n)
    return { run: () => a.cumsum(1) }
  },
  cumsumColumns({ type, sizes: [n, columns] }) {
    const a = randn(type, n, columns)
    return { run: () => a.cumsum(0) }
  },
  topk({ type, sizes: [k, ...sizes] }) {
    const a = randn(type, ...sizes)
    return { run: () => a.topk(k) }
  },
  sumRows({ type, sizes }) {
    const a = randn(type, ...sizes)
    return { run: () => a.sum(1) }
  },
  softmaxRows({ type, sizes }) {
    const a = randn(type, ...sizes)
    return { run: () => a.softmax(-1) }
  },
  addTransposed({ type, sizes: [n] }) {
    const [a, b] = [randn(type, n, n), randn(type, n, n).t()]
    return { run: () => a.add(b) }
  },
  indexAdd({ type, sizes: [n, into] }) {
    const [a, source] = [torch.zeros([into]), randn(type, n)]
    const index = torch.arange(n).mul(7919).remainder(into)
    return { run: () => a.indexAdd(0, index, source) }
  },
  launch({ sizes: [count] }) {
    const [a, b] = [randn("float32", 2, 2), randn("float32", 2, 2)]
    return bulk(count, () => a.add(b))
  },
  launchRecorded({ sizes: [count] }) {
    const [a, b] = [randn("float32", 2, 2).requiresGrad_(), randn("float32", 2, 2)]
    return bulk(count, () => a.add(b))
  },
  launchInPlace({ sizes: [count] }) {
    const [a, b] = [torch.zeros([2, 2]), randn("float32", 2, 2)]
    return bulk(count, () => a.add_(b))
  },
  launchNumber({ sizes: [count] }) {
    const a = randn("float32", 2, 2)
    return bulk(count, () => a.add(1))
  },
  launchChain({ sizes: [count] }) {
    const a = randn("float32", 2, 2)
    const run = (): void => {
      let x = a
      for (let i = 0; i < CHAIN; i++) x = x.mul(1.01)
    }
    return bulk(Math.ceil(count / CHAIN), run, CHAIN)
  },
  launchSum({ sizes: [count] }) {
    const a = randn("float32", 2, 2)
    return bulk(count, () => a.sum())
  },
  launchSoftmax({ sizes: [count] }) {
    const a = randn("float32", 2, 2)
    return bulk(count, () => a.softmax(-1))
  },
  launchProduct({ sizes: [count] }) {
    const [a, b] = [randn("float32", 2, 2), randn("float32", 2, 2)]
    return bulk(count, () => a.matmul(b))
  },
  step: (work) => ({ run: stepOf(work), onHost: true }),
}

export const prepare = (work: Work, backend: CudaBackend): Prepared => PREPARE[work.op](work, backend)
