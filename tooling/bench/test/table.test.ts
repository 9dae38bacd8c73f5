import { timeText } from "@taeda/cli/times"
import { expect, test } from "vitest"
import type { Row } from "../src/contestants.ts"
import { asMarkdown, asText, grid, growthGrid } from "../src/table.ts"

test("times in the unit that suits them", () => {
  expect([0.00011, 0.0099, 0.01, 3.69, 29.84, 13893.8].map(timeText)).toEqual([
    "0.11 µs",
    "9.90 µs",
    "0.010 ms",
    "3.690 ms",
    "29.8 ms",
    "13.9 s",
  ])
})

const ROWS: readonly Row[] = [
  { work: "matmul 256", library: "taeda cpu-js", ms: 4 },
  { work: "matmul 256", library: "peer", ms: 40 },
  { work: "matmul 256", library: "slow", ms: 120_000, gaveUp: true },
  { work: "sum 1M", library: "taeda cpu-js", ms: 0.5 },
  { work: "sum 1M", library: "PyTorch", ms: 0.1 },
]

test("a line per work, a column per library, and how many times taeda's time each takes", () => {
  expect(asText(grid(ROWS)).split("\n")).toEqual([
    "work        taeda cpu-js             peer                slow           PyTorch",
    "matmul 256      4.000 ms  40.0 ms (10.0×)  > 120.0 s (30000×)                 –",
    "sum 1M          0.500 ms                –                   –  0.100 ms (0.20×)",
  ])
})

test("the shares of the limit stand beside taeda's times", () => {
  const shares: Partial<Record<Row["work"], number>> = { "matmul 256": 0.914, "add 1M": 0.0512 }
  const rows = [{ work: "add 1M", library: "taeda cpu-js", ms: 2 } as Row, ...ROWS].map((row) =>
    row.library.startsWith("taeda") && shares[row.work] ? { ...row, share: shares[row.work] } : row,
  )
  expect(grid(rows).map((line) => line.slice(0, 4))).toEqual([
    ["work", "taeda cpu-js", "of the limit", "peer"],
    ["add 1M", "2.000 ms", "5.1 %", "–"],
    ["matmul 256", "4.000 ms", "91 %", "40.0 ms (10.0×)"],
    ["sum 1M", "0.500 ms", "–", "–"],
  ])
})

test("in Markdown the peers are ratios alone", () => {
  expect(asMarkdown(grid(ROWS, { ratiosOnly: true })).split("\n")).toEqual([
    "| work | taeda cpu-js | peer | slow | PyTorch |",
    "| --- | ---: | ---: | ---: | ---: |",
    "| matmul 256 | 4.000 ms | 10.0× | > 30000× | – |",
    "| sum 1M | 0.500 ms | – | – | 0.20× |",
  ])
})

test("growth: a line per size, a column per operation and library, in nanoseconds per element", () => {
  const rows: Row[] = [
    { work: "add 2^8", library: "taeda cpu-js", ms: 0.000512 },
    { work: "add 2^10", library: "taeda cpu-js", ms: 0.001024 },
    { work: "sum 2^10", library: "taeda cpu-js", ms: 0.0002048 },
    { work: "add 2^8", library: "PyTorch", ms: 0.00128 },
    { work: "add 2^10", library: "PyTorch", ms: 1024, gaveUp: true },
  ]
  expect(growthGrid(rows)).toEqual([
    ["ns per element", "add, taeda cpu-js", "add, PyTorch", "sum, taeda cpu-js", "sum, PyTorch"],
    ["2^8", "2.00", "5.00", "–", "–"],
    ["2^10", "1.00", "> 1.00e+6", "0.200", "–"],
  ])
})
