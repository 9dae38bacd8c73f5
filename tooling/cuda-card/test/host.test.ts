/** What launches ask of the native part, on a driver that does nothing: counts, which are the same on every machine. */
import { createRequire } from "node:module"
import { join } from "node:path"
import { buildAddon, targetHere } from "@taeda/cuda-addon"
import * as torch from "taeda"
import { beforeAll, describe, expect, it } from "vitest"
import { openIdle } from "../src/host.ts"
import { prepare } from "../src/ours.ts"
import { hostWorks } from "../src/works.ts"

const COUNTING = join(import.meta.dirname, "counting-addon.cjs")
const works = hostWorks("card").map(({ ours }) => ours)
const PATIENCE = 300_000

describe("on a driver that does nothing", () => {
  let backend: Awaited<ReturnType<typeof openIdle>>
  let calls: Readonly<Record<string, number>>
  beforeAll(async () => {
    process.env.TAEDA_CUDA_ADDON ??= await buildAddon(targetHere())
    backend = await openIdle(COUNTING)
    calls = createRequire(import.meta.url)(COUNTING).calls
  }, PATIENCE)

  /** The calls that `body` makes, and the kernels that it launches. */
  function count(body: () => void): { readonly calls: Record<string, number>; readonly launches: number } {
    const before = { ...calls }
    const { launches } = backend.counts()
    body()
    const made = Object.entries(calls).map(([name, n]): [string, number] => [name, n - (before[name] ?? 0)])
    return {
      calls: Object.fromEntries(made.filter(([, n]) => n > 0)),
      launches: backend.counts().launches - launches,
    }
  }

  it("says so", () => expect(backend.device.name).toBe("idle driver: nothing is computed"))

  it.each(works)("$name: one call for each launch, and nothing else", (work) => {
    torch.scope(() => {
      const { run } = prepare(work, backend)
      const twice = (): void => {
        for (let i = 0; i < 2; i++) torch.scope(() => void run())
      }
      // Kernels are compiled, plans made, memory found.
      twice()
      const { segmentAllocations } = backend.cudaMemoryStats()
      const { calls: made, launches } = count(twice)
      expect(launches).toBeGreaterThan(0)
      expect(made).toEqual({ launchCommand: launches })
      expect(backend.cudaMemoryStats().segmentAllocations).toBe(segmentAllocations)
    })
  })

  it("counts what is not steady: a kernel that is new, and a write", () => {
    torch.scope(() => {
      expect(count(() => void torch.arange(5).cos().sin()).calls).toMatchObject({ loadModule: 3, launchCommand: 3 })
      expect(count(() => void torch.tensor([1, 2])).calls).toMatchObject({ upload: 1 })
    })
  })
})
