import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { homedir, hostname, userInfo } from "node:os"
import { join } from "node:path"
import { BACKENDS, PACKAGE_MANAGERS, SYSTEMS } from "@taeda/choices"
import { Ajv2020 } from "ajv/dist/2020.js"
import { afterEach, describe, expect, test } from "vitest"
import { redactor, secretsHere } from "../src/doctor/privacy.ts"
import { link, Stand } from "./stand-ins.ts"

const SCHEMA = JSON.parse(readFileSync(new URL("../../../docs/doctor.schema.json", import.meta.url), "utf8"))
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(SCHEMA)

interface Report {
  readonly healthy: boolean
  readonly recommended: string
  readonly checks: readonly { name: string; state: string; evidence: string; fix: string | null }[]
  readonly backends: readonly {
    name: string
    installed: boolean
    status: string
    evidence: string
    fix: string | null
    trial: object | null
  }[]
}

/** The report, which the schema describes. */
function reportOf(stdout: string): Report {
  const report = JSON.parse(stdout)
  validate(report)
  expect(validate.errors).toBeNull()
  return report as Report
}

const stands: Stand[] = []
afterEach(() => {
  for (const stand of stands.splice(0)) stand.remove()
})

function made(manifest?: object | null): Stand {
  const stand = new Stand(manifest)
  stands.push(stand)
  return stand
}

/** Puts a package there, as if it were installed. */
function put(stand: Stand, name: string, version: string, folder = stand.project): void {
  const at = join(folder, "node_modules", name)
  mkdirSync(at, { recursive: true })
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, version }))
}

describe("doctor", () => {
  test("of a healthy machine: exit code 0, for people and as JSON that the schema describes", async () => {
    const stand = made(null)
    const { code, stdout, stderr } = await stand.run(["doctor", "--json"])
    expect([code, stderr]).toEqual([0, ""])
    const report = reportOf(stdout)
    expect(report).toMatchObject({ form: 1, healthy: true, recommended: "wasm-simd", project: { manifest: false } })
    expect(report.backends.map(({ name, status }) => [name, status]).slice(2)).toEqual([
      ["wasm-simd", "works"],
      ["cpu-js", "works"],
    ])
    expect(report.backends[3].trial).toMatchObject({ device: "cpu", compared: 196_608 })
    expect(report.checks.find(({ name }) => name === "library")).toMatchObject({
      state: "warning",
      fix: "npx taeda install, or npm install taeda",
    })

    const people = await stand.run(["doctor"])
    expect([people.code, people.stderr]).toEqual([0, ""])
    expect(people.stdout).toMatch(/^This machine\n/)
    expect(people.stdout).toMatch(/^ {2}✓ cpu-js {5}works here: /m)
    expect(people.stdout).toMatch(/^Healthy\. The fastest here is wasm-simd: await torch\.setDefaultDevice\("wasm"\)/m)
    for (const character of ["\u001b", "\r"]) expect(people.stdout).not.toContain(character)
  })

  test("of a project whose backend is broken: exit code 1, the evidence and the fix, without its path", async () => {
    const stand = made()
    mkdirSync(join(stand.project, "node_modules"))
    link(join(stand.folder, "installs-broken"), join(stand.project, "node_modules", "taeda"))
    put(stand, "@taeda/backend-cuda", "0.0.0")
    const { code, stdout } = await stand.run(["doctor", "--json"])
    const report = reportOf(stdout)
    expect(stdout).not.toContain(stand.folder)
    // On a Mac there is no cuda, installed or not.
    if (process.platform === "darwin") return expect(report.backends[0].status).toBe("missing")
    expect([code, report.healthy]).toEqual([1, false])
    expect(report.backends[0]).toMatchObject({
      name: "cuda",
      installed: true,
      status: "broken",
      evidence: expect.stringMatching(/^the native part does not load on this machine \(.*broken\.node.*\)\.$/),
      fix: "Delete node_modules and install again.",
      trial: null,
    })
    const people = await stand.run(["doctor"])
    expect(people.code).toBe(1)
    expect(people.stdout).toMatch(/^ {2}✗ cuda {7}is installed, but does not work: .*\n {15}Delete node_modules/m)
    expect(people.stdout).toContain("Something is broken: it is marked ✗, with what to do.")
  })

  test("of a backend that takes its process down", async () => {
    const stand = made()
    mkdirSync(join(stand.project, "node_modules"))
    link(join(stand.folder, "installs-crashing"), join(stand.project, "node_modules", "taeda"))
    const { code, stdout } = await stand.run(["doctor", "--json"])
    expect(code).toBe(1)
    const wasm = reportOf(stdout).backends.find(({ name }) => name === "wasm-simd")
    expect(wasm).toMatchObject({ status: "broken", evidence: expect.stringContaining("took down the process") })
  })

  test("of packages of different versions, and of two cores", async () => {
    const stand = made()
    put(stand, "taeda", "1.2.0")
    put(stand, "@taeda/core", "1.2.0")
    put(stand, "@taeda/backend-webgpu", "1.1.0")
    put(stand, "@taeda/core", "1.1.0", join(stand.project, "node_modules", "@taeda", "backend-webgpu"))
    const { code, stdout } = await stand.run(["doctor", "--json"])
    expect(code).toBe(1)
    const checks = Object.fromEntries(reportOf(stdout).checks.map((check) => [check.name, check]))
    expect(checks.versions).toMatchObject({
      state: "problem",
      evidence: "packages of different versions: taeda 1.2.0, @taeda/backend-webgpu 1.1.0",
      fix: "bring them to one: npm install taeda@latest @taeda/backend-webgpu@latest",
    })
    expect(checks.copies).toMatchObject({
      state: "problem",
      evidence: expect.stringMatching(
        /^2 copies of @taeda\/core: .* \(<project>\/node_modules.*, <project>\/node_modules/,
      ),
    })
  })

  test("of a Node that is too old", async () => {
    const { code, stdout } = await made(null).run(["doctor", "--json"], { old: true })
    expect(code).toBe(1)
    expect(reportOf(stdout).checks[0]).toEqual({
      name: "runtime",
      state: "problem",
      evidence: "node 18.20.8: Node 20 or newer is needed",
      fix: "get a newer one from nodejs.org",
    })
  })
})

test("the schema knows the rows of the table", () => {
  const { $defs, properties } = SCHEMA
  expect($defs.backend.enum).toEqual(BACKENDS.map(({ name }) => name))
  expect(properties.backends.items.properties.device.enum).toEqual(BACKENDS.map(({ device }) => device))
  expect(properties.project.properties.manager.enum).toEqual(PACKAGE_MANAGERS.map(({ name }) => name))
  expect(properties.system.properties.name.enum).toEqual(SYSTEMS.map(({ name }) => name))
})

describe("what tells who and where somebody is", () => {
  const redact = redactor({
    folders: [
      ["/home/ada/work/mine", "<project>"],
      ["/home/ada", "~"],
    ],
    words: [
      ["ada", "<user>"],
      ["engine", "<host>"],
    ],
  })

  test.each([
    ["cannot open /home/ada/work/mine/node_modules/x.node", "cannot open <project>/node_modules/x.node"],
    ["/home/ada/.cache/y", "~/.cache/y"],
    ["/home/adamant/z is another's", "…/z is another's"],
    ["(/opt/nvidia/lib64/libcuda.so.1: cannot open)", "(…/libcuda.so.1: cannot open)"],
    ["file:///home/ada/work/mine/a.mjs", "<project>/a.mjs"],
    ["file:///C:/Users/ada/a.mjs", "…\\a.mjs"],
    ["C:\\Program Files\\NVIDIA Corporation\\nvcuda.dll: no", "…\\nvcuda.dll: no"],
    ["ada on engine, not adamant on engines", "<user> on <host>, not adamant on engines"],
    [
      "see https://nodejs.org/en/download and nvidia.com/drivers",
      "see https://nodejs.org/en/download and nvidia.com/drivers",
    ],
    ["@taeda/core, 256 × 256, RHEL 8/9", "@taeda/core, 256 × 256, RHEL 8/9"],
  ])("%s", (text, expected) => {
    expect(redact(text)).toBe(expected)
  })

  test("is this machine's", () => {
    const { folders, words } = secretsHere("/somewhere/else")
    expect(folders.map(([folder]) => folder)).toEqual(expect.arrayContaining(["/somewhere/else", homedir()]))
    const names = words.map(([word]) => word)
    for (const name of [userInfo().username, hostname()])
      expect(names.includes(name)).toBe(name.length >= 3 && name !== "root")
  })
})
