/** nn.utils against PyTorch. */
import { readFileSync } from "node:fs"
import { manualSeed, ones, Parameter, tensor } from "@taeda/core"
import { describe, expect, test } from "vitest"
import * as nn from "../src/index.ts"
import { numbers } from "./cpu.ts"

const golden = JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")).clipping as Record<
  string,
  { total: number; grads: number[][] }
> & { value: number[][] }

function withGradients(): nn.Sequential {
  manualSeed(7)
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 2))
  model(ones(2, 3)).square().sum().backward()
  return model
}

const gradientsOf = (model: nn.Module): number[][] => Array.from(model.parameters(), (p) => numbers(p.grad!))

function expectClose(found: number[][], wanted: number[][]): void {
  wanted.forEach((row, k) => {
    row.forEach((v, i) => expect(Math.abs(found[k][i] - v)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(v))))
  })
}

describe("clipping", () => {
  test.each([
    ["1.0", 1],
    ["2.0", 2],
    ["inf", Number.POSITIVE_INFINITY],
  ])("clipGradNorm_ of norm %s", (name, normType) => {
    const model = withGradients()
    const total = nn.utils.clipGradNorm_(model.parameters(), 0.5, { normType })
    expect(Math.abs((total.itemSync() as number) / golden[name].total - 1)).toBeLessThan(1e-6)
    expectClose(gradientsOf(model), golden[name].grads)
  })

  test("clipGradValue_", () => {
    const model = withGradients()
    nn.utils.clipGradValue_(model.parameters(), 0.1)
    expectClose(gradientsOf(model), golden.value)
  })

  test("a norm that is not finite", () => {
    const p = new Parameter(ones(2))
    p.grad = tensor([1, Number.NaN])
    expect(() => nn.utils.clipGradNorm_(p, 1, { errorIfNonfinite: true })).toThrow(
      /the total norm of order 2 .* is non-finite/,
    )
    expect(numbers(p.grad)).toEqual([1, Number.NaN])
  })

  test("nothing to clip", () => {
    expect(nn.utils.clipGradNorm_([], 1).itemSync()).toBe(0)
  })
})

describe("parameters as a vector", () => {
  test("there and back", () => {
    const model = withGradients()
    const vector = nn.utils.parametersToVector(model.parameters())
    expect(vector.shape).toEqual([26])
    expect(String(vector.gradFn)).toContain("CatBackward0")
    nn.utils.vectorToParameters(vector.detach().mul(2), model.parameters())
    expect(numbers(nn.utils.parametersToVector(model.parameters()))).toEqual(numbers(vector).map((v) => v * 2))
  })

  test("of the wrong length", () => {
    expect(() => nn.utils.vectorToParameters(ones(25), withGradients().parameters())).toThrow(
      /expected a vector of 26 elements, got a tensor float32\[25\]/,
    )
  })
})
