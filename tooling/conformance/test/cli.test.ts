/** `pnpm conformance`, as a person runs it. */

import { execFile } from "node:child_process"
import { join } from "node:path"
import type { Report } from "@taeda/conformance"
import { describe, expect, it } from "vitest"

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Backends are looked for where the command is run. */
const FOLDER = join(import.meta.dirname, "..")

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--conditions=@taeda/source", join("src", "cli.ts"), ...args],
      { cwd: FOLDER, env: { ...process.env, ...env }, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

const neg = ["--op", "neg", "--dtype", "float32", "--report", "json"]

describe("pnpm conformance", () => {
  it.each([
    ["node", "cpu-js", []],
    ["node", "cpu-js", ["--options", '{ "codeGeneration": false }']],
    ["chromium", "cpu-js", []],
    ["chromium", "tiny", ["--options", '{ "name": "tiny" }']],
    ["chromium-plain", "cpu-js", []],
  ])("in %s, of %s, with %j: prints the report and nothing else to stdout", { timeout: 60_000 }, async (...given) => {
    const [place, name, more] = given
    const backend = name === "tiny" ? "minimal" : name
    const { code, stdout, stderr } = await run(["--backend", backend, "--in", place, ...more, ...neg])
    expect(stderr).toContain("0 failed")
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report).toMatchObject({ backend: name, failed: 0, gaps: 0 })
    expect(report.passed).toBeGreaterThan(5)
  })

  it.each([
    [["--backend", "cpu-js", "--in", "mars"], /there is no place mars; there are node, chromium, chromium-plain/],
    [["--backend", "abacus", "--in", "chromium"], /there is no backend abacus here; there are cpu-js, wasm-simd, minimal/],
    [["--backend", "abacus", "--options", "{}"], /there is no backend abacus here; there are cpu-js, wasm-simd, minimal/],
    [["--backend", "cpu-js", "--options", "{threads"], /--options is no JSON/],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, stdout, stderr } = await run(args)
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain("    at ")
  })

  it("fails where there is no browser, and says so", async () => {
    const { code, stdout, stderr } = await run(["--backend", "cpu-js", "--in", "chromium", ...neg], {
      CHROME_PATH: "/nowhere/chrome",
    })
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toMatch(/no browser can be started: CHROME_PATH is \/nowhere\/chrome/)
  })

  it("has its options in the help", async () => {
    const { code, stdout } = await run(["--help"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/--gaps FILE.*--in PLACE.*--options JSON.*Exit code/s)
  })
})
