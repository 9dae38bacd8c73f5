/** PyTorch for comparison, where a Python that has it is at hand (`TAEDA_PYTHON`, python3 or python). */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Row } from "./measure.ts"
import type { WorkName } from "./works.ts"

const SCRIPT = fileURLToPath(new URL("./pytorch.py", import.meta.url))

/** A Python that imports torch, or null. */
export function pythonWithTorch(): string | null {
  const candidates = [process.env.TAEDA_PYTHON, "python3", "python"].filter((c) => c !== undefined)
  return candidates.find((c) => spawnSync(c, ["-c", "import torch"], { stdio: "ignore" }).status === 0) ?? null
}

/** Its rows, measured now. */
export function pytorch(python: string, works: readonly WorkName[]): Row[] {
  const { status, stdout, stderr } = spawnSync(python, [SCRIPT, ...works], { encoding: "utf8" })
  if (status !== 0) throw new Error(`PyTorch's part failed: ${stderr}`)
  return stdout
    .trim()
    .split("\n")
    .map((line) => ({ ...(JSON.parse(line) as { work: WorkName; ms: number }), library: "PyTorch" }))
}
