import { expect, test } from "vitest"
import type { Row } from "../src/contestants.ts"
import { table, timeText } from "../src/table.ts"

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

test("a line per work, a column per library, and how many times taeda's time each takes", () => {
  const rows: Row[] = [
    { work: "matmul 256", library: "taeda cpu-js", ms: 4 },
    { work: "matmul 256", library: "peer", ms: 40 },
    { work: "matmul 256", library: "slow", ms: 120_000, gaveUp: true },
    { work: "sum 1M", library: "taeda cpu-js", ms: 0.5 },
    { work: "sum 1M", library: "PyTorch", ms: 0.1 },
  ]
  expect(table(rows).split("\n")).toEqual([
    "work        taeda cpu-js              peer                   slow           PyTorch",
    "matmul 256      4.000 ms  40.0 ms (10.00×)  > 120.0 s (30000.00×)                 –",
    "sum 1M          0.500 ms                 –                      –  0.100 ms (0.20×)",
  ])
})
