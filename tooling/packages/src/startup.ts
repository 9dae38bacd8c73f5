/** How long it takes from nothing to a first gradient, beside a Node that does nothing. */
import { spawnSync } from "node:child_process"
import type { Project } from "./project.ts"

/** A program with the packages that it needs and the environment that it runs in. */
export interface Starting {
  readonly title: string
  readonly packages: readonly string[]
  readonly code: string
  readonly env?: Readonly<Record<string, string>>
}

/** In milliseconds. */
export interface Taken {
  /** From the start of the process to its end, as a person waits: the median. */
  readonly elapsed: number
  /** What the process's threads worked: the least, since everything else on the machine only adds to it. */
  readonly worked: number
}

export const NOTHING: Starting = { title: "`node -e 0`", packages: [], code: "0" }

const GRADIENT = `
import { ones } from "taeda"
const x = ones(2, 2, { requiresGrad: true })
const y = x.add(2)
y.mul(y).mul(3).mean().backward()
if (!x.grad) throw new Error("there is no gradient")
`
export const TAEDA: Starting = { title: "taeda", packages: ["taeda"], code: GRADIENT }

/** Node keeps what it compiled, from the second run on. */
export const CACHED: Starting = {
  ...TAEDA,
  title: "taeda, with a compile cache",
  env: { NODE_COMPILE_CACHE: "compiled" },
}

/** The same gradient with others, each as its own pages say, on the CPU. */
export const PEERS: readonly Starting[] = [
  {
    title: "jax-js 0.1.25",
    packages: ["@jax-js/jax@0.1.25"],
    code: `
import { defaultDevice, grad, init, numpy as np } from "@jax-js/jax"
await init("cpu")
defaultDevice("cpu")
const mean = (x) => {
  const y = x.add(2)
  return np.mean(y.ref.mul(y).mul(3))
}
const [first] = await grad(mean)(np.ones([2, 2])).data()
if (first !== 4.5) throw new Error("another gradient")
`,
  },
  {
    title: "TensorFlow.js 4.22.0",
    packages: ["@tensorflow/tfjs@4.22.0"],
    code: `
import { grad, ones } from "@tensorflow/tfjs"
const [first] = grad((x) => x.add(2).square().mul(3).mean())(ones([2, 2])).dataSync()
if (first !== 4.5) throw new Error("another gradient")
`,
  },
]

/** When the process ends: what its threads worked, in milliseconds. */
const CLOCK = `process.on("exit", () => {
  const { user, system } = process.cpuUsage()
  require("node:fs").writeSync(1, String((user + system) / 1000))
})
`

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** Runs the programs in turn, so that what else the machine does falls on all alike; a first run, which fills caches, does not count. */
export async function measureStartup(
  project: Project,
  node: string,
  programs: readonly Starting[],
  times: number,
): Promise<Taken[]> {
  const argumentsOf = ({ code }: Starting, k: number) => (code === NOTHING.code ? ["-e", code] : [`start-${k}.mjs`])
  const runs = programs.map(
    (program, k) => ({ args: argumentsOf(program, k), env: program.env, elapsed: [], worked: [] }) as Run,
  )
  await project.write({
    "clock.cjs": CLOCK,
    ...Object.fromEntries(programs.map(({ code }, k) => [`start-${k}.mjs`, code])),
  })
  for (let time = 0; time <= times; time++)
    for (const { args, env, elapsed, worked } of runs) {
      const options = { cwd: project.folder, env: { ...project.env, ...env }, stdio: "ignore" } as const
      const start = performance.now()
      spawnSync(node, args, options)
      const end = performance.now()
      const output = await project.run(node, ["--require", "./clock.cjs", ...args], env)
      if (time === 0) continue
      elapsed.push(end - start)
      worked.push(Number(output))
    }
  return runs.map(({ elapsed, worked }) => ({ elapsed: median(elapsed), worked: Math.min(...worked) }))
}

interface Run {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly elapsed: number[]
  readonly worked: number[]
}
