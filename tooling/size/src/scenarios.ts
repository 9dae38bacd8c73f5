/** What is weighed, and what it may weigh: kilobytes (1000 bytes), minified and gzipped. */

export interface Scenario {
  readonly program: string
  /** What the page has. */
  readonly title: string
  /** At most so many; null for what is not ours. */
  readonly budget: number | null
  /** Parts that are loaded besides when the program runs. */
  readonly asked?: readonly string[]
}

/** The first head of their table in docs/performance.md. */
export const TABLE = "what the page has"

export const SCENARIOS: readonly Scenario[] = [
  { program: "functions", title: "`taeda/lean`, functions alone; webgpu with products", budget: 60 },
  { program: "leanest", title: "`taeda/lean` with `nn` and `optim`; webgpu with products", budget: 69 },
  { program: "lean", title: "`taeda/lean` with `nn` and `optim`; all of webgpu", budget: 90 },
  { program: "taeda-cpu", title: "`taeda`; cpu-js", budget: 115 },
  { program: "taeda", title: "`taeda`; cpu-js and all of webgpu", budget: 159 },
  { program: "jax", title: "jax-js, functions; its cpu, wasm and webgpu", budget: null, asked: ["webgpu"] },
  { program: "tfjs-core", title: "TensorFlow.js, functions (`tfjs-core`); webgpu", budget: null },
  { program: "tfjs", title: "TensorFlow.js with layers (`tfjs`); cpu, webgl and webgpu", budget: null },
]
