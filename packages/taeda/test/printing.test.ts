import { inspect } from "node:util"
import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { nonReading } from "./devices.ts"
import { programs, repr } from "./python.ts"

const { arange, autograd, noGrad, ones, Parameter, slice, tensor, zeros } = torch
const G = { requiresGrad: true }

/** Text that `repr` leaves as it is. */
class Printed {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

programs({
  "with its place in the graph": [
    () => {
      const x = ones(2, G)
      return [x, x.add(1), x.detach(), x.sum(), x.view(1, 2), x.t(), ones(2, { dtype: "float64", ...G }).mul(2)]
    },
    "(tensor([1., 1.], requires_grad=True), tensor([2., 2.], grad_fn=<AddBackward0>), tensor([1., 1.]), tensor(2., grad_fn=<SumBackward0>), tensor([[1., 1.]], grad_fn=<ViewBackward0>), tensor([1., 1.], grad_fn=<TBackward0>), tensor([2., 2.], dtype=torch.float64, grad_fn=<MulBackward0>))",
  ],
  "a view made in noGrad": [
    () => {
      const x = ones(2, G)
      return noGrad(() => [x.view(2, 1), x.mul(2)])
    },
    `(tensor([[1.],
        [1.]], requires_grad=True), tensor([2., 2.]))`,
  ],
  "a custom function": [
    () => {
      class MyOp extends autograd.Function {
        static override forward(_ctx: torch.autograd.FunctionContext, x: torch.Tensor) {
          return x.mul(2)
        }
      }
      return MyOp.apply(ones(1, G))
    },
    "tensor([2.], grad_fn=<MyOpBackward>)",
  ],
  parameters: [
    () => [new Parameter(ones(2, 2)), new Parameter(ones(2), false), new Parameter(zeros(1))],
    `(Parameter containing:
tensor([[1., 1.],
        [1., 1.]], requires_grad=True), Parameter containing:
tensor([1., 1.]), Parameter containing:
tensor([0.], requires_grad=True))`,
  ],
  "templates: of a 0-d tensor the plain number": [
    () => {
      const x = tensor(2.5, G)
      const i = tensor(3, { dtype: "int32" })
      const d = tensor(0.1, { dtype: "float64" })
      return new Printed(
        `${x} ${x.mul(2)} ${ones(2)} ${i} ${tensor(true)} ${tensor(0.1)} ${d} ${tensor(1e10)} ${tensor(Number.NaN)}`,
      )
    },
    "2.5 5.0 tensor([1., 1.]) 3 True 0.10000000149011612 0.1 10000000000.0 nan",
  ],
  "views, in the order of their dims": [
    () => {
      const x = arange(6).float().view(2, 3)
      return [x.t(), x.at(slice(), slice(null, null, 2)), x.expand(2, 2, 3), x.at(1), x.at(1, 2)]
    },
    `(tensor([[0., 3.],
        [1., 4.],
        [2., 5.]]), tensor([[0., 2.],
        [3., 5.]]), tensor([[[0., 1., 2.],
         [3., 4., 5.]],

        [[0., 1., 2.],
         [3., 4., 5.]]]), tensor([3., 4., 5.]), tensor(5.))`,
  ],
  dtypes: [
    () => [
      tensor([1, 2], { dtype: "int8" }),
      tensor([1.5], { dtype: "float16" }),
      tensor([true]),
      zeros(0, { dtype: "int16" }),
      zeros(0, 2),
      tensor([1.5], { dtype: "float64" }),
      tensor(3, { dtype: "uint8" }),
    ],
    "(tensor([1, 2], dtype=torch.int8), tensor([1.5000], dtype=torch.float16), tensor([True]), tensor([], dtype=torch.int16), tensor([], size=(0, 2)), tensor([1.5000], dtype=torch.float64), tensor(3, dtype=torch.uint8))",
  ],
  "suffixes on a line of their own where they do not fit": [
    () => [arange(30).float().requiresGrad_().mul(1.5), torch.empty(0, G)],
    `(tensor([ 0.0000,  1.5000,  3.0000,  4.5000,  6.0000,  7.5000,  9.0000, 10.5000,
        12.0000, 13.5000, 15.0000, 16.5000, 18.0000, 19.5000, 21.0000, 22.5000,
        24.0000, 25.5000, 27.0000, 28.5000, 30.0000, 31.5000, 33.0000, 34.5000,
        36.0000, 37.5000, 39.0000, 40.5000, 42.0000, 43.5000],
       grad_fn=<MulBackward0>), tensor([], requires_grad=True))`,
  ],
  "summaries of large ones": [
    () => [zeros(1001), ones(40, 40), new Printed("torch.Size([2, 3, 600])")],
    `(tensor([0., 0., 0.,  ..., 0., 0., 0.]), tensor([[1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        ...,
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.]]), torch.Size([2, 3, 600]))`,
  ],
  setPrintoptions: [
    () => {
      torch.setPrintoptions({ precision: 2 })
      const a = String(tensor([1 / 3]))
      torch.setPrintoptions({ profile: "default" })
      return new Printed(a + String(tensor([1 / 3])))
    },
    "tensor([0.33])tensor([0.3333])",
  ],
  "rows, by iteration": [() => [...arange(4).float().view(2, 2)], "(tensor([0., 1.]), tensor([2., 3.]))"],
})

test("toString, Node's inspect and format agree", async () => {
  const x = tensor(
    [
      [1, 2],
      [3, 4.5],
    ],
    G,
  ).mul(2)
  const text = "tensor([[2., 4.],\n        [6., 9.]], grad_fn=<MulBackward0>)"
  expect([String(x), x.toString(), inspect(x), await x.format(), `${x}`]).toEqual([text, text, text, text, text])
  expect(inspect({ x: tensor([1]) })).toContain("tensor([1.])")
})

test("a 0-d tensor is a number where JavaScript wants one", () => {
  expect([+tensor(2.5), tensor(2) > tensor(1), Number(tensor([3]))]).toEqual([2.5, true, 3])
  expect(() => +ones(2)).toThrow("JavaScript's operators cannot take a tensor of shape [2]")
})

describe("on a device without synchronous reads", () => {
  const device = nonReading()

  test("the text shows device, size and dtype as PyTorch's meta tensors do", () => {
    const at = { device }
    const texts = [
      zeros(2, 3, at),
      zeros([2, 3], { ...at, dtype: "float64" }),
      zeros([2, 3], { ...at, dtype: "int32" }),
      zeros([3], { ...at, dtype: "bool" }),
      zeros([], { ...at, ...G }),
      zeros(2, 3, { ...at, ...G }).mul(2),
      new Parameter(zeros(2, at)),
    ].map(repr)
    expect(texts).toEqual([
      "tensor(..., device='blind', size=(2, 3))",
      "tensor(..., device='blind', size=(2, 3), dtype=torch.float64)",
      "tensor(..., device='blind', size=(2, 3), dtype=torch.int32)",
      "tensor(..., device='blind', size=(3,), dtype=torch.bool)",
      "tensor(..., device='blind', size=(), requires_grad=True)",
      "tensor(..., device='blind', size=(2, 3), grad_fn=<MulBackward0>)",
      "Parameter containing:\ntensor(..., device='blind', size=(2,), requires_grad=True)",
    ])
  })

  test("a template does not read either, format() does", async () => {
    const x = tensor([1, 2], { device })
    expect([`${tensor(1, { device })}`, inspect(x)]).toEqual([
      "tensor(..., device='blind', size=())",
      "tensor(..., device='blind', size=(2,))",
    ])
    expect(await x.format()).toBe("tensor([1., 2.], device='blind')")
    expect(await x.add(1).format()).toBe("tensor([2., 3.], device='blind')")
  })

  test("the awaited readers work, their twins name them", async () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { device },
    )
    expect([...(await x.data())]).toEqual([1, 2, 3, 4])
    expect(await x.t().toArray()).toEqual([
      [1, 3],
      [2, 4],
    ])
    expect(await x.sum().item()).toBe(10)
    expect(() => x.dataSync()).toThrow(/dataSync: .*blind.* cannot read synchronously; use await x\.data\(\)/)
    expect(() => x.toArraySync()).toThrow(/use await x\.toArray\(\)/)
    expect(() => x.sum().itemSync()).toThrow(/use await x\.item\(\)/)
    expect(() => +x.sum()).toThrow(/use await x\.item\(\)/)
  })

  test("training needs no read", async () => {
    const x = tensor([1, 2], { device, ...G })
    const y = x.mul(x)
    y.narrow(0, 0, 1).mul_(3)
    y.sum().backward()
    expect([...(await x.grad!.data())]).toEqual([6, 4])
  })

  test("moving to another device says how to", () => {
    expect(() => ones(2, { device }).to("cpu")).toThrow(
      /to: .*blind.* cannot read synchronously; use tensor\(await x\.data\(\)/,
    )
    expect(String(ones(2).to(device))).toBe("tensor(..., device='blind', size=(2,))")
  })
})
