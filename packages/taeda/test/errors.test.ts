import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { counted } from "./devices.ts"
import { refusals } from "./python.ts"

const { ones, open, setDefaultDevice, tensor, zeros } = torch
const G = { requiresGrad: true }

describe("devices", () => {
  const other = counted().device
  refusals({
    "an unknown device": [() => ones(2, { device: "gpu" }), 'ones: no device "gpu"'],
    "an unknown device says what there is": [() => ones(2, { device: "gpu" }), /cpu.*|cuda/],
    "a device of a package that is not open": [
      () => ones(2, { device: "cuda" }),
      'ones: device "cuda" is not open yet; await open("cuda") first',
    ],
    "moving to one that is not open": [
      () => ones(2).to("webgpu"),
      'device "webgpu" is not open yet; await open("webgpu") first',
    ],
    "opening an unknown one": [() => open("gpu"), 'open: no device "gpu"'],
    "mixed devices": [
      () => ones(2).add(ones(2, { device: other })),
      "add: expected all tensors on one device, but found float32[2] on cpu and float32[2] on counted; move one with x.to(device)",
    ],
    "mixed devices in place": [
      () => ones(2).mul_(ones(2, { device: other })),
      "mul: expected all tensors on one device",
    ],
    "a gradient on another device": [
      () =>
        ones(2, G)
          .mul(2)
          .backward(ones(2, { device: other })),
      "backward: the gradient is on counted, the tensor on cpu",
    ],
    "an assigned gradient on another device": [
      () => (ones(2, G).grad = ones(2, { device: other })),
      "attempting to assign a gradient on counted to a tensor on cpu",
    ],
  })

  test("a device that fails to become the default changes nothing", async () => {
    await expect(setDefaultDevice("gpu")).rejects.toThrow('no device "gpu"')
    expect(String(ones(1))).toBe("tensor([1.])")
  })

  test("copies between devices convert and keep the graph", () => {
    const x = tensor([1, 2], G)
    const y = x.to(other).mul(3)
    expect(y.device).toBe(other)
    y.sum().backward()
    expect(String(x.grad)).toBe("tensor([3., 3.])")
    const z = zeros(2, { device: other }).copy_(tensor([1.5, 2], { dtype: "float64" }))
    expect(z.toArraySync()).toEqual([1.5, 2])
    expect(String(z)).toBe("tensor([1.5000, 2.0000], device='counted')")
  })
})

describe("arguments", () => {
  refusals({
    "shapes that do not broadcast": [
      // @ts-expect-error: the types refuse it as well
      () => ones(2, 3).add(ones(4, 3)),
      "add: shapes [2, 3] and [4, 3] do not broadcast: at dim 0 the sizes 2 and 4 differ",
    ],
    "text where a tensor belongs": [
      () => ones(2).add("1" as unknown as number),
      'add: expected tensors or numbers, got "1"',
    ],
    "an array where a tensor belongs": [
      () => ones(2).mul([1, 2] as unknown as number),
      "mul: expected tensors or numbers, got an array of length 2",
    ],
    "no argument": [
      () => (ones(2).add as () => unknown)(),
      "add: missing argument other: add(input, other, *, alpha?)",
    ],
    "too many arguments": [
      () => (ones(2).exp as (x: number) => unknown)(1),
      "exp: takes 1 arguments by position but 2 were given: exp(input)",
    ],
    "no tensor first": [
      () => torch.exp([1, 2] as unknown as torch.Tensor),
      "exp: input must be a tensor, got an array of length 2",
    ],
    "an argument by position and by name": [
      () => ones(2).sum(0, { dim: 0 } as object),
      "sum: dim was given twice, by position and by name",
    ],
    "an option that is none": [
      () => ones(2).sum({ keepDim: true } as object),
      'sum: unknown option "keepDim"; did you mean keepdim?',
    ],
    "PyTorch's spelling": [
      () => ones(2).clone({ memory_format: "contiguous" } as object),
      'clone: unknown option "memory_format"; did you mean memoryFormat?',
    ],
    "a memory format that is none": [
      () => ones(2).clone({ memoryFormat: "channels_last" as "preserve" }),
      'clone: memoryFormat must be "preserve" or "contiguous", got "channels_last"',
    ],
    "copying from what is no tensor": [
      () => ones(2).copy_([1, 2] as unknown as torch.Tensor),
      "copy_: src must be a tensor, got an array of length 2",
    ],
    "filling with text": [
      () => ones(2).fill_("1" as unknown as number),
      /fill_: value must be a number or a 0-d tensor, got "1"/,
    ],
    "a value that is none": [
      () => torch.full([2], "1" as unknown as number),
      'full: fillValue must be a number, a boolean or a BigInt, got "1"',
    ],
    "the item of several": [
      // @ts-expect-error: the types refuse it as well
      () => ones(2).item(),
      "item: a Tensor with 2 elements cannot be converted to Scalar (float32[2])",
    ],
    // @ts-expect-error: the types refuse it as well
    "the item of none": [() => ones(0).itemSync(), "itemSync: a Tensor with 0 elements cannot be converted to Scalar"],
  })

  test("a failed call leaves every tensor as it was", () => {
    const x = ones(2, 3, G)
    const y = zeros(2, 3)
    for (const fail of [
      // @ts-expect-error: the types refuse it as well
      () => y.add_(ones(4, 3)),
      // @ts-expect-error: the types refuse it as well
      () => y.copy_(ones(4, 3)),
      () => y.mul_("2" as unknown as number),
      // @ts-expect-error: the types refuse it as well
      () => x.add(ones(4, 3)),
    ])
      expect(fail).toThrow()
    expect([y.version, y.sum().toString(), x.grad, y.requiresGrad]).toEqual([0, "tensor(0.)", null, false])
  })
})

describe("reading", () => {
  test("data, toArray and item by dtype", async () => {
    const cases: [torch.Tensor, unknown, unknown][] = [
      [tensor([1.5, 2]), Float32Array, [1.5, 2]],
      [tensor([1.5, 2], { dtype: "float64" }), Float64Array, [1.5, 2]],
      [tensor([1.5, 2], { dtype: "float16" }), Float32Array, [1.5, 2]],
      [tensor([1.5, 2], { dtype: "bfloat16" }), Float32Array, [1.5, 2]],
      [tensor([1, -2], { dtype: "int32" }), Int32Array, [1, -2]],
      [tensor([1, -2], { dtype: "int16" }), Int16Array, [1, -2]],
      [tensor([1, -2], { dtype: "int8" }), Int8Array, [1, -2]],
      [tensor([1, 2], { dtype: "uint8" }), Uint8Array, [1, 2]],
      [tensor([true, false]), Uint8Array, [true, false]],
      [tensor([1n, 2n ** 60n]), BigInt64Array, [1, 2n ** 60n]],
    ]
    for (const [x, type, values] of cases) {
      expect(await x.data()).toBeInstanceOf(type as typeof Float32Array)
      expect(x.dataSync()).toBeInstanceOf(type as typeof Float32Array)
      expect(await x.toArray()).toEqual(values)
      expect(x.toArraySync()).toEqual(values)
      expect(await x.at(0).item()).toBe((values as unknown[])[0])
      expect(x.at(1).itemSync()).toBe((values as unknown[])[1])
    }
  })

  test("is in row-major order, whatever the strides, and gives copies", async () => {
    const x = torch.arange(6).view(2, 3).t()
    expect([...(await x.data())]).toEqual([0, 3, 1, 4, 2, 5])
    expect(await x.toArray()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    expect(await x.select(0, 1).toArray()).toEqual([1, 4])
    const y = ones(2)
    const data = (await y.data()) as Float32Array
    data[0] = 9
    expect(y.toArraySync()).toEqual([1, 1])
    expect(await zeros(0, 3).toArray()).toEqual([])
    expect(await zeros(2, 0).toArray()).toEqual([[], []])
    expect(await tensor(5).toArray()).toBe(5)
    expect((await zeros(0).data()).length).toBe(0)
  })
})
