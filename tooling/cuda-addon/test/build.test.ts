import { readFileSync, statSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { buildAddon } from "../src/build.ts"
import { readElf } from "../src/elf.ts"
import { problemsOf } from "../src/inspect.ts"
import { readPe } from "../src/pe.ts"
import { absence, TARGETS, targetHere, targetNamed } from "../src/targets.ts"

/** The first build takes minutes. */
const PATIENCE = 10 * 60_000

// The other targets are built and inspected by `npm run build:addon -- --all`, which takes minutes the first time.
describe("the addon for this machine", () => {
  test(
    "is what its target promises, and is not built twice",
    async () => {
      const target = targetHere()
      const file = await buildAddon(target)
      expect(problemsOf(target, readFileSync(file))).toEqual([])
      const { mtimeMs } = statSync(file)
      expect(await buildAddon(target)).toBe(file)
      expect(statSync(file).mtimeMs).toBe(mtimeMs)
    },
    PATIENCE,
  )

  test("would be found out as that of another", async () => {
    const bytes = readFileSync(await buildAddon(targetHere()))
    for (const target of TARGETS.filter(({ cpu, os }) => os === process.platform && cpu !== process.arch))
      expect(problemsOf(target, bytes)).toContain(`it is for ${process.arch}, not ${target.cpu}`)
  })
})

describe.runIf(process.platform === "linux" && targetHere().libc === "glibc")("files", () => {
  test("of Linux tell their machine, libraries, versions and names", async () => {
    const elf = readElf(readFileSync(await buildAddon(targetHere())))
    expect(elf.machine).toBe(process.arch)
    expect(elf.needed).toContain("libc.so.6")
    expect(elf.versions).toContainEqual(expect.stringMatching(/^GLIBC_2\.\d+$/))
    // Nothing of the C++ library inside may get in the way of others.
    expect([...elf.exported].sort()).toEqual(["napi_register_module_v1", "node_api_module_get_api_version_v1"])
  })

  test("that need too much, or are no addon, are refused", () => {
    const node = readFileSync(process.execPath)
    const problems = problemsOf(targetHere(), node)
    expect(problems).toContainEqual(expect.stringMatching(/^it needs libstdc\+\+/))
  })

  test("that are something else are refused", () => {
    const script = readFileSync(import.meta.filename)
    expect(() => readElf(script)).toThrow("this is no 64-bit ELF file")
    expect(() => readPe(script)).toThrow("this is no PE file")
    expect(() => readPe(readFileSync(process.execPath))).toThrow("this is no PE file")
  })
})

test("a machine without a target is told so, and does without where it can", () => {
  expect(absence()).toBe(undefined)
  expect(absence("darwin", "arm64")).toBe("the addon is not built for darwin on arm64")
})

test("a target that does not exist is refused with those that do", () => {
  expect(() => targetNamed("darwin-arm64")).toThrow(
    "there are linux-x64-gnu, linux-x64-musl, linux-arm64-gnu, win32-x64",
  )
})
