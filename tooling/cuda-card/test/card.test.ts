/** The packed folder on the emulator, as it runs on a GPU: nothing of the workspace around, no npm on the path. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { emulatedWithLibraries } from "@taeda/cuda-addon"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { packCard } from "../src/pack.ts"
import type { Row } from "../src/rows.ts"
import { linkLibraries, wheelFolders } from "../src/wheels.ts"
import { OPS, worksOf } from "../src/works.ts"

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), "taeda-card-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PATIENCE = 300_000
const DEFERRED = { TAEDA_CARD_FOLDER: folder, PATH: "/usr/bin:/bin", HOME: folder, CUDA_EMULATOR_QUIET: "1" }

// Node for Linux on x64 travels along, and no other.
describe.runIf(process.platform === "linux" && process.arch === "x64")("the packed folder", () => {
  const packed = join(folder, "packed")
  let files: ReadonlyMap<string, number>
  let driver: readonly string[]
  beforeAll(async () => {
    files = await packCard(packed)
    const { driver: library, libraryFolder } = await emulatedWithLibraries()
    driver = ["--driver", library, "--libraries", libraryFolder]
  }, PATIENCE)

  /** Runs it with its own Node, and gives what it wrote. */
  async function card(name: string, ...args: string[]): Promise<{ rows: readonly Row[]; report: string }> {
    const out = join(folder, name)
    const all = [join(packed, "run.sh"), "--out", out, "--scale", "tiny", ...args]
    await run("sh", all, { cwd: folder, env: DEFERRED, maxBuffer: 2 ** 26 })
    const rows = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as Row[]
    return { rows, report: readFileSync(join(out, "report.md"), "utf8") }
  }

  it("has what it needs, and no more than may travel", () => {
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(["run.sh", "card.mjs", "node.gz", "taeda-cuda.node", "works.py"]),
    )
  })

  it(
    "measures everything and runs the suite",
    async () => {
      const { rows, report } = await card("whole", "--most-ops", "12", "--seconds", "280", ...driver)
      const failures = rows.filter((row) => row.kind === "failure")
      // There is no PyTorch with CUDA on the emulator; all else works.
      expect(failures.map(({ part }) => part)).toEqual(["pytorch"])
      const times = rows.filter((row) => row.kind === "time")
      const works = times.flatMap(({ who, part, work }) => (who === "taeda" && !part.startsWith("tune") ? [work] : []))
      expect(works.toSorted()).toEqual(
        worksOf("tiny")
          .map(({ name }) => name)
          .toSorted(),
      )
      const whos = new Set(rows.flatMap((row) => (row.kind === "time" ? [row.who] : [])))
      for (const who of ["taeda with cuBLASLt", "taeda with cuDNN", "taeda, a graph"]) expect(whos).toContain(who)
      const tiles = times.filter(({ part }) => part === "tune").map(({ work }) => work)
      for (const tile of ["tma 128×256", "tma 128×128", "wgmma 128×256", "wgmma 64×128", "mma 128×256", "mma 64×64"])
        expect(tiles.filter((work) => work.includes(tile)).length).toBeGreaterThan(0)
      const convolutions = times.filter(({ part }) => part === "tuneConv").map(({ work }) => work)
      for (const pass of ["forward", "input", "weight"])
        for (const way of ["in place", "of copies", "cuDNN"])
          expect(convolutions.filter((work) => work.startsWith(pass) && work.includes(way))).toHaveLength(3)
      // Without tensor cores of its own kind for it, nothing is compared with itself.
      const told = rows.flatMap((row) => (row.kind === "fact" && row.part === "tune" ? [row] : []))
      const fastest = told.filter(({ name }) => name.startsWith("the fastest tile of "))
      expect(fastest.length).toBeGreaterThan(0)
      for (const { text } of fastest) expect(text).toMatch(/: \d+ % as fast as cuBLASLt$/)
      const agreeing = told.flatMap(({ text }) => (text.endsWith(" agree") ? [text] : []))
      expect(agreeing).toHaveLength(8)
      for (const text of agreeing) expect(Number.parseInt(text, 10)).toBeGreaterThan(5)
      for (const part of ["smoke", "suite"]) {
        const suite = rows.filter((row) => row.kind === "suite" && row.part === part)
        expect(suite).toHaveLength(12)
        for (const row of suite) expect(row).toMatchObject({ failed: 0, failures: [] })
      }
      for (const title of ["The machine", "Products of matrices", "The whole suite"]) expect(report).toContain(title)
    },
    PATIENCE,
  )

  it(
    "says what is missing, and keeps what was found when the time is over",
    async () => {
      const none = join(folder, "no-driver.so")
      const { rows } = await card("missing", "--only", "facts,launch,suite", "--driver", none, "--seconds", "20")
      const told = rows.flatMap((row) => (row.kind === "failure" ? [`${row.part}: ${row.text}`] : []))
      expect(told).toEqual(expect.arrayContaining([expect.stringMatching(/^facts: cuda: /)]))
      const late = await card("late", "--only", "facts,suite", ...driver, "--seconds", "12")
      expect(late.rows).toContainEqual(expect.objectContaining({ kind: "failure", part: "suite" }))
      expect(late.rows).toContainEqual(expect.objectContaining({ kind: "fact", name: "GPU" }))
    },
    PATIENCE,
  )
})

it("the libraries of PyTorch's wheels are found together in one folder", () => {
  const wheels = join(folder, "wheels")
  for (const [name, files] of Object.entries({
    cublas: ["libcublasLt.so.12", "notes.txt"],
    cudnn: ["libcudnn.so.9"],
  })) {
    mkdirSync(join(wheels, name, "lib"), { recursive: true })
    for (const file of files) writeFileSync(join(wheels, name, "lib", file), name)
  }
  const folders = ["cublas", "cudnn"].map((name) => join(wheels, name, "lib"))
  const linked = linkLibraries(folders, join(folder, "linked"))!
  expect(readdirSync(linked).toSorted()).toEqual(["libcublasLt.so.12", "libcudnn.so.9"])
  expect(readFileSync(join(linked, "libcudnn.so.9"), "utf8")).toBe("cudnn")
  expect(linkLibraries(folders.slice(1), join(folder, "none"))).toBeUndefined()
  expect(wheelFolders(join(folder, "no-python"))).toEqual([])
})

it("every op has works, at both scales", () => {
  for (const scale of ["card", "tiny"] as const) {
    const works = worksOf(scale)
    expect(new Set(works.map(({ op }) => op))).toEqual(new Set(OPS))
    expect(new Set(works.map(({ name, part }) => part + name)).size).toBe(works.length)
  }
})
