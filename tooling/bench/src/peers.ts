/** Who takes part, and which of the peers does so beside which backend. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Contestant } from "./contestants.ts"

const beside = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** A library in a process with this one's Node and its flags. */
const node = (name: string, library: string, device: string, version?: string): Contestant => ({
  name,
  version,
  command: process.execPath,
  args: [...process.execArgv, beside("./library.ts"), library, device],
})

export const taeda = (backend: string, device: string): Contestant => node(`taeda ${backend}`, "taeda", device)

const { dependencies } = JSON.parse(readFileSync(beside("../package.json"), "utf8")) as {
  dependencies: Record<string, string>
}

/** The Pythons that may have PyTorch; the first is the person's own choice. */
const PYTHONS = [process.env.TAEDA_PYTHON, "python3", "python"].filter((p) => p !== undefined)

/** PyTorch, where one of the Pythons has it, or null. */
function pytorch(name: string): Contestant | null {
  for (const command of PYTHONS) {
    const { status, stdout } = spawnSync(command, ["-c", "import torch; print(torch.__version__)"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
    if (status === 0) return { name, version: stdout.trim(), command, args: [beside("./pytorch.py")] }
  }
  return null
}

export const PYTORCH = "PyTorch cpu"

/** The peers by name, in the table's order. A peer that this machine lacks is null. */
const PEERS: Record<string, (name: string) => Contestant | null> = {
  "tfjs cpu": (name) => node(name, "tfjs", "cpu", dependencies["@tensorflow/tfjs"]),
  "tfjs wasm": (name) => node(name, "tfjs", "wasm", dependencies["@tensorflow/tfjs-backend-wasm"]),
  "jax-js cpu": (name) => node(name, "jax", "cpu", dependencies["@jax-js/jax"]),
  "jax-js wasm": (name) => node(name, "jax", "wasm", dependencies["@jax-js/jax"]),
  "ort-web": (name) => node(name, "ort", "web", dependencies["onnxruntime-web"]),
  "ort-node": (name) => node(name, "ort", "node", dependencies["onnxruntime-node"]),
  [PYTORCH]: pytorch,
}

const PLAIN_JS = ["tfjs cpu", "jax-js cpu", PYTORCH]
const WASM = ["tfjs wasm", "jax-js wasm", "ort-web", "ort-node", PYTORCH]

/** A backend's peers: what runs on the same kind of machine, and PyTorch. */
export const PEERS_OF: Readonly<Record<string, readonly string[]>> = {
  "cpu-js": PLAIN_JS,
  "wasm-simd": WASM,
  cuda: [PYTORCH],
}

export const PEER_NAMES = Object.keys(PEERS)

/**
 * The names out of `known` that the parts in a list such as "ort-web, pytorch" are found in.
 *
 * @throws RangeError where a part is in none of them
 */
export function matchPeers(list: string, known: readonly string[]): string[] {
  const parts = list.split(",").map((part) => part.trim())
  const has = (name: string, part: string): boolean => name.toLowerCase().includes(part.toLowerCase())
  for (const part of parts)
    if (!part || !known.some((name) => has(name, part)))
      throw new RangeError(`no peer is called ${JSON.stringify(part)}; known: ${known.join(", ")}`)
  return known.filter((name) => parts.some((part) => has(name, part)))
}

/** The named peers, without those that this machine lacks. */
export const peers = (names: readonly string[]): Contestant[] =>
  names.map((name) => PEERS[name](name)).filter((peer) => peer !== null)
