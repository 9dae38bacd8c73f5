import { readFileSync } from "node:fs"
import { CHAPTERS, tourFunction } from "@taeda/examples"
import * as torch from "taeda"
import { expect, test } from "vitest"
import { checkGradient, runChapters, tour } from "../src/tour.ts"
import { captured } from "./output.ts"

interface Golden {
  readonly chapters: { python: string; result: string | null }[][]
}

/** PyTorch's (tooling/golden/tour.py). */
const { chapters: golden } = JSON.parse(readFileSync(new URL("./tour.golden.json", import.meta.url), "utf8")) as Golden

/** A line of the tour as Python writes it. */
const python = (code: string): string =>
  code
    .replace(/ \/\/.*$/, "")
    .replace(/^const /, "")
    .replace(/, \{ (\w+): true \}/, ", $1=True")
    .replace(/[a-z][A-Z]/g, ([a, b]) => `${a}_${b.toLowerCase()}`)

test("the golden values are those of the tour's own lines", () => {
  expect(CHAPTERS.map((c) => c.code.map(python))).toEqual(golden.map((c) => c.map((step) => step.python)))
})

test("every line shows what PyTorch shows, random numbers included", async () => {
  const steps = await runChapters(torch)
  expect(steps.map((c) => c.map((step) => step.result))).toEqual(golden.map((c) => c.map((step) => step.result)))
})

test("the gradient is 4.5 everywhere, by autograd and by central differences", async () => {
  const { autograd, numeric } = await checkGradient(torch)
  expect(autograd).toEqual([4.5, 4.5, 4.5, 4.5])
  for (const value of numeric) expect(Math.abs(value - 4.5)).toBeLessThan(1e-6)
})

test("the numeric check would find a wrong gradient", async () => {
  // detach() hides one factor from autograd, but not from the differences.
  const { autograd, numeric } = await checkGradient(torch, (x) => x.mul(x.detach()).sum())
  expect(autograd).toEqual([1, 1, 1, 1])
  for (const value of numeric) expect(value).toBeCloseTo(2, 6)
})

test("the function that is checked is the one whose lines are printed", () => {
  const x = torch.ones(2, 2, { requiresGrad: true })
  expect(tourFunction(x).toString()).toBe(golden[2][1].result)
})

test("it prints every line with its result, and the backends without a command that would fail", async () => {
  const out = captured()
  await tour(torch, out)
  const text = out.text()
  let from = 0
  for (const [i, chapter] of golden.entries())
    for (const [j, { result }] of chapter.entries()) {
      const printed = `> ${CHAPTERS[i].code[j]}\n${result === null ? "" : `${result}\n`}`
      const at = text.indexOf(printed, from)
      expect(at, printed).toBeGreaterThanOrEqual(0)
      from = at + printed.length
    }
  for (const { choice, device, reason } of await torch.devices()) {
    expect(text).toContain(choice.name)
    const hasCommand = text.includes(`npm install ${choice.package}`) || text.includes(`taeda ${choice.package}`)
    const isWanted = device ? !choice.included : reason.includes("npm install")
    expect(hasCommand, choice.name).toBe(isWanted)
  }
  expect(text).toContain("npm install taeda\n")
  // Which SIMD and how many threads, of what works here.
  expect(text).toMatch(/✓ wasm-simd .*works here.*\n +(relaxed SIMD|SIMD without).*, (\d+ threads|one thread).*\n/)
  expect(text).toContain("✓ at most")
  // A pipe gets no colours.
  expect(text).not.toContain("\u001b")
})

test.each([
  ["that is not installed: the command", "no device here: install it with: npm install it", "", []],
  [
    "without its native part: that, and the command",
    "cuda: it is missing.",
    " It was left out. Repair it with: npm install it",
    ["npm install it"],
  ],
  [
    "without a driver: that",
    "cuda: there is no driver here (libcuda.so.1: no).",
    " Install it from nvidia.com. Otherwise use wasm.",
    [],
  ],
])("a released backend %s", async (_, what, more, command) => {
  const [cuda] = await torch.devices()
  const missing = { ...cuda, reason: what + more }
  const out = captured()
  await tour({ ...torch, devices: async () => [missing] }, out)
  const lines = [what, ...command].map((line) => `          ${line}\n`)
  expect(out.text()).toContain(`· cuda  NVIDIA GPUs through the driver: not here\n${lines.join("")}\n`)
})
