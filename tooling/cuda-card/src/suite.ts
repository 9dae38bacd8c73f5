/** The suite against the GPU, op by op, so that what was found is told at once. */
import { type CudaBackend, createCuda } from "@taeda/backend-cuda"
import { checksOf, delegate, knownGapsOf, runConformance } from "@taeda/conformance"
import type { Backend } from "@taeda/core"
import { isLost, type Place, placed } from "./open.ts"
import { attempt, print } from "./rows.ts"

/** Failures of an op that are told in full. */
const TOLD = 5

export interface Share {
  readonly part: string
  /** A few cases of each op, or all. */
  readonly full: boolean
  /** Which of how many processes this is: each has its share of the ops. */
  readonly index: number
  readonly of: number
  /** Only so many ops in all; for a proof that it works. */
  readonly most?: number
}

async function open(place: Place): Promise<readonly [CudaBackend, Backend]> {
  const backend = await createCuda({ ...placed(place), libraries: "none" })
  // The suite disposes of what it is given.
  return [backend, { ...delegate(backend), dispose: () => undefined }]
}

export async function runSuite({ part, full, index, of, most }: Share, place: Place): Promise<void> {
  let [backend, kept] = await open(place)
  const knownGaps = knownGapsOf("cuda")
  const ops = [...new Set((await checksOf(kept, { full })).map(({ op }) => op))].slice(0, most)
  for (const [i, op] of ops.entries()) {
    if (i % of !== index) continue
    await attempt(part, `the suite of ${op}`, async () => {
      const options = full ? {} : { steps: 10 }
      const { passed, failed, gaps, cases } = await runConformance({
        backend: kept,
        ops: [op],
        full,
        knownGaps: knownGaps.filter((gap) => gap.op === op),
        ...options,
      })
      const failures = cases
        .filter(({ status }) => status === "failed")
        .slice(0, TOLD)
        .map(({ id, failures: all = [] }) =>
          `${id}: ${all.map(({ template, problems }) => `${template}: ${problems[0]}`).join("; ")}`.slice(0, 500),
        )
      print({ kind: "suite", part, op, passed, failed, gaps, failures })
    })
    // An error of the GPU takes everything along; the next op has a fresh one.
    if (isLost(backend)) [backend, kept] = await open(place)
  }
}
