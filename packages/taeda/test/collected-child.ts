/** Makes much and holds little, on a device whose memory is freed by finalizers. Prints what lives after collection. */
import * as torch from "taeda"
import { counted } from "./devices.ts"

declare const gc: () => void
const { device, live } = counted()

const w = torch.ones(10, { device, requiresGrad: true })
let held = w
let most = 0
for (let i = 0; i < 100; i++) {
  held = w.mul(i)
  held.mul(w).sum().backward()
  most = Math.max(most, live())
}
held = held.detach()
// Finalizers run between tasks, some time after a collection.
for (let i = 0; i < 50 && live() > 3; i++) {
  gc()
  await new Promise((resolve) => setTimeout(resolve, 10))
}
process.stdout.write(JSON.stringify({ made: most > 100, live: live() }))
if (held.length !== 10) throw new Error("held")
