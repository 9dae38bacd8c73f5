import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { COUNT_NAMES, type GpuCounts } from "../src/gpu/counts.ts"
import { disagreements, type GpuRow, rowOf } from "../src/gpu/rows.ts"
import { gpuGrid } from "../src/gpu/table.ts"
import { turnstile } from "../src/gpu/turnstile.ts"

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url))
const ZERO = Object.fromEntries(COUNT_NAMES.map((name) => [name, 0])) as unknown as GpuCounts

const row = (work: string, library: string, ms: number, more: Partial<GpuRow> = {}): GpuRow => ({
  work,
  library,
  ms,
  counts: ZERO,
  values: [1, 2],
  ...more,
})

test("a page's counts are those of its library, and all libraries come to the same results", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@taeda/source", CLI, "--backend", "webgpu", "--rounds", "1", "--work", "add 2x2", "--json"],
    { encoding: "utf8" },
  )
  expect(status, stderr).toBe(0)
  const rows = JSON.parse(stdout) as GpuRow[]
  expect(rows.map((r) => r.library)).toEqual(["taeda webgpu", "tfjs webgpu", "jax-js webgpu", "ort-web webgpu"])
  for (const { counts, ms, latencyMs, values } of rows) {
    expect(counts.dispatches).toBe(1)
    expect(counts.submissions).toBeGreaterThan(0)
    // Of 200, one result is read: 16 bytes, which may come with more.
    expect(counts.readBytes).toBeGreaterThanOrEqual(16 / 200)
    expect(counts.copiedBytes).toBeGreaterThanOrEqual(16 / 200)
    expect(ms).toBeGreaterThan(0)
    expect(latencyMs).toBeGreaterThan(0)
    // All runs of the warming up.
    expect(values).toHaveLength(5 * 4)
  }
}, 120_000)

test("the table has the counts of models and the times of tiny operations", () => {
  const counts = { ...ZERO, dispatches: 21, submissions: 1, writtenBytes: 5376, readBytes: 36 }
  const grid = gpuGrid([
    row("mlp step", "taeda webgpu", 2, { counts }),
    row("add 2x2", "taeda webgpu", 0.02, { counts: { ...ZERO, dispatches: 1 }, latencyMs: 0.4 }),
    row("mlp step", "tfjs webgpu", 5, { counts: { ...counts, dispatches: 42.5 } }),
  ])
  expect(grid).toEqual([
    ["", "taeda webgpu", "tfjs webgpu"],
    ["mlp step: dispatches", "21", "42.5"],
    ["mlp step: submissions", "1", "1"],
    ["mlp step: bytes written", "5,376", "5,376"],
    ["mlp step: bytes read", "36", "36"],
    ["mlp step: time", "2.000 ms", "2.50×"],
    ["add 2x2: dispatches", "1", "–"],
    ["add 2x2: time of many", "0.020 ms", "–"],
    ["add 2x2: time of one and a read", "0.400 ms", "–"],
  ])
})

test("results that differ are named", () => {
  const rows = [
    row("a", "ours", 1),
    row("a", "near", 1, { values: [1, 2.0001] }),
    row("a", "far", 1, { values: [1, 2.001] }),
    row("a", "short", 1, { values: [1] }),
    row("a", "none", 1, { values: [1, Number.NaN] }),
    row("b", "alone", 1),
  ]
  expect(disagreements(rows, "ours")).toEqual(["a of far", "a of short", "a of none"])
})

test("a row has the medians over the rounds", () => {
  const samples = [3, 1, 2].map((ms) => ({
    work: "a",
    ms,
    latencyMs: 2 * ms,
    counts: { ...ZERO, dispatches: 10 * ms },
    values: [ms],
  }))
  expect(rowOf("ours", samples)).toEqual({
    work: "a",
    library: "ours",
    ms: 2,
    latencyMs: 4,
    counts: { ...ZERO, dispatches: 20 },
    values: [3],
  })
})

test("a turnstile lets one through at a time, in order", async () => {
  const turns = turnstile()
  const log: string[] = []
  const pass = async (name: string): Promise<void> => {
    const leave = await turns.take()
    log.push(`${name} in`)
    await new Promise((resolve) => setTimeout(resolve, 1))
    log.push(`${name} out`)
    leave()
    leave()
  }
  await Promise.all([pass("a"), pass("b"), pass("c")])
  expect(log).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"])
})
