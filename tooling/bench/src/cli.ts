/** `pnpm bench`: taeda beside its peers, the same work in one run. */
import { availableParallelism, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { type Contestant, measureWorks, type Row } from "./contestants.ts"
import { GPU_PEERS } from "./gpu/contestants.ts"
import { GPU_WORKS } from "./gpu/works.ts"
import { type Limits, limitsText, probeLimits, share } from "./limits.ts"
import { peers as find, matchPeers, PEER_NAMES, PEERS_OF, PYTORCH, taeda } from "./peers.ts"
import { asMarkdown, asText, grid, growthGrid, rowText } from "./table.ts"
import { GROWTH_NAMES, type TableWork, WORK_NAMES, WORKS, type WorkName } from "./works.ts"

const USAGE = `pnpm bench [options]: medians of one run, and how many times taeda's time each peer takes
  --backend <name>    ours to measure (cpu-js); webgpu is measured in a Chromium, with what it asks of the GPU
  --work <text>       only the works with this in their name
  --only-peers <list> these peers instead of the backend's own, by parts of their names: "ort-web, pytorch"
  --no-peers          taeda alone
  --growth            instead of the table: how the time of a few operations grows with the number of elements
  --limit <seconds>   a library is given up at a work that takes longer (120); not for webgpu
  --rounds <number>   webgpu: how often all works are measured, the libraries in turn (3)
  --markdown          the table for a page such as docs/performance.md
  --json              the rows as [{ "work", "library", "ms" }]; "gaveUp": true marks a time that is the limit, and
                      "share" is what taeda reaches of the machine's own limit
`

interface BackendKind {
  readonly device: string
  /** Whether it computes on the processor, whose limits are probed. */
  readonly onCpu: boolean
}

const BACKENDS: Record<string, BackendKind> = {
  "cpu-js": { device: "cpu", onCpu: true },
  "wasm-simd": { device: "wasm", onCpu: true },
  cuda: { device: "cuda", onCpu: false },
}

/** The backend that is measured in a browser. */
const GPU = "webgpu"

/** Something is wrong with what was asked for. */
function refuse(message: string): never {
  console.error(`bench: ${message}`)
  process.exit(2)
}

/** What `ask` gives; its error is the person's. */
function asked<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    return refuse((error as Error).message)
  }
}

const options = asked(() => {
  const { values } = parseArgs({
    options: {
      backend: { type: "string", default: "cpu-js" },
      work: { type: "string", default: "" },
      limit: { type: "string", default: "120" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      growth: { type: "boolean", default: false },
      peers: { type: "boolean", default: true },
      "only-peers": { type: "string" },
      help: { type: "boolean", default: false },
    },
    allowNegative: true,
  })
  return values
})
const { backend, work, limit, json, markdown, growth, help } = options
if (help) {
  console.log(USAGE)
  process.exit()
}

/** The works out of `known` with the wanted text in their names. */
function matchWorks<Name extends string>(known: readonly Name[]): Name[] {
  const works = known.filter((name) => name.includes(work))
  return works.length > 0 ? works : refuse(`no work is called ${work}; known: ${known.join(", ")}`)
}

if (backend === GPU) {
  if (growth) refuse(`--growth is not measured for ${GPU}`)
  const rounds = Number(options.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) refuse(`--rounds ${options.rounds} is no number of rounds`)
  const wanted = options["only-peers"]
  const chosen = wanted === undefined ? GPU_PEERS : asked(() => matchPeers(wanted, GPU_PEERS))
  const peers = options.peers ? chosen : []
  const { benchGpu } = await import("./gpu/bench.ts")
  process.exit(await benchGpu({ works: matchWorks(GPU_WORKS), peers, rounds, markdown, json }))
}

const { device, onCpu } =
  BACKENDS[backend] ?? refuse(`unknown backend ${backend}; known: ${[...Object.keys(BACKENDS), GPU].join(", ")}`)
const works = matchWorks<WorkName>(growth ? GROWTH_NAMES : WORK_NAMES)
const limitMs = Number(limit) * 1000
if (!(limitMs > 0)) refuse(`--limit ${limit} is no number of seconds`)

/** The names of the peers that take part. Growth is measured for PyTorch alone. */
function peerNames(): readonly string[] {
  if (!options.peers) return []
  const wanted = options["only-peers"]
  if (wanted !== undefined) return asked(() => matchPeers(wanted, growth ? [PYTORCH] : PEER_NAMES))
  return growth ? [PYTORCH] : PEERS_OF[backend]
}

const names = peerNames()
const peers = find(names)
const cores = availableParallelism()
/** Programs that ran meanwhile take cores away from whoever uses several. */
const [busy] = loadavg()
const ours = taeda(backend, device)
const rows: Row[] = []

/** taeda's own rows with their shares of the limits, and the limits. */
async function measureOurs(contestant: Contestant): Promise<Limits | null> {
  const measured = await measure(contestant)
  // A peer that cannot do a work is left out of it; taeda must do them all.
  if (measured.failed.length > 0) process.exit(2)
  if (!onCpu || growth) {
    rows.push(...measured.rows)
    return null
  }
  const limits = await probeLimits(measured.threads)
  for (const row of measured.rows) {
    const reached = row.gaveUp ? null : share(row.work as TableWork, row.ms, limits)
    rows.push(reached === null ? row : { ...row, share: reached })
  }
  return limits
}

async function measure(contestant: Contestant) {
  console.error(contestant.name)
  const measured = await measureWorks(contestant, works, limitMs, (row) => {
    const what = growth ? "" : ` (${WORKS[row.work as TableWork]})`
    console.error(`  ${row.work}${what}: ${rowText(row)}`)
  })
  if (measured.failed.length > 0) console.error(`  failed: ${measured.failed.join(", ")}`)
  return measured
}

const limits = await measureOurs(ours)
for (const peer of peers) rows.push(...(await measure(peer)).rows)

/** What a reader has to know of the run. */
function notes(): string[] {
  const measure = growth ? "Medians, in nanoseconds per element." : "Medians; n× is that library's time over taeda's."
  const [date] = new Date().toISOString().split("T")
  const versions = peers.map(({ name, version }) => `${name} ${version}`)
  return [
    `${measure} Node ${process.version}, ${process.platform} ${process.arch}, ${cores} cores, ${date}.`,
    ...(limits ? [limitsText(limits)] : []),
    ...(versions.length > 0 ? [`Versions: ${versions.join(", ")}.`] : []),
    ...(busy > cores / 2
      ? [`The machine was busy when this began (load ${busy.toFixed(1)}): measure again when it is not.`]
      : []),
    ...(names.includes(PYTORCH) && !peers.some((p) => p.name === PYTORCH)
      ? ["No PyTorch found: set TAEDA_PYTHON to a Python that has it."]
      : []),
  ]
}

if (json) console.log(JSON.stringify(rows, null, 1))
else {
  const lines = growth ? growthGrid(rows) : grid(rows, { ratiosOnly: markdown })
  console.log(`${markdown ? asMarkdown(lines) : asText(lines)}\n\n${notes().join("\n")}`)
}
