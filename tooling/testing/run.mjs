/** Runs the tests of the package in the current folder, under a Node that vitest accepts, and writes their totals. */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { currentNode } from "../node/index.mjs"

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, "..", "..")
const { name } = JSON.parse(readFileSync("package.json", "utf8"))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")

const runTests = () => {
  const args = [
    vitest,
    "run",
    `--root=${root}`,
    `--project=${name}`,
    "--reporter=default",
    `--reporter=${join(here, "totals-reporter.mjs")}`,
    ...process.argv.slice(2),
  ]
  const env = { ...process.env, TAEDA_TOTALS: join(process.cwd(), "test-totals.json") }
  spawn(currentNode(), args, { stdio: "inherit", env }).on("exit", (code) => {
    process.exitCode = code ?? 1
  })
}

if (existsSync("test")) runTests()
else console.log(`${name} has no tests`)
