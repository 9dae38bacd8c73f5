/** Every layer against PyTorch: its text, its state, its first values for a seed, what it computes. */
import { readFileSync } from "node:fs"
import { manualSeed, ones, Parameter, rand, randn, type Tensor, tensor } from "@taeda/core"
import { describe, expect, test } from "vitest"
import * as nn from "../src/index.ts"
import { numbers } from "./cpu.ts"

interface Described {
  readonly shape: readonly number[]
  readonly values: readonly number[]
}
interface Case {
  readonly repr: string
  readonly state: Readonly<Record<string, Described>>
  readonly inputs?: readonly (readonly number[])[]
  readonly output?: Described
}

const golden = JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")) as {
  modules: Record<string, Case>
  batchNorm: Record<
    string,
    { outputs: number[][]; running_mean: number[]; running_var: number[]; num_batches_tracked: number }
  >
}

/** What PyTorch's expression is here. */
const MODULES: Record<string, () => nn.Module> = {
  "Linear(4, 3)": () => new nn.Linear(4, 3),
  "Linear(3, 2, bias=False)": () => new nn.Linear(3, 2, { bias: false }),
  "Bilinear(2, 3, 4)": () => new nn.Bilinear(2, 3, 4),
  "Identity(3)": () => new nn.Identity(3),
  "Flatten()": () => new nn.Flatten(),
  "Flatten(0, 1)": () => new nn.Flatten(0, 1),
  "Unflatten(1, (2, 3))": () => new nn.Unflatten(1, [2, 3]),
  "Conv1d(2, 3, 3)": () => new nn.Conv1d(2, 3, 3),
  "Conv2d(1, 8, 3)": () => new nn.Conv2d(1, 8, 3),
  "Conv2d(4, 8, (3, 5), stride=2, padding=1, dilation=2, groups=2, bias=False)": () =>
    new nn.Conv2d(4, 8, [3, 5], { stride: 2, padding: 1, dilation: 2, groups: 2, bias: false }),
  "Conv2d(2, 3, 3, padding='same')": () => new nn.Conv2d(2, 3, 3, { padding: "same" }),
  "Conv2d(2, 3, (2, 3), padding='same', padding_mode='reflect')": () =>
    new nn.Conv2d(2, 3, [2, 3], { padding: "same", paddingMode: "reflect" }),
  "Conv2d(1, 2, 3, 1, 1, padding_mode='circular')": () => new nn.Conv2d(1, 2, 3, 1, 1, { paddingMode: "circular" }),
  "Conv2d(1, 2, 3, padding=(1, 2), padding_mode='replicate')": () =>
    new nn.Conv2d(1, 2, 3, { padding: [1, 2], paddingMode: "replicate" }),
  "Conv3d(1, 2, 2)": () => new nn.Conv3d(1, 2, 2),
  "ConvTranspose1d(2, 3, 3)": () => new nn.ConvTranspose1d(2, 3, 3),
  "ConvTranspose2d(2, 4, 3, 2, 1, 1, groups=2)": () => new nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, { groups: 2 }),
  "MaxPool1d(2)": () => new nn.MaxPool1d(2),
  "MaxPool2d(2)": () => new nn.MaxPool2d(2),
  "MaxPool2d((2, 3), stride=1, padding=1, ceil_mode=True)": () =>
    new nn.MaxPool2d([2, 3], { stride: 1, padding: 1, ceilMode: true }),
  "AvgPool1d(2)": () => new nn.AvgPool1d(2),
  "AvgPool2d((2, 2), 1)": () => new nn.AvgPool2d([2, 2], 1),
  "AdaptiveAvgPool1d(2)": () => new nn.AdaptiveAvgPool1d(2),
  "AdaptiveAvgPool2d((1, None))": () => new nn.AdaptiveAvgPool2d([1, null]),
  "AdaptiveMaxPool2d(2)": () => new nn.AdaptiveMaxPool2d(2),
  "Dropout()": () => new nn.Dropout(),
  "Dropout(0.1, True)": () => new nn.Dropout(0.1, true),
  "Dropout1d()": () => new nn.Dropout1d(),
  "Dropout2d(0.2)": () => new nn.Dropout2d({ p: 0.2 }),
  "Dropout3d()": () => new nn.Dropout3d(),
  "Embedding(10, 3)": () => new nn.Embedding(10, 3),
  "Embedding(10, 3, padding_idx=-1, max_norm=2)": () => new nn.Embedding(10, 3, { paddingIdx: -1, maxNorm: 2 }),
  "BatchNorm1d(3)": () => new nn.BatchNorm1d(3),
  "BatchNorm2d(3, affine=False, momentum=None)": () => new nn.BatchNorm2d(3, { affine: false, momentum: null }),
  "BatchNorm3d(2, bias=False)": () => new nn.BatchNorm3d(2, { bias: false }),
  "LayerNorm(5)": () => new nn.LayerNorm(5),
  "LayerNorm((2, 3), elementwise_affine=False)": () => new nn.LayerNorm([2, 3], { elementwiseAffine: false }),
  "LayerNorm(5, bias=False)": () => new nn.LayerNorm(5, { bias: false }),
  "RMSNorm(4)": () => new nn.RMSNorm(4),
  "GroupNorm(2, 4)": () => new nn.GroupNorm(2, 4),
  "InstanceNorm1d(3)": () => new nn.InstanceNorm1d(3),
  "InstanceNorm2d(3, affine=True)": () => new nn.InstanceNorm2d(3, { affine: true }),
  "LocalResponseNorm(2)": () => new nn.LocalResponseNorm(2),
  "ReLU()": () => new nn.ReLU(),
  "ReLU(True)": () => new nn.ReLU(true),
  "ReLU6()": () => new nn.ReLU6(),
  "LeakyReLU()": () => new nn.LeakyReLU(),
  "LeakyReLU(0.2, True)": () => new nn.LeakyReLU(0.2, true),
  "RReLU()": () => new nn.RReLU(),
  "ELU()": () => new nn.ELU(),
  "ELU(0.5, True)": () => new nn.ELU(0.5, true),
  "SELU()": () => new nn.SELU(),
  "CELU()": () => new nn.CELU(),
  "GELU()": () => new nn.GELU(),
  "GELU('tanh')": () => new nn.GELU("tanh"),
  "SiLU(True)": () => new nn.SiLU(true),
  "Mish()": () => new nn.Mish(),
  "Sigmoid()": () => new nn.Sigmoid(),
  "Tanh()": () => new nn.Tanh(),
  "Softplus()": () => new nn.Softplus(),
  "Softsign()": () => new nn.Softsign(),
  "Hardtanh()": () => new nn.Hardtanh(),
  "Hardtanh(-2, 2, inplace=True)": () => new nn.Hardtanh(-2, 2, { inplace: true }),
  "Hardsigmoid(True)": () => new nn.Hardsigmoid(true),
  "Hardswish()": () => new nn.Hardswish(),
  "Tanhshrink()": () => new nn.Tanhshrink(),
  "Softshrink()": () => new nn.Softshrink(),
  "Hardshrink()": () => new nn.Hardshrink(),
  "LogSigmoid()": () => new nn.LogSigmoid(),
  "Threshold(0.1, 20)": () => new nn.Threshold(0.1, 20),
  "PReLU(3)": () => new nn.PReLU(3),
  "GLU()": () => new nn.GLU(),
  "Softmax()": () => new nn.Softmax(),
  "Softmax(dim=0)": () => new nn.Softmax({ dim: 0 }),
  "LogSoftmax(dim=-1)": () => new nn.LogSoftmax({ dim: -1 }),
  "Softmin(dim=1)": () => new nn.Softmin({ dim: 1 }),
  "Softmax2d()": () => new nn.Softmax2d(),
  "ZeroPad2d(1)": () => new nn.ZeroPad2d(1),
  "ZeroPad2d((1, 2, 3, 4))": () => new nn.ZeroPad2d([1, 2, 3, 4]),
  "ConstantPad1d(2, 3.5)": () => new nn.ConstantPad1d(2, 3.5),
  "ConstantPad2d(1, 0)": () => new nn.ConstantPad2d(1, 0),
  "ReflectionPad1d(2)": () => new nn.ReflectionPad1d(2),
  "ReflectionPad2d(1)": () => new nn.ReflectionPad2d(1),
  "ReplicationPad1d(1)": () => new nn.ReplicationPad1d(1),
  "ReplicationPad2d(2)": () => new nn.ReplicationPad2d(2),
  "CircularPad2d(1)": () => new nn.CircularPad2d(1),
  "Upsample(scale_factor=2)": () => new nn.Upsample({ scaleFactor: 2 }),
  "Upsample(size=(4, 4), mode='bilinear', align_corners=True)": () =>
    new nn.Upsample({ size: [4, 4], mode: "bilinear", alignCorners: true }),
  "UpsamplingNearest2d(scale_factor=2)": () => new nn.UpsamplingNearest2d({ scaleFactor: 2 }),
  "UpsamplingBilinear2d((3, 3))": () => new nn.UpsamplingBilinear2d([3, 3]),
  "PixelShuffle(2)": () => new nn.PixelShuffle(2),
  "PixelUnshuffle(2)": () => new nn.PixelUnshuffle(2),
  "ChannelShuffle(2)": () => new nn.ChannelShuffle(2),
  "Unfold(2)": () => new nn.Unfold(2),
  "Fold((3, 3), 2)": () => new nn.Fold([3, 3], 2),
  "CosineSimilarity(1)": () => new nn.CosineSimilarity(1),
  "PairwiseDistance()": () => new nn.PairwiseDistance(),
  "CrossEntropyLoss()": () => new nn.CrossEntropyLoss(),
  "CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]), label_smoothing=0.1)": () =>
    new nn.CrossEntropyLoss({ weight: tensor([1, 2, 3]), labelSmoothing: 0.1 }),
  "MSELoss()": () => new nn.MSELoss(),
  "MSELoss(reduction='none')": () => new nn.MSELoss({ reduction: "none" }),
  "L1Loss(reduction='sum')": () => new nn.L1Loss({ reduction: "sum" }),
  "SmoothL1Loss(beta=0.5)": () => new nn.SmoothL1Loss({ beta: 0.5 }),
  "HuberLoss(delta=0.25)": () => new nn.HuberLoss({ delta: 0.25 }),
  "NLLLoss()": () => new nn.NLLLoss(),
  "BCELoss()": () => new nn.BCELoss(),
  "BCEWithLogitsLoss(pos_weight=torch.tensor([1., 2., 3.]))": () =>
    new nn.BCEWithLogitsLoss({ posWeight: tensor([1, 2, 3]) }),
  "KLDivLoss(reduction='batchmean')": () => new nn.KLDivLoss({ reduction: "batchmean" }),
  "HingeEmbeddingLoss()": () => new nn.HingeEmbeddingLoss(),
  "MarginRankingLoss(0.5)": () => new nn.MarginRankingLoss(0.5),
  "CosineEmbeddingLoss()": () => new nn.CosineEmbeddingLoss(),
  "TripletMarginLoss(margin=0.5, p=1)": () => new nn.TripletMarginLoss({ margin: 0.5, p: 1 }),
  "PoissonNLLLoss(full=True)": () => new nn.PoissonNLLLoss({ full: true }),
  "GaussianNLLLoss()": () => new nn.GaussianNLLLoss(),
  "SoftMarginLoss()": () => new nn.SoftMarginLoss(),
  "MultiLabelSoftMarginLoss()": () => new nn.MultiLabelSoftMarginLoss(),
  "Sequential()": () => new nn.Sequential(),
  "Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))": () =>
    new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2)),
  "Sequential({'a': nn.ReLU(), 'b': nn.Sequential(nn.Tanh())})": () =>
    new nn.Sequential({ a: new nn.ReLU(), b: new nn.Sequential(new nn.Tanh()) }),
  "ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(1, 1)])": () =>
    new nn.ModuleList([new nn.ReLU(), new nn.ReLU(), new nn.Linear(1, 1)]),
  "ModuleList([nn.Sequential(nn.ReLU(), nn.Tanh()) for _ in range(3)])": () =>
    new nn.ModuleList([0, 1, 2].map(() => new nn.Sequential(new nn.ReLU(), new nn.Tanh()))),
  "ModuleList()": () => new nn.ModuleList(),
  "ModuleDict({'a': nn.ReLU(), 'keys_': nn.Linear(1, 2)})": () =>
    new nn.ModuleDict({ a: new nn.ReLU(), keys_: new nn.Linear(1, 2) }),
  "ModuleDict()": () => new nn.ModuleDict(),
  "ParameterList([torch.ones(2, 3), nn.Parameter(torch.ones(4))])": () =>
    new nn.ParameterList([ones(2, 3), new Parameter(ones(4))]),
  "ParameterList([torch.ones(2)])": () => new nn.ParameterList([ones(2)]),
  "ParameterDict({'a': torch.ones(2, 3), 'b': torch.ones(1)})": () =>
    new nn.ParameterDict({ a: ones(2, 3), b: ones(1) }),
  "ParameterDict()": () => new nn.ParameterDict(),
}

const describeTensor = (t: Tensor): Described => ({ shape: t.shape, values: numbers(t).slice(0, 48) })

function expectClose(actual: Described, expected: Described, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape)
  expect(actual.values.length).toBe(expected.values.length)
  expected.values.forEach((v, i) => {
    expect(Math.abs(actual.values[i] - v), `element ${i}: ${actual.values[i]} and ${v}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(v)),
    )
  })
}

test("every case of PyTorch's is here", () => {
  expect(Object.keys(MODULES)).toEqual(Object.keys(golden.modules))
})

describe.each(Object.entries(golden.modules))("%s", (expression, wanted) => {
  const make = (): nn.Module => {
    manualSeed(0)
    return MODULES[expression]()
  }

  test("prints as in PyTorch", () => {
    expect(String(make())).toBe(wanted.repr)
  })

  test("has PyTorch's state: names, order, shapes, first values", () => {
    const state = make().stateDict()
    expect(Object.keys(state)).toEqual(Object.keys(wanted.state))
    // 2 ULP: what the random numbers promise.
    for (const [key, t] of Object.entries(state)) expectClose(describeTensor(t), wanted.state[key], 2.4e-7)
  })

  if (wanted.output)
    test("computes what PyTorch does", () => {
      const module = make().eval()
      manualSeed(1)
      const inputs = wanted.inputs!.map((shape) => rand(shape))
      expectClose(describeTensor(module(...inputs)), wanted.output!, 2e-6)
    })
})

describe("batch norm", () => {
  test.each([0.1, null])("momentum %s: results and statistics over batches as in PyTorch", (momentum) => {
    const wanted = golden.batchNorm[String(momentum)]
    manualSeed(5)
    const module = new nn.BatchNorm1d(3, { momentum })
    const outputs = [0, 1, 2].map((k) =>
      module(
        randn43()
          .mul(k + 1)
          .add(k),
      ),
    )
    module.eval()
    outputs.push(module(randn43()))
    outputs.forEach((out, i) => expectClose(describeTensor(out), { shape: [4, 3], values: wanted.outputs[i] }, 2e-6))
    expectClose(describeTensor(module.runningMean!), { shape: [3], values: wanted.running_mean }, 1e-6)
    expectClose(describeTensor(module.runningVar!), { shape: [3], values: wanted.running_var }, 2e-6)
    expect(module.numBatchesTracked!.itemSync()).toBe(3)
  })

  test("refuses inputs of other dims", () => {
    expect(() => new nn.BatchNorm2d(3)(ones(2, 3) as Tensor)).toThrow(/BatchNorm2d: expected 4D input \(got 2D input/)
  })
})

const randn43 = (): Tensor => randn(4, 3)

describe("constructor arguments", () => {
  test("by name", () => {
    const m = new nn.Linear({ inFeatures: 2, outFeatures: 3, bias: false })
    expect(String(m)).toBe("Linear(in_features=2, out_features=3, bias=False)")
    expect(m.bias).toBeNull()
  })

  test("a wrong name says which is meant", () => {
    expect(() => new nn.Linear({ in_features: 2, outFeatures: 3 } as never)).toThrow(
      /Linear: unknown option "in_features"; did you mean inFeatures\?/,
    )
    expect(() => new nn.Conv2d(1, 2, 3, { pading: 1 } as never)).toThrow(
      /Conv2d: unknown option "pading"; did you mean padding\?/,
    )
    expect(() => new nn.ReLU({ inPlace: true } as never)).toThrow(/did you mean inplace\?/)
    expect(() => new nn.CrossEntropyLoss({ label_smoothing: 0.1 } as never)).toThrow(/did you mean labelSmoothing\?/)
  })

  test("missing and wrong values are refused", () => {
    expect(() => new nn.Linear(3)).toThrow(/Linear: missing argument outFeatures/)
    expect(() => new nn.Linear(-1, 2)).toThrow(/Linear: inFeatures must be an integer of at least 0, got -1/)
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(/inChannels must be divisible by groups, got 3 and 2/)
    expect(() => new nn.Conv2d(3, 4, 3, { padding: "same", stride: 2 })).toThrow(/"same" is not supported for strided/)
    expect(() => new nn.Conv2d(3, 4, [3, 3, 3])).toThrow(
      /kernelSize must be an integer of at least 1 or 2 of them, got \[3, 3, 3\]/,
    )
    expect(() => new nn.Dropout(1.5)).toThrow(/dropout probability has to be between 0 and 1, but got 1.5/)
    expect(() => new nn.GroupNorm(3, 4)).toThrow(/numChannels \(4\) must be divisible by numGroups \(3\)/)
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow(
      /paddingIdx must be within numEmbeddings \(3\), got 3/,
    )
  })

  test("device and dtype of the parameters", () => {
    const m = new nn.Linear(2, 3, { dtype: "float64", device: "cpu" })
    expect(m.weight.dtype).toBe("float64")
    expect(m.bias!.dtype).toBe("float64")
  })
})

describe("layers in training", () => {
  test("dropout zeros and scales in training only", () => {
    manualSeed(0)
    const drop = new nn.Dropout(0.25)
    const values = numbers(drop(ones(4000)))
    const kept = values.filter((v) => v !== 0)
    expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]))
    expect(Math.abs(kept.length / 4000 - 0.75)).toBeLessThan(0.03)
    drop.eval()
    const x = ones(3)
    expect(drop(x)).toBe(x)
  })

  test("a transposed convolution takes the size wanted", () => {
    const up = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1 })
    expect(up(ones(1, 1, 3, 3), [6, 5]).shape).toEqual([1, 1, 6, 5])
    expect(() => up(ones(1, 1, 3, 3), [7, 5])).toThrow(
      /requested an output size of \[7, 5\], but valid sizes range from \[5, 5\] to \[6, 6\]/,
    )
  })

  test("pooling with indices", () => {
    const [values, indices] = new nn.MaxPool2d(2, { returnIndices: true })(
      tensor([
        [
          [
            [1, 5],
            [3, 2],
          ],
        ],
      ]),
    )
    expect(numbers(values)).toEqual([5])
    expect(numbers(indices)).toEqual([1])
  })

  test("embedding: the padding row stays zero and gets no gradient", () => {
    const table = new nn.Embedding(4, 2, { paddingIdx: 1 })
    expect(numbers(table.weight.select(0, 1))).toEqual([0, 0])
    table(tensor([1, 2, 1], { dtype: "int32" }))
      .sum()
      .backward()
    expect(numbers(table.weight.grad!)).toEqual([0, 0, 0, 0, 1, 1, 0, 0])
  })

  test("embedding from a table", () => {
    const table = nn.Embedding.fromPretrained(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    )
    expect(table.weight.requiresGrad).toBe(false)
    expect(numbers(table(tensor([1], { dtype: "int32" })))).toEqual([3, 4])
    expect(String(table)).toBe("Embedding(2, 2)")
  })
})
