/** Inside of a Sequential that nobody looks into, a product and the ReLU behind it are one kernel. */
import * as torch from "taeda"
import { beforeEach, describe, expect, test, vi } from "vitest"
import { linearMemory } from "./linear-memory.ts"

const { autograd, nn } = torch
type Tensor = torch.Tensor

let device: torch.Device
beforeEach(() => {
  device = linearMemory().device
})

const ON = () => ({ device })
const MODELS: Record<string, () => { layers: torch.nn.Module[]; shape: number[] }> = {
  "linear maps": () => ({
    layers: [
      new nn.Linear(7, 5, true, ON()),
      new nn.ReLU(),
      new nn.Linear(5, 3, true, ON()),
      new nn.ReLU({ inplace: true }),
    ],
    shape: [4, 7],
  }),
  "linear maps over several dims": () => ({
    layers: [new nn.Linear(7, 5, false, ON()), new nn.ReLU(), new nn.Linear(5, 3, true, ON())],
    shape: [2, 4, 7],
  }),
  convolutions: () => ({
    layers: [
      new nn.Conv2d(2, 3, 3, { padding: 1, ...ON() }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(3, 4, 2, { padding: 1, paddingMode: "reflect", bias: false, ...ON() }),
      new nn.ReLU(),
      new nn.Flatten(),
    ],
    shape: [2, 2, 6, 6],
  }),
  "a convolution without a batch": () => ({
    layers: [new nn.Conv1d(2, 3, 3, ON()), new nn.ReLU()],
    shape: [2, 7],
  }),
  "half floats, which are rounded in between": () => ({
    layers: [new nn.Linear(7, 5, true, { device, dtype: "bfloat16" }), new nn.ReLU()],
    shape: [4, 7],
  }),
}

/** The layers one by one, each result in sight. */
const openly = (layers: readonly torch.nn.Module[], x: Tensor): Tensor =>
  layers.reduce((v, layer) => (layer as unknown as (x: Tensor) => Tensor)(v), x)

/** A result, its gradient, and the gradient of that. */
function derivatives(run: (x: Tensor) => Tensor, x: Tensor, weight: Tensor): unknown[] {
  const input = x.detach().clone().requiresGrad_()
  const out = run(input)
  const [gradient] = autograd.grad([out.mul(out).sum()], [input], { createGraph: true })
  const [second] = autograd.grad([gradient!.mul(gradient!).sum()], [weight])
  const [again] = autograd.grad([run(input).exp().sum()], [weight])
  return [out, gradient!, second!, again!].map((t) => t.toArraySync())
}

describe.each(Object.keys(MODELS))("%s", (name) => {
  test("have the values, gradients and nodes of the layers one by one", () => {
    const { layers, shape } = MODELS[name]!()
    const model = new nn.Sequential(...layers)
    const weight = [...model.parameters()][0]!
    const x = torch.randn(shape, { device }).to(weight.dtype)
    expect(derivatives((v) => model(v), x, weight)).toEqual(derivatives((v) => openly(layers, v), x, weight))
    expect(torch.noGrad(() => model(x)).toArraySync()).toEqual(openly(layers, x).toArraySync())
    const nodes = (t: Tensor): string[] => {
      const names: string[] = []
      for (let node = t.gradFn; node; node = node.nextFunctions[0]![0]) names.push(node.name())
      return names
    }
    expect(nodes(model(x))).toEqual(nodes(openly(layers, x)))
  })
})

describe("launches", () => {
  const launches = (body: () => void): number => {
    const launch = vi.spyOn(device.backend, "launch")
    body()
    const { length } = launch.mock.calls
    launch.mockRestore()
    return length
  }

  test("a ReLU behind a product takes none", () => {
    const layers = [new nn.Linear(7, 5, true, ON()), new nn.ReLU(), new nn.Linear(5, 3, true, ON())]
    const model = new nn.Sequential(...layers)
    const x = torch.randn([4, 7], { device })
    expect(launches(() => model(x))).toBe(2)
    expect(launches(() => openly(layers, x))).toBe(3)
  })

  test("where a hook looks at what the product gives, it takes one, and the hook sees that", () => {
    const layers = [new nn.Linear(1, 2, false, ON()), new nn.ReLU()]
    const model = new nn.Sequential(...layers)
    torch.noGrad(() => (layers[0] as torch.nn.Linear).weight.copy_(torch.tensor([[1], [-1]], { device })))
    let seen: unknown
    layers[0]!.registerForwardHook((_module, _args, out) => {
      seen = (out as Tensor).toArraySync()
    })
    const x = torch.tensor([[2]], { device })
    expect(model(x).toArraySync()).toEqual([[2, 0]])
    expect(seen).toEqual([[2, -2]])
  })

  test("a ReLU that follows on an error of the product leaves nothing behind", () => {
    const model = new nn.Sequential(new nn.Linear(7, 5, true, ON()), new nn.ReLU())
    expect(() => model(torch.randn([4, 6], { device }).dynamic())).toThrow(RangeError)
    const linear = torch.nn.functional.linear(torch.tensor([[-1]], { device }), torch.tensor([[1]], { device }))
    expect(linear.toArraySync()).toEqual([[-1]])
  })
})
