/** Makes much and holds little. Prints what lives after collection: on a device with finalizers, and in cpu-js's books. */
import * as torch from "taeda"
import { counted } from "./devices.ts"

declare const gc: () => void

/** Finalizers run between tasks, some time after a collection. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !done(); i++) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const { device, live } = counted()
const w = torch.ones(10, { device, requiresGrad: true })
let held = w
for (let i = 0; i < 100; i++) {
  held = w.mul(i)
  held.mul(w).sum().backward()
}
held = held.detach()
const made = live()
await collectUntil(() => live() === 3)

// What scopes and ops held until they ended goes as everything else.
const kept = live()
for (let i = 0; i < 20; i++) {
  torch.scope(() => [torch.scope(() => w.add(i)), { a: w.exp() }])
  await torch.scope(async () => w.mul(i))
  await w.unique()
}
const scoped = live() - kept
await collectUntil(() => live() === kept)

// A scope forgets what was freed in scopes inside of it.
const forgotten = await torch.scope(async () => {
  const v = torch.ones(10, { device, requiresGrad: true })
  const gradients: WeakRef<object>[] = []
  for (let i = 0; i < 20; i++)
    torch.scope(() => {
      v.grad = null
      v.mul(i).sum().backward()
      gradients.push(new WeakRef(v.grad_!.storage))
    })
  // What was looked at lives on until the next task.
  let tasks = 0
  await collectUntil(() => tasks++ > 3)
  return gradients.filter((each) => !each.deref()).length
})

const x = torch.ones(100, 1000)
for (let i = 0; i < 100; i++) x.add(1).narrow(0, 0, 2).contiguous()
const bytes = torch.memoryStats().liveBytes
await collectUntil(() => torch.memoryStats().liveBytes < x.nbytes + 100_000)

process.stdout.write(
  JSON.stringify({
    made: made > 100,
    live: live(),
    scoped: scoped >= 60,
    forgotten,
    booked: bytes > 100 * x.nbytes,
    struck: torch.memoryStats().liveBytes < x.nbytes + 100_000,
    held: held.length,
  }),
)
