/** The command, as a person runs it. */

import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import type { Report } from "../src/report/report.ts"

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const folder = mkdtempSync(join(tmpdir(), "taeda-conformance-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CLI = join(import.meta.dirname, "..", "src", "cli.ts")

const run = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--conditions=@taeda/source", CLI, ...args],
      { cwd: import.meta.dirname, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

const neg = ["--op", "neg", "--dtype", "float32", "--template", "forward"]

describe("taeda-conformance", () => {
  it("prints a report as JSON and nothing else, and exits with 0", async () => {
    const { code, stdout, stderr } = await run("--backend", "minimal", "--report", "json", ...neg)
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report).toMatchObject({ backend: "minimal", failed: 0, gaps: 0, closedGaps: [] })
    expect(report.cases.length).toBe(report.passed)
    expect(report.cases[0]).toEqual({
      id: "neg/0/float32",
      op: "neg",
      dtype: "float32",
      status: "passed",
      templates: ["forward"],
      milliseconds: expect.any(Number),
    })
    expect(stderr).toMatch(/0 failed {2}0 s left/)
  })

  it.each([
    ["text", /^minimal: \d+ passed, 0 failed/m],
    ["junit", /^<\?xml/],
    ["md", /^# Conformance/],
    ["html", /^<!doctype html>/],
  ])("prints %s", async (format, beginning) => {
    const { code, stdout } = await run("--backend", "minimal", "--report", format, ...neg)
    expect(code).toBe(0)
    expect(stdout).toMatch(beginning)
  })

  it("takes a module by its path, known gaps from a file, and exits with 1 when something fails", async () => {
    const module = join(folder, "backend.mjs")
    const minimal = join(import.meta.dirname, "..", "src", "minimal", "backend.ts")
    writeFileSync(
      module,
      `import { createMinimal } from ${JSON.stringify(minimal)}
      export const open = async () => ({ ...createMinimal(), name: "broken", compile() { throw new Error("out of order") } })`,
    )
    const failing = await run("--backend", module, ...neg)
    expect(failing.code).toBe(1)
    expect(failing.stdout).toContain("neg/0/float32, forward:\n  Error: out of order")
    const gaps = join(folder, "gaps.json")
    writeFileSync(gaps, JSON.stringify([{ op: "neg", reason: "it is out of order" }]))
    const known = await run("--backend", module, "--gaps", gaps, "--report", "json", ...neg)
    expect([known.code, (JSON.parse(known.stdout) as Report).failed]).toEqual([0, 0])
    expect((JSON.parse(known.stdout) as Report).gaps).toBeGreaterThan(5)
  })

  it.each([
    [[], /which backend\?/],
    [["--backend", "abacus"], /no backend abacus here: npm install @taeda\/backend-abacus/],
    [["--backend", "minimal", "--report", "pdf"], /no report pdf; there are text, json, junit, md, html/],
    [["--backend", "./abacus.mjs"], /no file \.\/abacus\.mjs here/],
    [
      ["--backend", "minimal", "--output", "nowhere/report.txt"],
      /--output nowhere\/report\.txt: there is no folder nowhere/,
    ],
    [["--backend", "minimal", "--dtype", "float23"], /no dtype float23; there are/],
    [["--backend", "minimal", "--op", "frobnicate"], /nothing matches/],
    [["--backend", "minimal", "--steps", "0"], /--steps takes a whole number from 1 to 200, got 0/],
    [["--bakend", "minimal"], /Unknown option '--bakend'/],
  ])("says what is wrong with %j, and exits with 2", async (args, message) => {
    const { code, stdout, stderr } = await run(...(args as string[]))
    expect(code).toBe(2)
    expect(stdout).toBe("")
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain("    at ")
  })

  it("writes the report to a file, as a whole, and the text to the terminal", async () => {
    const file = join(folder, "report.xml")
    const { code, stdout } = await run("--backend", "minimal", "--report", "junit", "--output", file, ...neg)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^minimal: \d+ passed, 0 failed/m)
    expect(stdout).toContain(`The report is in ${file}`)
    expect(readFileSync(file, "utf8")).toMatch(/<\/testsuites>\n$/)
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([])
  })

  it("measures how much of its tolerance each case uses", async () => {
    const sigmoid = ["--op", "sigmoid", "--dtype", "float32", "--template", "forward"]
    const { stdout } = await run("--backend", "minimal", "--report", "json", ...sigmoid)
    const { cases } = JSON.parse(stdout) as Report
    const used = cases.map(({ toleranceUsed = 0 }) => toleranceUsed)
    expect(Math.max(...used)).toBeGreaterThan(0)
    expect(Math.max(...used)).toBeLessThanOrEqual(1)
  })

  it("has help", async () => {
    const { code, stdout } = await run("--help")
    expect(code).toBe(0)
    expect(stdout).toContain("--report FORMAT")
  })
})
