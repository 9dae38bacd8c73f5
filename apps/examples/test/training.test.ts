import * as torch from "taeda"
import { expect, test } from "vitest"
import { type Look, train } from "../src/training.ts"

/** 100 points on a line, told apart by their sign. */
function made() {
  torch.manualSeed(0)
  const images = torch.linspace(-1, 1, 100).unsqueeze(1)
  const labels = images.squeeze(1).gt(0).to("int32")
  return { model: new torch.nn.Sequential(new torch.nn.Linear(1, 2)), set: { images, labels } }
}

const PLAN = { epochs: 4, batchSize: 10, lr: 0.1 }

test("it looks at the first step, every tenth and the last, and learns", async () => {
  const { model, set } = made()
  const looks: Look[] = []
  for await (const look of train(torch, model, set, { ...PLAN, epochs: 3 })) looks.push(look)
  expect(looks.map(({ step, epoch, done }) => [step, epoch, done])).toEqual([
    [0, 1, 10],
    [10, 2, 110],
    [20, 3, 210],
    [29, 3, 300],
  ])
  expect(looks.every(({ total }) => total === 300)).toBe(true)
  expect(looks[3].loss).toBeLessThan(looks[0].loss / 2)
  expect(looks[3].accuracy).toBeGreaterThan(0.8)
})

test("it stands still until the next look is asked for", async () => {
  const { model, set } = made()
  const looks = train(torch, model, set, PLAN)
  await looks.next()
  const weights = async () => [...((await model.parameters()[Symbol.iterator]().next().value!.data()) as Float32Array)]
  const before = await weights()
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(await weights()).toEqual(before)
  await looks.next()
  expect(await weights()).not.toEqual(before)
  await looks.return()
})

test("batches are prepared before the network sees them", async () => {
  const { model, set } = made()
  const shapes: (readonly number[])[] = []
  const prepare = (batch: torch.Tensor) => {
    shapes.push(batch.shape)
    return batch.mul(100)
  }
  const looks = train(torch, model, { ...set, prepare }, PLAN)
  await looks.next()
  await looks.return()
  expect(shapes).toEqual([[10, 1]])
})
