/** The linear and bilinear maps of layers. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import { sizesText, tensorText } from "../errors.ts"
import { type Addend, checkFactors, runProduct, takeFollowing } from "../products.ts"
import { broadcastStrides, contiguousStrides, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, needsGrad, type Tensor, track } from "../tensor.ts"
import type { BilinearSignature, LinearSignature } from "../types/layer-signatures.ts"
import { add } from "./arithmetic.ts"
import { MM, multiply, product, savedOf, times } from "./matrix-product.ts"
import { sumToSize } from "./sum-to-size.ts"
import { permute, reshape, t } from "./views.ts"

interface LinearContext {
  readonly shape: Sizes
  readonly bias: Sizes | null
}

/** x · wᵀ + bias over the last dim of x, with one node: the gradients need no transposed views in the graph. */
const linearRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { shape, bias } = node.context as LinearContext
    const [k, n] = [shape.at(-1)!, g.shape.at(-1)!]
    const rows = numelOf(shape.slice(0, -1))
    const [wantsX, wantsW] = [node.needs(0), node.needs(1)]
    const flat = g.ndim === 2 ? g : reshape(g, [rows, n])
    const gx = wantsX ? multiply("mm", flat, node.get(0), MM) : null
    const x = wantsW ? node.get(wantsX ? 1 : 0) : null
    return [
      gx && (shape.length === 2 ? gx : reshape(gx, shape)),
      x && multiply("mm", t(flat), x.ndim === 2 ? x : reshape(x, [rows, k]), MM),
      ...(bias ? [node.needs(2) ? sumToSize(g, bias) : null] : []),
    ]
  },
})
const LINEAR_ADDMM = linearRule("AddmmBackward0")
const LINEAR_MM = linearRule("MmBackward0")
const LINEAR_VIEW = linearRule("ViewBackward0")
const LINEAR_ADD = linearRule("AddBackward0")
const LINEAR_UNSAFE_VIEW = linearRule("UnsafeViewBackward0")
const LINEAR_SQUEEZE = linearRule("SqueezeBackward4")

/** The node that PyTorch's own composition would end in. */
const linearNode = (x: Tensor, bias: boolean): Rule => {
  if (x.ndim === 2) return bias ? LINEAR_ADDMM : LINEAR_MM
  if (bias) return x.isContiguous() ? LINEAR_VIEW : LINEAR_ADD
  return x.ndim === 1 ? LINEAR_SQUEEZE : LINEAR_UNSAFE_VIEW
}

/**
 * input · weightᵀ + bias: input [.., k], weight [n, k] (or [k]), bias [n] → [.., n]. All of one floating or integer dtype.
 * Throws a RangeError where the sizes do not fit.
 */
export const linear: LinearSignature = op(
  "linear(input, weight, bias?)",
  (x: Tensor, w: Tensor, bias: Tensor | null = null) => {
    checkFactors("linear", bias ? [x, w, bias] : [x, w])
    if (x.ndim === 0) throw new RangeError(`linear: input must have at least one dim, got ${sizesText(x)}`)
    if (w.ndim !== 1 && w.ndim !== 2)
      throw new RangeError(`linear: weight must be a matrix [out, in] or a vector [in], got ${sizesText(w)}`)
    const k = x.shape.at(-1)!
    if (w.shape.at(-1) !== k)
      throw new RangeError(
        `linear: mat1 and mat2 shapes cannot be multiplied (${numelOf(x.shape.slice(0, -1))}x${k} and ${times([...w.shape].reverse())}): input ${sizesText(x)} has ${k} features where weight ${sizesText(w)} takes ${w.shape.at(-1)}`,
      )
    if (w.ndim === 1) {
      if (bias && bias.ndim !== 0)
        throw new RangeError(
          `linear: with the vector weight ${tensorText(w)} the bias must be 0-d, got ${tensorText(bias)}`,
        )
      const y = product(x, w, "linear")
      return bias ? add(y, bias) : y
    }
    const n = w.shape[0]!
    const head = x.shape.slice(0, -1)
    const shape = [...head, n]
    const strides = contiguousStrides(shape)
    const out = allocate(x.device, shape, strides, x.dtype)
    const vector = x.ndim === 1
    const batch = vector ? [] : head.slice(0, -1)
    const m = vector ? 1 : head.at(-1)!
    const rows = (s: Sizes): Sizes => (vector ? [0, ...s] : s)
    let addend: Addend | null = null
    if (bias) {
      if (bias.ndim > 1 || (bias.ndim === 1 && bias.shape[0] !== n && bias.shape[0] !== 1))
        throw new RangeError(`linear: bias must have shape [${n}] for weight ${sizesText(w)}, got ${sizesText(bias)}`)
      addend = {
        side: { tensor: bias, strides: rows(broadcastStrides(bias.shape, bias.strides, shape)) },
        beta: 1,
        alpha: 1,
      }
    }
    const wSide = { tensor: w, strides: [...batch.map(() => 0), w.strides[1]!, w.strides[0]!] }
    runProduct(
      batch,
      m,
      n,
      k,
      { tensor: x, strides: rows(x.strides) },
      wSide,
      { tensor: out, strides: rows(strides) },
      addend,
      takeFollowing(x.dtype as DType),
    )
    const inputs = bias ? [x, w, bias] : [x, w]
    if (!needsGrad(inputs)) return out
    const context: LinearContext = { shape: x.shape, bias: bias ? bias.shape : null }
    return track(linearNode(x, bias !== null), out, inputs, savedOf(x, w), context)
  },
)

/**
 * y[.., o] = Σ_ij input1[.., i]·weight[o, i, j]·input2[.., j] + bias[o]: input1 [.., i], input2 [.., j], weight [o, i, j].
 */
export const bilinear: BilinearSignature = op(
  "bilinear(input1, input2, weight, bias?)",
  (a: Tensor, b: Tensor, w: Tensor, bias: Tensor | null = null) => {
    checkFactors("bilinear", bias ? [a, b, w, bias] : [a, b, w])
    if (w.ndim !== 3) throw new RangeError(`bilinear: weight must have 3 dims [out, in1, in2], got ${sizesText(w)}`)
    const [o, i, j] = w.shape as readonly [number, number, number]
    if (a.ndim === 0 || a.ndim !== b.ndim || !sameSizes(a.shape.slice(0, -1), b.shape.slice(0, -1)))
      throw new RangeError(
        `bilinear: the inputs must agree in all dims but the last, got ${sizesText(a)} and ${sizesText(b)}`,
      )
    if (a.shape.at(-1) !== i || b.shape.at(-1) !== j)
      throw new RangeError(
        `bilinear: inputs of sizes ${a.shape.at(-1)} and ${b.shape.at(-1)} do not fit weight ${sizesText(w)}, which takes ${i} and ${j}`,
      )
    if (bias && !sameSizes(bias.shape, [o]))
      throw new RangeError(`bilinear: bias must have shape [${o}], got ${sizesText(bias)}`)
    const rows = numelOf(a.shape.slice(0, -1))
    const left = product(reshape(a, [rows, i]), reshape(permute(w, [1, 0, 2]), [i, o * j]), "bilinear")
    const out = product(reshape(left, [rows, o, j]), reshape(b, [rows, j, 1]), "bilinear")
    const y = reshape(out, [...a.shape.slice(0, -1), o])
    return bias ? add(y, bias) : y
  },
)
