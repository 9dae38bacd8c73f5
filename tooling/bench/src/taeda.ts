/** taeda on one of its backends. */
import { bulk, complete, worksOf } from "@taeda/examples"
import * as torch from "taeda"
import { type GrowthOp, growthRepeat, type Library, numbers } from "./works.ts"

const random = (n: number) => torch.tensor(numbers(n))

const GROWTH: Record<GrowthOp, (n: number) => () => unknown> = {
  add: (n) => {
    const [a, b] = [random(n), random(n)]
    return () => a.add(b)
  },
  gelu: (n) => {
    const a = random(n)
    return () => torch.nn.functional.gelu(a)
  },
  sum: (n) => {
    const a = random(n)
    return () => a.sum()
  },
}

export async function taeda(name: string): Promise<Library> {
  const device = await torch.setDefaultDevice(name)
  const makers = worksOf(torch)
  return {
    name: `taeda ${device.backend.name}`,
    threads: device.backend.capabilities.threads,
    prepare: async (work) => complete(torch, device, makers[work]()),
    prepareGrowth: async (op, elements) => complete(torch, device, bulk(GROWTH[op](elements), growthRepeat(elements))),
  }
}
