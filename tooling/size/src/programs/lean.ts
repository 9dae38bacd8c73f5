/** The lean entry, with all of the backend webgpu. */
import { open } from "@taeda/backend-webgpu"
import * as torch from "taeda/lean"
import { BATCH, CLASSES, HIDDEN, images, labels, PIXELS, STEPS } from "./data.ts"

torch.registerBackend("webgpu", open)
await torch.setDefaultDevice("webgpu")
torch.manualSeed(0)
const model = new torch.nn.Sequential(
  new torch.nn.Linear(PIXELS, HIDDEN),
  new torch.nn.ReLU(),
  new torch.nn.Linear(HIDDEN, CLASSES),
)
const optimizer = new torch.optim.SGD(model.parameters(), { lr: 0.02, momentum: 0.9 })
const x = torch.reshape(torch.tensor(images), [BATCH, PIXELS])
const y = torch.tensor(labels)
for (let step = 0; step < STEPS; step++) {
  optimizer.zeroGrad()
  const loss = torch.nn.functional.crossEntropy(model(x), y)
  loss.backward()
  optimizer.step()
  console.log(await loss.item())
}
