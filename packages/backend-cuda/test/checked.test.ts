/** The native part with checks, which end a process that goes wrong, under the tests of the plain one. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { addressRuntime, buildAddon, type Checks, targetHere } from "@taeda/cuda-addon"
import { describe, expect, it } from "vitest"

const ROOT = join(import.meta.dirname, "..", "..", "..")
const VITEST = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const FILES = ["test/addon.test.ts", "test/backend.test.ts", "test/memory.test.ts", "test/peers.test.ts"]
const LIBRARY_FILES = ["test/libraries.test.ts", "test/convolution-library.test.ts"]

/** The first build takes minutes: the compiler's C++ library is built with the checks as well. */
const PATIENCE = 20 * 60_000

/** Passes the tests in files. */
async function passes(checks: Checks, files: readonly string[], more: Readonly<Record<string, string>>): Promise<void> {
  const checked = await buildAddon(targetHere(), checks)
  const folder = mkdtempSync(join(tmpdir(), "taeda-"))
  const report = join(folder, "report.json")
  const output = ["--reporter=json", `--outputFile=${report}`]
  const args = [VITEST, "run", `--root=${ROOT}`, "--project=@taeda/backend-cuda", ...output, ...files]
  const env = { ...process.env, TAEDA_CUDA_ADDON: checked, ...more }
  // Rejects with what was said where a test fails, or a process ends.
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env, maxBuffer: 2 ** 26 })
  const { success, numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"))
  rmSync(folder, { recursive: true })
  expect(success).toBe(true)
  expect(numPassedTests).toBe(numTotalTests)
  expect(numTotalTests).toBeGreaterThan(60)
}

// What the compiler checks is the same code on every platform; that its runtime links is known of this one.
describe.runIf(process.platform === "linux")("with checks for undefined behaviour", () => {
  it("passes the tests of memory, launches and lifetimes", { timeout: PATIENCE }, () => passes("undefined", FILES, {}))
})

const runtime = process.platform === "linux" ? addressRuntime() : undefined
describe.runIf(runtime)("with checks of addresses", () => {
  it("passes these, and the tests of NVIDIA's libraries", { timeout: PATIENCE }, () =>
    passes("address", [...FILES, ...LIBRARY_FILES, "--testTimeout=60000"], {
      LD_PRELOAD: runtime!,
      // Node itself leaves memory to the system when it ends.
      ASAN_OPTIONS: "detect_leaks=0",
    }),
  )
})
