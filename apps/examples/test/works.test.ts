import * as torch from "taeda"
import { expect, test } from "vitest"
import { complete, labels, numbers, WORK_NAMES, worksOf } from "../src/index.ts"

test("numbers are the same each time, and of about unit size", () => {
  expect(numbers(1000, 3)).toEqual(numbers(1000, 3))
  expect(numbers(10, 3)).not.toEqual(numbers(10, 4))
  for (const x of numbers(1000)) expect(Math.abs(x)).toBeLessThanOrEqual(1)
  expect([...labels(4)]).toEqual([0, 7, 4, 1])
})

test("there is a maker of every work", () => {
  expect(Object.keys(worksOf(torch))).toEqual(WORK_NAMES)
})

test.each([...WORK_NAMES.filter((name) => !/512|1024|cnn/.test(name))])("%s runs, and again", async (name) => {
  const device = await torch.setDefaultDevice("cpu")
  const { run } = complete(torch, device, worksOf(torch)[name]())
  await run()
  await run()
})
