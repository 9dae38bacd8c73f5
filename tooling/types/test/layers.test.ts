import * as torch from "taeda"
import { describe, expect, test, vi } from "vitest"
import { COMPILERS, FASTEST } from "../src/compilers.ts"
import { NO_LAYERS, OPEN, SAMPLES } from "../src/layers/samples.ts"
import { type Entry, survey } from "../src/layers/survey.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const entries = survey(FASTEST)

const show = ({ text, inferred, actual, findings }: Entry): string =>
  findings.length > 0
    ? `${text}: ${findings[0]}`
    : `${text}: inferred ${inferred}, got ${actual.map(({ shape, dtype }) => `${dtype}[${shape}]`).join(", ")}`

test("every class of nn is among the samples", () => {
  const classes = Object.entries(torch.nn)
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof torch.nn.Module)
    .map(([name]) => name)
  expect(classes.length).toBeGreaterThan(80)
  expect([...Object.keys(SAMPLES), ...Object.keys(NO_LAYERS)].sort()).toEqual([...classes, "Module"].sort())
})

test("every sample compiles", () => {
  expect(entries.filter(({ findings }) => findings.length > 0).map(show)).toEqual([])
})

test("no type says what does not come out", () => {
  expect(entries.filter(({ verdict }) => verdict === "wrong").map(show)).toEqual([])
})

test("all is inferred to the last size and dtype, or the reason is given", () => {
  const open = entries.filter(({ verdict }) => verdict !== "exact")
  expect(open.filter(({ layer }) => !(layer in OPEN)).map(show)).toEqual([])
  expect([...new Set(open.map(({ layer }) => layer))].sort()).toEqual(Object.keys(OPEN).sort())
})

describe.each(COMPILERS.filter((compiler) => compiler !== FASTEST))("TypeScript $name", (compiler) => {
  test("infers the same", () => {
    const others = survey(compiler)
    expect(others.map(({ text, inferred, findings }) => ({ text, inferred, findings }))).toEqual(
      entries.map(({ text, inferred, findings }) => ({ text, inferred, findings })),
    )
  })
})
