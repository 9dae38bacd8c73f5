/** Teaches a network to tell two arms of a spiral apart, and shows how it learns. */
import * as torch from "taeda"
import { nn, optim, utils } from "taeda"
import { draw, places } from "./draw.ts"
import { newModel } from "./model.ts"
import { spirals } from "./spirals.ts"

const EPOCHS = 40

const canvas = document.querySelector<HTMLCanvasElement>("#picture")!
const status = document.querySelector("#status")!

// The fastest that works here: "cpu", "wasm" or "webgpu" name one.
const device = await torch.setDefaultDevice("auto")
torch.manualSeed(0)

const training = spirals(600)
const [points, arms] = [await training.points.data(), await training.arms.data()]
const dataset = new utils.data.TensorDataset(training.points, training.arms)
const loader = new utils.data.DataLoader(dataset, { batchSize: 50, shuffle: true })

const model = newModel()
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
const loss = new nn.CrossEntropyLoss()
const grid = places()

for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  let sum = 0
  for await (const [batch, labels] of loader) {
    optimizer.zeroGrad()
    const error = loss(model(batch), labels)
    error.backward()
    optimizer.step()
    // What reads from the device is awaited.
    sum += Number(await error.item())
  }
  const shares = torch.noGrad(() => model(grid).softmax(1).select(1, 1).contiguous())
  draw(canvas, (await shares.data()) as Float32Array, points as Float32Array, arms as Int32Array)
  status.textContent = `Epoch ${epoch} of ${EPOCHS} on ${device.name}, loss ${(sum / loader.length).toFixed(4)}`
  await new Promise(requestAnimationFrame)
}

const test = spirals(1000)
const right = torch.noGrad(() => model(test.points).argmax(1).eq(test.arms).to("float32").mean())
status.textContent += `. Accuracy on new points: ${(100 * Number(await right.item())).toFixed(1)} %`
