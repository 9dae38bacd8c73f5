/** What there is on the machine. */
import { spawnSync } from "node:child_process"
import { cpus, totalmem } from "node:os"
import { openCard, type Place } from "./open.ts"
import { attempt, print } from "./rows.ts"

const PART = "facts"
const fact = (name: string, text: string): void => print({ kind: "fact", part: PART, name, text })

/** The first lines that a command prints, or why there are none. */
function said(command: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 })
  if (error) return `none (${error.message})`
  const text = (status === 0 ? stdout : `failed: ${stderr}`).trim()
  return text.split("\n").slice(-3).join("; ").slice(0, 500)
}

const SMI = "name,driver_version,clocks.sm,clocks.max.sm,clocks.max.mem,power.limit,temperature.gpu,persistence_mode"

export async function tellFacts(place: Place): Promise<void> {
  fact("Node", `${process.version} on ${process.platform} ${process.arch}`)
  fact(
    "processor",
    `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  )
  await attempt(PART, "opening the GPU", async () => {
    const backend = await openCard(place)
    const { name, computeCapability, multiprocessors, sharedBytes, totalBytes } = backend.device
    fact("GPU", name)
    fact("compute capability", computeCapability.join("."))
    fact("multiprocessors", String(multiprocessors))
    fact("shared memory of a block", String(sharedBytes))
    fact("memory", `${(totalBytes / 2 ** 30).toFixed(1)} GiB`)
    for (const note of backend.capabilities.notes) fact("note", note)
    backend.useLibraries("auto")
    for (const { name: library, state, version, file, reason } of backend.libraries())
      fact(library, [state, version, file, reason].filter(Boolean).join(", "))
  })
  fact("nvidia-smi", said("nvidia-smi", [`--query-gpu=${SMI}`, "--format=csv,noheader"]))
  fact(
    "PyTorch",
    said("python3", [
      "-c",
      "import torch; print(torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', torch.backends.cudnn.version(), torch.cuda.get_device_name())",
    ]),
  )
}
