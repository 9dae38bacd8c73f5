import { expect, test } from "vitest"
import { type Contestant, measureWorks, type Row } from "../src/contestants.ts"
import type { WorkName } from "../src/works.ts"

/** A contestant whose process does what `body` says for each `work`. */
const contestant = (body: string): Contestant => ({
  name: "double",
  command: process.execPath,
  args: ["-e", `(async () => { for (const work of process.argv.slice(1)) { ${body} } })()`],
})

const WORKS: WorkName[] = ["add 2x2", "sum 1M", "matmul 256"]
const print = (ms: string): string => `console.log(JSON.stringify({ work, ms: ${ms} }))`

test("every row comes in order, and what a library has nothing for is left out", async () => {
  const seen: Row[] = []
  const { rows, failed } = await measureWorks(
    contestant(print(`work === "sum 1M" ? null : work.length`)),
    WORKS,
    30_000,
    (row) => seen.push(row),
  )
  expect(rows).toEqual([
    { work: "add 2x2", library: "double", ms: 7 },
    { work: "matmul 256", library: "double", ms: 10 },
  ])
  expect(seen).toEqual(rows)
  expect(failed).toEqual([])
})

test("what a library says of its threads is no row", async () => {
  const body = `console.log(JSON.stringify({ threads: 3 })); ${print("1")}`
  const { rows, threads } = await measureWorks(contestant(body), ["sum 1M"], 30_000)
  expect(rows).toEqual([{ work: "sum 1M", library: "double", ms: 1 }])
  expect(threads).toBe(3)
  expect((await measureWorks(contestant(print("1")), ["sum 1M"], 30_000)).threads).toBe(1)
})

test("a work that fails is left out, and the next ones go on", async () => {
  const { rows, failed } = await measureWorks(
    contestant(`if (work === "sum 1M") process.exit(1); ${print("1")}`),
    WORKS,
    30_000,
  )
  expect(rows.map((r) => r.work)).toEqual(["add 2x2", "matmul 256"])
  expect(failed).toEqual(["sum 1M"])
})

test("a work without an end is given up, and the next ones go on", async () => {
  const body = `if (work === "sum 1M") await new Promise((resolve) => setTimeout(resolve, 60_000)); ${print("1")}`
  const { rows, failed } = await measureWorks(contestant(body), WORKS, 1000)
  expect(rows).toEqual([
    { work: "add 2x2", library: "double", ms: 1 },
    { work: "sum 1M", library: "double", ms: 1000, gaveUp: true },
    { work: "matmul 256", library: "double", ms: 1 },
  ])
  expect(failed).toEqual([])
})

test("a library that does not start is not tried again", async () => {
  const marks: Row[] = []
  const body = `${print("1")}; process.exit(2)`
  const { rows, failed } = await measureWorks(contestant(body), WORKS, 30_000, (row) => marks.push(row))
  expect(rows.map((r) => r.work)).toEqual(["add 2x2"])
  expect(marks).toHaveLength(1)
  expect(failed).toEqual(["sum 1M", "matmul 256"])
})
