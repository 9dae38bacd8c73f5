/** Wrong programs of layers, as those of `wrong.ts`. */
import type { Wrong } from "./wrong.ts"

const wrong = (code: string, at: string, says: string): Wrong => ({ code, at, says })

export const WRONG_LAYERS: readonly Wrong[] = [
  wrong(
    "new nn.ConvTranspose2d(3, 8, 3)(torch.rand(1, 4, 8, 8))",
    "torch.rand(1, 4, 8, 8)",
    "convTranspose2d: given transposed=1, weight of size [3, 8, 3, 3], expected input [1, 4, 8, 8] to have 3 channels, but got 4 channels instead",
  ),
  wrong(
    "new nn.ConvTranspose1d(6, 9, 3, 2, 1, 1, 3)(torch.rand(1, 9, 8))",
    "torch.rand(1, 9, 8)",
    "convTranspose1d: given transposed=1, weight of size [6, 3, 3], expected input [1, 9, 8] to have 6 channels, but got 9 channels instead",
  ),
  wrong(
    "new nn.ConvTranspose3d(3, 8, 3)(torch.rand(8, 8))",
    "torch.rand(8, 8)",
    "convTranspose3d: expected 4D (unbatched) or 5D (batched) input, but got input of size: [8, 8]",
  ),
  wrong(
    "new nn.ReflectionPad1d(4)(torch.rand(2, 3, 4))",
    "torch.rand(2, 3, 4)",
    "pad: reflect: Padding size should be less than the corresponding input dimension, but got: padding (4, 4) for size 4 at dimension 2 of input [2, 3, 4]",
  ),
  wrong(
    "new nn.CircularPad2d([1, 1, 0, 5])(torch.rand(2, 3, 4, 4))",
    "torch.rand(2, 3, 4, 4)",
    "pad: circular: Padding value causes wrapping around more than once: padding (0, 5) for size 4 at dimension 2 of input [2, 3, 4, 4]",
  ),
  wrong(
    "new nn.ReplicationPad2d(1)(torch.rand(2, 3))",
    "torch.rand(2, 3)",
    'pad: mode "replicate" pads the last 1, 2 or 3 dims of a tensor with one or two more dims, but got padding [1, 1, 1, 1] for float32[2, 3]',
  ),
  wrong(
    "new nn.ZeroPad2d(1)(torch.rand(3))",
    "torch.rand(3)",
    "pad: Padding length should be less than or equal to two times the input dimension but got padding length 4 and input of dimension 1",
  ),
  wrong(
    "new nn.ConstantPad1d([-3, -2], 0)(torch.rand(2, 4))",
    "torch.rand(2, 4)",
    "pad: the input size 4, plus negative padding -3 and -2, resulted in a negative output size at dim 1 of [2, 4]",
  ),
  wrong(
    "new nn.Unfold(2)(torch.rand(4, 4))",
    "torch.rand(4, 4)",
    "unfold: Expected 3D or 4D input tensor [n?, channels, rows, columns], got [4, 4]",
  ),
  wrong(
    "new nn.Fold([4, 5], 2)(torch.rand(1, 12, 11))",
    "torch.rand(1, 12, 11)",
    "fold: Given outputSize [4, 5], kernelSize [2, 2], dilation [1, 1], padding [0, 0], stride [1, 1], expected size of input's dimension 2 to match the calculated number of sliding blocks 3 * 4 = 12, but got 11 ([1, 12, 11])",
  ),
  wrong(
    "new nn.Bilinear(3, 4, 5)(torch.rand(2, 3), torch.rand(2, 5))",
    "torch.rand(2, 5)",
    "bilinear: inputs of sizes 3 and 5 do not fit weight [5, 3, 4], which takes 3 and 4",
  ),
  wrong(
    "new nn.GLU()(torch.rand(2, 5))",
    "torch.rand(2, 5)",
    "glu: halving dimension must be even, but dimension 1 is size 5 (float32[2, 5])",
  ),
  wrong(
    "new nn.Softmax(2)(torch.rand(2, 5))",
    "torch.rand(2, 5)",
    "softmax: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "new nn.LogSoftmax({ dim: -3 })(torch.rand(2, 5))",
    "torch.rand(2, 5)",
    "logSoftmax: Dimension out of range (expected to be in range of [-2, 1], but got -3)",
  ),
  wrong(
    "new nn.Softmax2d()(torch.rand(2, 5))",
    "torch.rand(2, 5)",
    "Softmax2d: expected input to be 3D or 4D, got 2D instead",
  ),
  wrong(
    "new nn.InstanceNorm2d(3)(torch.rand(2, 3))",
    "torch.rand(2, 3)",
    "InstanceNorm2d: expected 3D or 4D input (got 2D input: [2, 3])",
  ),
  wrong(
    "new nn.InstanceNorm1d(3, { affine: true })(torch.rand(2, 4, 5))",
    "torch.rand(2, 4, 5)",
    "InstanceNorm1d: expected input of 3 channels, got float32[2, 4, 5]",
  ),
  wrong(
    "new nn.LocalResponseNorm(2)(torch.rand(2, 4))",
    "torch.rand(2, 4)",
    "localResponseNorm: Expected 3D or higher dimensionality input (got 2 dimensions): float32[2, 4]",
  ),
  wrong(
    "new nn.ChannelShuffle(2)(torch.rand(2, 3, 4))",
    "torch.rand(2, 3, 4)",
    "channelShuffle: Number of channels must be divisible by groups. Got 3 channels and 2 groups ([2, 3, 4])",
  ),
  wrong(
    "new nn.Embedding(10, 3)(torch.rand(4))",
    "torch.rand(4)",
    "embedding: input must be int32 or int64, got float32[4]",
  ),
  wrong(
    "new nn.BCELoss()(torch.rand(4), torch.rand(4, 1))",
    "torch.rand(4, 1)",
    "binaryCrossEntropy: target size [4, 1] must be the same as input size [4]",
  ),
  wrong(
    "new nn.KLDivLoss()(torch.rand(4, 3), torch.rand(2, 3))",
    "torch.rand(2, 3)",
    "klDiv: shapes [4, 3] and [2, 3] do not broadcast",
  ),
  wrong(
    "new nn.PairwiseDistance()(torch.rand(4, 3), torch.rand(4, 2))",
    "torch.rand(4, 2)",
    "sub: shapes [4, 3] and [4, 2] do not broadcast",
  ),
  wrong(
    "new nn.MaxPool2d(2, { returnIndices: true })(torch.rand(4, 4))",
    "torch.rand(4, 4)",
    "maxPool2d: expected a 3D (unbatched) or 4D (batched) input, got [4, 4]",
  ),
  wrong(
    "new nn.Sequential(new nn.Identity(), new nn.ReflectionPad2d(2), new nn.GLU(1))(torch.rand(2, 3, 4, 4))",
    "torch.rand(2, 3, 4, 4)",
    "glu: halving dimension must be even, but dimension 1 is size 3 (float32[2, 3, 8, 8])",
  ),
  wrong(
    "new nn.BCELoss()(torch.rand(2, 3), torch.ones(2, 3).double())",
    "torch.ones(2, 3).double()",
    "binaryCrossEntropy: expected tensors of one dtype, but got float32[2, 3] and float64[2, 3]; convert with x.to(dtype)",
  ),
  wrong(
    "new nn.BCEWithLogitsLoss()(torch.rand(2), torch.ones(2).int())",
    "torch.ones(2).int()",
    "binaryCrossEntropyWithLogits: int32 is not supported, only floating dtypes",
  ),

  // ---- a misspelt option beside a right one ----
  wrong(
    "new nn.Conv2d({ inChannels: 3, outChannels: 4, kernelSize: 3, strid: 2 })",
    "{ inChannels: 3, outChannels: 4, kernelSize: 3, strid: 2 }",
    'unknown option "strid"',
  ),
  wrong(
    "new nn.ConvTranspose1d(3, 4, 3, { stride: 2, paddin: 1 })",
    "{ stride: 2, paddin: 1 }",
    'unknown option "paddin"',
  ),
  wrong(
    "new nn.BatchNorm2d(3, { eps: 1e-3, momentun: 0.2 })",
    "{ eps: 1e-3, momentun: 0.2 }",
    'unknown option "momentun"',
  ),
  wrong("new nn.MaxPool2d({ kernelSize: 2, strides: 2 })", "{ kernelSize: 2, strides: 2 }", 'unknown option "strides"'),
  wrong(
    'new nn.CrossEntropyLoss({ reduction: "sum", labelSmooting: 0.1 })',
    '{ reduction: "sum", labelSmooting: 0.1 }',
    'unknown option "labelSmooting"',
  ),
  wrong("new nn.CosineSimilarity({ dim: 1, epz: 1 })", "{ dim: 1, epz: 1 }", 'unknown option "epz"'),
  wrong("new nn.TripletMarginLoss({ margin: 2, swop: true })", "{ margin: 2, swop: true }", 'unknown option "swop"'),
]
