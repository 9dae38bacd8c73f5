/**
 * What launches cost the host: taeda on a driver that does nothing, beside PyTorch on one thread of the processor, at sizes at which its
 * arithmetic costs nothing. That is less than PyTorch's eager mode costs on a GPU, where each op calls the driver as well.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type CudaBackend, createCuda } from "@taeda/backend-cuda"
import { buildAddon, targetHere } from "@taeda/cuda-addon"
import { buildIdleDriver } from "@taeda/cuda-emulator"
import * as torch from "taeda"
import { measure, PATIENCE } from "./measure.ts"
import { type Prepared, prepare } from "./ours.ts"
import { recorded } from "./recorded.ts"
import { table } from "./report.ts"
import { rowOf } from "./rows.ts"
import { type HostWork, hostWorks, type Work } from "./works.ts"

const USAGE = `pnpm --filter @taeda/cuda-card host [options]: what launches cost the host, on a driver that does nothing
  --work TEXT     only the works with this in their name
  --quick         short samples, which prove that everything works and say little of times
TAEDA_PYTHON names a Python that has PyTorch (python3).
`

interface Line {
  readonly work: string
  /** Microseconds of taeda's. */
  readonly us: number
  /** Kernels that the work launches. */
  readonly launches: number
  /** Microseconds of PyTorch's; null where there is none. */
  readonly peerUs: number | null
}

/** The backend on the driver that does nothing, as the default device. */
export async function openIdle(addon?: string): Promise<CudaBackend> {
  const [file, driver] = [addon ?? (await buildAddon(targetHere())), await buildIdleDriver()]
  torch.registerBackend("cuda", () => createCuda({ addon: file, driver, libraries: "none" }))
  const { backend } = await torch.setDefaultDevice("cuda")
  return backend as unknown as CudaBackend
}

/** Kernels that one run launches. */
function launchesOf(backend: CudaBackend, { run, repeat = 1 }: Prepared): number {
  const once = (): void => torch.scope(() => void run())
  // What is made once is made at the first run.
  once()
  const before = backend.counts().launches
  once()
  return (backend.counts().launches - before) / repeat
}

/** PyTorch's times in microseconds, by the works' names; none where this machine has no PyTorch. */
function peers(works: readonly Work[]): ReadonlyMap<string, number> {
  const command = process.env.TAEDA_PYTHON ?? "python3"
  const args = [join(import.meta.dirname, "works.py"), JSON.stringify(works), "cpu"]
  const { stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
  const rows = (stdout ?? "").split("\n").flatMap((line) => rowOf(line) ?? [])
  for (const row of rows) if (row.kind === "failure") console.error(`${row.what}: ${row.text}`)
  return new Map(rows.flatMap((row) => (row.kind === "time" ? [[row.work, 1000 * row.ms]] : [])))
}

function measureWorks(backend: CudaBackend, works: readonly HostWork[], quick: boolean): Line[] {
  const patience = PATIENCE[quick ? "tiny" : "host"]
  const theirs = quick ? new Map<string, number>() : peers(works.map(({ peer }) => peer))
  return works.flatMap(({ ours }) =>
    torch.scope(() => {
      const prepared = prepare(ours, backend)
      const launches = launchesOf(backend, prepared)
      const us = 1000 * measure(backend, prepared, patience)
      const peerUs = theirs.get(ours.name) ?? null
      const line: Line = { work: ours.name, us, launches, peerUs }
      if (ours.op !== "step") return [line]
      const graph = recorded(prepared)
      try {
        return [
          line,
          { work: `${ours.name}, as a graph`, us: 1000 * measure(backend, graph, patience), launches: 1, peerUs },
        ]
      } finally {
        graph.dispose?.()
      }
    }),
  )
}

function asMarkdown(lines: readonly Line[]): string {
  const digits = (us: number): string => (us < 10 ? us.toFixed(2) : us.toFixed(0))
  return table(
    ["work", "taeda, µs", "launches", "µs a launch", "PyTorch cpu, µs", "PyTorch's time over taeda's"],
    lines.map(({ work, us, launches, peerUs }) => [
      work,
      digits(us),
      String(launches),
      digits(us / launches),
      peerUs === null ? "–" : digits(peerUs),
      peerUs === null ? "–" : `${(peerUs / us).toFixed(2)}×`,
    ]),
  )
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      work: { type: "string", default: "" },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) process.stdout.write(USAGE)
  else {
    const works = hostWorks("card").filter(({ ours }) => ours.name.includes(values.work))
    const lines = measureWorks(await openIdle(), works, values.quick)
    console.log(
      `${asMarkdown(lines)}\n\nMedians. Node ${process.version}, ${process.platform} ${process.arch}; no GPU, and no driver's time.`,
    )
  }
  process.exit()
}
