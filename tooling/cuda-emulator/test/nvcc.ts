/** nvcc, where a machine has it: compiles the tests' kernels, of which the PTX is checked in. */

import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The release of the nvcc at hand, such as "13.0.88"; undefined where there is none. */
export function nvccRelease(): string | undefined {
  try {
    return /V(\d+\.\d+\.\d+)/.exec(execFileSync("nvcc", ["--version"], { encoding: "utf8" }))?.[1]
  } catch {
    return undefined
  }
}

/** The release that a text names which nvcc wrote. */
export const releaseOf = (ptx: string): string | undefined => /release [\d.]+, V(\d+\.\d+\.\d+)/.exec(ptx)?.[1]

/** What nvcc makes of a file. */
export function compile(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), "taeda-ptx-"))
  try {
    const output = join(folder, "out.ptx")
    execFileSync("nvcc", ["-ptx", "-arch=compute_80", "-O3", "-w", source, "-o", output])
    return readFileSync(output, "utf8")
      .replace(/[\t ]+$/gm, "")
      .replace(/\n+$/, "\n")
  } finally {
    rmSync(folder, { recursive: true })
  }
}
