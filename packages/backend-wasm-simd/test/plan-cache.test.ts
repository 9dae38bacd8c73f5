import { expect, test } from "vitest"
import { PlanCache } from "../src/plan-cache.ts"

const plan = (slot: number) => ({ slots: [slot, -1], addresses: [0], units: 1, grain: 1 })
const layout = (...sizes: readonly number[]) => ({ sizes, strides: sizes.map((_, k) => sizes.length - k) })

test("a plan is made once for the same numbers and layouts", () => {
  const plans = new PlanCache()
  const first = plans.find([1, 2], [layout(3, 4)], () => plan(7))
  const again = plans.find([1, 2], [layout(3, 4)], () => plan(8))
  expect(again).toBe(first)
  expect([...first.words]).toEqual([7, 0, -1, -1])
  for (const [numbers, operand] of [
    [[1, 3], layout(3, 4)],
    [[1, 2], layout(3, 5)],
    [[1, 2], { sizes: [3, 4], strides: [2, 2] }],
  ] as const)
    expect(plans.find(numbers, [operand], () => plan(9)).plan.slots[0]).toBe(9)
})

test("of many plans the recent ones are kept", () => {
  const plans = new PlanCache()
  let made = 0
  const find = (n: number) =>
    plans.find([n], [], () => {
      made++
      return plan(n)
    })
  for (let n = 0; n < 100; n++) expect(find(n).plan.slots[0]).toBe(n)
  expect(made).toBe(100)
  expect(find(99).plan.slots[0]).toBe(99)
  expect(made).toBe(100)
  expect(find(0).plan.slots[0]).toBe(0)
  expect(made).toBe(101)
})
