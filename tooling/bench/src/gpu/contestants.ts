/** Who takes part on webgpu. */
import { readFileSync } from "node:fs"
import type { LibraryName } from "./page.ts"

export interface GpuContestant {
  readonly library: LibraryName
  readonly name: string
  /** Of the package that is measured; ours has none. */
  readonly version?: string
}

const { dependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  dependencies: Record<string, string>
}

export const OURS: GpuContestant = { library: "taeda", name: "taeda webgpu" }

const PEERS: readonly GpuContestant[] = [
  { library: "tfjs", name: "tfjs webgpu", version: dependencies["@tensorflow/tfjs-backend-webgpu"] },
  { library: "jax", name: "jax-js webgpu", version: dependencies["@jax-js/jax"] },
  { library: "ort", name: "ort-web webgpu", version: dependencies["onnxruntime-web"] },
]
export const GPU_PEERS = PEERS.map(({ name }) => name)

/** taeda, and the peers of these names. */
export const gpuContestants = (peers: readonly string[]): readonly GpuContestant[] => [
  OURS,
  ...PEERS.filter(({ name }) => peers.includes(name)),
]
