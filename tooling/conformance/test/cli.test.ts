/** `pnpm conformance` and `pnpm conformance:all`, as a person runs them. */

import { execFile } from "node:child_process"
import { join } from "node:path"
import type { Report } from "@taeda/conformance"
import { describe, expect, it } from "vitest"
import { VARIANTS } from "../src/variants.ts"

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Backends are looked for where the command is run. */
const FOLDER = join(import.meta.dirname, "..")

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, file = "cli.ts"): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--conditions=@taeda/source", join("src", file), ...args],
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
  ])("in %s, of %s, with %j: prints the report and nothing else to stdout", async (...given) => {
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
    [
      ["--backend", "abacus", "--in", "chromium"],
      /there is no backend abacus here; there are cpu-js, wasm-simd, webgpu, webgpu-lean, cuda, minimal/,
    ],
    [
      ["--backend", "abacus", "--options", "{}"],
      /there is no backend abacus here; there are cpu-js, wasm-simd, webgpu, webgpu-lean, cuda, minimal/,
    ],
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

describe("pnpm conformance:all", () => {
  const all = (args: readonly string[], env?: Readonly<Record<string, string>>) => run(args, env, "all.ts")

  it("prints a row of each variant, and nothing else to stdout", async () => {
    const { code, stdout } = await all(["--few", "--op", "neg"])
    const [head, ...rows] = stdout.trimEnd().split("\n")
    expect(head).toMatch(/^variant +passed +failed +seconds$/)
    expect(rows).toHaveLength(VARIANTS.length)
    for (const [k, { backend, place, title }] of VARIANTS.entries()) {
      expect(rows[k].startsWith(`${backend} in ${place}: ${title} `)).toBe(true)
      expect(rows[k]).toMatch(/ [1-9]\d* +0 +\d+\.\d$/)
    }
    expect(code).toBe(0)
  })

  it("fails where a variant cannot run, and runs the others", async () => {
    const args = ["--few", "--op", "neg", "--backend", "wasm-simd"]
    const { code, stdout, stderr } = await all(args, { CHROME_PATH: "/nowhere/chrome" })
    expect(code).toBe(1)
    expect(stdout).toMatch(/in node: .* 0 +\d+\.\d\n/)
    expect(stdout).toMatch(/in chromium: .* - +- +\d+\.\d\n/)
    expect(stderr).toMatch(/it did not run: no browser can be started: CHROME_PATH is \/nowhere\/chrome/)
    expect(stdout).not.toContain("cpu-js")
  })

  it.each([
    [["--op", "nothing", "--backend", "cpu-js"], 1, /nothing matches/],
    [
      ["--backend", "abacus"],
      2,
      /no variants of a backend abacus here; there are those of cpu-js, wasm-simd, webgpu, webgpu-lean, cuda$/m,
    ],
    [["--many"], 2, /--many/],
  ])("says what is wrong with %j", async (args, expected, message) => {
    const { code, stderr } = await all(args)
    expect(code).toBe(expected)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain("    at ")
  })

  it("has its options in the help", async () => {
    expect(await all(["--help"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/--few.*Exit code/s) })
  })
})
