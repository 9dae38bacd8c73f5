/** The suite on the emulator of NVIDIA's driver, and all its kernels in NVIDIA's assembler, where there is one. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assemble, hasAssembler } from "@taeda/cuda-emulator"
import { afterAll, expect, it } from "vitest"
import { openCuda } from "../src/cuda.ts"
import { conformanceInNode } from "./in-node.ts"

/** NVIDIA's own driver assembles by itself what it runs. */
async function onEmulator(): Promise<boolean> {
  const backend = await openCuda()
  backend.dispose()
  return backend.name === "cuda (emulated)"
}

const assembled = hasAssembler() && (await onEmulator())
const folder = mkdtempSync(join(tmpdir(), "taeda-modules-"))
if (assembled) process.env.CUDA_EMULATOR_SAVE = folder
afterAll(() => {
  delete process.env.CUDA_EMULATOR_SAVE
  rmSync(folder, { recursive: true })
})

await conformanceInNode("cuda")

if (assembled)
  it("NVIDIA's assembler takes every kernel of the suite, for the oldest devices", async () => {
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))
    expect(texts.length).toBeGreaterThan(0)
    expect(await assemble(texts, { target: 75 })).toEqual([])
  }, 900_000)
