/** How long it takes from nothing to a first gradient, beside a Node that does nothing. */
import type { Project } from "./project.ts"

export interface Startup {
  /** Milliseconds that the processor worked. */
  readonly nothing: number
  readonly gradient: number
  readonly ratio: number
}

/** When the process ends: what its threads worked, in milliseconds. */
const CLOCK = `process.on("exit", () => {
  const { user, system } = process.cpuUsage()
  require("node:fs").writeSync(1, String((user + system) / 1000))
})
`

const GRADIENT = `
import { ones } from "taeda"
const x = ones(2, 2, { requiresGrad: true })
const y = x.add(2)
y.mul(y).mul(3).mean().backward()
if (!x.grad) throw new Error("there is no gradient")
`

/**
 * The processor's time in turn for both, and of each the least: everything else on the machine only adds to it, and to both
 * alike. Elapsed time says the same on a machine that does nothing else.
 */
export async function measureStartup(project: Project, node: string, times: number): Promise<Startup> {
  await project.write({ "clock.cjs": CLOCK, "nothing.mjs": "", "gradient.mjs": GRADIENT })
  const worked = async (file: string) => Number(await project.run(node, ["--require", "./clock.cjs", file]))
  let [nothing, gradient] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let k = 0; k < times; k++) {
    nothing = Math.min(nothing, await worked("nothing.mjs"))
    gradient = Math.min(gradient, await worked("gradient.mjs"))
  }
  return { nothing, gradient, ratio: gradient / nothing }
}
