/** Every public name says what it is: the reference is made of that. */
import { beforeAll, describe, expect, test } from "vitest"
import { type Declaration, type Namespace, readNamespaces } from "../src/reference/declarations.ts"
import { textOf, undocumented } from "../src/reference/docstrings.ts"
import { escaped } from "../src/reference/pages.ts"
import { absent, pytorchName } from "../src/reference/pytorch.ts"
import { classSignature, functionSignature, methodSignature } from "../src/reference/signatures.ts"

let namespaces: Namespace[]
let tensor: Declaration
beforeAll(() => {
  namespaces = readNamespaces()
  tensor = namespaces[0]!.declarations.find(({ name }) => name === "Tensor")!
}, 120_000)

test("every name of every namespace", () => {
  expect(namespaces.map(({ path }) => path)).toEqual(expect.arrayContaining(["", "nn.functional", "optim.lrScheduler"]))
  expect(undocumented(namespaces)).toEqual([])
})

test("what is for the compiler is not told to people", () => {
  expect(tensor.doc).toMatch(/^Elements of one dtype in a shape/)
  expect(namespaces.flatMap(({ declarations }) => declarations).filter(({ doc }) => doc.includes("@ts-"))).toEqual([])
})

test("every method and property of a tensor", () => {
  const among = [...tensor.members, ...namespaces[0]!.declarations]
  expect(tensor.members.length).toBeGreaterThan(400)
  expect(tensor.members.map(({ name }) => name).filter((name) => textOf("Tensor", name, among) === "")).toEqual([])
})

describe("what the reference says of a name", () => {
  test("its signature is the library's own", () => {
    expect(functionSignature("", "sum")).toBe("(input, dim?, keepdim?, *, dtype?)")
    expect(functionSignature("nn.functional", "unfold")).toMatch(/^\(input, kernelSize/)
    expect(methodSignature("sum")).toBe("(dim?, keepdim?, *, dtype?)")
    expect(classSignature("nn", "Linear")).toBe("(inFeatures, outFeatures, bias?, device?, dtype?)")
    expect(classSignature("optim", "SGD")).toMatch(/^\(params, lr\?/)
    expect(classSignature("nn", "Sequential")).toBeUndefined()
  })

  test("PyTorch's name is one that PyTorch has", () => {
    expect(pytorchName("", "logSoftmax")).toBe("torch.log_softmax")
    expect(pytorchName("optim.lrScheduler", "StepLR")).toBe("torch.optim.lr_scheduler.StepLR")
    expect(pytorchName("Tensor", "requiresGrad_")).toBe("torch.Tensor.requires_grad_")
    expect(pytorchName("", "setPrintoptions")).toBe("torch.set_printoptions")
    expect(pytorchName("", "registerBackend")).toBeUndefined()
  })

  test("what PyTorch has besides is told, without what its modules import", () => {
    const names = absent("nn", new Set(["Linear"]))
    expect(names).toContain("Conv2d")
    expect(names).not.toContain("Linear")
    expect(names).not.toContain("Container")
    expect(absent("", new Set())).toEqual([])
  })

  test("generics are no tags, and code stays as it is", () => {
    expect(escaped("a Tensor<S> of `Map<K>`\n```ts\nnew X<Y>()\n```")).toBe(
      "a Tensor&lt;S> of `Map<K>`\n```ts\nnew X<Y>()\n```",
    )
  })
})
