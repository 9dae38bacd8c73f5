/** `pnpm bench`: taeda beside its peers, the same work in one run. */
import { parseArgs } from "node:util"
import { type Contestant, JS_PEERS, measureWorks, pytorch, type Row, taeda } from "./contestants.ts"
import { rowText, table } from "./table.ts"
import { WORK_NAMES, WORKS } from "./works.ts"

const USAGE = `pnpm bench [options]: medians of one run, and how many times taeda's time each peer takes
  --backend <name>    ours to measure (cpu-js)
  --work <text>       only the works with this in their name
  --limit <seconds>   a library is given up at a work that takes longer (120)
  --no-peers          taeda alone
  --json              the rows as [{ "work", "library", "ms" }]; "gaveUp": true marks a time that is the limit
`

const DEVICES: Record<string, string> = { "cpu-js": "cpu", "wasm-simd": "wasm", webgpu: "webgpu", cuda: "cuda" }

/** Something is wrong with what was asked for. */
function refuse(message: string): never {
  console.error(`bench: ${message}`)
  process.exit(2)
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        backend: { type: "string", default: "cpu-js" },
        work: { type: "string", default: "" },
        limit: { type: "string", default: "120" },
        json: { type: "boolean", default: false },
        peers: { type: "boolean", default: true },
        help: { type: "boolean", default: false },
      },
      allowNegative: true,
    })
    return values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

const { backend, work, limit, json, peers, help } = options()
if (help) {
  console.log(USAGE)
  process.exit()
}
const device = DEVICES[backend] ?? refuse(`unknown backend ${backend}; known: ${Object.keys(DEVICES).join(", ")}`)
const works = WORK_NAMES.filter((name) => name.includes(work))
if (works.length === 0) refuse(`no work is called ${work}; known: ${WORK_NAMES.join(", ")}`)
const limitMs = Number(limit) * 1000
if (!(limitMs > 0)) refuse(`--limit ${limit} is no number of seconds`)

const python = peers ? pytorch() : null
const ours = taeda(backend, device)
const contestants: Contestant[] = [ours, ...(peers ? JS_PEERS : []), ...(python ? [python] : [])]
const rows: Row[] = []
for (const contestant of contestants) {
  console.error(contestant.name)
  const measured = await measureWorks(contestant, works, limitMs, (row) =>
    console.error(`  ${row.work} (${WORKS[row.work]}): ${rowText(row)}`),
  )
  rows.push(...measured.rows)
  if (measured.failed.length === 0) continue
  console.error(`  failed: ${measured.failed.join(", ")}`)
  // A peer that cannot do a work is left out of it; taeda must do them all.
  if (contestant === ours) process.exit(2)
}

if (json) console.log(JSON.stringify(rows, null, 1))
else {
  console.log(table(rows))
  console.log(
    `\nMedians; n× is that library's time over taeda's. Node ${process.version}, ${process.platform} ${process.arch}.`,
  )
  if (peers && !python) console.log("No PyTorch found: set TAEDA_PYTHON to a Python that has it.")
}
