/** Trains a small network on MNIST and says how well it reads digits it has never seen. */
import { setImmediate } from "node:timers/promises"
import { buildModel, DIGITS, type Library, type Tensor, train as training } from "@taeda/examples"
import { confusionCounts, confusionTable } from "./confusion.ts"
import { loadMnist, type Split } from "./mnist.ts"
import type { Output } from "./output.ts"
import { progress } from "./progress.ts"
import { DEFAULTS, type TrainOptions } from "./train-options.ts"

export interface TrainResult {
  /** Of the test set, from 0 to 1. */
  readonly accuracy: number
  readonly seconds: number
  /** Every tenth step's. */
  readonly losses: readonly number[]
}

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
  const plan = { ...DEFAULTS, ...options }
  const { device: wanted, model: name, epochs, batchSize, lr, hidden, seed, data } = plan
  const device = await torch.setDefaultDevice(wanted)
  const { train, test } = await loadMnist(torch, data)
  await breathe(signal)
  torch.manualSeed(seed)
  const [count, , rows, columns] = train.images.shape
  const model = buildModel(torch.nn, name, { rows, columns, hidden })

  out.line()
  out.line(out.bold(`Training on MNIST: ${count} images of handwritten digits`))
  const passes = epochs === 1 ? "once through" : `${epochs} times through`
  const { name: backend, capabilities } = device.backend
  out.line(`on the device ${device.name}: ${[backend, ...capabilities.notes].join(", ")};`)
  out.line(`${passes} in batches of ${batchSize}, with Adam, whose learning rate falls from ${lr} to 0`)
  out.line(String(model))
  const losses: number[] = []
  const hits: number[] = []
  const total = epochs * count
  const start = now()
  const bar = progress(total, out)
  try {
    for await (const { epoch, done, loss, accuracy } of training(torch, model, train, plan)) {
      losses.push(loss)
      hits.push(accuracy)
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
