/** What runs this command. */
import type { RuntimeChoice } from "@taeda/choices"

export interface RuntimeFacts {
  readonly name: Exclude<RuntimeChoice["name"], "browser">
  readonly version: string
  /** Whether it is recent enough; of Bun and Deno nothing is known that would be too old. */
  readonly supported: boolean
}

export const OLDEST_NODE = 20

type Versions = Readonly<Record<string, string | undefined>>

/** By what the runtime says of itself: Bun and Deno tell a version of Node, too. */
export function runtimeFacts(versions: Versions = process.versions): RuntimeFacts {
  const { bun, deno, node = "0" } = versions
  if (bun) return { name: "bun", version: bun, supported: true }
  if (deno) return { name: "deno", version: deno, supported: true }
  return { name: "node", version: node, supported: Number.parseInt(node, 10) >= OLDEST_NODE }
}
