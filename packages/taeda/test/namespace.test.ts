import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import * as torch from "../src/index.ts"

type Names = Readonly<Record<string, unknown>>

/** What can be called in each of PyTorch's namespaces (tooling/golden/namespace.py). */
const GOLDEN = JSON.parse(readFileSync(new URL("./namespace.golden.json", import.meta.url), "utf8")) as Record<
  string,
  string
>

/** `log_softmax` as taeda spells it. */
const camelCase = (name: string): string => name.replace(/(?<=.)_([a-z0-9])/g, (_, c: string) => c.toUpperCase())

const pytorch = (namespace: string): Set<string> => new Set(GOLDEN[namespace].split(" ").map(camelCase))

const ours = (namespace: string): Names => {
  const path = namespace === "torch" ? [] : namespace.split(".").map(camelCase)
  return path.reduce<Names>((names, part) => names[part] as Names, torch)
}

/** Names of our own, by namespace, each with the reason. */
const OWN: Record<string, Record<string, string>> = {
  torch: {
    Device: "torch.device is made from a name; this one is opened, and stands for its backend",
    Parameter: "torch.nn.Parameter, which nn has as well",
    Pointwise: "how a pointwise op is written",
    defaultGenerator: "torch.default_generator is an object; this one is made at its first use",
    devices: "which backends this machine has",
    dispose: "frees a tensor at once",
    dynamic: "the same tensor, of whose shape the types know nothing",
    expect: "the same tensor, of a shape that is checked, for the types",
    getPrintoptions: "the other half of set_printoptions",
    memoryStats: "of the backend",
    open: "opens a device, which may wait",
    openDevices: "those that are open",
    registerBackend: "for a backend of one's own",
    scope: "frees what is made inside",
    slice: "Python's start:stop:step",
    withDevice: "Python's `with torch.device(...)`",
  },
  "nn.init": {
    calculateFanInAndFanOut: "torch.nn.init._calculate_fan_in_and_fan_out, which PyTorch's own users call",
  },
  autograd: {
    AccumulateGrad: "torch._C._functions.AccumulateGrad, to recognise a leaf's node by",
    FunctionContext: "torch.autograd.function.FunctionCtx",
    GradNode: "torch.autograd.graph.Node",
    isGradEnabled: "torch.is_grad_enabled, beside the modes",
  },
}

describe.each(Object.keys(GOLDEN))("the namespace %s", (namespace) => {
  const known = pytorch(namespace)
  const own = OWN[namespace] ?? {}
  const functions = Object.keys(ours(namespace)).filter((name) => typeof ours(namespace)[name] === "function")

  test("holds what PyTorch's holds, and nothing else", () => {
    const strangers = functions.filter((name) => !known.has(name.replace(/Sync$/, "")) && !(name in own))
    expect(functions.length).toBeGreaterThan(2)
    expect(strangers).toEqual([])
  })

  test("what is said to be our own is there, and not PyTorch's", () => {
    for (const name of Object.keys(own)) {
      expect(functions).toContain(name)
      expect(known).not.toContain(name)
    }
  })
})

/**
 * Where PyTorch has another function under an op's name: at the top an undocumented double with other arguments than in
 * nn.functional, in linalg one for matrices.
 */
const OTHERS = new Set([
  "torch.batchNorm",
  "torch.binaryCrossEntropyWithLogits",
  "torch.cosineEmbeddingLoss",
  "torch.ctcLoss",
  "torch.embedding",
  "torch.embeddingBag",
  "torch.hingeEmbeddingLoss",
  "torch.instanceNorm",
  "torch.klDiv",
  "torch.marginRankingLoss",
  "torch.poissonNllLoss",
  "torch.tripletMarginLoss",
  "linalg.diagonal",
  "linalg.norm",
])

test("every op stands where PyTorch has it", () => {
  const places = ["torch", "linalg", "special", "nn.functional"]
  const missing = [...torch.CATALOGUE.keys()].flatMap((op) =>
    places
      .filter((place) => pytorch(place).has(op) && !(op in ours(place)))
      .map((place) => `${place}.${op}`)
      .filter((name) => !OTHERS.has(name)),
  )
  expect(torch.CATALOGUE.size).toBeGreaterThan(300)
  expect(missing).toEqual([])
})

test("a second name is the same function", () => {
  expect(torch.special.expit).toBe(torch.sigmoid)
  expect(torch.special.psi).toBe(torch.digamma)
  expect(torch.special.gammaln).toBe(torch.lgamma)
  expect(torch.special.multigammaln).toBe(torch.mvlgamma)
  expect(torch.nn.functional.relu).toBe(torch.relu)
  expect(torch.nn.Parameter).toBe(torch.Parameter)
})
