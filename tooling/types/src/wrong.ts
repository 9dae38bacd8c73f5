/** Wrong programs, with what every compiler and the run must say of them. */

export interface Wrong {
  /** The program. It sees `torch`, `nn`, `F` and the type `Tensor`. */
  readonly code: string
  /** The whole of the sentence. */
  readonly says: string
  /** What is underlined. */
  readonly at: string
  /** Why nothing fails when the program runs. Absent: the run says the same sentence. */
  readonly runs?: string
}

const wrong = (code: string, at: string, says: string, runs?: string): Wrong => ({
  code,
  at,
  says,
  ...(runs && { runs }),
})

/** Why a Sequential does not fail when it is made. */
const LATER = "modules in a row meet when they are called"

export const WRONG: readonly Wrong[] = [
  wrong(
    "torch.rand(2, 3).matmul(torch.rand(4, 5))",
    "torch.rand(4, 5)",
    "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5): the sizes 3 and 4 must be equal",
  ),
  wrong(
    "torch.matmul(torch.rand(2, 3), torch.rand(4, 5))",
    "torch.rand(4, 5)",
    "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5): the sizes 3 and 4 must be equal",
  ),
  wrong(
    "torch.rand(2, 3).matmul(torch.rand(4))",
    "torch.rand(4)",
    "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4): the sizes 3 and 4 must be equal",
  ),
  wrong(
    "torch.rand(3).matmul(torch.rand(4))",
    "torch.rand(4)",
    "matmul: inconsistent tensor size, expected vectors of the same length, got [3] and [4]",
  ),
  wrong(
    "torch.rand(2, 4, 8).matmul(torch.rand(3, 8, 5))",
    "torch.rand(3, 8, 5)",
    "matmul: batch dims of [2, 4, 8] and [3, 8, 5]: shapes [2] and [3] do not broadcast",
  ),
  wrong(
    "torch.rand([]).matmul(torch.rand(3))",
    "torch.rand(3)",
    "matmul: both arguments need to be at least 1D, but they are 0D and 1D",
  ),
  wrong(
    "torch.rand(2, 3).mm(torch.rand(4, 5))",
    "torch.rand(4, 5)",
    "mm: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5): the sizes 3 and 4 must be equal",
  ),
  wrong(
    "torch.rand(2, 3, 4).bmm(torch.rand(2, 5, 6))",
    "torch.rand(2, 5, 6)",
    "bmm: mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6): the sizes 4 and 5 must be equal",
  ),
  wrong(
    "torch.rand(3).dot(torch.rand(4))",
    "torch.rand(4)",
    "dot: inconsistent tensor size, expected vectors of the same length, got [3] and [4]",
  ),
  wrong(
    "torch.rand(2, 3).mv(torch.rand(4))",
    "torch.rand(4)",
    "mv: mat1 and mat2 shapes cannot be multiplied (2x3 and 4): the sizes 3 and 4 must be equal",
  ),
  wrong(
    "torch.rand(2, 3).matmul(torch.randint(5, [3, 4]))",
    "torch.randint(5, [3, 4])",
    "matmul: expected tensors of one dtype, but got float32[2, 3] and int32[3, 4]; convert with x.to(dtype)",
  ),
  wrong("torch.rand(2, 3).add(torch.rand(4))", "torch.rand(4)", "add: shapes [2, 3] and [4] do not broadcast"),
  wrong("torch.add(torch.rand(2, 3), torch.rand(2))", "torch.rand(2)", "add: shapes [2, 3] and [2] do not broadcast"),
  wrong("torch.rand(2, 3).mul(torch.rand(3, 2))", "torch.rand(3, 2)", "mul: shapes [2, 3] and [3, 2] do not broadcast"),
  wrong(
    "torch.rand(2, 3).sub(torch.rand(5, 2, 4))",
    "torch.rand(5, 2, 4)",
    "sub: shapes [2, 3] and [5, 2, 4] do not broadcast",
  ),
  wrong("torch.rand(2, 3).div(torch.rand(2))", "torch.rand(2)", "div: shapes [2, 3] and [2] do not broadcast"),
  wrong("torch.rand(2, 3).lt(torch.rand(4))", "torch.rand(4)", "lt: shapes [2, 3] and [4] do not broadcast"),
  wrong("torch.rand(2, 3).maximum(torch.rand(4))", "torch.rand(4)", "maximum: shapes [2, 3] and [4] do not broadcast"),
  wrong("torch.rand(2, 3).pow(torch.rand(4))", "torch.rand(4)", "pow: shapes [2, 3] and [4] do not broadcast"),
  wrong(
    "torch.rand(3).add_(torch.rand(2, 3))",
    "torch.rand(2, 3)",
    "add_: output with shape [3] doesn't match the broadcast shape [2, 3]",
  ),
  wrong("torch.rand(2, 3).lerp(torch.rand(4), 0.5)", "0.5", "lerp: shapes [2, 3] and [4] do not broadcast"),
  wrong("torch.rand(2, 3).sum(2)", "2", "sum: Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
  wrong(
    "torch.rand(2, 3).sum({ dim: -3 })",
    "{ dim: -3 }",
    "sum: Dimension out of range (expected to be in range of [-2, 1], but got -3)",
  ),
  wrong(
    "torch.rand(8, 3, 32, 32).mean([2, 4])",
    "[2, 4]",
    "mean: Dimension out of range (expected to be in range of [-4, 3], but got 4)",
  ),
  wrong("torch.rand(8, 3, 32, 32).mean([1, 1])", "[1, 1]", "mean: dim 1 appears multiple times in the list of dims"),
  wrong(
    "torch.rand(2, 3).argmax(2)",
    "2",
    "argmax: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong("torch.rand(2, 3).max(5)", "5", "max: Dimension out of range (expected to be in range of [-2, 1], but got 5)"),
  wrong(
    "torch.rand(2, 3).softmax(3)",
    "3",
    "softmax: Dimension out of range (expected to be in range of [-2, 1], but got 3)",
  ),
  wrong(
    "torch.nn.functional.logSoftmax(torch.rand(2, 3), 2)",
    "2",
    "logSoftmax: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 3).cumsum(2)",
    "2",
    "cumsum: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong("torch.rand(2, 3).var(2)", "2", "var: Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
  wrong(
    "torch.rand(2, 3).reshape([4, 2])",
    "[4, 2]",
    "reshape: shape '[4, 2]' is invalid for input of size 6 (shape [2, 3])",
  ),
  wrong(
    "torch.rand(2, 3).reshape([4, -1])",
    "[4, -1]",
    "reshape: shape '[4, -1]' is invalid for input of size 6 (shape [2, 3])",
  ),
  wrong("torch.rand(2, 3).view(5)", "5", "view: shape '[5]' is invalid for input of size 6 (shape [2, 3])"),
  wrong("torch.rand(2, 3).reshape([-1, -1])", "[-1, -1]", "reshape: only one dimension can be inferred, got [-1, -1]"),
  wrong(
    "torch.rand(2, 3).flatten(2)",
    "2",
    "flatten: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 12).unflatten(1, [5, 2])",
    "[5, 2]",
    "unflatten: shape '[5, 2]' is invalid for input of size 12 (shape [12])",
  ),
  wrong(
    "torch.rand(2, 3).transpose(0, 2)",
    "2",
    "transpose: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 3, 4, 5).permute([0, 2, 3])",
    "[0, 2, 3]",
    "permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = 4 is not equal to len(dims) = 3",
  ),
  wrong(
    "torch.rand(2, 3, 4, 5).permute([0, 1, 1, 2])",
    "[0, 1, 1, 2]",
    "permute: dim 1 appears multiple times in the list of dims",
  ),
  wrong(
    "torch.rand(2, 3).squeeze(2)",
    "2",
    "squeeze: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 3).unsqueeze(4)",
    "4",
    "unsqueeze: Dimension out of range (expected to be in range of [-3, 2], but got 4)",
  ),
  wrong(
    "torch.rand(2, 3).expand([2, 4])",
    "[2, 4]",
    "expand: The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 1. Target sizes: [2, 4]. Tensor sizes: [2, 3]",
  ),
  wrong(
    "torch.rand(2, 3, 4).t()",
    "torch.rand(2, 3, 4)",
    "t: expects a tensor with <= 2 dimensions, but input is 3D: [2, 3, 4]",
  ),
  wrong(
    "torch.cat([torch.rand(2, 3), torch.rand(2, 4)])",
    "[torch.rand(2, 3), torch.rand(2, 4)]",
    "cat: Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list (shapes [2, 3] and [2, 4])",
  ),
  wrong(
    "torch.cat([torch.rand(2, 3), torch.rand(2, 3)], 2)",
    "[torch.rand(2, 3), torch.rand(2, 3)]",
    "cat: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.stack([torch.rand(2, 3), torch.rand(2, 4)])",
    "[torch.rand(2, 3), torch.rand(2, 4)]",
    "stack: expects each tensor to be equal size, but got [2, 3] at entry 0 and [2, 4] at entry 1",
  ),
  wrong("torch.rand(2, 3).select(1, 3)", "3", "select: index 3 is out of bounds for dimension 1 with size 3 ([2, 3])"),
  wrong(
    "torch.rand(2, 3).narrow(1, 2, 2)",
    "2",
    "narrow: start (2) + length (2) exceeds dimension size (3) of [2, 3] at dim 1",
  ),
  wrong(
    "torch.rand(2, 3).split(2, 2)",
    "2",
    "split: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 3).chunk(2, 2)",
    "2",
    "chunk: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong("torch.rand(2, 3).at(5)", "5", "at: index 5 is out of bounds for dimension 0 with size 2 ([2, 3])"),
  wrong("torch.rand(2, 3).at(0, 1, 2)", "0", "at: too many indices for tensor of dimension 2: 3 for [2, 3]"),
  wrong("torch.rand(2, 3).at(0, -4)", "0", "at: index -4 is out of bounds for dimension 0 with size 3 ([2, 3])"),
  wrong(
    "torch.rand(2, 3).gather(2, torch.randint(2, [2, 3]))",
    "2",
    "gather: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong(
    "torch.rand(2, 3).indexSelect(2, torch.randint(2, [2]))",
    "2",
    "indexSelect: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
  ),
  wrong("torch.tensor([[1, 2], [3]])", "[[1, 2], [3]]", "tensor: ragged nested array"),
  wrong(
    "torch.rand([2, 3], { requiresGrad: true }).mul(2).backward()",
    "torch.rand([2, 3], { requiresGrad: true }).mul(2)",
    "backward: grad can be implicitly created only for scalar outputs, and this tensor has shape [2, 3]; give its gradient",
  ),
  wrong(
    "new nn.Linear(784, 10)(torch.rand(32, 28, 28))",
    "torch.rand(32, 28, 28)",
    "linear: mat1 and mat2 shapes cannot be multiplied (896x28 and 784x10): input [32, 28, 28] has 28 features where weight [10, 784] takes 784",
  ),
  wrong(
    "new nn.Conv2d(1, 8, 3)(torch.rand(8, 3, 32, 32))",
    "torch.rand(8, 3, 32, 32)",
    "conv2d: given groups=1, weight of size [8, 1, 3, 3], expected input [8, 3, 32, 32] to have 1 channels, but got 3 channels instead",
  ),
  wrong(
    "new nn.Conv2d(3, 8, 3)(torch.rand(32, 32))",
    "torch.rand(32, 32)",
    "conv2d: expected 3D (unbatched) or 4D (batched) input, but got input of size: [32, 32]",
  ),
  wrong(
    "new nn.Conv2d(3, 8, 5)(torch.rand(1, 3, 4, 4))",
    "torch.rand(1, 3, 4, 4)",
    "conv2d: calculated padded input size per channel: (4 x 4). Kernel size: (5 x 5). Kernel size can't be greater than actual input size (input [1, 3, 4, 4], weight [8, 3, 5, 5])",
  ),
  wrong(
    "new nn.BatchNorm2d(3)(torch.rand(2, 3))",
    "torch.rand(2, 3)",
    "BatchNorm2d: expected 4D input (got 2D input: [2, 3])",
  ),
  wrong(
    "new nn.BatchNorm2d(3)(torch.rand(2, 4, 8, 8))",
    "torch.rand(2, 4, 8, 8)",
    "batchNorm: runningMean should contain 4 elements not 3",
  ),
  wrong(
    "new nn.LayerNorm(64)(torch.rand(2, 32))",
    "torch.rand(2, 32)",
    "layerNorm: Given normalizedShape=[64], expected input with shape [*, 64], but got input of size [2, 32]",
  ),
  wrong(
    "new nn.MaxPool2d(2)(torch.rand(32, 32))",
    "torch.rand(32, 32)",
    "maxPool2d: expected a 3D (unbatched) or 4D (batched) input, got [32, 32]",
  ),
  wrong(
    "new nn.Flatten(3)(torch.rand(2, 3))",
    "torch.rand(2, 3)",
    "flatten: Dimension out of range (expected to be in range of [-2, 1], but got 3)",
  ),
  wrong(
    "new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(128, 10))",
    "new nn.Linear(128, 10)",
    "Sequential: layer 2 takes 128 features, but is given 256",
    LATER,
  ),
  wrong(
    "new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.BatchNorm2d(8), new nn.Conv2d(16, 8, 3))",
    "new nn.Conv2d(16, 8, 3)",
    "Sequential: layer 2 takes 16 channels, but is given 8",
    LATER,
  ),
  wrong(
    "new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.Flatten(), new nn.Linear(100, 10))(torch.rand(2, 3, 8, 8))",
    "torch.rand(2, 3, 8, 8)",
    "linear: mat1 and mat2 shapes cannot be multiplied (2x288 and 100x10): input [2, 288] has 288 features where weight [10, 100] takes 100",
  ),
  wrong(
    "new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU())(torch.rand(32, 10))",
    "torch.rand(32, 10)",
    "linear: mat1 and mat2 shapes cannot be multiplied (32x10 and 784x256): input [32, 10] has 10 features where weight [256, 784] takes 784",
  ),
  wrong(
    "new nn.CrossEntropyLoss()(torch.rand(32, 10), torch.randint(10, [64]))",
    "torch.randint(10, [64])",
    "crossEntropy: expected input batch_size (32) to match target batch_size (64)",
  ),
  wrong(
    "new nn.MSELoss()(torch.rand(32, 2), torch.rand(32))",
    "torch.rand(32)",
    "mseLoss: shapes [32, 2] and [32] do not broadcast",
  ),
  wrong(
    "new nn.GroupNorm(2, 4)(torch.rand(2, 3, 8))",
    "torch.rand(2, 3, 8)",
    "groupNorm: Expected number of channels in input to be divisible by numGroups, but got input of shape [2, 3, 8] and numGroups=2",
  ),
  wrong(
    "new nn.PixelShuffle(2)(torch.rand(1, 3, 4, 4))",
    "torch.rand(1, 3, 4, 4)",
    "pixelShuffle: expects its input's 'channel' dimension to be divisible by the square of upscaleFactor, but channels 3 is not divisible by 4 ([1, 3, 4, 4])",
  ),
  wrong(
    "new nn.AdaptiveAvgPool2d(1)(torch.rand(4, 4))",
    "torch.rand(4, 4)",
    "adaptiveAvgPool2d: expected a 3D (unbatched) or 4D (batched) input, got [4, 4]",
  ),
  // ---- options ----
  wrong(
    "torch.rand(2, 3).sum({ dim: 1 }, true)",
    "true",
    "sum: dim must be an integer or an array of integers, got an object",
  ),
  wrong(
    "torch.rand(2, 3).sum({ dim: 1, keepdims: true })",
    "{ dim: 1, keepdims: true }",
    'sum: unknown option "keepdims"',
  ),
  wrong("torch.rand(2, 3).softmax({ dim: 1, axis: 1 })", "{ dim: 1, axis: 1 }", 'softmax: unknown option "axis"'),
  wrong(
    "torch.rand(2, 3).max({ dim: 1, keepdims: true })",
    "{ dim: 1, keepdims: true }",
    'max: unknown option "keepdims"',
  ),
  wrong(
    "torch.rand(2, 3).std({ dim: 1, unbiassed: true })",
    "{ dim: 1, unbiassed: true }",
    'std: unknown option "unbiassed"',
  ),
  wrong("torch.rand(2, 3).topk({ k: 2, dims: 1 })", "{ k: 2, dims: 1 }", 'topk: unknown option "dims"'),
  wrong(
    "torch.rand(2, 3).sort({ dim: 1, ascending: true })",
    "{ dim: 1, ascending: true }",
    'sort: unknown option "ascending"',
  ),

  // ---- dtypes ----
  wrong(
    "torch.randint(5, [2, 3]).mean()",
    "torch.randint(5, [2, 3])",
    "mean: could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: int32",
  ),
  wrong(
    "torch.mean(torch.rand(2, 3).gt(0), 1)",
    "torch.rand(2, 3).gt(0)",
    "mean: could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: bool",
  ),
  wrong(
    "torch.randint(5, [2, 3]).var(1)",
    "torch.randint(5, [2, 3])",
    "var: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "torch.randint(5, [2, 3]).norm()",
    "torch.randint(5, [2, 3])",
    "norm: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "torch.randint(5, [2, 3]).softmax(1)",
    "torch.randint(5, [2, 3])",
    "softmax: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "F.logSoftmax(torch.randint(5, [2, 3]), 1)",
    "torch.randint(5, [2, 3])",
    "logSoftmax: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "F.gelu(torch.randint(5, [2, 3]))",
    "torch.randint(5, [2, 3])",
    "gelu: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "torch.rand(2, 3).bitwiseAnd(torch.rand(3))",
    "torch.rand(3)",
    "bitwiseAnd: float32 is not supported, only integers",
  ),
  wrong("torch.rand(2, 3).bitwiseOr(1)", "1", "bitwiseOr: float32 is not supported, only integers"),
  wrong("torch.rand(2, 3).bitwiseNot()", "torch.rand(2, 3)", "bitwiseNot: float32 is not supported, only integers"),
  wrong(
    "F.mseLoss(torch.randint(5, [2]), torch.randint(5, [2]))",
    "torch.randint(5, [2])",
    "mseLoss: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "F.crossEntropy(torch.randint(5, [2, 3]), torch.randint(3, [2]))",
    "torch.randint(5, [2, 3])",
    "crossEntropy: int32 is not supported, only floating dtypes",
  ),
  wrong(
    "F.crossEntropy(torch.rand(2, 3), torch.rand(2))",
    "torch.rand(2)",
    "crossEntropy: expected targets that are class indices of an integer dtype, got float32[2]",
  ),
  wrong(
    "torch.rand(2, 3).at(torch.rand(2))",
    "torch.rand(2)",
    "at: tensors used as indices must be int32, int64 or bool, got float32[2]",
  ),
  wrong(
    "torch.rand(2, 3).indexSelect(0, torch.rand(2))",
    "torch.rand(2)",
    "indexSelect: index must be int32 or int64, got float32[2]",
  ),
  wrong(
    "F.embedding(torch.rand(2), torch.rand(10, 4))",
    "torch.rand(2)",
    "embedding: input must be int32 or int64, got float32[2]",
  ),
  wrong(
    "torch.rand(2, 3).maskedFill(torch.randint(2, [2, 3]), 0)",
    "torch.randint(2, [2, 3])",
    "maskedFill: expected a bool tensor for mask, got int32[2, 3]",
  ),
  wrong(
    "torch.where(torch.rand(2), torch.rand(2), 0)",
    "torch.rand(2)",
    "where: expected condition to be a bool tensor, but got a tensor float32[2]",
  ),
  wrong(
    "torch.randint(5, [3]).add_(1.5)",
    "1.5",
    "add_: result type float32 can't be cast to the desired output type int32; use add without the underscore",
  ),
  wrong(
    "F.linear(torch.rand(2, 3), torch.rand(4, 3).double())",
    "torch.rand(4, 3).double()",
    "linear: expected tensors of one dtype, but got float32[2, 3] and float64[4, 3]; convert with x.to(dtype)",
  ),
  wrong(
    "torch.rand(2).lerp(torch.rand(2).double(), 0.5)",
    "0.5",
    "lerp: expected tensors of one dtype, but got float32[2] and float64[2]; convert with x.to(dtype)",
  ),
  wrong(
    "torch.lerp(torch.rand(2), torch.rand(2), torch.rand(2).double())",
    "torch.rand(2).double()",
    "lerp: expected tensors of one dtype, but got float32[2] and float32[2] and float64[2]; convert with x.to(dtype)",
  ),
  wrong("torch.ones(2).lerp_(torch.ones(2).int(), 0.5)", "0.5", "lerp: int32 is not supported, only floating dtypes"),
  wrong(
    'torch.einsum("ij,jk->ik", torch.rand(2, 3), torch.rand(3, 4).double())',
    '"ij,jk->ik"',
    "einsum: expected tensors of one dtype, but got float32[2, 3] and float64[3, 4]; convert with x.to(dtype)",
  ),
  wrong(
    'torch.einsum({ equation: "i,i,i", operands: [torch.rand(2), torch.rand(2), torch.rand(2).half()] })',
    '{ equation: "i,i,i", operands: [torch.rand(2), torch.rand(2), torch.rand(2).half()] }',
    "einsum: expected tensors of one dtype, but got float32[2] and float32[2] and float16[2]; convert with x.to(dtype)",
  ),
  wrong(
    "torch.tensor([true]).sub(torch.tensor([false]))",
    "torch.tensor([false])",
    "sub: subtraction of bool tensors is not supported; use bitwiseXor or logicalXor",
  ),
  wrong(
    "torch.rsub(torch.tensor([true]), true)",
    "true",
    "rsub: subtraction of bool tensors is not supported; use bitwiseXor or logicalXor",
  ),
  wrong(
    "torch.tensor([true]).sub_(torch.tensor([false]))",
    "torch.tensor([false])",
    "sub: subtraction of bool tensors is not supported; use bitwiseXor or logicalXor",
  ),
  wrong(
    "F.binaryCrossEntropy(torch.rand(2), torch.ones(2).int())",
    "torch.ones(2).int()",
    "binaryCrossEntropy: expected tensors of one dtype, but got float32[2] and int32[2]; convert with x.to(dtype)",
  ),
  wrong(
    "F.binaryCrossEntropyWithLogits(torch.rand(2), torch.tensor([true, false]))",
    "torch.tensor([true, false])",
    "binaryCrossEntropyWithLogits: bool is not supported, only floating dtypes",
  ),

  // ---- all by name ----
  wrong(
    "torch.pow({ self: torch.rand(2, 3), exponent: torch.rand(4) })",
    "{ self: torch.rand(2, 3), exponent: torch.rand(4) }",
    "pow: shapes [2, 3] and [4] do not broadcast",
  ),
  wrong("torch.rand(2).newTensor({ data: [[1, 2], [3]] })", "{ data: [[1, 2], [3]] }", "tensor: ragged nested array"),

  // ---- calls within lists and calls ----
  wrong(
    "torch.cat([torch.rand(2, 3).relu(), torch.rand(2, 4).exp()])",
    "[torch.rand(2, 3).relu(), torch.rand(2, 4).exp()]",
    "cat: Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list (shapes [2, 3] and [2, 4])",
  ),
  wrong(
    "torch.rand(2, 3).reshape({ shape: [4, 2] })",
    "{ shape: [4, 2] }",
    "reshape: shape '[4, 2]' is invalid for input of size 6 (shape [2, 3])",
  ),
]

/** What comes in front of every wrong program. */
export const PRELUDE = `import * as torch from "taeda"
import type { Dim, Tensor } from "taeda"
const { nn } = torch
const F = torch.nn.functional
`
