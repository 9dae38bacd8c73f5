/** The setting itself, where nothing follows it. On cuda, which does, it is tested in tooling/conformance. */
import { afterEach, describe, expect, test } from "vitest"
import * as torch from "../src/index.ts"

afterEach(() => torch.setFloat32MatmulPrecision("highest"))

test("is the highest, until it is set", () => {
  expect(torch.getFloat32MatmulPrecision()).toBe("highest")
  for (const precision of ["high", "medium", "highest"] as const) {
    torch.setFloat32MatmulPrecision(precision)
    expect(torch.getFloat32MatmulPrecision()).toBe(precision)
  }
})

test("refuses other values, and stays as it was", () => {
  torch.setFloat32MatmulPrecision("high")
  const set = torch.setFloat32MatmulPrecision as (precision: unknown) => void
  for (const [value, kind] of [
    [3, "number"],
    [null, "null"],
    [undefined, "undefined"],
  ])
    expect(() => set(value)).toThrow(new TypeError(`setFloat32MatmulPrecision expects a string, but got ${kind}`))
  for (const value of ["foo", "HIGH", ""])
    expect(() => set(value)).toThrow(
      new RangeError(`setFloat32MatmulPrecision: "${value}" is not one of 'highest', 'high', or 'medium'`),
    )
  expect(torch.getFloat32MatmulPrecision()).toBe("high")
})

describe.each(["cpu", "wasm"])("on %s", (name) => {
  test("changes nothing", async () => {
    const device = await torch.open(name)
    const results = (): number[][] => {
      torch.manualSeed(1)
      const [x, w] = [torch.randn(20, 30, { device }), torch.randn(30, 40, { device })]
      const [image, taps] = [torch.randn(2, 3, 8, 8, { device }), torch.randn(4, 3, 3, 3, { device })]
      w.requiresGrad_()
      const [y, z] = [x.matmul(w), torch.nn.functional.conv2d(image, taps)]
      y.sum().backward()
      return ([y, w.grad!, z] as torch.Tensor[]).map((t) => Array.from(t.detach().dataSync(), Number))
    }
    const exact = results()
    for (const precision of ["high", "medium"] as const) {
      torch.setFloat32MatmulPrecision(precision)
      expect(results()).toEqual(exact)
    }
  })
})
