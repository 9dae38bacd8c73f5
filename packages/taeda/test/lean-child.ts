/** A process in which nothing but the lean entry was imported. Prints the methods of tensors, and a gradient. */
import { createCpuJs } from "@taeda/backend-cpu-js"
import * as torch from "../src/lean.ts"
import { namesOn } from "./prototype.ts"

torch.registerBackend("cpu", async () => createCpuJs())
await torch.setDefaultDevice("cpu")
const x = torch.tensor([2, 3]).requiresGrad_()
torch.sum(torch.mul(x, x)).backward()
process.stdout.write(JSON.stringify({ methods: namesOn(), output: await torch.format(x.grad!) }))
