import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import * as nn from "@taeda/nn"
import * as optim from "@taeda/optim"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10))
const opt = new optim.SGD(model.parameters(), { lr: 0.01 })
const x = torch.rand(64, 784), y = torch.randint(10, [64])
const step = () => { opt.zeroGrad(); torch.crossEntropy(model(x), y).backward(); opt.step() }
for (let i = 0; i < 50; i++) step()
const t = performance.now(); for (let i = 0; i < 600; i++) step()
console.log("mlp step ms", (performance.now() - t) / 600)
