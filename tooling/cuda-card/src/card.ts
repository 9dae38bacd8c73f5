/**
 * What the packed folder runs: `node card.mjs [options]`. One run takes what the GPU can tell in some minutes; its parts run as
 * `node card.mjs --part NAME` in processes of their own.
 */
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { tellFacts } from "./facts.ts"
import type { Place } from "./open.ts"
import { attempt } from "./rows.ts"
import { type Part, runParts } from "./run.ts"
import { runSuite } from "./suite.ts"
import { timePart } from "./times.ts"
import { tune } from "./tune.ts"
import { linkLibraries, wheelFolders } from "./wheels.ts"
import { type Scale, worksOf } from "./works.ts"

const USAGE = `node card.mjs [options]: the suite and the measurements of the backend cuda on this machine's GPU
  --out FOLDER        where report.md, report.json and rows.jsonl are kept (report)
  --seconds N         the time of the whole run (480)
  --only LIST         only these parts, with commas between them
  --scale card|tiny   tiny sizes prove that everything works (card)
  --most-ops N        only so many ops of the suite
  --python FILE       the Python that may have PyTorch (python3)
  --addon FILE, --driver FILE, --libraries FOLDER    in place of this folder's and the system's own
`

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "report" },
    seconds: { type: "string", default: "480" },
    only: { type: "string" },
    scale: { type: "string", default: "card" },
    "most-ops": { type: "string" },
    python: { type: "string", default: "python3" },
    addon: { type: "string" },
    driver: { type: "string" },
    libraries: { type: "string" },
    part: { type: "string" },
    index: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  },
})

const scale: Scale = values.scale === "tiny" ? "tiny" : "card"
const place: Place = { addon: values.addon, driver: values.driver, libraryFolder: values.libraries }
const most = values["most-ops"] === undefined ? undefined : Number(values["most-ops"])

/** The suite waits for the driver's compiler above all, which uses one core. */
const SUITES = Math.max(1, Math.min(8, availableParallelism() - 1))

interface PartOf extends Omit<Part, "name" | "command" | "processes"> {
  readonly processes?: number
  /** What a process of it does; PyTorch's is Python. */
  readonly work: ((name: string, index: number) => Promise<void>) | "python"
}

const times = (title: string, seconds: number): PartOf => ({
  title,
  seconds,
  work: (name) => timePart(name, scale, place),
})

/** In order of worth. */
const PARTS: Readonly<Record<string, PartOf>> = {
  facts: { title: "The machine", seconds: 40, work: () => tellFacts(place) },
  smoke: {
    title: "The suite, a few cases of each op",
    seconds: 75,
    processes: SUITES,
    work: (part, index) => runSuite({ part, full: false, index, of: SUITES, most }, place),
  },
  launch: times("Launches", 15),
  matmul: times("Products of matrices", 70),
  bandwidth: times("Bandwidth", 40),
  steps: times("Steps of training", 40),
  tune: {
    title: "Tiles of products: that they agree, and how fast they are",
    seconds: 60,
    work: (part) => tune(part, scale, place),
  },
  pytorch: { title: "PyTorch", seconds: 100, work: "python" },
  thresholds: times('Small products, for what "auto" should leave to cuBLASLt', 25),
  conv: times("Convolutions", 40),
  other: times("Sorts, running sums, short rows, scatters", 30),
  suite: {
    title: "The whole suite",
    seconds: 300,
    processes: SUITES,
    work: (part, index) => runSuite({ part, full: true, index, of: SUITES, most }, place),
  },
}

/** What the processes of a part are given besides its name: the same libraries as PyTorch has, where it has its own. */
function argumentsOfParts(): string[] {
  const libraries = values.libraries ?? linkLibraries(wheelFolders(values.python), join(values.out, "libraries"))
  return Object.entries({ ...values, libraries, part: undefined, index: undefined, help: undefined }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`--${name}`, value]),
  )
}

function commandOf(name: string, { work }: PartOf, given: readonly string[]): Part["command"] {
  if (work !== "python")
    return (index) => [process.execPath, import.meta.filename, "--part", name, "--index", String(index), ...given]
  return () => [values.python, join(import.meta.dirname, "works.py"), JSON.stringify(worksOf(scale))]
}

if (values.help) process.stdout.write(USAGE)
else if (values.part) {
  const { part, index } = values
  const { work, title } = PARTS[part]
  if (work !== "python") await attempt(part, title, () => work(part, Number(index)))
  // Threads that wait must not keep it.
  process.exit()
} else {
  const given = argumentsOfParts()
  const only = values.only?.split(",")
  const parts = Object.entries(PARTS)
    .filter(([name]) => !only || only.includes(name))
    .map(
      ([name, part]): Part => ({
        name,
        title: part.title,
        seconds: part.seconds,
        processes: part.processes ?? 1,
        command: commandOf(name, part, given),
      }),
    )
  const say = (text: string): void => void process.stderr.write(`${text}\n`)
  await runParts(parts, values.out, Number(values.seconds), say)
  say(`The report is in ${join(values.out, "report.md")}`)
}
