/** The code of the documentation: it compiles, it runs, and it prints what its comments say. */
import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, test } from "vitest"
import { agrees, expectedOf } from "../src/expected.ts"
import { type Page, readPage } from "../src/page.ts"
import type { Program } from "../src/program.ts"
import { isProgram, programsOf, rowProgramsOf } from "../src/program.ts"
import { documentationPages, read } from "../src/repository.ts"
import { run, type TypeErrors, typeErrors, writePrograms } from "../src/run.ts"
import type { CellValue, Outcome } from "../src/run-programs.ts"

const pages: Page[] = documentationPages().map(readPage)
const blocks = pages.flatMap(programsOf)
const rows = pages.flatMap(rowProgramsOf)
const programs: Program[] = [...blocks, ...rows]
const runnable = programs.filter(({ notRun }) => notRun === undefined)

const titled = <P extends Program>(of: readonly P[]): [string, P][] =>
  of.map((program) => [`${program.page}:${program.line}`, program])

let errors: TypeErrors
let outcomes: Map<Program, Outcome>
beforeAll(async () => {
  writePrograms(programs)
  ;[errors, outcomes] = await Promise.all([typeErrors(programs), run(runnable)])
}, 120_000)

describe.each(titled(programs))("%s", (_, program) => {
  test("compiles", () => {
    expect(errors.of.get(program)).toEqual([])
  })

  if (program.notRun === undefined)
    test("runs, and prints what its comments say", () => {
      const { error, printed } = outcomes.get(program)!
      expect(error).toBeUndefined()
      const printedOn = (line: number): string =>
        printed
          .filter((each) => each.line === line)
          .map(({ text }) => text)
          .join("\n")
      for (const { line, text } of expectedOf(program.text)) {
        if (line < program.own) continue
        if (!agrees(text, printedOn(line))) expect(`line ${line}: ${printedOn(line)}`).toBe(`line ${line}: ${text}`)
      }
    })
  else
    test("says why it is not run", () => {
      expect(program.notRun).toMatch(/\w+ \w+/)
    })
})

/** What PyTorch gives for the rows of its page (tooling/golden/docs.py). */
interface Golden {
  readonly rows: Readonly<Record<string, Partial<Record<"tensor" | "text", string>> & { readonly value?: unknown }>>
}
const golden = JSON.parse(readFileSync(new URL("./spellings.golden.json", import.meta.url), "utf8")) as Golden

const rowsWith = (column: string) => rows.filter(({ cells }) => column in cells && "taeda" in cells)

const ours = (row: Program): CellValue | undefined => outcomes.get(row)?.cells?.taeda

describe("rows of spellings: PyTorch's gives the same", () => {
  test.each(rowsWith("PyTorch").map((row) => [row.cells.PyTorch!, row] as const))("%s", (spelling, row) => {
    const theirs = golden.rows[spelling]
    expect(theirs, "PyTorch was not asked: python -P tooling/golden/docs.py").toBeDefined()
    const { tensor, text, value } = theirs!
    const result = ours(row)!
    if (tensor !== undefined) expect(result).toMatchObject({ isTensor: true, text: tensor })
    else if (text !== undefined) expect(result.text).toBe(text)
    else expect(result.value).toEqual(value)
  })

  test("PyTorch was asked for nothing else", () => {
    expect(Object.keys(golden.rows)).toEqual(rowsWith("PyTorch").map(({ cells }) => cells.PyTorch))
  })
})

/** Numbers agree as float32 does, and everything else exactly. */
function close(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a - b) <= 1e-5 * (1 + Math.abs(b))
  if (typeof a === "boolean" && typeof b === "number") return Number(a) === b
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return Object.is(a, b)
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => close(Reflect.get(a, key), Reflect.get(b, key)))
}

/** Rows of which the two sides say the same in different words. */
const NOT_COMPARED: ReadonlySet<string> = new Set(["a.print"])
const LAYERS: Readonly<Record<string, string>> = { Dense: "Linear", Conv2D: "Conv2d" }

describe("rows of spellings: TensorFlow.js gives the same", () => {
  const column = "TensorFlow.js"
  const compared = rowsWith(column).filter(({ cells }) => !NOT_COMPARED.has(cells[column]!))
  test.each(compared.map((row) => [row.cells[column]!, row] as const))("%s", (_, row) => {
    const theirs = outcomes.get(row)?.cells?.[column]?.value
    const expected = typeof theirs === "string" ? (LAYERS[theirs] ?? theirs) : theirs
    if (!close(ours(row)?.value, expected)) expect(ours(row)?.value).toEqual(expected)
  })
})

test("what the programs import compiles for them", () => {
  expect(errors.elsewhere).toEqual([])
})

const LANGUAGES: ReadonlySet<string> = new Set(["ts", "js", "sh", "", "html", "json", "http"])

describe.each(pages)("$path", ({ fences }) => {
  test("every block of code is of a kind that is checked", () => {
    expect(fences.filter(({ language }) => !LANGUAGES.has(language))).toEqual([])
  })

  test("what is quoted from a file stands there", () => {
    const unindented = (text: string): string => text.replaceAll(/^ +/gm, "").trim()
    const quotes = fences.filter((fence) => !isProgram(fence) && "from" in fence.attributes)
    const wrong = quotes.filter(
      ({ attributes, text }) => !unindented(read(attributes.from!)).includes(unindented(text)),
    )
    expect(wrong).toEqual([])
  })
})

test("what is expected is read from comments", () => {
  const text = `console.log(1) // 1
// two
const x = 2 // not printed
console.log(
  x,
) // beside
console.log("a // b")
// c …
`
  expect(expectedOf(text)).toEqual([
    { line: 1, text: "1\ntwo" },
    { line: 7, text: "c …" },
  ])
  expect(agrees("c …", "c 1.5\nd")).toBe(true)
  expect(agrees("(1)", "1")).toBe(false)
})
