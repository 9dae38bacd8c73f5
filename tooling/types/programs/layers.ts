/** Functions of layers, choosing, indexing and gradients: what the compiler infers, to the letter. It runs too: none of it fails. */
import * as torch from "taeda"
import { slice, type Tensor } from "taeda"
import { type Float, is } from "./equal.ts"

const { rand, zeros } = torch
const F = torch.nn.functional
const a = rand(2, 3)
const b = rand(3, 4)
const images = rand(8, 3, 32, 32)
const labels = torch.randint(3, [2])

// ---- chosen ----
is<Float<[2, 3]>>()(torch.where(a.gt(0), a, 0), true)
is<Float<[2, 3]>>()(torch.where(a.gt(0), a, rand(3)), true)
is<Float<[2, 3]>>()(a.where(a.gt(0), rand(2, 1)), true)
is<Float<[2, 3]>>()(a.clamp(0, 1), true)
is<Float<[2, 3]>>()(a.clamp({ min: 0 }), true)
is<Tensor<[2], "int32">>()(labels.clamp(0, 1), true)

// ---- einsum, and the transposes that are properties ----
is<Float<[2, 4]>>()(torch.einsum("ij,jk->ik", a, b), true)
is<Float<[2, 4]>>()(torch.einsum({ equation: "ij,jk->ik", operands: [a, b] }), true)
is<Float<[2, 4, 3]>>()(torch.einsum("bij->bji", rand(2, 3, 4)), true)
is<Float<[8, 3, 32]>>()(torch.einsum("...i,...i->...", images, images), true)
is<Float<[3, 2]>>()(a.T, true)
is<Float<[8, 3, 32, 16]>>()(rand(8, 3, 16, 32).mT, true)
is<Float<[2, 4]>>()(torch.tensordot(a, b, [[1], [0]]), true)

// ---- gradients ----
const w = rand([2, 3], { requiresGrad: true })
is<[Float<[2, 3]>]>()(torch.autograd.grad(w.sum(), [w]), true)

// ---- layers ----
is<Float<[8, 16, 16, 16]>>()(F.conv2d(images, rand(16, 3, 3, 3), null, 2, 1), true)
is<Float<[2, 4, 8]>>()(F.conv1d(rand(2, 3, 10), rand(4, 3, 3)), true)
is<Float<[8, 8, 64, 64]>>()(F.convTranspose2d(images, rand(3, 8, 2, 2), { stride: 2 }), true)
is<Float<[8, 3, 16, 16]>>()(F.maxPool2d(images, 2), true)
is<Float<[8, 3, 1, 1]>>()(F.adaptiveAvgPool2d(images, 1), true)
is<Float<[8, 3, 64, 64]>>()(F.interpolate(images, { scaleFactor: 2 }), true)
is<Float<[8, 3, 32, 34]>>()(F.pad(images, [1, 1]), true)
is<Float<[8, 27, 900]>>()(F.unfold(images, 3), true)
is<Float<[1, 1, 4, 4]>>()(F.pixelShuffle(rand(1, 4, 2, 2), 2), true)
is<Float<[2, 5]>>()(F.linear(a, rand(5, 3), rand(5)), true)
is<Float<[2, 3]>>()(F.layerNorm(a, [3]), true)
is<Float<[8, 3, 32, 32]>>()(F.groupNorm(images, 3), true)
is<Float<[2, 3, 4]>>()(F.embedding(torch.randint(10, [2, 3]), rand(10, 4)), true)
is<Tensor<[2, 3], "int32">>()(F.oneHot(labels, 3), true)
is<Float<[2, 3]>>()(F.dropout(a, 0.1), true)
is<Float<[2]>>()(F.cosineSimilarity(a, a), true)

// ---- losses ----
is<Float<[]>>()(F.crossEntropy(a, labels), true)
is<Float<[2]>>()(F.crossEntropy(a, labels, { reduction: "none" }), true)
is<Float<[]>>()(F.nllLoss(a.logSoftmax(1), labels), true)
is<Float<[2, 3]>>()(F.mseLoss(a, a, { reduction: "none" }), true)
is<Float<[]>>()(F.binaryCrossEntropyWithLogits(a, a), true)
is<Float<[2]>>()(F.tripletMarginLoss(a, a, a, { reduction: "none" }), true)
is<Float<[]>>()(F.marginRankingLoss(rand(2), rand(2), rand(2)), true)
is<Float<[2, 3]>>()(F.gaussianNllLoss(a, a, 1, { reduction: "none" }), true)

// ---- indices ----
is<Float<[]>>()(a.at(-1, 2), true)
is<Float<[1, 3]>>()(a.at(null, 0), true)
is<Float<[2, 2]>>()(a.at(slice(), slice(0, null, 2)), true)
is<Float<[2, 3]>>()(a.at([0, 1]), true)
is<Float<[2, 2]>>()(a.at(slice(), [0, 2]), true)
is<Float<[2]>>()(a.at([0, 1], [1, 2]), true)
is<Float<[4, 5]>>()(a.at(torch.randint(2, [4, 5]), 0), true)
is<Float<[3, 32, 4]>>()(images.at(0, "...", slice(1, 5)), true)
is<Float<[number]>>()(a.at(a.gt(0)), true)

// ---- values and where they are ----
const { values, indices } = a.topk(2)
is<Float<[2, 2]>>()(values, true)
is<Tensor<[2, 2], "int32">>()(indices, true)
is<Float<[2]>>()(a.median(1).values, true)
is<Tensor<[2], "int32">>()(a.kthvalue(1).indices, true)
is<Tensor<[2, 3], "int32">>()(a.cummax(0).indices, true)
const [least, greatest] = a.aminmax({ dim: 1 })
is<Float<[2]>>()(least, true)
is<Float<[2]>>()(greatest, true)
let best = a.max(1).values
best = best.maximum(rand(2))
is<Float<[2]>>()(best, true)
const [order] = labels.sort()
is<Tensor<[2], "int32">>()(order, true)

// ---- searched and counted ----
is<Float<[number]>>()(await torch.unique(a), true)
is<[Float<[number]>, Tensor<[2, 3], "int32">]>()(await torch.unique(a, { returnInverse: true }), true)
is<Tensor<[number, 2], "int32">>()(await a.nonzero(), true)
is<Float<[5]>>()(a.histc(5), true)
is<Tensor<[2, 3], "bool">>()(torch.isin(a, 3), true)
is<Tensor<[2, 3], "int32">>()(torch.searchsorted(rand(5), a), true)
is<Tensor<[2, 3], "int32">>()(torch.bucketize(a, rand(4)), true)

// ---- by name ----
is<Float<[3, 2]>>()(a.reshape({ shape: [3, -1] }), true)
is<Float<[6]>>()(a.view({ shape: [6] }), true)
is<Float<[8, 32, 32, 3]>>()(images.permute({ dims: [0, 2, 3, 1] }), true)
is<Float<[4, 2, 3]>>()(a.expand({ size: [4, 2, 3] }), true)
is<Float<[4, 3]>>()(a.repeat({ repeats: [2, 1] }), true)
is<Float<[4, 6]>>()(a.tile({ dims: [2, 2] }), true)
is<Float<[2, 3]>>()(a.flip({ dims: [0] }), true)
is<Float<[6]>>()(a.viewAs({ other: rand(6) }), true)
is<Float<[2, 3]>>()(a.max({ other: a }), true)
is<Float<[5]>>()(torch.linspace(0, 1, { steps: 5 }), true)
is<Tensor<[4], "int32">>()(torch.arange({ start: 1, end: 8, step: 2 }), true)
is<Float<[3, 3]>>()(torch.eye({ n: 3 }), true)

// ---- calls within calls and lists keep their types ----
is<Tensor<[3], "int32">>()(torch.add(zeros(3, { dtype: "int32" }), torch.randint(5, [3])), true)
is<Tensor<[5], "float64">>()(torch.cat([zeros(2, { dtype: "float64" }), zeros(3, { dtype: "float64" })]), true)
is<Float<[2, 7]>>()(torch.cat([a.relu(), a.softmax(-1), a.sum(1, true)], 1), true)
is<Float<[2, 2, 3]>>()(torch.stack([a.exp(), a.neg()]), true)

// ---- where a result is put has no say in what it is ----
// @ts-expect-error: [4]
const wanted: Float<[2, 3]> = rand(4).relu()
// @ts-expect-error: []
const whole: Float<[2, 3]> = a.sum()
// @ts-expect-error: int32
const floats: Float<[2]> = labels.add(1)
// @ts-expect-error: int32
const limited: Float<[2]> = labels.clamp(0, 1)
// @ts-expect-error: [4]
const listed: Float<[2, 3]>[] = [rand(4).exp()]
export const unused = [wanted, whole, floats, limited, listed]
