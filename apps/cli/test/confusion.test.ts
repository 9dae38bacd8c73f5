import { expect, test } from "vitest"
import { confusionCounts, confusionTable } from "../src/confusion.ts"

test("counts by truth and by what was said", () => {
  expect(confusionCounts([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0], 3)).toEqual([
    [1, 1, 0],
    [0, 1, 0],
    [1, 0, 2],
  ])
})

test("the table has a row per truth, dots where nothing went wrong and the share that was right", () => {
  const counts = [
    [970, 0, 10],
    [0, 0, 0],
    [3, 0, 0],
  ]
  expect(confusionTable(counts)).toEqual([
    "         the network said",
    "             0     1     2     right",
    "       ┌──────────────────",
    "  is 0 │   970     ·    10    99.0 %",
    "  is 1 │     ·     0     ·         –",
    "  is 2 │     3     ·     0     0.0 %",
  ])
})

test("only the diagonal is highlighted", () => {
  const counts = confusionCounts([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], 2)
  const marked = confusionTable(counts, (text) => `<${text.trim()}>`).join("\n")
  expect(marked.match(/<\d+>/g)).toEqual(["<1>", "<2>"])
})
