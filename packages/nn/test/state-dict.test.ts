/** State dicts: what they hold, and loading them. */
import { ones, Parameter, tensor, zeros } from "@taeda/core"
import { describe, expect, test } from "vitest"
import * as nn from "../src/index.ts"
import { numbers } from "./cpu.ts"

describe("stateDict", () => {
  test("shares memory, outside of the graph", () => {
    const m = new nn.Linear(2, 1)
    const state = m.stateDict()
    expect(state.weight).not.toBe(m.weight)
    expect(state.weight.requiresGrad).toBe(false)
    state.weight.fill_(7)
    expect(numbers(m.weight)).toEqual([7, 7])
    expect(m.stateDict({ keepVars: true }).weight).toBe(m.weight)
    expect(Object.keys(m.stateDict({ prefix: "net." }))).toEqual(["net.weight", "net.bias"])
  })
})

describe("loadStateDict", () => {
  test("copies, converts and says that all keys were there", () => {
    const m = new nn.Linear(2, 1)
    const { weight } = m
    const found = m.loadStateDict({ weight: tensor([[3, 4]], { dtype: "float64" }), bias: ones(1) })
    expect(found).toEqual({ missingKeys: [], unexpectedKeys: [] })
    expect(m.weight).toBe(weight)
    expect(m.weight.dtype).toBe("float32")
    expect(numbers(m.weight)).toEqual([3, 4])
  })

  test("from one model to another", () => {
    const make = (): nn.Module => new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.Linear(2, 1))
    const [a, b] = [make(), make()]
    a(ones(1, 1, 4, 4))
    b.loadStateDict(a.stateDict())
    for (const [key, value] of Object.entries(b.stateDict()))
      expect(numbers(value)).toEqual(numbers(a.stateDict()[key]))
  })

  test("PyTorch's error names all that is wrong, and nothing is loaded", () => {
    const m = new nn.Linear(2, 2)
    const before = numbers(m.weight)
    expect(() => m.loadStateDict({ weight: ones(3, 2), b: ones(1) })).toThrow(
      'Error(s) in loading state_dict for Linear:\n\tMissing key(s) in state_dict: "bias". \n\tUnexpected key(s) in state_dict: "b". \n\tsize mismatch for weight: copying a param with shape torch.Size([3, 2]) from checkpoint, the shape in current model is torch.Size([2, 2]).',
    )
    expect(() => m.loadStateDict({ weight: ones(2, 2) })).toThrow('Missing key(s) in state_dict: "bias". ')
    expect(() => m.loadStateDict({ weight: ones(2, 2), bias: 1 })).toThrow(
      'While copying the parameter named "bias", expected a Tensor from checkpoint but received 1',
    )
    expect(numbers(m.weight)).toEqual(before)
  })

  test("keys of submodules, missing and unexpected", () => {
    const m = new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU())
    expect(() => m.loadStateDict({ "0.weight": ones(1, 1), "1.weight": ones(1), "2.x": ones(1) })).toThrow(
      'Missing key(s) in state_dict: "0.bias". \n\tUnexpected key(s) in state_dict: "2.x", "1.weight". ',
    )
  })

  test("not strict: loads what fits by name, but not by size", () => {
    const m = new nn.Linear(2, 2)
    expect(m.loadStateDict({ weight: ones(2, 2), "x.y": ones(1) }, { strict: false })).toEqual({
      missingKeys: ["bias"],
      unexpectedKeys: ["x.y"],
    })
    expect(numbers(m.weight)).toEqual([1, 1, 1, 1])
    expect(() => m.loadStateDict({ weight: zeros(3, 2) }, false)).toThrow(
      /loading state_dict for Linear:\n\tsize mismatch/,
    )
  })

  test("a state dict with a key named strict is the state dict", () => {
    class Odd extends nn.Module {
      strict = new Parameter(zeros(1))
    }
    const m = new Odd()
    m.loadStateDict({ strict: ones(1) })
    expect(numbers(m.strict)).toEqual([1])
  })

  test("assign takes the tensors themselves", () => {
    const m = new nn.BatchNorm1d(1)
    const state = { ...m.stateDict(), weight: ones(1, { dtype: "float64" }), running_mean: ones(1) }
    m.loadStateDict(state, { assign: true })
    expect(m.weight).toBeInstanceOf(Parameter)
    expect(m.weight!.dtype).toBe("float64")
    expect(m.weight!.requiresGrad).toBe(true)
    expect(m.runningMean).toBe(state.running_mean)
  })

  test("anything but an object of tensors", () => {
    const m = new nn.Linear(1, 1)
    expect(() => m.loadStateDict(ones(1) as never)).toThrow(
      /expected a plain object of tensors, got a tensor float32\[1\]/,
    )
    expect(() => m.loadStateDict({}, { stict: false } as never)).toThrow(/did you mean strict\?/)
  })
})
