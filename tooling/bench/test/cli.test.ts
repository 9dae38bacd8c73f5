import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { WORK_NAMES, type WorkName } from "../src/works.ts"

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url))

const bench = (...args: string[]) =>
  spawnSync(process.execPath, ["--conditions=@taeda/source", CLI, "--no-peers", ...args], { encoding: "utf8" })

test("--json prints a row per work, with a plausible time", () => {
  const { status, stdout } = bench("--json")
  expect(status).toBe(0)
  const rows = JSON.parse(stdout) as { work: WorkName; library: string; ms: number }[]
  expect(rows.map((r) => r.work)).toEqual(WORK_NAMES)
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(["work", "library", "ms"])
    expect(row.library).toBe("taeda cpu-js")
    expect(row.ms).toBeGreaterThan(0)
    expect(row.ms).toBeLessThan(60_000)
  }
}, 120_000)

test("--work takes the works whose names have that part", () => {
  const { status, stdout } = bench("--work", "2x2")
  expect(status).toBe(0)
  expect(stdout).toMatch(/^work +taeda cpu-js\nadd 2x2 +[\d.]+ µs\nadd 2x2 recorded +[\d.]+ µs\n/)
}, 60_000)

test.each([
  [["--backend", "tpu"], "bench: unknown backend tpu; known: cpu-js, wasm-simd, webgpu, cuda"],
  [["--work", "fft"], "bench: no work is called fft; known: add 2x2, "],
  [["--backend", "cuda"], 'bench: taeda: no device "cuda" here: its backend, cuda, is not released yet'],
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
