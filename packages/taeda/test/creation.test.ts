import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { programs, refusals } from "./python.ts"

const {
  arange,
  asTensor,
  empty,
  emptyLike,
  emptyStrided,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} = torch
const G = { requiresGrad: true }
type Shaped = { readonly shape: readonly number[] }
const hasShape = (t: Shaped, ...sizes: number[]): boolean =>
  String(t.shape) === String(sizes) && t.shape.length === sizes.length

describe("tensor", () => {
  programs({
    "nested arrays": [
      () => [
        tensor([
          [1, 2],
          [3, 4],
        ]),
        tensor(2.5),
        tensor([]),
        tensor([[], []]),
        hasShape(tensor([[[1]], [[2]]]), 2, 1, 1),
      ],
      `(tensor([[1., 2.],
        [3., 4.]]), tensor(2.5000), tensor([]), tensor([], size=(2, 0)), True)`,
    ],
    booleans: [() => [tensor([[true, false]]), tensor(true)], "(tensor([[ True, False]]), tensor(True))"],
    "BigInts are int64": [
      async () => [
        tensor([1n, 2n]).dtype === "int64",
        (await tensor([9007199254740993n]).item<bigint>()) === 9007199254740993n,
      ],
      "(True, True)",
    ],
    "with a dtype": [
      () => [
        tensor([1.7, -1.7, 0], { dtype: "int32" }),
        tensor([1, 0], { dtype: "bool" }),
        tensor([1, 2], { dtype: "float64" }),
        tensor([1.1], { dtype: "float16" }),
        tensor([1.1], { dtype: "bfloat16" }),
        tensor([true, false], { dtype: "float32" }),
        tensor([3, 4], { dtype: "uint8" }),
      ],
      "(tensor([ 1, -1,  0]), tensor([ True, False]), tensor([1., 2.], dtype=torch.float64), tensor([1.0996], dtype=torch.float16), tensor([1.1016], dtype=torch.bfloat16), tensor([1., 0.]), tensor([3, 4], dtype=torch.uint8))",
    ],
    "of a tensor it is a copy outside of the graph, asTensor the tensor itself": [
      () => {
        const x = ones(2, G)
        return [tensor(x.detach()).requiresGrad, asTensor(x) === x, asTensor(x, { dtype: "float64" }), asTensor([1, 2])]
      },
      "(False, True, tensor([1., 1.], dtype=torch.float64, grad_fn=<ToCopyBackward0>), tensor([1., 2.]))",
    ],
    "special values": [
      () => [tensor([Number.NaN, Number.POSITIVE_INFINITY]), tensor([-0, 0]), tensor([-0]).reciprocal()],
      "(tensor([nan, inf]), tensor([-0., 0.]), tensor([-inf]))",
    ],
    setDefaultDtype: [
      () => {
        torch.setDefaultDtype("float64")
        try {
          return [
            tensor([1.5]),
            (ones(1) as torch.Tensor).dtype === "float64",
            (arange(0, 2, 0.5) as torch.Tensor).dtype === "float64",
            tensor([1], { dtype: "float32" }),
            tensor([1], { dtype: "int32" }).add(1.5),
          ].map((x) => (torch.isTensor(x) ? new Printed(String(x)) : x))
        } finally {
          torch.setDefaultDtype("float32")
        }
      },
      "(tensor([1.5000]), True, True, tensor([1.], dtype=torch.float32), tensor([2.5000]))",
    ],
  })

  test("typed arrays keep their type and are copied", () => {
    const arrays = [
      [new Float32Array([1, 2]), "float32"],
      [new Float64Array([1, 2]), "float64"],
      [new Int8Array([1, 2]), "int8"],
      [new Uint8Array([1, 2]), "uint8"],
      [new Uint8ClampedArray([1, 2]), "uint8"],
      [new Int16Array([1, 2]), "int16"],
      [new Int32Array([1, 2]), "int32"],
      [new BigInt64Array([1n, 2n]), "int64"],
    ] as const
    for (const [array, dtype] of arrays) {
      const x = tensor(array as Float32Array)
      array[0] = (typeof array[0] === "bigint" ? 9n : 9) as never
      expect([x.dtype, ...(x.toArraySync() as number[])]).toEqual([dtype, 1, 2])
    }
    const part = new Float32Array([0, 1, 2, 3]).subarray(1, 3)
    expect(tensor(part).toArraySync()).toEqual([1, 2])
    expect(String(tensor(new Float32Array([1.9, 2]), { dtype: "int32" }))).toBe("tensor([1, 2])")
    expect(tensor([new Float32Array([1, 2]), new Float32Array([3, 4])]).toArraySync()).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(tensor([new Int32Array([1]), new Int32Array([2])]).dtype).toBe("int32")
  })

  test("mixtures go to the widest", () => {
    expect([tensor([1, true]).dtype, tensor([1n, true]).dtype, tensor([1n, 0.5]).dtype]).toEqual([
      "float32",
      "int64",
      "float32",
    ])
  })

  refusals({
    "a shorter row": [
      // @ts-expect-error: the types refuse it as well
      () => tensor([[1, 2], [3]]),
      "tensor: ragged nested array: expected a sequence of length 2 at [1], got an array of length 1",
    ],
    "a number for a row": [
      // @ts-expect-error: the types refuse it as well
      () => tensor([[1, 2], 3]),
      "tensor: ragged nested array: expected a sequence of length 2 at [1], got 3",
    ],
    "a row for a number": [
      // @ts-expect-error: the types refuse it as well
      () => tensor([1, [2]]),
      "tensor: ragged nested array: expected a number at [1], got an array of length 1",
    ],
    "deep inside": [
      // @ts-expect-error: the types refuse it as well
      () => tensor([[[1, 2]], [[3]]]),
      "tensor: ragged nested array: expected a sequence of length 2 at [1][0], got an array of length 1",
    ],
    "an array that holds itself": [
      () => {
        const a: unknown[] = []
        a.push(a)
        return tensor(a as number[])
      },
      "tensor: arrays are nested more than 64 deep",
    ],
    text: [
      () => tensor([1, "a"] as unknown as number[]),
      'tensor: expected numbers, booleans or BigInts, got "a" at [1]',
    ],
    "a hole": [
      () => tensor(Object.assign([1], { length: 2 })),
      "tensor: expected numbers, booleans or BigInts, got undefined at [1]",
    ],
    "tensors inside": [
      () => tensor([ones(2), ones(2)] as unknown as number[]),
      /tensor: .*got a tensor float32\[2\] at \[0\]; .*stack/,
    ],
    "an unsupported typed array": [
      () => tensor(new BigUint64Array(1) as unknown as Float32Array),
      /unsupported typed array BigUint64Array; use one of/,
    ],
    nothing: [() => (tensor as () => unknown)(), "tensor: missing argument data"],
    "PyTorch's spelling of an option": [
      () => tensor([1], { requires_grad: true } as object),
      'tensor: unknown option "requires_grad"; did you mean requiresGrad?',
    ],
    "an unknown dtype": [
      () => tensor([1], { dtype: "flaot32" as "float32" }),
      'tensor: unknown dtype "flaot32"; did you mean float32?',
    ],
    "a dtype of PyTorch's spelling": [
      () => tensor([1], { dtype: "torch.float32" as "float32" }),
      'tensor: unknown dtype "torch.float32"',
    ],
    "a flag that is none": [
      () => tensor([1], { requiresGrad: 1 as unknown as boolean }),
      "tensor: requiresGrad must be true or false, got 1",
    ],
    "an unknown option": [
      () => ones(2, { color: "red" } as object),
      /ones: unknown option "color".*known: .*dtype.*device.*requiresGrad/,
    ],
  })
})

describe("filled and in sequence", () => {
  programs({
    "sizes one by one and as an array": [
      () => [
        zeros(2, 3),
        ones([2, 1]),
        zeros(0, 3),
        ones([]),
        ones(2, { dtype: "bool" }),
        zeros([2], { dtype: "int32" }),
        hasShape(empty(2, 0), 2, 0),
      ],
      `(tensor([[0., 0., 0.],
        [0., 0., 0.]]), tensor([[1.],
        [1.]]), tensor([], size=(0, 3)), tensor(1.), tensor([True, True]), tensor([0, 0]), True)`,
    ],
    full: [
      () => [
        full([2, 2], 7),
        full([2], true),
        full([], 0),
        full([2], 5, { dtype: "int32" }),
        eye(2, 3),
        eye(0),
        eye(2, { dtype: "bool" }),
      ],
      `(tensor([[7., 7.],
        [7., 7.]]), tensor([True, True]), tensor(0.), tensor([5, 5]), tensor([[1., 0., 0.],
        [0., 1., 0.]]), tensor([], size=(0, 0)), tensor([[ True, False],
        [False,  True]]))`,
    ],
    arange: [
      () => [
        arange(5),
        arange(1, 10, 2),
        arange(5, 0, -2),
        arange(0, 1, 0.25),
        arange(2.5),
        hasShape(arange(3, 3), 0),
        arange(5, { dtype: "float32" }),
        arange(0, 3, { dtype: "int16" }),
        arange({ start: -3, end: 3 }),
      ],
      "(tensor([0, 1, 2, 3, 4]), tensor([1, 3, 5, 7, 9]), tensor([5, 3, 1]), tensor([0.0000, 0.2500, 0.5000, 0.7500]), tensor([0., 1., 2.]), True, tensor([0., 1., 2., 3., 4.]), tensor([0, 1, 2], dtype=torch.int16), tensor([-3, -2, -1,  0,  1,  2]))",
    ],
    "linspace, logspace": [
      () => [
        linspace(0, 1, 5),
        linspace(3, 3, 1),
        linspace(0, 10, 0),
        linspace(-1, 1, 4),
        logspace(0, 2, 3),
        logspace(0, 3, 4, 2),
        linspace(0, 10, 5, { dtype: "int32" }),
        linspace(0, 1, 3, { dtype: "float64" }),
        linspace(5, 1, 3),
      ],
      "(tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000]), tensor([3.]), tensor([]), tensor([-1.0000, -0.3333,  0.3333,  1.0000]), tensor([  1.,  10., 100.]), tensor([1., 2., 4., 8.]), tensor([ 0,  2,  5,  7, 10]), tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64), tensor([5., 3., 1.]))",
    ],
    "like another": [
      () => {
        const x = ones(3, 2).t()
        return [
          [...zerosLike(x).strides],
          onesLike(x, { dtype: "int32" }),
          fullLike(x, 3),
          zerosLike(x, G).requiresGrad,
          [...emptyLike(x).strides],
          [...zerosLike(ones(1).expand(2, 2)).strides],
        ]
      },
      `((1, 2), tensor([[1, 1, 1],
        [1, 1, 1]]), tensor([[3., 3., 3.],
        [3., 3., 3.]]), True, (1, 2), (2, 1))`,
    ],
    "new with the dtype of another": [
      () => {
        const x = ones(2, { dtype: "float64" })
        return [
          x.newZeros(2),
          x.newOnes(2, { dtype: "bool" }),
          x.newFull([2], 4),
          x.newTensor([1, 2]),
          hasShape(x.newEmpty(3, 0), 3, 0),
          x.newZeros([1, 2], G),
        ]
      },
      "(tensor([0., 0.], dtype=torch.float64), tensor([True, True]), tensor([4., 4.], dtype=torch.float64), tensor([1., 2.], dtype=torch.float64), True, tensor([[0., 0.]], dtype=torch.float64, requires_grad=True))",
    ],
    requiresGrad: [
      () => [
        ones(1, G).requiresGrad,
        arange(2, { dtype: "float32", ...G }),
        full([1], 2, G),
        eye(1, G),
        linspace(0, 1, 2, G),
        tensor([1], G),
      ],
      "(True, tensor([0., 1.], requires_grad=True), tensor([2.], requires_grad=True), tensor([[1.]], requires_grad=True), tensor([0., 1.], requires_grad=True), tensor([1.], requires_grad=True))",
    ],
    emptyStrided: [
      () => {
        const x = emptyStrided([2, 3], [1, 2]).zero_()
        return [x, [...x.stride()]]
      },
      `(tensor([[0., 0., 0.],
        [0., 0., 0.]]), (1, 2))`,
    ],
  })

  refusals({
    "a negative size": [() => zeros(-1, 2), "zeros: sizes must be non-negative integers, got [-1, 2]"],
    "a fraction of a size": [() => ones(2.5), "ones: sizes must be non-negative integers, got [2.5]"],
    "text as size": [() => ones("2" as unknown as number), "ones: sizes must be non-negative integers"],
    "a step of the wrong sign": [
      () => arange(0, 5, -1),
      "arange: upper bound and lower bound inconsistent with step sign",
    ],
    "a step of zero": [() => arange(0, 5, 0), "arange: step must be nonzero"],
    "an endless range": [() => arange(Number.POSITIVE_INFINITY), "arange: start, end and step must be finite numbers"],
    "no bound": [() => (arange as () => unknown)(), "arange: missing argument"],
    "negative steps": [() => linspace(0, 1, -1), "linspace: number of steps must be non-negative, got -1"],
    "a negative matrix": [() => eye(-1), "eye: sizes must be non-negative integers"],
    "strides of another length": [
      () => emptyStrided([2, 3], [1]),
      "emptyStrided: sizes [2, 3] and strides [1] differ in length",
    ],
    "a default that is no float": [() => torch.setDefaultDtype("int32"), "setDefaultDtype: expected a floating dtype"],
    "an argument given twice": [() => full([2], 1, { fillValue: 2 } as object), "full: fillValue was given twice"],
  })
})

describe("conversions", () => {
  programs({
    "to every dtype": [
      () => {
        const x = tensor([1.7, -1.7, 0])
        return [
          x.int(),
          x.bool(),
          x.to("float64"),
          x.half(),
          x.bfloat16(),
          x.short(),
          x.char(),
          tensor([300, -1], { dtype: "int32" }).to("uint8"),
          tensor([true, false]).float(),
          x.type("float64"),
          x.typeAs(ones(1, { dtype: "int32" })),
          x.double().float(),
        ]
      },
      "(tensor([ 1, -1,  0]), tensor([ True,  True, False]), tensor([ 1.7000, -1.7000,  0.0000], dtype=torch.float64), tensor([ 1.7002, -1.7002,  0.0000], dtype=torch.float16), tensor([ 1.7031, -1.7031,  0.0000], dtype=torch.bfloat16), tensor([ 1, -1,  0], dtype=torch.int16), tensor([ 1, -1,  0], dtype=torch.int8), tensor([ 44, 255], dtype=torch.uint8), tensor([1., 0.]), tensor([ 1.7000, -1.7000,  0.0000], dtype=torch.float64), tensor([ 1, -1,  0]), tensor([ 1.7000, -1.7000,  0.0000]))",
    ],
    "itself where nothing changes": [
      () => {
        const x = ones(2)
        return [
          x.to("float32") === x,
          x.to("cpu") === x,
          x.to("float32", { copy: true }) === x,
          x.to(ones(1, { dtype: "float64" })).dtype === "float64",
          x.to("cpu", "float64").dtype === "float64",
          x.to({ dtype: "float16" }).dtype === "float16",
          x.to({ device: "cpu" }) === x,
          x.float() === x,
          x.cpu() === x,
        ]
      },
      "(True, True, False, True, True, True, True, True, True)",
    ],
    "strides stay": [
      () => [[...ones(2, 3).t().double().strides], [...ones(1).expand(3).double().strides]],
      "((1, 3), (1,))",
    ],
  })

  refusals({
    "a misspelt dtype": [
      () => ones(2).to("flaot32"),
      'to: "flaot32" is neither a dtype nor a device; did you mean float32?',
    ],
    "an unknown dtype by name": [() => ones(2).to({ dtype: "int" as "int32" }), 'to: unknown dtype "int"'],
    "an unknown option": [
      () => ones(2).to("float64", { Copy: true } as object),
      'to: unknown option "Copy"; did you mean copy?',
    ],
  })
})

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
