/** taeda's times: with its own kernels, with NVIDIA's libraries, and recorded as a graph. */
import type { CudaBackend, LibraryChoice } from "@taeda/backend-cuda"
import * as torch from "taeda"
import { measure, PATIENCE } from "./measure.ts"
import { isLost, openCard, type Place } from "./open.ts"
import { prepare } from "./ours.ts"
import { recorded } from "./recorded.ts"
import { attempt, print } from "./rows.ts"
import { type Scale, type Work, worksOf } from "./works.ts"

interface Way {
  readonly who: string
  readonly libraries: LibraryChoice
  /** Recorded once, then replayed. */
  readonly graph?: true
}

const OWN: Way = { who: "taeda", libraries: "none" }

/** How the works of each part are done. */
const WAYS: Readonly<Record<string, readonly Way[]>> = {
  launch: [OWN],
  matmul: [OWN, { who: "taeda with cuBLASLt", libraries: ["cublasLt"] }],
  thresholds: [OWN, { who: "taeda with cuBLASLt", libraries: ["cublasLt"] }],
  bandwidth: [OWN],
  steps: [
    OWN,
    { who: "taeda, a graph", libraries: "none", graph: true },
    { who: "taeda with libraries", libraries: "auto" },
    { who: "taeda with libraries, a graph", libraries: "auto", graph: true },
  ],
  conv: [OWN, { who: "taeda with cuDNN", libraries: ["cudnn"] }],
  other: [OWN],
}

function time(backend: CudaBackend, work: Work, { who, libraries, graph }: Way, scale: Scale): void {
  const { part, name, amount, unit, type } = work
  backend.useLibraries(libraries)
  torch.setFloat32MatmulPrecision(type === "tf32" ? "high" : "highest")
  torch.scope(() => {
    const prepared = prepare(work, backend)
    const ready = graph ? recorded(prepared) : prepared
    try {
      const ms = measure(backend, ready, PATIENCE[scale])
      print({ kind: "time", part, work: name, who, ms, amount, unit })
    } finally {
      ready.dispose?.()
    }
  })
}

/** Measures the works of a part. */
export async function timePart(part: string, scale: Scale, place: Place): Promise<void> {
  let backend = await openCard(place)
  const missing = new Set<string>()
  for (const work of worksOf(scale).filter((each) => each.part === part))
    for (const way of WAYS[part]) {
      if (missing.has(way.who)) continue
      const done = await attempt(part, `${work.name}, ${way.who}`, () => {
        time(backend, work, way, scale)
        return true
      })
      // An error of the GPU takes everything along; what comes next has a fresh one.
      if (!done && isLost(backend)) backend = await openCard(place)
      // A library that is not there is told of once.
      if (!done && typeof way.libraries !== "string") {
        const report = backend.libraries().find(({ name }) => way.libraries.includes(name))
        if (report?.state !== "ready") missing.add(way.who)
      }
    }
}
