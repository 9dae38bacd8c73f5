/** What the library frees by itself, and above all what it must not: whatever somebody may still see. */
import { enclosed, OpNode, type Rule } from "@taeda/core"
import * as torch from "taeda"
import { beforeEach, describe, expect, test } from "vitest"
import { type LinearMemory, linearMemory } from "./linear-memory.ts"

const { autograd, nn, optim } = torch
type Tensor = torch.Tensor

let memory: LinearMemory
let device: torch.Device
const G = { requiresGrad: true }

beforeEach(() => {
  memory = linearMemory()
  device = memory.device
})

type SGDGroup = (typeof optim.SGD.prototype.paramGroups)[number]
// biome-ignore lint/suspicious/noExplicitAny: an optimiser's own state
type Rest = [group: SGDGroup, state: Record<string, any>]

const leaf = (...values: number[]): Tensor => torch.tensor(values, { device, ...G })
const plain = (...values: number[]): Tensor => torch.tensor(values, { device })
const values = (t: Tensor): unknown => t.toArraySync()

/** How many buffers `body` leaves behind beside those that it returns. */
function left(body: () => Tensor | readonly Tensor[] | undefined): number {
  const before = memory.buffers()
  const result = body()
  const kept = result === undefined ? [] : Array.isArray(result) ? result : [result]
  return memory.buffers() - before - new Set(kept.map((t: Tensor) => t.storage)).size
}

describe("inner results", () => {
  const x = (): Tensor => torch.rand(4, 6, { device })
  const OPS: Record<string, (x: Tensor) => Tensor | Iterable<Tensor>> = {
    softmax: (x) => x.softmax(1),
    logSoftmax: (x) => x.logSoftmax(0),
    crossEntropy: (x) => nn.functional.crossEntropy(x, torch.tensor([0, 1, 2, 3], { dtype: "int32", device })),
    logsumexp: (x) => x.logsumexp(1),
    layerNorm: (x) => nn.functional.layerNorm(x, [6]),
    std: (x) => x.std(1),
    quantile: (x) => x.quantile(0.5),
    median: (x) => x.median(),
    cumsum: (x) => x.cumsum(0),
    topk: (x) => x.topk(2),
    sort: (x) => x.sort(),
    norm: (x) => x.norm(),
    einsum: (x) => torch.einsum("ij,kj->ik", x, x),
    interpolate: (x) => nn.functional.interpolate(x.view(1, 1, 4, 6), { scaleFactor: 2, mode: "bilinear" }),
    gelu: (x) => nn.functional.gelu(x.t()),
    at: (x) => x.at([0, 2], [1, 3]),
    maskedFill: (x) => x.maskedFill(x.gt(0.5), 0),
    "add_ of itself, moved": (x) => x.narrow(1, 0, 5).add_(x.narrow(1, 1, 5)),
    setAt: (x) => x.setAt([[0, 1]], 5),
  }
  for (const [name, op] of Object.entries(OPS))
    test(`${name} leaves what it returns`, () => {
      const input = x()
      // Arguments that a row makes for itself are in sight of the row.
      const own = name === "crossEntropy" || name === "maskedFill" ? 1 : 0
      expect(left(() => [...[op(input)].flat(), input] as Tensor[]) + 1).toBe(own)
    })

  test("what only the graph holds lives until the graph lets go of it", () => {
    const a = torch.rand(4, 6, { device, ...G })
    const y = nn.functional.layerNorm(a, [6])
    const saved = memory.buffers()
    expect(saved).toBeGreaterThan(2)
    y.sum().backward()
    // The leaf, its gradient and the two results that were in sight.
    expect(memory.buffers()).toBe(4)
    expect(y.sum().itemSync()).toBeCloseTo(0, 4)
  })

  test("a second pass finds what the first one retained", () => {
    const a = leaf(1, 2, 3)
    const loss = a.softmax(0).log().sum()
    loss.backward({ retainGraph: true })
    const first = values(a.grad!)
    a.grad = null
    loss.backward({ retainGraph: true })
    expect(values(a.grad!)).toEqual(first)
    a.grad = null
    loss.backward()
    expect(values(a.grad!)).toEqual(first)
    expect(() => loss.backward()).toThrow("a second time")
  })

  test("an op that fails leaves its inputs", () => {
    const a = leaf(1, 2)
    const y = a.exp()
    expect(() => y.softmax(3)).toThrow(RangeError)
    expect(() => torch.cat([y, plain(1).view(1, 1)])).toThrow()
    y.sum().backward()
    expect(values(y)).toEqual(values(a.grad!))
  })
})

describe("gradients on their way", () => {
  test("are freed when the next rule is done with them", () => {
    const w = leaf(1, 2, 3)
    const y = w.mul(2).sin().exp().neg().sigmoid().sum()
    const before = memory.buffers()
    y.backward()
    // The gradient alone is new.
    expect(memory.buffers()).toBe(before + 1)
  })

  test("peak far below their number", () => {
    const w = torch.ones(1000, { device, ...G })
    let y = w
    for (let i = 0; i < 50; i++) y = y.add(0.5)
    const live = memory.live()
    let most = 0
    const loss = y.sum()
    y.registerHook(() => void (most = Math.max(most, memory.live())))
    w.registerHook(() => void (most = Math.max(most, memory.live())))
    loss.backward()
    expect(most - live).toBeLessThan(5 * 4000)
    expect(values(w.grad!.sum())).toBe(1000)
  })

  test("a hook may keep the gradient it is shown, and what it makes of it", () => {
    const w = leaf(1, 2, 3)
    const kept: Tensor[] = []
    const y = w.mul(2)
    const z = y.exp()
    for (const t of [y, z, w]) t.registerHook((g: Tensor) => void kept.push(g, g.mul(3), g.softmax(0), g.view(3, 1)))
    z.sum().backward()
    expect(kept.map((t) => t.shape.length)).toEqual([1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 2])
    expect(values(kept[0]!)).toEqual([1, 1, 1])
    expect(values(kept[9]!)).toEqual(values(w.grad!.mul(3)))
    expect(values(kept[11]!.flatten())).toEqual(values(w.grad!))
  })

  test("a hook's own gradient is not the library's to free", () => {
    const w = leaf(1, 2)
    const mine = plain(5, 7)
    w.mul(1).registerHook(() => mine)
    const y = w.mul(1)
    y.registerHook(() => mine)
    y.sum().backward()
    w.grad = null
    expect(values(mine)).toEqual([5, 7])
  })

  test("hooks on nodes may keep what they are shown", () => {
    const w = leaf(1, 2, 3)
    const y = w.exp().mul(2)
    const kept: Tensor[] = []
    const note = (grads: readonly (Tensor | null)[]): void => {
      for (const g of grads) if (g) kept.push(g)
    }
    const node = y.gradFn!
    node.registerPrehook((grads) => note(grads))
    node.registerHook((ins, outs) => {
      note(ins)
      note(outs)
    })
    y.sum().backward()
    expect(kept.map((t) => values(t))).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [1, 1, 1],
    ])
  })

  test("hooks of modules may keep what they are shown", () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Tanh(), new nn.Linear(2, 1)).to(device)
    const kept: Tensor[] = []
    for (const module of [model, ...model]) {
      module.registerForwardHook((_m, args, out) => void kept.push(args[0] as Tensor, out as Tensor))
      module.registerFullBackwardHook((_m, ins, outs) => void kept.push(...[...ins, ...outs].filter((g) => g !== null)))
    }
    const x = leaf(1, 2)
    for (let i = 0; i < 2; i++) (model(x) as Tensor).sum().backward()
    const texts = kept.map((t) => String(values(t)))
    for (let i = 0; i < 5; i++) plain(9, 9).add(1)
    expect(kept.map((t) => String(values(t)))).toEqual(texts)
    // Both calls saw the same.
    expect(texts.slice(texts.length / 2)).toEqual(texts.slice(0, texts.length / 2))
  })

  test("what is retained, captured or given stays", () => {
    const w = leaf(1, 2)
    const y = w.mul(w)
    y.retainGrad()
    const given = plain(3, 4)
    y.clone().backward(given)
    expect([values(y.grad!), values(given), values(w.grad!)]).toEqual([
      [3, 4],
      [3, 4],
      [6, 16],
    ])
    const z = w.mul(w)
    const [gz, gw] = autograd.grad(z.sum(), [z, w])
    w.grad = null
    expect([values(gz!), values(gw!)]).toEqual([
      [1, 1],
      [2, 4],
    ])
    const b = leaf(1, 1)
    b.clone().backward(given)
    b.grad = null
    expect(values(given)).toEqual([3, 4])
  })

  test("gradients that share memory reach all who want them", () => {
    const [a, b, c] = [leaf(1, 2), leaf(3, 4), leaf(5, 6)]
    a.add(b).add(c).add(a).add(a).view(2, 1).expand(2, 3).sum().backward()
    expect([a, b, c].map((t) => values(t.grad!))).toEqual([
      [9, 9],
      [3, 3],
      [3, 3],
    ])
    const s = torch.stack([a, a, a]).sum(0).mul(b).sum()
    a.grad = b.grad = null
    s.backward()
    expect([values(a.grad!), values(b.grad!)]).toEqual([
      [9, 12],
      [3, 6],
    ])
    const x = leaf(2)
    x.sum().backward()
    x.backward(plain(1))
    expect(values(x.grad!)).toEqual([2])
  })

  test("a leaf that is the root keeps the gradient it began with", () => {
    const x = torch.tensor(3, { device, ...G })
    x.backward()
    expect(values(x.grad!)).toBe(1)
    x.backward()
    expect(values(x.grad!)).toBe(2)
  })

  test("a rule may give what its node saved, where nobody else knows of it", () => {
    const rule: Rule = { name: "GivesSavedBackward0", backward: (node) => [node.get(0)] }
    const givesSaved = enclosed((x: Tensor): Tensor => {
      const [inner, out] = torch.noGrad(() => [x.mul(3), x.add(0)])
      const node = new OpNode(rule, [x], [inner], null)
      node.outputs = [{ shape: out.shape, dtype: out.dtype, device: out.device }]
      out.setHistory(node)
      return out
    })
    const w = leaf(1, 2)
    givesSaved(givesSaved(w).mul(2)).sum().backward()
    expect(values(w.grad!)).toEqual([3, 6])
  })

  test("in-place changes, of views too", () => {
    const w = leaf(1, 2, 3, 4)
    const y = w.mul(2)
    const v = y.narrow(0, 1, 2)
    v.mul_(w.narrow(0, 0, 2)).exp_()
    y.mul(y).sum().backward()
    const cpu = torch.tensor([1, 2, 3, 4], G)
    const z = cpu.mul(2)
    z.narrow(0, 1, 2)
      .mul_(cpu.narrow(0, 0, 2))
      .exp_()
    z.mul(z).sum().backward()
    expect(values(w.grad!)).toEqual(values(cpu.grad!))
  })

  test("second derivatives", () => {
    const w = leaf(1, 2, 3)
    const [g] = autograd.grad(w.softmax(0).exp().sum(), w, { createGraph: true })
    const loss = g!.mul(g!).sum()
    loss.backward()
    const cpu = torch.tensor([1, 2, 3], G)
    const [h] = autograd.grad(cpu.softmax(0).exp().sum(), cpu, { createGraph: true })
    h!.mul(h!).sum().backward()
    expect(values(w.grad!)).toEqual(values(cpu.grad!))
    expect(values(g!)).toEqual(values(h!))
  })
})

describe("functions of users", () => {
  test("may keep what they are given and give what they keep", () => {
    const kept: Tensor[] = []
    class Odd extends autograd.Function {
      static override forward(ctx: torch.autograd.FunctionContext, x: Tensor): Tensor {
        const inner = x.exp()
        ctx.saveForBackward(x, inner)
        ctx.mine = inner.mul(2)
        kept.push(inner, ctx.mine, x.softmax(0))
        return inner.add(1)
      }
      static override backward(ctx: torch.autograd.FunctionContext, g: Tensor): Tensor {
        const [, inner] = ctx.savedTensors
        kept.push(g, g.mul(inner!))
        return ctx.mine
      }
    }
    const w = leaf(0, 1)
    ;(Odd.apply(w.mul(1)) as Tensor).mul(3).sum().backward()
    const first = values(w.grad!)
    expect(first).toEqual(values(kept[1]!))
    w.grad!.zero_()
    expect(values(kept[1]!)).toEqual(first)
    for (const t of kept) expect(values(t)).toHaveLength(2)
  })

  test("may start a pass of their own", () => {
    class Nested extends autograd.Function {
      static override forward(ctx: torch.autograd.FunctionContext, x: Tensor): Tensor {
        ctx.saveForBackward(x)
        return x.mul(x)
      }
      static override backward(ctx: torch.autograd.FunctionContext, g: Tensor): Tensor {
        const x = ctx.savedTensors[0]!.detach().requiresGrad_()
        torch.enableGrad(() => x.mul(x).sum().backward())
        return x.grad!.mul(g)
      }
    }
    const w = leaf(1, 2)
    ;(Nested.apply(w) as Tensor).sum().backward()
    expect(values(w.grad!)).toEqual([2, 4])
  })
})

describe("gradients of leaves", () => {
  const trained = (Optimizer: new (...args: never[]) => torch.optim.Optimizer): [Tensor, torch.optim.Optimizer] => {
    const w = leaf(1, 2, 3)
    const make = Optimizer as unknown as new (params: Tensor[], options: object) => torch.optim.Optimizer
    return [w, new make([w], { lr: 0.1 })]
  }

  for (const name of ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"] as const)
    test(`${name}: a step leaves nothing that nobody saw`, () => {
      const [w, optimizer] = trained(optim[name] as never)
      const step = (): void => {
        optimizer.zeroGrad()
        const loss = torch.scope(() => w.mul(w).sum())
        loss.backward()
        optimizer.step()
        torch.dispose(loss)
      }
      step()
      step()
      const after = memory.buffers()
      for (let i = 0; i < 5; i++) step()
      expect(memory.buffers()).toBe(after)
    })

  test("one that somebody has looked at stays", () => {
    const [w, optimizer] = trained(optim.SGD as never)
    w.mul(w).sum().backward()
    const mine = w.grad!
    optimizer.step()
    optimizer.zeroGrad()
    w.mul(w).sum().backward()
    const view = w.grad!.view(3, 1)
    optimizer.zeroGrad()
    expect([values(mine), (values(view) as unknown[]).length]).toEqual([[2, 4, 6], 3])
  })

  test("one that an optimiser of a user keeps stays", () => {
    const kept: Tensor[] = []
    class Keeping extends optim.SGD {
      protected override update(p: Tensor, g: Tensor, ...rest: Rest): void {
        kept.push(g)
        super.update(p, g, ...rest)
      }
    }
    const w = leaf(1, 2)
    const optimizer = new Keeping([w], { lr: 0.1 })
    w.mul(w).sum().backward()
    optimizer.step()
    optimizer.zeroGrad()
    expect(values(kept[0]!)).toEqual([2, 4])
  })

  test("a hook may use and drop it", () => {
    const w = leaf(1, 2)
    const kept: Tensor[] = []
    w.registerPostAccumulateGradHook((p) => {
      kept.push(p.grad!)
      p.grad = null
    })
    for (let i = 0; i < 2; i++) w.mul(w).sum().backward()
    expect([w.grad, ...kept.map(values)]).toEqual([null, [2, 4], [2, 4]])
  })

  test("clipping and accumulating", () => {
    const w = leaf(3, 4)
    for (let i = 0; i < 3; i++) w.mul(plain(1, 1)).sum().backward()
    const norm = nn.utils.clipGradNorm_([w], 1)
    expect(norm.itemSync()).toBeCloseTo(3 * Math.SQRT2, 5)
    expect(w.grad!.norm().itemSync()).toBeCloseTo(1, 5)
  })
})

describe("Sequential", () => {
  const mlp = (middle: torch.nn.Module = new nn.ReLU()): torch.nn.Sequential =>
    new nn.Sequential(new nn.Linear(4, 8), middle, new nn.Linear(8, 8), new nn.Tanh(), new nn.Linear(8, 2)).to(device)
  const x = (): Tensor => torch.ones(3, 4, { device })

  test("keeps what lies between its modules only as long as the graph needs it", () => {
    const model = mlp()
    const input = x()
    const before = memory.buffers()
    const y = torch.noGrad(() => model(input)) as Tensor
    expect(memory.buffers()).toBe(before + 1)
    const loss = (model(input) as Tensor).sum()
    expect(memory.buffers()).toBeGreaterThan(before + 3)
    loss.backward()
    // Both results, the sum's argument, and the gradients.
    expect(memory.buffers()).toBe(before + 3 + 6)
    expect(values(y.sum())).toBeCloseTo(loss.itemSync(), 5)
  })

  test("gives its argument back where nothing is done to it", () => {
    const input = x().mul(2)
    const same = new nn.Sequential(new nn.Identity(), new nn.Dropout(0.5).eval())(input) as Tensor
    expect([values(same), values(input)]).toEqual([values(input), values(same)])
  })

  const kept: Tensor[] = []
  const keep = (t: Tensor): Tensor => {
    kept.push(t)
    return t
  }
  class Own extends nn.Module {
    override forward(t: Tensor): Tensor {
      return keep(keep(t).relu())
    }
  }
  class OwnForward extends nn.ReLU {
    override forward(...args: [Tensor]): Tensor {
      return keep(super.forward(keep(args[0])) as Tensor)
    }
  }
  class OwnWeight extends nn.LeakyReLU {
    get negativeSlope(): number {
      keep(torch.ones(2, { device }))
      return 0.1
    }
    set negativeSlope(_: number) {}
  }
  const MIDDLES: Record<string, () => torch.nn.Module> = {
    "a module of a user": () => new Own(),
    "a subclass with a forward of its own": () => new OwnForward(),
    "a module with a forward of its own": () =>
      Object.assign(new nn.ReLU(), { forward: (t: Tensor) => keep(t).relu() }),
    "a module with a hook": () => {
      const relu = new nn.ReLU()
      relu.registerForwardHook((_m, args, out) => void kept.push(args[0] as Tensor, out as Tensor))
      return relu
    },
    "one of these in another Sequential": () => new nn.Sequential(new nn.ReLU(), new Own()),
    "a subclass with a field of its own": () => new OwnWeight(),
  }
  for (const [name, make] of Object.entries(MIDDLES))
    test(`leaves what ${name} may keep`, () => {
      kept.length = 0
      const model = mlp(make())
      ;(model(x()) as Tensor).sum().backward()
      expect(kept.length).toBeGreaterThan(0)
      for (const t of kept) expect((values(t) as unknown[]).length).toBeGreaterThan(1)
    })

  test("whose forward was replaced for all", () => {
    kept.length = 0
    const { forward } = nn.Linear.prototype
    try {
      nn.Linear.prototype.forward = function (t: Tensor) {
        return keep(forward.call(this, keep(t)))
      }
      ;(mlp()(x()) as Tensor).sum().backward()
    } finally {
      nn.Linear.prototype.forward = forward
    }
    for (const t of kept) expect(values(t)).toHaveLength(3)
  })
})

test("modules trained on such memory give what cpu gives", async () => {
  const train = async (on: torch.Device | string): Promise<unknown> => {
    torch.manualSeed(3)
    const model = new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Dropout(0.3),
      new nn.Linear(4 * 9, 5),
    )
    const x = torch.randn(6, 1, 6, 6)
    const y = torch.randint(0, 5, [6])
    model.to(on)
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
    const losses: number[] = []
    for (let i = 0; i < 6; i++) {
      optimizer.zeroGrad()
      const loss = nn.functional.crossEntropy(model(x.to(on)) as Tensor, y.to(on))
      loss.backward()
      nn.utils.clipGradNorm_(model.parameters(), 1)
      optimizer.step()
      losses.push(await loss.item())
    }
    return losses
  }
  expect(await train(device)).toEqual(await train("cpu"))
})

describe("awaited ops", () => {
  test("keep what they read until they are done", async () => {
    const x = plain(0, 3, 0, 4)
    expect(values(await x.nonzero())).toEqual([[1], [3]])
    expect(values(await x.mul(2).maskedSelect(x.gt(0)))).toEqual([6, 8])
    expect(await x.t().equal(x)).toBe(true)
    expect(await torch.rand(3, 4, { device }).t().data()).toHaveLength(12)
  })
})
