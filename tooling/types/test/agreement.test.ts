import { idOf, ROWS } from "@taeda/conformance"
import { describe, expect, test, vi } from "vitest"
import { NOT_BY_NAME, OPEN } from "../src/agreement/open.ts"
import { type Entry, survey, surveyErrors } from "../src/agreement/survey.ts"
import { COMPILERS, FASTEST } from "../src/compilers.ts"
import { sentenceIn } from "../src/sentence.ts"

vi.setConfig({ testTimeout: 120_000 })

const all = await survey(ROWS, FASTEST)
/** Those that run. */
const entries = all.filter(({ thrown }) => thrown === null)
const rejected = entries.filter(({ findings }) => findings.length > 0)

const show = ({ text, inferred, actual, findings }: Entry): string =>
  findings.length > 0
    ? `${text}: ${findings[0].message}`
    : `${text}: inferred ${inferred}, got ${actual.map(({ shape, dtype }) => `${dtype}[${shape}]`).join(", ")}`

test("no type says what does not come out", () => {
  expect(entries.filter(({ verdict }) => verdict === "wrong").map(show)).toEqual([])
})

test("every call of the suite compiles", () => {
  const known = ({ row, spelling }: Entry): boolean => spelling === "named" && idOf(row) in NOT_BY_NAME
  expect(rejected.filter((each) => !known(each)).map(show)).toEqual([])
  const still = new Set(rejected.filter(known).map(({ row }) => idOf(row)))
  expect(Object.keys(NOT_BY_NAME).filter((id) => !still.has(id))).toEqual([])
})

test("an op's shapes are known, or the reason is given", () => {
  const tells = new Set(entries.filter(({ verdict }) => verdict === "exact").map(({ row }) => idOf(row)))
  const open = ROWS.map(idOf).filter((id) => !tells.has(id))
  expect(open.sort()).toEqual(Object.keys(OPEN).sort())
})

/** Of the calls, so many are inferred to the last size and dtype. */
const EXACT = 0.9

test("nearly all are inferred to the last size and dtype", () => {
  const exact = entries.filter(({ verdict }) => verdict === "exact").length
  expect(exact / entries.length).toBeGreaterThanOrEqual(EXACT)
})

describe.each(COMPILERS.filter((compiler) => compiler !== FASTEST))("TypeScript $name", (compiler) => {
  test("infers the same", async () => {
    const known = new Map(entries.map(({ text, inferred }) => [text, inferred]))
    const few = (await survey(ROWS, compiler, "few")).filter(({ findings }) => findings.length === 0)
    expect(few.length).toBeGreaterThan(ROWS.length)
    expect(few.filter(({ text, inferred }) => known.get(text) !== inferred).map(show)).toEqual([])
  })
})

test("what the compiler says of a wrong call, the run says too", async () => {
  const refusals = await surveyErrors(ROWS, FASTEST)
  const inPlace = all.map(({ text, thrown, findings }) => ({ text, thrown, finding: findings[0]?.message ?? null }))
  const told = [...refusals, ...inPlace].flatMap(({ text, thrown, finding }) => {
    const sentence = finding === null ? null : sentenceIn(finding)
    return sentence === null || thrown === null ? [] : [{ text, sentence, thrown }]
  })
  expect(told.length).toBeGreaterThan(0)
  expect(told.filter(({ sentence, thrown }) => !thrown.includes(sentence))).toEqual([])
})
