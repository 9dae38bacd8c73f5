/** Teaches a network to tell two arms of a spiral apart, and says how well it tells points that it has never seen. */
import * as torch from "taeda"
import { nn, optim, utils } from "taeda"
import { newModel } from "./model.ts"
import { spirals } from "./spirals.ts"

const EPOCHS = 40

// The fastest that works here: "cpu", "wasm", "webgpu" or "cuda" name one.
const device = await torch.setDefaultDevice("auto")
console.log(`Training on ${device.name}`)
torch.manualSeed(0)

const training = spirals(2000)
const dataset = new utils.data.TensorDataset(training.points, training.arms)
const loader = new utils.data.DataLoader(dataset, { batchSize: 100, shuffle: true })

const model = newModel()
console.log(String(model))
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
const loss = new nn.CrossEntropyLoss()

for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  let sum = 0
  for await (const [points, arms] of loader) {
    optimizer.zeroGrad()
    const error = loss(model(points), arms)
    error.backward()
    optimizer.step()
    // What reads from the device is awaited.
    sum += Number(await error.item())
  }
  if (epoch % 5 === 0) console.log(`epoch ${String(epoch).padStart(2)}  loss ${(sum / loader.length).toFixed(4)}`)
}

const test = spirals(1000)
const accuracy = torch.noGrad(() => model(test.points).argmax(1).eq(test.arms).to("float32").mean())
console.log(`Accuracy on new points: ${(100 * Number(await accuracy.item())).toFixed(1)} %`)
