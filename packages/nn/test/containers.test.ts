/** Sequential, lists and dicts of modules and parameters. */
import { ones, Parameter, zeros } from "@taeda/core"
import { describe, expect, test } from "vitest"
import * as nn from "../src/index.ts"
import { numbers } from "./cpu.ts"

describe("Sequential", () => {
  test("calls one after the other; from arguments, an array, names", () => {
    const [a, b] = [new nn.Linear(2, 2), new nn.ReLU()]
    const x = ones(1, 2)
    for (const m of [new nn.Sequential(a, b), new nn.Sequential([a, b]), new nn.Sequential({ first: a, second: b })])
      expect(numbers(m(x))).toEqual(numbers(b(a(x))))
    expect(Object.keys(new nn.Sequential({ first: a, fcOut: a }).stateDict())).toEqual([
      "first.weight",
      "first.bias",
      "fcOut.weight",
      "fcOut.bias",
    ])
  })

  test("reads, changes and iterates like a list", () => {
    const layers = [new nn.ReLU(), new nn.Tanh(), new nn.Sigmoid()]
    const m = new nn.Sequential(...layers)
    expect(m.length).toBe(3)
    expect([...m]).toEqual(layers)
    expect(m.at(-1)).toBe(layers[2])
    expect(m[1]).toBe(layers[1])
    expect(() => m.at(3)).toThrow("Sequential: index 3 is out of range for 3 elements")
    const gelu = new nn.GELU()
    m.setAt(0, gelu)
    expect(m[0]).toBe(gelu)
    m.append(new nn.SiLU()).insert(1, new nn.Mish())
    expect([...m].map((each) => each.getName())).toEqual(["GELU", "Mish", "Tanh", "Sigmoid", "SiLU"])
    expect(m.pop(1).getName()).toBe("Mish")
    expect([...m.namedChildren()].map(([name]) => name)).toEqual(["0", "1", "2", "3"])
  })

  test("refuses what is no module", () => {
    expect(() => new nn.Sequential(3 as never)).toThrow("Sequential: 3 is not a Module")
    expect(() => new nn.Sequential({ train: new nn.ReLU() })).toThrow("attribute 'train' already exists")
  })
})

describe("ModuleList and ModuleDict", () => {
  test("hold parameters of what they hold", () => {
    class Net extends nn.Module {
      layers = new nn.ModuleList([new nn.Linear(1, 2), new nn.Linear(2, 1)])
      heads = new nn.ModuleDict({ a: new nn.Linear(1, 1), "b-c": new nn.ReLU() })
    }
    const m = new Net()
    expect(Object.keys(m.stateDict())).toEqual([
      "layers.0.weight",
      "layers.0.bias",
      "layers.1.weight",
      "layers.1.bias",
      "heads.a.weight",
      "heads.a.bias",
    ])
    expect(m.heads.get("b-c").getName()).toBe("ReLU")
    expect([...m.heads.keys()]).toEqual(["a", "b-c"])
    expect([...m.heads].length).toBe(m.heads.length)
    expect(m.heads.has("x")).toBe(false)
    expect(() => m.heads.get("x")).toThrow("ModuleDict: no module 'x'; it has a, b-c")
    m.heads.set("x", new nn.Tanh()).pop("a")
    expect([...m.heads.keys()]).toEqual(["b-c", "x"])
    expect(() => m.layers(1)).toThrow('Module [ModuleList] is missing the required "forward" function')
  })

  test("a dict's names may be anything", () => {
    const m = new nn.ModuleDict({ train: new nn.Linear(1, 1), keys: new nn.ReLU() })
    expect([...m.keys()]).toEqual(["train", "keys"])
    expect(Object.keys(m.stateDict())).toEqual(["train.weight", "train.bias"])
    m.clear()
    expect(m.length).toBe(0)
  })
})

describe("ParameterList and ParameterDict", () => {
  test("register what they hold", () => {
    const p = new Parameter(ones(2))
    const list = new nn.ParameterList([p, zeros(3)])
    expect(list.at(0)).toBe(p)
    expect(list[1]).toBeInstanceOf(Parameter)
    expect(list.length).toBe(2)
    list.append(ones(1))
    list.setAt(0, ones(5))
    const registered = [...list.parameters()]
    expect([...list].every((each, i) => each === registered[i])).toBe(true)
    expect(Object.keys(list.stateDict())).toEqual(["0", "1", "2"])
    const dict = new nn.ParameterDict({ a: p, fooBar: ones(1) })
    expect(dict.get("a")).toBe(p)
    expect(Object.keys(dict.stateDict())).toEqual(["a", "fooBar"])
    expect(dict.pop("a")).toBe(p)
    expect([...dict.parameters()].length).toBe(1)
  })
})
