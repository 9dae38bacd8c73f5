/**
 * Random programs with everything that can hold a tensor (names, views, hooks, retained and captured gradients, custom functions,
 * second passes), on memory that the library frees by itself and on cpu-js, where it frees nothing. Every tensor that the
 * program could still see is read at the end: one that was freed throws, one whose memory went to another differs.
 */
import * as torch from "taeda"
import { expect, test } from "vitest"
import { linearMemory } from "./linear-memory.ts"

const { autograd } = torch
type Tensor = torch.Tensor

/** Numbers of [0, n), the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed * 2654435761 + 1
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) | 0
    return ((state ^ (state >>> 13)) >>> 0) % n
  }
}

class Own extends autograd.Function {
  static override forward(ctx: torch.autograd.FunctionContext, x: Tensor): Tensor {
    const y = x.tanh()
    ctx.saveForBackward(y)
    return y.view(x.shape)
  }
  static override backward(ctx: torch.autograd.FunctionContext, g: Tensor): Tensor {
    const seen: Tensor[] = ctx.seen ?? []
    seen.push(g)
    ctx.seen = seen
    return g.mul(ctx.savedTensors[0]!.square().neg().add(1))
  }
}

/** All of them keep 12 elements; those with a second tensor take another of the program's. */
const OPS: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x) => x.mul(0.5),
  (x) => x.add(1),
  (x, y) => x.add(y.view(x.shape)),
  (x, y) => x.mul(y.reshape(x.shape)),
  (x) => x.sigmoid(),
  (x) => x.flatten().softmax(0).view(3, 4),
  (x) => x.view(3, 4).logSoftmax(1),
  (x) => x.reshape(4, 3),
  (x) => (x.ndim === 2 ? x.t() : x),
  (x) => x.reshape(3, 4).matmul(x.reshape(4, 3)).expand(3, 3).sum(1, true).expand(3, 4),
  (x) => torch.cat([x.flatten().narrow(0, 6, 6), x.flatten().narrow(0, 0, 6)]),
  (x, y) => torch.stack([x.flatten(), y.flatten()]).mean(0),
  (x) => x.flatten().cumsum(0).mul(0.1),
  (x) => x.clone(),
  (x) => x.clone().mul_(2),
  (x) => {
    const c = x.clone().flatten()
    c.narrow(0, 2, 5).mul_(0.5)
    return c
  },
  (x) => x.flatten().sort()[0],
  (x) => x.detach().add(x),
  (x) => torch.nn.functional.layerNorm(x.reshape(3, 4), [4]),
  (x) => Own.apply(x) as Tensor,
  (x) => x.reshape(3, 4).at([2, 0, 1], ":"),
  (x) => x.flatten().chunk(3)[1]!.repeat(3),
  (x) => x.reshape(3, 4).std(1, { keepdim: true }).expand(3, 4).add(x.reshape(3, 4)),
]

/** What the program could see at the end, and the leaves' gradients. */
function run(seed: number, device: torch.Device | string): number[][] {
  const roll = dice(seed)
  const leaves = [0, 1, 2].map((k) =>
    torch.tensor(
      Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.7 + k)),
      { device },
    ),
  )
  leaves.forEach((t, k) => {
    t.requiresGrad = k < 2
  })
  const held: Tensor[] = [...leaves]
  const seen: Tensor[] = []
  const hooked = new Map<number, number>()
  const hook = (t: Tensor): void => {
    if (!t.requiresGrad) return
    const way = roll(7)
    hooked.set(way, 1)
    if (way === 0) t.registerHook((g) => void seen.push(g))
    else if (way === 1) t.registerHook((g) => void seen.push(g.flatten().view(3, 4), g.mul(2)))
    else if (way === 2) t.registerHook((g) => g.mul(0.5))
    else if (way === 3 && t.gradFn) t.retainGrad()
    else if (way === 4) t.gradFn?.registerHook((ins) => void seen.push(...ins.filter((g) => g !== null)))
    else if (way === 5) t.gradFn?.registerPrehook((outs) => void seen.push(...outs.filter((g) => g !== null)))
  }
  for (let i = 0; i < 14; i++) {
    const op = OPS[roll(OPS.length)]!
    const result = op(held[roll(held.length)]!, held[roll(held.length)]!)
    if (roll(3) === 0) hook(result)
    // Some are replaced, so that only the graph holds them.
    if (roll(4) === 0) held[3 + roll(Math.max(1, held.length - 3))] = result
    else held.push(result)
  }
  const kept = held.filter((t) => t !== undefined)
  for (let pass = 0; pass < 3; pass++) {
    const root = kept[kept.length - 1 - roll(3)]!
    if (!root.requiresGrad) continue
    const way = roll(4)
    if (way === 0) {
      const grads = autograd.grad(root.sum(), [leaves[0]!, leaves[1]!], { allowUnused: true, retainGraph: true })
      for (const g of grads) if (g) seen.push(g)
    } else if (way === 1) {
      const [g] = autograd.grad(root.sum(), [leaves[0]!], { allowUnused: true, createGraph: true })
      if (g?.requiresGrad) g.square().sum().backward({ retainGraph: true })
      if (g) seen.push(g)
    } else if (way === 2) {
      const given = torch.ones(root.shape, { device })
      root.backward(given, { retainGraph: true })
      seen.push(given)
    } else root.sum().backward({ retainGraph: true })
    if (roll(2)) {
      const grad = leaves[roll(2)]!.grad
      if (grad) seen.push(grad)
    }
    if (roll(3) === 0) for (const t of leaves) t.grad = null
    // New memory, where something freed too early would be overwritten.
    seen.push(torch.full([12], 1000 + pass, { device }), torch.full([3, 4], 2000 + pass, { device }))
  }
  // The last pass lets go of the graph.
  const last = kept.findLast((t) => t.requiresGrad)!
  last.sum().backward()
  const retained = kept.flatMap((t) => (t.grad ? [t.grad] : []))
  return [...kept, ...seen, ...retained].map((t) => Array.from(t.dataSync() as Float32Array))
}

test("random programs see what cpu-js shows them", { timeout: 120_000 }, () => {
  let freed = 0
  for (let seed = 0; seed < 400; seed++) {
    const memory = linearMemory()
    let expected: number[][] | Error
    try {
      expected = run(seed, "cpu")
    } catch (error) {
      expected = error as Error
    }
    if (expected instanceof Error) {
      expect(() => run(seed, memory.device), `seed ${seed}`).toThrow(expected.message)
      continue
    }
    expect(run(seed, memory.device), `seed ${seed}`).toEqual(expected)
    freed += memory.device.backend.memoryStats().pooledBytes
  }
  expect(freed).toBeGreaterThan(0)
})
