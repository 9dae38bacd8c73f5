import { join } from "node:path"
import * as torch from "taeda"
import { afterAll, expect, test } from "vitest"
import { FILES } from "../src/mnist.ts"
import { trainMnist } from "../src/train-mnist.ts"
import { idx, madeFolder } from "./idx-files.ts"
import { captured } from "./output.ts"

const folder = madeFolder()
afterAll(folder.remove)

const OPTIONS = { data: folder.path, epochs: 12, batchSize: 20, hidden: 16, lr: 0.01 }

test("a small set is learnt, and the report says how well", async () => {
  const out = captured()
  const { accuracy, losses, seconds } = await trainMnist(torch, out, OPTIONS)
  expect(accuracy).toBe(1)
  expect(losses[0]).toBeGreaterThan(1.5)
  expect(losses.at(-1)).toBeLessThan(0.2)
  expect(seconds).toBeGreaterThan(0)
  const text = out.text()
  expect(text).toContain("Training on MNIST: 200 images")
  expect(text).toContain("(0): Linear(in_features=16, out_features=16, bias=True)")
  expect(text).toMatch(/^100 % {2}epoch 12\/12 /m)
  expect(text).toContain("Test accuracy: 100.00 %\n50 of 50 images")
  expect(text).toMatch(/is 9 │( +·){9} +5 +100\.0 %/)
})

test("the same seed gives the same training, another seed another", async () => {
  const run = async (seed: number) => (await trainMnist(torch, captured(), { ...OPTIONS, epochs: 2, seed })).losses
  const losses = await run(1)
  expect(await run(1)).toEqual(losses)
  expect(await run(2)).not.toEqual(losses)
})

test("a signal ends it soon, with the cursor back and the reason thrown", async () => {
  const out = captured(100)
  const controller = new AbortController()
  const done = trainMnist(torch, out, { ...OPTIONS, epochs: 100000 }, controller.signal)
  setTimeout(() => controller.abort(new Error("enough")), 300)
  await expect(done).rejects.toThrow("enough")
  expect(out.text()).toContain("epoch ")
  expect(out.text().lastIndexOf("\u001b[?25h")).toBeGreaterThan(out.text().lastIndexOf("\u001b[?25l"))
  expect(out.text()).not.toContain("Test accuracy")
})

test("what is wrong with a file is said before anything is printed", async () => {
  const broken = madeFolder({ [FILES.test.images]: idx([50, 4, 4], []) })
  const out = captured()
  await expect(trainMnist(torch, out, { data: broken.path })).rejects.toThrow(
    `${join(broken.path, FILES.test.images)} is no readable idx file: its header says 50 × 4 × 4 = 800 bytes of data, but 0 follow (truncated)`,
  )
  broken.remove()
  expect(out.text()).toBe("")
})

test("a device that is not there is refused before anything is printed", async () => {
  const out = captured()
  await expect(trainMnist(torch, out, { ...OPTIONS, device: "tpu" })).rejects.toThrow(
    "known devices: cuda, webgpu, wasm, cpu",
  )
  expect(out.text()).toBe("")
})

test("the real digits: at least 97 % of those it has never seen", async () => {
  const out = captured()
  const { accuracy } = await trainMnist(torch, out)
  expect(accuracy).toBeGreaterThanOrEqual(0.97)
  expect(out.text()).toContain("Training on MNIST: 60000 images")
}, 600_000)
