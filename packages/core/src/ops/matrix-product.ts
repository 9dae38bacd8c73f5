import type { OpNode, Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { shapeText, tensorText } from "../errors.ts"
import { runReduce } from "../kernels.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { sumMonoid } from "../monoids.ts"
import { type Addend, checkFactors, runProduct } from "../products.ts"
import { broadcastSizes, broadcastStrides, contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, needsGrad, type Tensor, track } from "../tensor.ts"
import { mul } from "./arithmetic.ts"
import { sumToSize } from "./sum-to-size.ts"
import { permute, reshape, t, transpose, unsqueeze } from "./views.ts"

/** Two factors as matrices with common batch dims. */
interface Factors {
  readonly batch: Sizes
  readonly m: number
  readonly n: number
  readonly k: number
  readonly aStrides: Sizes
  readonly bStrides: Sizes
  /** The result's shape: without the dims that vectors lack. */
  readonly shape: Sizes
}

/** Sizes as PyTorch writes them of factors: 2x3. */
export const times = (shape: Sizes): string => shape.join("x")

/** Throws where the sizes do not fit. */
export function factorsOf(name: string, a: Tensor, b: Tensor): Factors {
  checkFactors(name, [a, b])
  if (a.ndim === 0 || b.ndim === 0)
    throw new RangeError(
      `${name}: both arguments need to be at least 1D, but they are ${a.ndim}D and ${b.ndim}D: ${tensorText(a)} and ${tensorText(b)}; multiply by a scalar with mul`,
    )
  const [ra, rb] = [a.ndim, b.ndim]
  const m = ra === 1 ? 1 : a.shape[ra - 2]!
  const k = a.shape[ra - 1]!
  const n = rb === 1 ? 1 : b.shape[rb - 1]!
  if ((rb === 1 ? b.shape[0] : b.shape[rb - 2]) !== k) throw unfit(name, a, b)
  const aMatrix = ra === 1 ? [0, a.strides[0]!] : [a.strides[ra - 2]!, a.strides[ra - 1]!]
  const bMatrix = rb === 1 ? [b.strides[0]!, 0] : [b.strides[rb - 2]!, b.strides[rb - 1]!]
  const ends = [...(ra === 1 ? [] : [m]), ...(rb === 1 ? [] : [n])]
  if (ra <= 2 && rb <= 2) return { batch: [], m, n, k, aStrides: aMatrix, bStrides: bMatrix, shape: ends }
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const batch = broadcastSizes(`${name}: batch dims of ${shapeText(a.shape)} and ${shapeText(b.shape)}`, aBatch, bBatch)
  return {
    batch,
    m,
    n,
    k,
    aStrides: [...broadcastStrides(aBatch, a.strides.slice(0, -2), batch), ...aMatrix],
    bStrides: [...broadcastStrides(bBatch, b.strides.slice(0, -2), batch), ...bMatrix],
    shape: [...batch, ...ends],
  }
}

/** The error of factors whose sizes do not fit. */
export function unfit(name: string, a: Tensor, b: Tensor): RangeError {
  const [x, y] = [a.ndim > 2 ? a.shape.slice(-2) : a.shape, b.ndim > 2 ? b.shape.slice(-2) : b.shape]
  return new RangeError(
    `${name}: mat1 and mat2 shapes cannot be multiplied (${times(x)} and ${times(y)}): the sizes ${a.shape.at(-1)} and ${b.shape.at(b.ndim === 1 ? 0 : -2)} must be equal in ${tensorText(a)} and ${tensorText(b)}`,
  )
}

/** Strides over [batch.., m, n] of a tensor laid out over the result's shape. */
export const overMatrix = (strides: Sizes, a: Tensor, b: Tensor): Sizes => {
  const d = strides.length
  if (b.ndim === 1) return a.ndim === 1 ? [...strides, 0, 0] : [...strides, 0]
  return a.ndim === 1 ? [...strides.slice(0, d - 1), 0, strides[d - 1]!] : strides
}

/** epilogue(a · b) in new memory, not recorded. */
export function computed(a: Tensor, b: Tensor, f: Factors, addend: Addend | null = null): Tensor {
  const strides = contiguousStrides(f.shape)
  const out = allocate(a.device, f.shape, strides, a.dtype)
  runProduct(
    f.batch,
    f.m,
    f.n,
    f.k,
    { tensor: a, strides: f.aStrides },
    { tensor: b, strides: f.bStrides },
    { tensor: out, strides: overMatrix(strides, a, b) },
    addend,
  )
  return out
}

/** What the gradients of a product need: each factor only for the other's. */
export const savedOf = (a: Tensor, b: Tensor): Tensor[] => (a.requiresGrad ? (b.requiresGrad ? [b, a] : [b]) : [a])

/** What the gradients of a product need to know of its factors. */
export interface ProductContext {
  readonly aShape: Sizes
  readonly bShape: Sizes
}

/** The gradients of the factors that are inputs `first` and `first + 1` of the node. */
export function factorGradients(node: OpNode, g: Tensor, first: number, alpha = 1): [Tensor | null, Tensor | null] {
  const { aShape, bShape } = node.context as ProductContext
  const [wantsA, wantsB] = [node.needs(first), node.needs(first + 1)]
  const column = bShape.length === 1 ? unsqueeze(g, -1) : g
  const gm = aShape.length === 1 ? unsqueeze(column, -2) : column
  let ga: Tensor | null = null
  let gb: Tensor | null = null
  if (wantsA) {
    const b = node.get(0)
    ga = scaled(gradientOfLeft(gm, b.ndim === 1 ? unsqueeze(b, 1) : b, aShape), alpha)
  }
  if (wantsB) {
    const a = node.get(wantsA ? 1 : 0)
    gb = scaled(gradientOfRight(gm, a.ndim === 1 ? unsqueeze(a, 0) : a, bShape), alpha)
  }
  return [ga, gb]
}

export const scaled = (x: Tensor, by: number): Tensor => (by === 1 ? x : mul(x, by))

/** g · bᵀ summed over the batch dims that `a` lacks. */
function gradientOfLeft(g: Tensor, b: Tensor, aShape: Sizes): Tensor {
  const [m, k] = aShape.length === 1 ? [1, aShape[0]!] : (aShape.slice(-2) as [number, number])
  if (aShape.length <= 2 && g.ndim > 2) {
    // One product over batch and columns together instead of many and a sum.
    const d = g.ndim
    const wide = reshape(permute(g, [d - 2, ...range(d - 2), d - 1]), [
      m,
      numelOf(g.shape.slice(0, -2)) * g.shape[d - 1]!,
    ])
    const tall = reshape(transpose(b, -2, -1), [numelOf(b.shape.slice(0, -2)) * b.shape.at(-1)!, k])
    return reshape(product(wide, tall), aShape)
  }
  const full = product(g, transpose(b, -2, -1))
  return aShape.length === 1 ? reshape(full, aShape) : sumToSize(full, aShape)
}

/** aᵀ · g summed over the batch dims that `b` lacks. */
function gradientOfRight(g: Tensor, a: Tensor, bShape: Sizes): Tensor {
  if (bShape.length <= 2 && g.ndim > 2) {
    const [rows, k, n] = [numelOf(a.shape.slice(0, -1)), a.shape.at(-1)!, g.shape.at(-1)!]
    return reshape(product(t(reshape(a, [rows, k])), reshape(g, [rows, n])), bShape)
  }
  const full = product(transpose(a, -2, -1), g)
  return bShape.length === 1 ? reshape(full, bShape) : sumToSize(full, bShape)
}

/** 0 to n − 1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const productRule = (name: string): Rule => ({ name, backward: (node, g) => factorGradients(node, g, 0) })

export const MM: Rule = {
  name: "MmBackward0",
  backward: (node, g) => {
    const [wantsA, wantsB] = [node.needs(0), node.needs(1)]
    return [
      wantsA ? multiply("mm", g, t(node.get(0)), MM) : null,
      wantsB ? multiply("mm", t(node.get(wantsA ? 1 : 0)), g, MM) : null,
    ]
  },
}
export const BMM = productRule("BmmBackward0")
export const MV = productRule("MvBackward0")
const UNSAFE_VIEW = productRule("UnsafeViewBackward0")
const CLONE = productRule("CloneBackward0")
const SQUEEZE = productRule("SqueezeBackward4")

/** a · b, recorded by `rule`. */
export function multiply(name: string, a: Tensor, b: Tensor, rule: Rule): Tensor {
  const out = computed(a, b, factorsOf(name, a, b))
  return needsGrad([a, b])
    ? track(rule, out, [a, b], savedOf(a, b), { aShape: a.shape, bShape: b.shape } satisfies ProductContext)
    : out
}

/** matmul, with the node that PyTorch's own composition would end in. */
export function product(a: Tensor, b: Tensor, name = "matmul"): Tensor {
  const [ra, rb] = [a.ndim, b.ndim]
  if (ra === 2 && rb === 2) return multiply(name, a, b, MM)
  if (ra === 1 && rb === 1) return dotted(name, a, b, DOT)
  if (ra === 2 && rb === 1) return multiply(name, a, b, MV)
  if (ra === 1 && rb === 2) return multiply(name, a, b, SQUEEZE)
  return multiply(name, a, b, ra === 2 && a.requiresGrad ? CLONE : UNSAFE_VIEW)
}

/** Throws unless `x` is a tensor of `rank` dims that can be multiplied. */
export const checkRank = (name: string, x: Tensor, rank: number, role: string): void => {
  checkFactors(name, [x])
  if (x.ndim !== rank) throw new RangeError(`${name}: ${role} must be a ${rank}-d tensor, got ${tensorText(x)}`)
}

/** Throws unless both are batches of equally many matrices. */
export function checkBatches(name: string, a: Tensor, b: Tensor): void {
  checkRank(name, a, 3, "batch1")
  checkRank(name, b, 3, "batch2")
  if (a.shape[0] !== b.shape[0])
    throw new RangeError(
      `${name}: batch1 and batch2 must have the same number of batches, got ${tensorText(a)} and ${tensorText(b)}; matmul broadcasts them`,
    )
}

const dotRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const wantsA = node.needs(0)
    return [wantsA ? mul(g, node.get(0)) : null, node.needs(1) ? mul(g, node.get(wantsA ? 1 : 0)) : null]
  },
})
export const DOT = dotRule("DotBackward0")
export const VDOT = dotRule("VdotBackward0")

export function dotted(name: string, a: Tensor, b: Tensor, rule: Rule): Tensor {
  checkFactors(name, [a, b])
  checkRank(name, a, 1, "the first argument")
  checkRank(name, b, 1, "the second argument")
  if (a.shape[0] !== b.shape[0])
    throw new RangeError(
      `${name}: inconsistent tensor size, expected vectors of the same length, got ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
    )
  const dtype = a.dtype as DType
  const type = accumulatorOf(dtype)
  const out = allocate(a.device, [], [], dtype)
  runReduce(
    [out],
    a.shape,
    1,
    sumMonoid(type),
    { key: "dot product", inputs: [a, b] },
    ({ inputs: [x, y] }) => [x!.cast(type).mul(y!.cast(type))],
    () => [sumMonoid.total(type).cast(computeType(dtype))],
  )
  return track(rule, out, [a, b], savedOf(a, b))
}
