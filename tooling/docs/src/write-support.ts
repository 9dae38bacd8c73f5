/**
 * Writes docs/support.md: `node --conditions=@taeda/source src/write-support.ts [report.json …]`. Without reports it runs the
 * whole suite on all four backends, one after another, which takes ten minutes or so.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Report } from "@taeda/conformance"
import { ROOT } from "./repository.ts"
import { BACKENDS, supportPage } from "./support.ts"

const suite = join(ROOT, "tooling/conformance")

function runSuite(backend: string): string {
  const args = ["--conditions=@taeda/source", "src/cli.ts", "--backend", backend, "--report", "json"]
  return execFileSync(process.execPath, args, {
    cwd: suite,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "inherit"],
  })
}

const files = process.argv.slice(2)
const texts = files.length > 0 ? files.map((file) => readFileSync(file, "utf8")) : BACKENDS.map(runSuite)
const reports = texts.map((text) => JSON.parse(text) as Report)
const failed = reports.filter((report) => report.failed > 0)
if (failed.length > 0) throw new Error(`cases failed on ${failed.map(({ backend }) => backend).join(", ")}`)
writeFileSync(join(ROOT, "docs/support.md"), supportPage(reports))
