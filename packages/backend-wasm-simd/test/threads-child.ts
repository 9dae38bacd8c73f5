/** Run by threads.test.ts: a process with a pool that ends in some way, and never ends the pool. */
import { allReady, FRAME, makePool, markers, SLOT, setSlot, unitKernel, untilShared } from "./pool-kernels.ts"

const [what] = process.argv.slice(2)
const { memory, pool } = await makePool()
const { counts, owners } = markers(memory, 200)
const kernel = unitKernel(0, memory)
let seen = ""
if (what !== "starting") {
  await allReady(pool)
  setSlot(memory, SLOT.turns, 10000)
  untilShared(memory, owners, () => pool.run(kernel, FRAME, 200, 1))
  if (owners().size > 1) seen = " with workers"
}
if (what === "idle") await new Promise((resolve) => setTimeout(resolve, 50))
pool.run(kernel, FRAME, 200, 1)
process.stdout.write(`${counts().length}${seen}\n`)
if (what === "throwing") throw new Error("on purpose")
