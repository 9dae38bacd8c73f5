/** The code of the documentation: it compiles, it runs, and it prints what its comments say. */
import { beforeAll, describe, expect, test } from "vitest"
import { agrees, expectedOf } from "../src/expected.ts"
import { type Page, readPage } from "../src/page.ts"
import type { Program } from "../src/program.ts"
import { isProgram, programsOf, rowProgramsOf } from "../src/program.ts"
import { documentationPages, read } from "../src/repository.ts"
import { run, typeErrors, writePrograms } from "../src/run.ts"
import type { Outcome } from "../src/run-programs.ts"

const pages: Page[] = documentationPages().map(readPage)
const blocks = pages.flatMap(programsOf)
const rows = pages.flatMap(rowProgramsOf)
const programs: Program[] = [...blocks, ...rows]
const runnable = programs.filter(({ notRun }) => notRun === undefined)

const titled = <P extends Program>(of: readonly P[]): [string, P][] =>
  of.map((program) => [`${program.page}:${program.line}`, program])

let errors: Map<Program, string[]>
let outcomes: Map<Program, Outcome>
beforeAll(async () => {
  writePrograms(programs)
  ;[errors, outcomes] = await Promise.all([typeErrors(programs), run(runnable)])
}, 120_000)

describe.each(titled(programs))("%s", (_, program) => {
  test("compiles", () => {
    expect(errors.get(program)).toEqual([])
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
