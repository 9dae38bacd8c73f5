import * as torch from "taeda"
import { describe, expect, test } from "vitest"

describe("expect", () => {
  const unknown: torch.Tensor = torch.zeros(2, 3)

  test("gives the tensor itself, with a shape that the compiler knows", () => {
    const x = unknown.expect([2, 3])
    const shape: [2, 3] = x.shape
    expect(x).toBe(unknown)
    expect(shape).toEqual([2, 3])
    expect(torch.expect(unknown, [-1, 3])).toBe(unknown)
    // @ts-expect-error: 3 and 4 differ
    expect(() => x.matmul(torch.ones(4, 5))).toThrow()
  })

  test("throws where the shape is another", () => {
    for (const shape of [[2, 4], [2], [2, 3, 1], [-1, -1, 3]])
      expect(() => unknown.expect(shape)).toThrow(
        `expect: expected a tensor of shape [${shape.join(", ")}], got float32[2, 3]`,
      )
    expect(() => unknown.expect(2 as unknown as number[])).toThrow("expect: shape must be an array of sizes, got 2")
  })
})

test("dynamic gives the tensor itself, with a shape that the compiler does not know", () => {
  const x = torch.zeros(2, 3)
  let y = x.dynamic()
  expect(y).toBe(x)
  y = y.reshape([-1])
  expect(y.shape).toEqual([6])
  expect(torch.dynamic(x)).toBe(x)
})
