/** Trains in a worker, so that the page never waits; listens to the page between two looks. */
import {
  buildModel,
  DEFAULT_PLAN,
  HIDDEN,
  type LabelledImages,
  type Model,
  normalized,
  splitOf,
  type Tensor,
  train,
} from "@taeda/examples"
import { downloadSet } from "./download.ts"
import * as torch from "./library.ts"
import type { FromTrainer, ToTrainer, TrainingWish } from "./train-messages.ts"
import { errorText, nextTask, workerScope } from "./worker-scope.ts"

const scope = workerScope<ToTrainer, FromTrainer>()
const tell = (message: FromTrainer): void => scope.postMessage(message)

const SEED = 0
const TEST_BATCH = 250

interface Data {
  readonly train: LabelledImages
  readonly test: LabelledImages
}

let data: Promise<Data> | undefined
let model: Model | undefined
let isPaused = false
let isStopped = false
/** Goes on after a pause. */
let wake = (): void => undefined

async function load(folder: string): Promise<Data> {
  const [train, test] = await Promise.all([downloadSet(folder, "train"), downloadSet(folder, "test")])
  return { train, test }
}

/** Loaded once; a failure is not kept. */
function loaded(folder: string): Promise<Data> {
  data ??= load(folder).catch((error: unknown) => {
    data = undefined
    throw error
  })
  return data
}

/** Lets messages through and waits while there is a pause; resolves to the milliseconds of that. */
async function breathe(): Promise<number> {
  await nextTask()
  if (!isPaused || isStopped) return 0
  const since = performance.now()
  tell({ kind: "paused" })
  await new Promise<void>((resolve) => (wake = resolve))
  return performance.now() - since
}

async function run({ device: wanted, model: name, epochs }: TrainingWish, folder: string): Promise<void> {
  isPaused = false
  isStopped = false
  tell({ kind: "loading", text: "Loading 70,000 digits (11 MB) …" })
  const [sets, device] = await Promise.all([loaded(folder), torch.setDefaultDevice(wanted)])
  torch.manualSeed(SEED)
  const { pixels, labels } = splitOf(torch, sets.train)
  const [images, , rows, columns] = pixels.shape
  const mine = buildModel(torch.nn, name, { rows, columns, hidden: HIDDEN })
  model = mine
  const { name: backend, capabilities } = device.backend
  tell({ kind: "begun", device: [backend, ...capabilities.notes].join(", "), images, network: String(mine) })
  const start = performance.now()
  let pauses = 0
  const seconds = (): number => (performance.now() - start - pauses) / 1000
  const plan = { ...DEFAULT_PLAN, epochs }
  for await (const look of train(torch, mine, { images: pixels, labels, prepare: normalized }, plan)) {
    tell({ kind: "look", look: { ...look, imagesPerSecond: look.done / seconds() } })
    pauses += await breathe()
    if (isStopped) break
  }
  tell({ kind: "ended", stopped: isStopped, seconds: seconds() })
  await testOn(mine, sets.test)
}

async function testOn(mine: Model, set: LabelledImages): Promise<void> {
  const { pixels, labels } = splitOf(torch, set)
  const count = labels.shape[0]
  let right = 0
  for (let i = 0; i < count; i += TEST_BATCH) {
    const size = Math.min(TEST_BATCH, count - i)
    const said = torch.noGrad(() => (mine(normalized(pixels.narrow(0, i, size))) as Tensor).argmax(1))
    right += Number(
      await said
        .eq(labels.narrow(0, i, size))
        .sum()
        .item(),
    )
    await nextTask()
  }
  tell({ kind: "tested", right, count })
}

async function classify(pixels: Uint8Array): Promise<void> {
  if (!model) return
  const asked = model
  const side = Math.sqrt(pixels.length)
  const scores = torch.noGrad(() =>
    (asked(normalized(torch.tensor(pixels).view(1, 1, side, side))) as Tensor).softmax(1).view(-1),
  )
  tell({ kind: "classified", probabilities: Array.from((await scores.data()) as Float32Array) })
}

async function sample(): Promise<void> {
  if (!data) return
  const { images, labels } = (await data).test
  const i = Math.floor(Math.random() * labels.data.length)
  const size = images.sizes[1] * images.sizes[2]
  tell({ kind: "sampled", pixels: images.data.slice(i * size, (i + 1) * size), label: labels.data[i] })
}

const HANDLERS: {
  readonly [K in ToTrainer["kind"]]: (message: Extract<ToTrainer, { kind: K }>) => unknown
} = {
  start: ({ wish, data: folder }) => run(wish, folder),
  pause: () => (isPaused = true),
  resume: () => {
    isPaused = false
    wake()
  },
  stop: () => {
    isStopped = true
    wake()
  },
  sample,
  classify: ({ pixels }) => classify(pixels),
}

scope.onmessage = async ({ data: message }) => {
  try {
    await (HANDLERS[message.kind] as (message: ToTrainer) => unknown)(message)
  } catch (error) {
    tell({ kind: "error", text: errorText(error) })
  }
}
