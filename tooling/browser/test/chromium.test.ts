import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { brotliCompressSync } from "node:zlib"
import { pack } from "tar-fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { findChromium, NoBrowserError } from "../src/chromium.ts"
import { unpack } from "../src/unpack.ts"

const folder = mkdtempSync(join(tmpdir(), "taeda-browser-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const command = (name: string, script: string): string => {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

describe("the browser to start", () => {
  it("is the one that CHROME_PATH names, wherever it runs", async () => {
    const executable = command("chrome", "echo Chromium 1.2.3")
    expect(await findChromium(executable, "beos-ppc")).toEqual({ executable, env: {} })
  })

  it.each([
    [
      () => join(folder, "nothing"),
      /^no browser can be started: CHROME_PATH is .*nothing, which does not run \(.*ENOENT/,
    ],
    [() => command("broken", "echo no such display >&2; exit 3"), /which does not run \(no such display\)/],
    [() => command("mute", "exit 3"), /which does not run \(exit code 3\)/],
  ])("must run", async (path, message) => {
    const finding = findChromium(path())
    await expect(finding).rejects.toBeInstanceOf(NoBrowserError)
    await expect(finding).rejects.toThrow(message)
  })

  it("must be named on platforms for which the registry has none", async () => {
    await expect(findChromium("", "darwin-arm64")).rejects.toThrow(
      "no browser can be started: the registry has one for linux-x64 only; here, set CHROME_PATH to the executable",
    )
  })
})

describe("unpacking", () => {
  const archives = join(folder, "bin")

  beforeAll(async () => {
    for (const [source, file] of [
      ["gl", "libEGL.so"],
      ["al", "lib/libnss3.so"],
    ]) {
      const path = join(folder, source, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, file)
    }
    mkdirSync(archives)
    const tarred = async (source: string) => brotliCompressSync(await buffer(pack(join(folder, source))))
    writeFileSync(join(archives, "chromium.br"), brotliCompressSync("#!/bin/sh\necho Chromium 1.2.3\n"))
    writeFileSync(join(archives, "swiftshader.tar.br"), await tarred("gl"))
    writeFileSync(join(archives, "al2023.tar.br"), await tarred("al"))
  })

  it("puts everything in place once, however many ask at a time, and leaves nothing else", async () => {
    const cache = join(folder, "cache")
    const all = await Promise.all(Array.from({ length: 4 }, () => unpack(archives, join(cache, "1"))))
    expect(new Set(all.map(({ executable }) => executable))).toEqual(new Set([join(cache, "1", "chromium")]))
    expect(readdirSync(cache)).toEqual(["1"])
    expect(readdirSync(join(cache, "1")).sort()).toEqual(["chromium", "lib", "libEGL.so"])
    expect(readdirSync(all[0].libraries)).toEqual(["libnss3.so"])
    expect(spawnSync(all[0].executable, { encoding: "utf8" }).stdout).toBe("Chromium 1.2.3\n")
    rmSync(archives, { recursive: true })
    expect(await unpack(archives, join(cache, "1"))).toEqual(all[0])
  })

  it("leaves nothing half done where it fails", async () => {
    const cache = join(folder, "failing")
    await expect(unpack(join(folder, "no archives"), join(cache, "1"))).rejects.toThrow("ENOENT")
    expect(existsSync(join(cache, "1"))).toBe(false)
    expect(readdirSync(cache)).toEqual([])
  })
})
