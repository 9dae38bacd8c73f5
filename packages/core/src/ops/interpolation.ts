/** Resizing: interpolate, pixelShuffle. */
import { type Args, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { didYouMean, shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import type { Argument } from "../kernels.ts"
import { copied, type Movement, type MovementScope, pull, pullRule, type Term } from "../movement.ts"
import { contiguousStrides } from "../shape.ts"
import { Tensor, track } from "../tensor.ts"
import { asStridedMean } from "./area.ts"

export type InterpolationMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "bicubic" | "trilinear" | "area"
