/** The lean entries, and a network of functions: no modules, no optimiser. */
import { createWebGpu, matmul } from "@taeda/backend-webgpu/lean"
import * as torch from "taeda/lean"
import { BATCH, CLASSES, HIDDEN, images, labels, PIXELS, STEPS } from "./data.ts"

torch.registerBackend("webgpu", () => createWebGpu({ kernels: { matmul } }))
await torch.setDefaultDevice("webgpu")
torch.manualSeed(0)
/** Uniform on [−1/√fanIn, 1/√fanIn), as a linear layer begins. */
const parameter = (fanIn: number, ...size: number[]): torch.Tensor => {
  const bound = 1 / Math.sqrt(fanIn)
  return torch.uniform_(torch.empty(size), -bound, bound).requiresGrad_()
}
const [w1, b1] = [parameter(PIXELS, HIDDEN, PIXELS), parameter(PIXELS, HIDDEN)]
const [w2, b2] = [parameter(HIDDEN, CLASSES, HIDDEN), parameter(HIDDEN, CLASSES)]
const parameters = [w1, b1, w2, b2]
const momenta = parameters.map((p) => torch.zerosLike(p))
const x = torch.reshape(torch.tensor(images), [BATCH, PIXELS])
const y = torch.tensor(labels)
for (let step = 0; step < STEPS; step++) {
  const hidden = torch.relu(torch.nn.functional.linear(x, w1, b1))
  const loss = torch.nn.functional.crossEntropy(torch.nn.functional.linear(hidden, w2, b2), y)
  loss.backward()
  torch.noGrad(() => {
    parameters.forEach((p, k) => {
      torch.add_(torch.mul_(momenta[k]!, 0.9), p.grad!)
      torch.sub_(p, momenta[k]!, { alpha: 0.02 })
      p.grad = null
    })
  })
  console.log(await loss.item())
}
