import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { COSTS } from "../src/costs.ts"
import { type TableWork, WORK_NAMES } from "../src/works.ts"

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url))

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["--conditions=@taeda/source", CLI, ...args], { encoding: "utf8" })

const bench = (...args: string[]) => run("--no-peers", ...args)

test("--json prints a row per work, with a plausible time", () => {
  const { status, stdout } = bench("--json")
  expect(status).toBe(0)
  const rows = JSON.parse(stdout) as { work: TableWork; library: string; ms: number; share?: number }[]
  expect(rows.map((r) => r.work)).toEqual(WORK_NAMES)
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(["work", "library", "ms", ...(COSTS[row.work] ? ["share"] : [])])
    expect(row.library).toBe("taeda cpu-js")
    expect(row.ms).toBeGreaterThan(0)
    expect(row.ms).toBeLessThan(60_000)
  }
}, 120_000)

test("--work takes the works whose names have that part", () => {
  const { status, stdout } = bench("--work", "2x2")
  expect(status).toBe(0)
  expect(stdout).toMatch(/^work +taeda cpu-js\nadd 2x2 +[\d.]+ µs\nadd 2x2 recorded +[\d.]+ µs\n/)
})

test("every new peer takes part, by parts of its name, and Markdown has its ratio", () => {
  const { status, stdout } = run("--only-peers", "tfjs wasm, ORT", "--work", "softmax", "--markdown")
  expect(status).toBe(0)
  const [heading, , softmax, , ...notes] = stdout.split("\n")
  expect(heading).toBe("| work | taeda cpu-js | of the limit | tfjs wasm | ort-web | ort-node |")
  expect(softmax).toMatch(/^\| softmax 1000x1000 \| [\d.]+ ms \| [\d.]+ % (\| [\d.]+× ){3}\|$/)
  expect(notes.join("\n")).toMatch(/^Medians; .*\nLimits of 1 thread, .*\nVersions: tfjs wasm [\d.]+, ort-web [\d.]+, /)
})

test("--growth: nanoseconds per element at each size", () => {
  const { status, stdout } = bench("--growth", "--work", "2^8")
  expect(status).toBe(0)
  const [heading, line, ...rest] = stdout.split("\n")
  expect(heading.split(/ {2,}/)).toEqual([
    "ns per element",
    "add, taeda cpu-js",
    "gelu, taeda cpu-js",
    "sum, taeda cpu-js",
  ])
  expect(line).toMatch(/^2\^8( +[\d.]+){3}$/)
  expect(rest.join("\n")).toMatch(/^\nMedians, in nanoseconds per element\. /)
})

test.each([
  [["--backend", "tpu"], "bench: unknown backend tpu; known: cpu-js, wasm-simd, cuda, webgpu"],
  [["--work", "fft"], "bench: no work is called fft; known: add 2x2, "],
  [["--backend", "cuda"], "bench: taeda: cuda: "],
  [
    ["--peers", "--only-peers", "ort-web,numpy"],
    'bench: no peer is called "numpy"; known: tfjs cpu, tfjs wasm, jax-js cpu, ',
  ],
  [["--peers", "--only-peers", "ort-web", "--growth"], 'bench: no peer is called "ort-web"; known: PyTorch cpu'],
  [["--growth", "--work", "2^9"], "bench: no work is called 2^9; known: add 2^8, "],
  [["--backend", "webgpu", "--growth"], "bench: --growth is not measured for webgpu"],
  [["--backend", "webgpu", "--rounds", "0"], "bench: --rounds 0 is no number of rounds"],
  [["--backend", "webgpu", "--work", "fft"], "bench: no work is called fft; known: mlp step, cnn step, "],
  [
    ["--backend", "webgpu", "--peers", "--only-peers", "ort-node"],
    'bench: no peer is called "ort-node"; known: tfjs webgpu, jax-js webgpu, ort-web webgpu',
  ],
  [["--limit", "soon"], "bench: --limit soon is no number of seconds"],
  [["--jsn"], "bench: Unknown option '--jsn'"],
])(
  "%j is refused without a stack",
  (args, message) => {
    const { status, stdout, stderr } = bench(...args)
    expect([status, stdout]).toEqual([2, ""])
    expect(stderr).toContain(message)
    expect(stderr).not.toContain("    at ")
  },
  30_000,
)
