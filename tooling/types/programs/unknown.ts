/** What comes from elsewhere as `any` (JSON, code without types) may be anything: a result that depends on it says so. It runs too. */

import type { Tensor } from "taeda"
import * as torch from "taeda"
import { type Float, is } from "./equal.ts"

const { rand } = torch
const F = torch.nn.functional
/** As a file of settings gives it. */
const settings: any = { dim: 1, dims: [0, 1], two: 2, three: 3, half: 0.5, no: false, yes: true, none: "none" }
const other: any = rand(5, 1, 3, 4)

const t = rand(2, 3, 4)
const image = rand(1, 3, 8, 8)

// ---- dims and flags ----
is<Float<any>>()(t.sum(settings.dim), true)
is<Float<any>>()(t.sum({ dim: settings.dim }), true)
is<Float<any>>()(t.mean(1, settings.yes), true)
is<Float<any>>()(t.std(settings.dim), true)
is<Float<any>>()(t.logsumexp(settings.dim), true)
is<Float<any>>()(t.norm(2, settings.dim), true)
is<Float<any>>()(t.quantile(0.5, settings.dim), true)
is<Tensor<any, "int32">>()(t.argmax(settings.dim), true)
is<Float<any>>()(t.max(1, settings.yes).values, true)
is<Float<any>>()(t.flatten(settings.dim), true)
is<Float<any>>()(t.unsqueeze(settings.dim), true)
is<Float<any>>()(rand(2, 1, 4).squeeze(settings.dim), true)
is<Float<any>>()(t.transpose(0, settings.dim), true)
is<Float<any>>()(torch.cat([t, t], settings.dim), true)
is<Float<any>>()(torch.stack([t, t], settings.dim), true)
is<Float<any>>()(t.softmax(settings.dim).sum(settings.dims), true)

// ---- other operands ----
is<Tensor<any, any>>()(t.add(other), true)
is<Tensor<any, any>>()(torch.mul(t, other), true)
is<Tensor<any, any>>()(torch.sub(other, t), true)
is<Tensor<any, "bool">>()(t.lt(other), true)
is<Tensor<any, any>>()(torch.where(t.gt(0.5), t, other), true)
is<Tensor<any, any>>()(t.clamp(other), true)
is<Float<any>>()(t.lerp(t, other), true)
is<Tensor<any, "int32">>()(torch.bucketize(other, torch.tensor([0.5])), true)

// ---- windows: the number of dims is certain, the sizes are not ----
const weight = rand(4, 3, 3, 3)
is<Float<[1, 4, number, number]>>()(F.conv2d(image, weight, null, settings.two), true)
is<Float<[1, 4, number, number]>>()(F.conv2d(image, weight, null, 1, settings.two), true)
is<Float<[1, 3, number, number]>>()(F.avgPool2d(image, settings.two), true)
is<Float<[1, 3, number, number]>>()(F.avgPool2d(image, 2, settings.two), true)
is<Float<[1, 3, number, number]>>()(F.avgPool2d(image, 3, 2, 0, settings.yes), true)
is<Float<[1, 3, number, number]>>()(F.maxPool2d(image, { kernelSize: settings.two, returnIndices: false }), true)
is<Float<[1, 3, number, number]>>()(F.interpolate(image, { scaleFactor: settings.two }), true)

// ---- losses ----
is<Float<any>>()(F.mseLoss(t, t, { reduction: settings.none }), true)
is<Float<any>>()(
  F.crossEntropy(rand(2, 3), torch.tensor([0, 1], { dtype: "int32" }), { reduction: settings.none }),
  true,
)
