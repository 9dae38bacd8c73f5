/** Measures works on one device, in a process of its own: nothing that ran before has shaped what the engine compiles. */
import { once } from "node:events"
import { complete, type Library, worksOf } from "@taeda/examples"
import { measure } from "./measure.ts"
import type { Measured, Order } from "./protocol.ts"

/** Milliseconds for a work in one round, warming up not counted. */
const BUDGET = 200

export async function measureHere(torch: Library, { device: name, works }: Order): Promise<void> {
  const device = await torch.setDefaultDevice(name)
  const makers = worksOf(torch)
  const tell = async (measured: Measured): Promise<void> => {
    if (!process.stdout.write(`${JSON.stringify(measured)}\n`)) await once(process.stdout, "drain")
  }
  for (const work of works) {
    try {
      await tell({ work, ms: await measure(complete(torch, device, makers[work]()), BUDGET) })
    } catch (error) {
      await tell({ work, ms: null, reason: (error as Error).message })
    }
  }
}
