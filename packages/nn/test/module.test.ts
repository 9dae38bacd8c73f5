/** Module: calling, registration, traversal, settings, hooks, conversion. */
import { inspect } from "node:util"
import { ones, Parameter, randn, type Tensor, tensor, zeros } from "@taeda/core"
import { describe, expect, test } from "vitest"
import * as nn from "../src/index.ts"
import { numbers } from "./cpu.ts"

/** Fields as class fields, which are defined on the instance. */
class Fields extends nn.Module<(x: Tensor) => Tensor> {
  fc1 = new nn.Linear(2, 3)
  fc2 = new nn.Linear(3, 1, { bias: false })
  scale = new Parameter(ones(1))
  note = "hello"

  override forward(x: Tensor): Tensor {
    return this.fc2(this.fc1(x).relu()).mul(this.scale)
  }
}

/** The same assigned in the constructor, which sets them. */
class Assigned extends nn.Module {
  declare fc1: nn.Linear
  declare fc2: nn.Linear
  declare scale: Parameter

  constructor() {
    super()
    this.fc1 = new nn.Linear(2, 3)
    this.fc2 = new nn.Linear(3, 1, { bias: false })
    this.scale = new Parameter(ones(1))
  }
}

describe("calling", () => {
  test("runs forward", () => {
    const m = new Fields()
    const x = ones(4, 2)
    expect(numbers(m(x))).toEqual(numbers(m.forward(x)))
    expect(typeof m).toBe("function")
    expect(m).toBeInstanceOf(Fields)
    expect(m).toBeInstanceOf(nn.Module)
    expect(m.fc1).toBeInstanceOf(nn.Linear)
  })

  test("passes all arguments, and gives anything back", () => {
    class Several extends nn.Module<(a: number, b: number, c?: number) => [number, number]> {
      override forward(a: number, b: number, c = 0): [number, number] {
        return [a + b, c]
      }
    }
    expect(new Several()(1, 2, 3)).toEqual([3, 3])
  })

  test("without forward says so", () => {
    class Net extends nn.Module {}
    expect(() => new Net()(1)).toThrow('Module [Net] is missing the required "forward" function')
  })

  test("what a function has of its own is out of the way", () => {
    class Named extends nn.Module {
      override name = "mine"
      override length = 3
      override call = new nn.ReLU() as never
      override prototype = 1
    }
    const m = new Named()
    expect([m.name, m.length, m.prototype]).toEqual(["mine", 3, 1])
    expect([...m.namedChildren()].map(([name]) => name)).toEqual(["call"])
    const seen: string[] = []
    m.apply((module) => void seen.push(module.getName()))
    expect(seen).toEqual(["ReLU", "Named"])
  })
})

describe("registration", () => {
  test.each([
    ["class fields", () => new Fields()],
    ["assignment", () => new Assigned()],
  ])("by %s", (_, make) => {
    const m = make()
    expect([...m.namedParameters()].map(([name, p]) => [name, p.shape])).toEqual([
      ["scale", [1]],
      ["fc1.weight", [3, 2]],
      ["fc1.bias", [3]],
      ["fc2.weight", [1, 3]],
    ])
    expect([...m.parameters()][0]).toBe(m.scale)
    expect([...m.parameters(false)].length).toBe(1)
    expect([...m.namedParameters({ prefix: "net", recurse: false })].map(([name]) => name)).toEqual(["net.scale"])
    expect([...m.children()]).toEqual([m.fc1, m.fc2])
    expect([...m.namedModules()].map(([name]) => name)).toEqual(["", "fc1", "fc2"])
    expect([...m.modules()][0]).toBe(m)
  })

  test("a field that is declared first and set later is registered when set", () => {
    class Late extends nn.Module {
      a: nn.Module | undefined
      b: nn.Module
      constructor() {
        super()
        this.b = new nn.ReLU()
        this.a = new nn.Tanh()
      }
    }
    expect([...new Late().namedChildren()].map(([name]) => name)).toEqual(["b", "a"])
  })

  test("tied parameters: one object under two names", () => {
    class Tied extends nn.Module {
      wte = new nn.Embedding(5, 2)
      head = new nn.Linear(2, 5, { bias: false })
      constructor() {
        super()
        this.head.weight = this.wte.weight
      }
    }
    const m = new Tied()
    expect(m.head.weight).toBe(m.wte.weight)
    expect([...m.parameters()].length).toBe(1)
    expect([...m.namedParameters()].map(([name]) => name)).toEqual(["wte.weight"])
    expect([...m.namedParameters({ removeDuplicate: false })].map(([name]) => name)).toEqual([
      "wte.weight",
      "head.weight",
    ])
    expect(Object.keys(m.stateDict())).toEqual(["wte.weight", "head.weight"])
  })

  test("a module used twice comes once", () => {
    const relu = new nn.ReLU()
    const m = new nn.Sequential(relu, new nn.Linear(1, 1), relu)
    expect([...m.modules()].length).toBe(3)
    expect([...m.children()].length).toBe(2)
    expect([...m.namedModules({ removeDuplicate: false })].map(([name]) => name)).toEqual(["", "0", "1", "2"])
  })

  test("buffers: by name, by class, out of the state", () => {
    class Buffers extends nn.Module {
      declare runningMean: Tensor
      declare cache: Tensor
      mask = new nn.Buffer(ones(2))
      constructor() {
        super()
        this.registerBuffer("runningMean", zeros(3))
        this.registerBuffer("cache", zeros(1), { persistent: false })
        this.registerBuffer("nothing", null)
      }
    }
    const m = new Buffers()
    expect(m.runningMean.shape).toEqual([3])
    expect([...m.namedBuffers()].map(([name]) => name)).toEqual(["mask", "running_mean", "cache"])
    expect(Object.keys(m.stateDict())).toEqual(["mask", "running_mean"])
    m.runningMean = ones(3)
    expect(numbers(m.stateDict().running_mean)).toEqual([1, 1, 1])
    expect(m.getBuffer("running_mean")).toBe(m.runningMean)
    expect(() => (m.runningMean = 3 as never)).toThrow(
      "cannot assign 3 as buffer 'running_mean' (Tensor, Buffer or null expected)",
    )
  })

  test("names: camelCase as properties, PyTorch's as keys", () => {
    class Names extends nn.Module {
      weightIhL0 = new Parameter(ones(1))
      weightHrL0Reverse = new Parameter(ones(1))
      selfAttn = new nn.Linear(1, 1)
      snake_case = new nn.Linear(1, 1, { bias: false })
      W = new Parameter(ones(1))
    }
    const m = new Names()
    expect(Object.keys(m.stateDict())).toEqual([
      "weight_ih_l0",
      "weight_hr_l0_reverse",
      "W",
      "self_attn.weight",
      "self_attn.bias",
      "snake_case.weight",
    ])
    expect(m.getParameter("selfAttn.weight")).toBe(m.selfAttn.weight)
    expect(m.getParameter("self_attn.weight")).toBe(m.selfAttn.weight)
    expect(m.getParameter("weightIhL0")).toBe(m.weightIhL0)
    expect(m.getSubmodule("selfAttn")).toBe(m.selfAttn)
    expect(m.getSubmodule("")).toBe(m)
    expect(() => m.getSubmodule("selfAttn.q")).toThrow("Linear has no submodule 'q'")
    expect(() => m.getParameter("selfAttn.q")).toThrow("Linear has no parameter 'q'")
    expect(() => ((m as unknown as Record<string, unknown>).self_attn = new nn.ReLU())).toThrow(
      /would both be "self_attn"/,
    )
  })

  test("what a registered field may hold", () => {
    const m = new Fields()
    expect(() => (m.fc1.weight = ones(3, 2) as never)).toThrow(
      "cannot assign a tensor float32[3, 2] as parameter 'weight' (Parameter or null expected); wrap it: new Parameter(tensor)",
    )
    expect(() => (m.fc1 = 3 as never)).toThrow("cannot assign 3 as module 'fc1' (Module or null expected)")
    expect(m.fc1.weight).toBeInstanceOf(Parameter)
    m.fc1.bias = null
    expect([...m.fc1.namedParameters()].map(([name]) => name)).toEqual(["weight"])
    m.note = "bye"
    expect(m.note).toBe("bye")
  })

  test("a class field without a value does not silently undo a parameter", () => {
    class Redeclared extends nn.Linear {
      // @ts-expect-error: TypeScript asks for `declare` here; plain JavaScript does not.
      override weight: Parameter
      constructor() {
        super(1, 1)
      }
    }
    expect(() => new Redeclared()).toThrow(/cannot assign undefined as parameter 'weight'.*`declare`/)
  })

  test("deleting a field forgets it", () => {
    const m = new Fields()
    delete (m as Partial<Fields>).fc1
    expect([...m.namedChildren()].map(([name]) => name)).toEqual(["fc2"])
  })

  test("names that cannot be registered", () => {
    const m = new Fields()
    expect(() => m.registerBuffer("fc1", ones(1))).toThrow("registerBuffer: attribute 'fc1' already exists")
    expect(() => m.registerBuffer("a.b", ones(1))).toThrow(/must not contain "\."/)
    expect(() => m.registerModule("forward", new nn.ReLU())).toThrow("attribute 'forward' already exists")
    expect(() => m.addModule("x", 3 as never)).toThrow("3 is not a Module")
    expect(() => m.registerParameter("x", ones(1) as never)).toThrow(
      /cannot assign a tensor float32\[1\] to parameter 'x'/,
    )
    expect(() => m.registerBuffer("x", 3 as never)).toThrow(/cannot assign 3 to buffer 'x'/)
    m.registerModule("extra", new nn.ReLU())
    m.registerParameter("none", null)
    expect([...m.namedChildren()].map(([name]) => name)).toEqual(["fc1", "fc2", "extra"])
  })
})

describe("settings", () => {
  test("train and eval reach every module", () => {
    const m = new nn.Sequential(new nn.Sequential(new nn.Dropout()), new nn.ReLU())
    expect(m.eval()).toBe(m)
    expect([...m.modules()].map((each) => each.training)).toEqual([false, false, false, false])
    m.train()
    expect([...m.modules()].every((each) => each.training)).toBe(true)
    expect(() => m.train("yes" as never)).toThrow('train: mode must be true or false, got "yes"')
  })

  test("requiresGrad_ and zeroGrad", () => {
    const m = new Fields()
    m.fc1.requiresGrad_(false)
    m(ones(1, 2)).sum().backward()
    expect(m.fc1.weight.grad).toBeNull()
    expect(m.scale.grad).not.toBeNull()
    m.zeroGrad(false)
    expect(numbers(m.scale.grad!)).toEqual([0])
    m.zeroGrad()
    expect(m.scale.grad).toBeNull()
  })

  test("apply visits children first", () => {
    const seen: string[] = []
    const m = new Fields()
    expect(m.apply((each) => void seen.push(each.getName()))).toBe(m)
    expect(seen).toEqual(["Linear", "Linear", "Fields"])
  })
})

describe("conversion", () => {
  test("in place: the same parameters in another dtype, gradients too, integers as they are", () => {
    const m = new nn.BatchNorm1d(2)
    const { weight } = m
    m(randn(4, 2)).sum().backward()
    expect(m.double()).toBe(m)
    expect(m.weight).toBe(weight)
    expect([weight!.dtype, weight!.grad!.dtype, m.runningMean!.dtype, m.numBatchesTracked!.dtype]).toEqual([
      "float64",
      "float64",
      "float64",
      "int32",
    ])
    expect(weight!.isLeaf && weight!.requiresGrad).toBe(true)
    m.zeroGrad()
    m(randn(4, 2, { dtype: "float64" }))
      .sum()
      .backward()
    expect(weight!.grad!.dtype).toBe("float64")
    m.to({ dtype: "float32", device: "cpu" })
    expect(m.runningVar!.dtype).toBe("float32")
  })

  test("tied parameters stay tied", () => {
    const a = new nn.Linear(2, 2)
    const b = new nn.Linear(2, 2)
    b.weight = a.weight
    new nn.Sequential(a, b).to("float64")
    expect(b.weight).toBe(a.weight)
    expect(a.weight.dtype).toBe("float64")
  })

  test("to floating dtypes only", () => {
    const m = new nn.Linear(1, 1)
    expect(() => m.to("int32")).toThrow("Module.to: takes floating dtypes only, got int32")
    expect(() => m.to({ dtyp: "float64" } as never)).toThrow(/did you mean dtype\?/)
    expect(() => m.to("nowhere")).toThrow(/no device "nowhere"/)
    expect(m.weight.dtype).toBe("float32")
  })
})

describe("hooks", () => {
  test("before and after forward, replacing and removed", () => {
    const m = new nn.Linear(1, 1, { bias: false })
    m.weight = new Parameter(tensor([[2]]))
    const log: unknown[] = []
    const pre = m.registerForwardPreHook((module, args) => {
      log.push(["pre", module === m, args.length])
      return [(args[0] as Tensor).mul(10)]
    })
    const post = m.registerForwardHook((_module, args, output) => {
      log.push(["post", numbers(args[0] as Tensor), numbers(output as Tensor)])
      return (output as Tensor).add(1)
    })
    expect(numbers(m(ones(1, 1)))).toEqual([21])
    expect(log).toEqual([
      ["pre", true, 1],
      ["post", [10], [20]],
    ])
    pre.remove()
    expect(numbers(m(ones(1, 1)))).toEqual([3])
    post.remove()
    expect(numbers(m(ones(1, 1)))).toEqual([2])
  })

  test("prepend", () => {
    const m = new nn.Identity()
    const order: number[] = []
    m.registerForwardHook(() => void order.push(1))
    m.registerForwardHook(() => void order.push(2), { prepend: true })
    m(ones(1))
    expect(order).toEqual([2, 1])
  })

  test("backward: gradients of inputs and outputs", () => {
    const m = new nn.Linear(2, 1, { bias: false })
    m.weight = new Parameter(tensor([[2, 3]]))
    const log: unknown[] = []
    m.registerFullBackwardPreHook((_module, gradOutput) => {
      log.push(["pre", numbers(gradOutput[0]!)])
    })
    const handle = m.registerFullBackwardHook((module, gradInput, gradOutput) => {
      log.push([module === m, numbers(gradInput[0]!), numbers(gradOutput[0]!)])
      return [gradInput[0]!.mul(10)]
    })
    const x = ones(1, 2, { requiresGrad: true })
    m(x).mul(5).sum().backward()
    expect(log).toEqual([
      ["pre", [5]],
      [true, [10, 15], [5]],
    ])
    expect(numbers(x.grad!)).toEqual([100, 150])
    expect(numbers(m.weight.grad!)).toEqual([5, 5])
    handle.remove()
    x.grad = null
    m(x).sum().backward()
    expect(numbers(x.grad!)).toEqual([2, 3])
  })

  test("backward: an input without a gradient is null, a replaced gradient of the output reaches the weight", () => {
    const m = new nn.Linear(2, 1, { bias: false })
    const seen: unknown[] = []
    m.registerFullBackwardHook((_module, gradInput, gradOutput) => {
      seen.push([gradInput, gradOutput.map((g) => numbers(g!))])
    })
    m.registerFullBackwardPreHook((_module, [g]) => [g!.mul(3)])
    m(ones(1, 2)).sum().backward()
    expect(seen).toEqual([[[null], [[3]]]])
    expect(numbers(m.weight.grad!)).toEqual([3, 3])
  })

  test("backward: several inputs and outputs", () => {
    class Two extends nn.Module {
      override forward(a: Tensor, b: Tensor): Tensor[] {
        return [a.mul(2), b.mul(3)]
      }
    }
    const m = new Two()
    const seen: number[][][] = []
    m.registerFullBackwardHook((_module, gradInput, gradOutput) => {
      seen.push([gradInput.flatMap((g) => numbers(g!)), gradOutput.flatMap((g) => numbers(g!))])
    })
    const [a, b] = [ones(1, { requiresGrad: true }), ones(1, { requiresGrad: true })]
    const [p, q] = m(a, b)
    p.add(q.mul(4)).sum().backward()
    expect(seen).toEqual([
      [
        [2, 12],
        [1, 4],
      ],
    ])
  })

  test("a hook's result of the wrong number", () => {
    const m = new nn.Linear(1, 1)
    m.registerFullBackwardHook(() => [])
    const y = m(ones(1, 1, { requiresGrad: true })).sum()
    expect(() => y.backward()).toThrow("Linear: a backward hook returned 0 gradients where there are 1")
  })
})

describe("printing", () => {
  test("a tree with names, in String and in the console alike", () => {
    class Net extends nn.Module {
      convBlock = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU())
      empty: nn.Module | null = null
      fc = new nn.Linear(2, 1)
    }
    const text = `Net(
  (conv_block): Sequential(
    (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    (1): ReLU()
  )
  (fc): Linear(in_features=2, out_features=1, bias=True)
)`
    expect(String(new Net())).toBe(text)
    expect(inspect(new Net())).toBe(text)
    expect(`${new nn.ReLU()}`).toBe("ReLU()")
  })

  test("extra lines of one's own", () => {
    class Extra extends nn.Module {
      relu = new nn.ReLU()
      override extraRepr(): string {
        return "a=1"
      }
    }
    expect(String(new Extra())).toBe("Extra(\n  a=1\n  (relu): ReLU()\n)")
  })

  test("a subclass prints under its own name", () => {
    class Head extends nn.Linear {}
    expect(String(new Head(1, 2))).toBe("Head(in_features=1, out_features=2, bias=True)")
  })
})
