import { expect, test } from "vitest"
import { barLine } from "../src/bar.ts"
import { type Figures, progress } from "../src/progress.ts"
import { captured } from "./output.ts"

const figures: Figures = {
  epoch: 2,
  epochs: 3,
  loss: 0.12345,
  accuracy: 0.9712,
  imagesPerSecond: 12345.6,
  secondsLeft: 11.2,
}
const TEXT = "epoch 2/3  loss 0.1235  accuracy 97.1 %  12346 images/s  12 s left"

test("a pipe gets a few plain lines, the last one too", () => {
  const out = captured()
  const bar = progress(1000, out)
  for (let done = 1; done <= 1000; done++) bar.update(done, figures)
  bar.stop()
  const lines = out.text().trimEnd().split("\n")
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.length).toBeLessThan(15)
  expect(lines[0]).toBe(`  0 %  ${TEXT}`)
  expect(lines.at(-1)).toBe(`100 %  ${TEXT}`)
  for (const moving of ["\u001b", "\r", "█", "░"]) expect(out.text()).not.toContain(moving)
})

test.each([40, 60, 79, 80, 100, 200])("the bar's line fits into %i columns", (columns) => {
  for (const share of [0, 0.4567, 1]) expect(barLine(share, TEXT, columns).length).toBeLessThan(columns)
})

test("the bar is as long as what is done", () => {
  expect(barLine(0, "x", 80)).toBe(`${"░".repeat(30)}   0 %  x`)
  expect(barLine(0.5, "x", 80)).toBe(`${"█".repeat(15)}${"░".repeat(15)}  50 %  x`)
  expect(barLine(1, "x", 80)).toBe(`${"█".repeat(30)} 100 %  x`)
})

const HIDE = "\u001b[?25l"
const SHOW = "\u001b[?25h"

test("a terminal gets one moving line, and its cursor back", () => {
  const out = captured(100)
  const bar = progress(10, out)
  bar.update(10, figures)
  bar.stop()
  bar.stop()
  const text = out.text()
  expect(text).toContain(TEXT)
  expect(text).toContain("█ 100 %")
  expect(text.indexOf(HIDE)).toBeGreaterThanOrEqual(0)
  expect(text.lastIndexOf(SHOW)).toBeGreaterThan(text.lastIndexOf(HIDE))
  expect(text.endsWith("\n")).toBe(true)
})
