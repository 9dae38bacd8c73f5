/** Products of matrices and vectors. */

import { op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { raw } from "../autograd/mode.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { Pointwise } from "../pointwise.ts"
import { type Addend, checkFactors, checkScale } from "../products.ts"
import { enclosed } from "../regions.ts"
import { broadcastStrides, contiguousStrides, normalizeDims, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { needsGrad, type Tensor, track, viewOf } from "../tensor.ts"
import type {
  AddedProduct,
  AddedProductInPlace,
  ChainMatmul,
  KroneckerProduct,
  MatrixProduct,
  OuterProduct,
  Tensordot,
} from "../types/matmul.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { mul } from "./arithmetic.ts"
import { contiguous, writeInto } from "./copying.ts"
import {
  BMM,
  checkBatches,
  checkRank,
  computed,
  DOT,
  dotted,
  factorGradients,
  factorsOf,
  MM,
  MV,
  multiply,
  overMatrix,
  type ProductContext,
  product,
  range,
  savedOf,
  scaled,
  unfit,
  VDOT,
} from "./matrix-product.ts"
import { type Applied, withInPlace } from "./pointwise-op.ts"
import { sum } from "./reduction.ts"
import { sumToSize } from "./sum-to-size.ts"
import { expand, permute, reshape } from "./views.ts"

interface Scale {
  readonly beta: number
  readonly alpha: number
}

export interface MatmulOps {
  /**
   * The matrix product of the last two dims, the dims before them broadcast. A vector counts as a row on the left and as a
   * column on the right, and that dim is dropped from the result. Both must have one dtype.
   */
  matmul: MatrixProduct<"matmul", "other">
  /** [n, k] · [k, m] → [n, m] */
  mm: MatrixProduct<"mm", "mat2">
  /** [b, n, k] · [b, k, m] → [b, n, m] */
  bmm: MatrixProduct<"bmm", "mat2">
  /** [n, k] · [k] → [n] */
  mv: MatrixProduct<"mv", "vec">
  /** Σ input·other of two vectors. */
  dot: MatrixProduct<"dot", "tensor">
  /** Another name of `dot`: for real numbers it is the same. */
  vdot: MatrixProduct<"vdot", "other">
  /** Sums of products over the last dim of both; of 0-d tensors the plain product. */
  inner: MatrixProduct<"inner", "other">
  /** [n], [m] → [n, m] of all products. */
  outer: OuterProduct<"outer">
  /** Another name of `outer`. */
  ger: OuterProduct<"ger">
  /** β·input + α·(mat1 · mat2); `input` broadcasts, and is not read where β is 0. */
  addmm: AddedProduct<"addmm", "mat1", "mat2">
  addmm_: AddedProductInPlace<"addmm", "mat1", "mat2">
  /** β·input + α·(mat · vec) */
  addmv: AddedProduct<"addmv", "mat", "vec">
  addmv_: AddedProductInPlace<"addmv", "mat", "vec">
  /** β·input + α·Σ_b batch1[b] · batch2[b] */
  addbmm: AddedProduct<"addbmm", "batch1", "batch2">
  addbmm_: AddedProductInPlace<"addbmm", "batch1", "batch2">
  /** β·input + α·(batch1 · batch2), batch by batch */
  baddbmm: AddedProduct<"baddbmm", "batch1", "batch2">
  baddbmm_: AddedProductInPlace<"baddbmm", "batch1", "batch2">
  /** β·input + α·(vec1 ⊗ vec2) */
  addr: AddedProduct<"addr", "vec1", "vec2">
  addr_: AddedProductInPlace<"addr", "vec1", "vec2">
  /** The Kronecker product: every element of the input times the whole of `other`. */
  kron: KroneckerProduct
}

export interface MatmulMethods extends MethodsOf<MatmulOps> {}

export const matmul: FunctionOf<MatmulOps["matmul"]> = op("matmul(input, other)", (a: Tensor, b: Tensor) => {
  checkFactors("matmul", [a, b])
  return product(a, b)
})

export const mm: FunctionOf<MatmulOps["mm"]> = op("mm(input, mat2)", (a: Tensor, b: Tensor) => {
  checkRank("mm", a, 2, "input")
  checkRank("mm", b, 2, "mat2")
  return multiply("mm", a, b, MM)
})

export const bmm: FunctionOf<MatmulOps["bmm"]> = op("bmm(input, mat2)", (a: Tensor, b: Tensor) => {
  checkBatches("bmm", a, b)
  return multiply("bmm", a, b, BMM)
})

export const mv: FunctionOf<MatmulOps["mv"]> = op("mv(input, vec)", (a: Tensor, b: Tensor) => {
  checkRank("mv", a, 2, "input")
  checkRank("mv", b, 1, "vec")
  return multiply("mv", a, b, MV)
})

export const dot: FunctionOf<MatmulOps["dot"]> = op("dot(input, tensor)", (a: Tensor, b: Tensor) =>
  dotted("dot", a, b, DOT),
)
export const vdot: FunctionOf<MatmulOps["vdot"]> = op("vdot(input, other)", (a: Tensor, b: Tensor) =>
  dotted("vdot", a, b, VDOT),
)

export const outer: FunctionOf<MatmulOps["outer"]> = op("outer(input, vec2)", (a: Tensor, b: Tensor) =>
  outerProduct("outer", a, b),
)
export const ger: FunctionOf<MatmulOps["ger"]> = op("ger(input, vec2)", (a: Tensor, b: Tensor) =>
  outerProduct("ger", a, b),
)

function outerProduct(name: string, a: Tensor, b: Tensor): Tensor {
  for (const [x, role] of [
    [a, "input"],
    [b, "vec2"],
  ] as const)
    if (x.ndim !== 1)
      throw new RangeError(`${name}: expected 1-d argument ${role}, but got ${x.ndim}-d: ${tensorText(x)}`)
  return mul(reshape(a, [a.shape[0]!, 1]), b)
}

// ---- sums over chosen dims ----

type Dims = number | readonly [readonly number[] | number, readonly number[] | number]

/**
 * Sums of products over `dims`: a number n takes the last n dims of `a` and the first n of `b`; two lists name them. The
 * result has the other dims of `a`, then those of `b`.
 */
export const tensordot: Tensordot = op("tensordot(a, b, dims?)", (a: Tensor, b: Tensor, dims: Dims = 2) => {
  checkFactors("tensordot", [a, b])
  return contracted("tensordot", a, b, dims)
})

function contracted(name: string, a: Tensor, b: Tensor, dims: Dims): Tensor {
  if (typeof dims === "number" && (!Number.isInteger(dims) || dims < 0 || dims > Math.min(a.ndim, b.ndim)))
    throw new RangeError(
      `${name}: dims must be an integer from 0 to ${Math.min(a.ndim, b.ndim)} for ${tensorText(a)} and ${tensorText(b)}, got ${dims}`,
    )
  const lists = typeof dims === "number" ? [range(dims).map((d) => a.ndim - dims + d), range(dims)] : dims
  if (!Array.isArray(lists) || lists.length !== 2)
    throw new TypeError(`${name}: dims must be a number or two lists of dims, got ${valueText(dims)}`)
  const da = normalizeDims(name, [lists[0]].flat() as number[], a.ndim)
  const db = normalizeDims(name, [lists[1]].flat() as number[], b.ndim)
  if (da.length !== db.length)
    throw new RangeError(
      `${name}: both dimension lists should have same length, got ${shapeText(da)} and ${shapeText(db)}`,
    )
  let [x, y] = [a, b]
  da.forEach((d, i) => {
    const [p, q] = [a.shape[d]!, b.shape[db[i]!]!]
    if (p === q) return
    if (p !== 1 && q !== 1)
      throw new RangeError(
        `${name}: contracted dimensions need to match, but first has size ${p} in dim ${d} and second has size ${q} in dim ${db[i]}: ${tensorText(a)} and ${tensorText(b)}`,
      )
    // A dim of size 1 broadcasts: the other one is summed first.
    if (p === 1) y = sum(y, db[i]!, true)
    else x = sum(x, d, true)
  })
  const [fa, fb] = [range(a.ndim).filter((d) => !da.includes(d)), range(b.ndim).filter((d) => !db.includes(d))]
  const [m, k, n] = [fa.map((d) => x.shape[d]!), da.map((d) => x.shape[d]!), fb.map((d) => y.shape[d]!)]
  const left = reshape(permute(x, [...fa, ...da]), [numelOf(m), numelOf(k)])
  const right = reshape(permute(y, [...db, ...fb]), [numelOf(k), numelOf(n)])
  return reshape(multiply(name, left, right, MM), [...m, ...n])
}

export const inner: FunctionOf<MatmulOps["inner"]> = op("inner(input, other)", (a: Tensor, b: Tensor) => {
  checkFactors("inner", [a, b])
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b)
  if (a.shape.at(-1) !== b.shape.at(-1))
    throw new RangeError(
      `inner: the last dimensions must match but got shapes ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
    )
  return contracted("inner", a, b, [[-1], [-1]])
})

export const kron: FunctionOf<MatmulOps["kron"]> = op("kron(input, other)", (a: Tensor, b: Tensor) => {
  const rank = Math.max(a.ndim, b.ndim)
  const pad = (x: Tensor): number[] => [...new Array<number>(rank - x.ndim).fill(1), ...x.shape]
  const [p, q] = [pad(a), pad(b)]
  const blocks = contiguous(
    mul(
      reshape(
        a,
        p.flatMap((s) => [s, 1]),
      ),
      reshape(
        b,
        q.flatMap((s) => [1, s]),
      ),
    ),
  )
  const shape = p.map((s, d) => s * q[d]!)
  return viewOf(blocks, shape, contiguousStrides(shape), 0, KRON, blocks.shape)
})

const KRON: Rule = { name: "UnsafeViewBackward0", backward: (node, g) => [reshape(g, node.context as number[])] }

/**
 * The product of two or more matrices, in the order that needs the fewest multiplications. The first and the last may be
 * vectors.
 */
export const chainMatmul = enclosed((...matrices: Tensor[]): Tensor => {
  const list = matrices.length === 1 && Array.isArray(matrices[0]) ? (matrices[0] as Tensor[]) : matrices
  if (list.length === 0) throw new TypeError("chainMatmul: expected at least one tensor, got none")
  checkFactors("chainMatmul", list)
  if (list.length === 1) return list[0]!
  const n = list.length
  // sizes[i] × sizes[i + 1] is matrix i.
  const sizes = [
    ...list.map((x, i) => (x.ndim === 1 && i === 0 ? 1 : x.shape[0]!)),
    list[n - 1]!.ndim === 1 ? 1 : list[n - 1]!.shape.at(-1)!,
  ]
  const cost = list.map(() => new Array<number>(n).fill(0))
  const cut = list.map(() => new Array<number>(n).fill(0))
  for (let length = 1; length < n; length++)
    for (let i = 0; i + length < n; i++) {
      const j = i + length
      cost[i]![j] = Number.POSITIVE_INFINITY
      for (let k = i; k < j; k++) {
        const total = cost[i]![k]! + cost[k + 1]![j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!
        if (total < cost[i]![j]!) [cost[i]![j], cut[i]![j]] = [total, k]
      }
    }
  const chain = (i: number, j: number): Tensor =>
    i === j ? list[i]! : product(chain(i, cut[i]![j]!), chain(cut[i]![j]! + 1, j), "chainMatmul")
  const result = chain(0, n - 1)
  return n === 2 ? result : reshape(result, result.shape)
}) as ChainMatmul

// ---- β·input + α·product ----

interface AddContext extends ProductContext, Scale {
  readonly shape: Sizes
}

const addRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { beta, alpha, shape } = node.context as AddContext
    return [node.needs(0) ? scaled(sumToSize(g, shape), beta) : null, ...factorGradients(node, g, 1, alpha)]
  },
})

/** The addend over the result's dims. Throws where it does not broadcast to them. */
function addendOf(name: string, c: Tensor, shape: Sizes, a: Tensor, b: Tensor, { beta, alpha }: Scale): Addend {
  if (c.ndim > shape.length || !c.shape.every((s, d) => s === 1 || s === shape[d + shape.length - c.ndim]))
    throw new RangeError(
      `${name}: ${tensorText(c)} does not broadcast to the product's shape ${shapeText(shape)} (of ${tensorText(a)} and ${tensorText(b)})`,
    )
  const strides = overMatrix(broadcastStrides(c.shape, c.strides, shape), a, b)
  return { side: beta === 0 ? null : { tensor: c, strides }, beta, alpha }
}

/** The values of an op of this family, and what its node keeps. */
interface Outcome {
  readonly out: Tensor
  readonly saved: readonly Tensor[]
  readonly context: unknown
}

type AddOp = (name: string, c: Tensor, a: Tensor, b: Tensor, scale: Scale) => Outcome

const addedProduct =
  (check: (name: string, a: Tensor, b: Tensor) => void): AddOp =>
  (name, c, a, b, scale) => {
    checkFactors(name, [c, a, b])
    check(name, a, b)
    const f = factorsOf(name, a, b)
    const out = computed(a, b, f, addendOf(name, c, f.shape, a, b, scale))
    const context: AddContext = { shape: c.shape, aShape: a.shape, bShape: b.shape, ...scale }
    return { out, saved: savedOf(a, b), context }
  }

/** Σ over batches as one product: the batch joins the summed dim. */
const addedBatches: AddOp = (name, c, a, b, scale) => {
  checkFactors(name, [c, a, b])
  checkBatches(name, a, b)
  if (a.shape[2] !== b.shape[1]) throw unfit(name, a, b)
  const [count, m, k] = a.shape as readonly [number, number, number]
  const n = b.shape[2]!
  const [wide, tall] = raw(() => [reshape(permute(a, [1, 0, 2]), [m, count * k]), reshape(b, [count * k, n])] as const)
  const f = factorsOf(name, wide, tall)
  const out = computed(wide, tall, f, addendOf(name, c, f.shape, a, b, scale))
  const context: AddContext = { shape: c.shape, aShape: a.shape, bShape: b.shape, ...scale }
  return { out, saved: savedOf(a, b), context }
}

const ADDBMM: Rule = {
  name: "AddbmmBackward0",
  backward: (node, g) => {
    const { beta, alpha, shape, aShape } = node.context as AddContext
    const all = expand(g, [aShape[0]!, ...g.shape])
    return [node.needs(0) ? scaled(sumToSize(g, shape), beta) : null, ...factorGradients(node, all, 1, alpha)]
  },
}

/** An op of this family and its in-place form. */
function family<N extends "addmm" | "addmv" | "addbmm" | "baddbmm">(
  name: N,
  factors: readonly [string, string],
  rule: Rule,
  compute: AddOp,
): [FunctionOf<MatmulOps[N]>, FunctionOf<MatmulOps[`${N}_`]>] {
  const signature = (n: string): string => `${n}(input, ${factors.join(", ")}, *, beta?, alpha?)`
  const run = (n: string, c: Tensor, a: Tensor, b: Tensor, beta: number, alpha: number): Outcome => {
    checkScale(n, c.dtype, { beta, alpha })
    return compute(n, c, a, b, { beta, alpha })
  }
  const call = (c: Tensor, a: Tensor, b: Tensor, beta = 1, alpha = 1): Tensor => {
    const { out, saved, context } = run(name, c, a, b, beta, alpha)
    return track(rule, out, [c, a, b], saved, context)
  }
  const inPlace = (c: Tensor, a: Tensor, b: Tensor, beta = 1, alpha = 1): Tensor => {
    checkInPlace(name, c)
    const { out, saved, context } = run(`${name}_`, c, a, b, beta, alpha)
    if (!sameSizes(out.shape, c.shape))
      throw new RangeError(
        `${name}_: input ${tensorText(c)} does not have the shape of the result, ${shapeText(out.shape)}; use ${name}`,
      )
    const node = needsGrad([c, a, b]) ? new OpNode(rule, [c, a, b], saved, context) : null
    if (node) node.outputs = [{ shape: c.shape, dtype: c.dtype, device: c.device }]
    writeInto(c, out)
    recordInPlace(c, node)
    return c
  }
  return [op(signature(name), call), op(signature(`${name}_`), inPlace)]
}

const matrices = (name: string, a: Tensor, b: Tensor): void => {
  checkRank(name, a, 2, "mat1")
  checkRank(name, b, 2, "mat2")
}
const matrixVector = (name: string, a: Tensor, b: Tensor): void => {
  checkRank(name, a, 2, "mat")
  checkRank(name, b, 1, "vec")
}

export const [addmm, addmm_] = family("addmm", ["mat1", "mat2"], addRule("AddmmBackward0"), addedProduct(matrices))
export const [addmv, addmv_] = family("addmv", ["mat", "vec"], addRule("AddmvBackward0"), addedProduct(matrixVector))
export const [addbmm, addbmm_] = family("addbmm", ["batch1", "batch2"], ADDBMM, addedBatches)
export const [baddbmm, baddbmm_] = family(
  "baddbmm",
  ["batch1", "batch2"],
  addRule("BaddbmmBackward0"),
  addedProduct(checkBatches),
)

const ADDR = new Pointwise("addr", (c, a, b, beta, alpha) => c.mul(beta).add(a.mul(b).mul(alpha)))
const ADDR_NO_INPUT = new Pointwise("addr", (_c, a, b, alpha) => a.mul(b).mul(alpha))

export const [addr, addr_] = withInPlace<FunctionOf<MatmulOps["addr"]>, FunctionOf<MatmulOps["addr_"]>>(
  "addr(input, vec1, vec2, *, beta?, alpha?)",
  (c: Tensor, a: Tensor, b: Tensor, beta = 1, alpha = 1): Applied => {
    checkScale("addr", c.dtype, { beta, alpha })
    checkFactors("addr", [c, a, b])
    checkRank("addr", a, 1, "vec1")
    checkRank("addr", b, 1, "vec2")
    const [n, m] = [a.shape[0]!, b.shape[0]!]
    addendOf("addr", c, [n, m], a, b, { beta, alpha })
    const column = reshape(a, [n, 1])
    return beta === 0 ? [ADDR_NO_INPUT, c, column, b, alpha] : [ADDR, c, column, b, beta, alpha]
  },
)

export const matmulMethods: Family = {
  matmul,
  mm,
  bmm,
  mv,
  dot,
  vdot,
  inner,
  outer,
  ger,
  kron,
  addmm,
  addmm_,
  addmv,
  addmv_,
  addbmm,
  addbmm_,
  baddbmm,
  baddbmm_,
  addr,
  addr_,
}
