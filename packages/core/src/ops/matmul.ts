/** Products of matrices and vectors. */
import { type Args, type Fn, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { raw } from "../autograd/mode.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { runReduce } from "../kernels.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { type Addend, checkFactors, checkScale, runProduct } from "../products.ts"
import {
  broadcastSizes,
  broadcastStrides,
  contiguousStrides,
  normalizeDims,
  numelOf,
  type Sizes,
  sameSizes,
} from "../shape.ts"
import { allocate, needsGrad, type Tensor, track, viewOf } from "../tensor.ts"
import { add, mul } from "./arithmetic.ts"
import { contiguous, writeInto } from "./copying.ts"
import { sumToSize } from "./sum-to-size.ts"
import { expand, permute, reshape, t, transpose, unsqueeze } from "./views.ts"

interface Scale {
  readonly beta: number
  readonly alpha: number
}
type Binary<Name extends string> = (...args: Args<[[Name, Tensor]]>) => Tensor
type Added<A extends string, B extends string> = (...args: Args<[[A, Tensor], [B, Tensor]], Partial<Scale>>) => Tensor

export interface MatmulMethods {
  /**
   * The matrix product of the last two dims, the dims before them broadcast. A vector counts as a row on the left and as a
   * column on the right, and that dim is dropped from the result. Both must have one dtype.
   */
  matmul: Binary<"other">
  /** [n, k] · [k, m] → [n, m] */
  mm: Binary<"mat2">
  /** [b, n, k] · [b, k, m] → [b, n, m] */
  bmm: Binary<"mat2">
  /** [n, k] · [k] → [n] */
  mv: Binary<"vec">
  /** Σ input·other of two vectors. */
  dot: Binary<"tensor">
  vdot: Binary<"other">
  /** Sums of products over the last dim of both; of 0-d tensors the plain product. */
  inner: Binary<"other">
  /** [n], [m] → [n, m] of all products. */
  outer: Binary<"vec2">
  ger: Binary<"vec2">
  /** β·input + α·(mat1 · mat2); `input` broadcasts, and is not read where β is 0. */
  addmm: Added<"mat1", "mat2">
  addmm_: Added<"mat1", "mat2">
  /** β·input + α·(mat · vec) */
  addmv: Added<"mat", "vec">
  addmv_: Added<"mat", "vec">
  /** β·input + α·Σ_b batch1[b] · batch2[b] */
  addbmm: Added<"batch1", "batch2">
  addbmm_: Added<"batch1", "batch2">
  /** β·input + α·(batch1 · batch2), batch by batch */
  baddbmm: Added<"batch1", "batch2">
  baddbmm_: Added<"batch1", "batch2">
  /** β·input + α·(vec1 ⊗ vec2) */
  addr: Added<"vec1", "vec2">
  addr_: Added<"vec1", "vec2">
  /** The Kronecker product: every element of the input times the whole of `other`. */
  kron: Binary<"other">
}

// ---- the product of two, with any dims ----

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

const times = (shape: Sizes): string => shape.join("x")

function factorsOf(name: string, a: Tensor, b: Tensor): Factors {
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
  const batch = broadcastSizes(`${name} of ${tensorText(a)} and ${tensorText(b)}, batch dims`, aBatch, bBatch)
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

function unfit(name: string, a: Tensor, b: Tensor): RangeError {
  const [x, y] = [a.ndim > 2 ? a.shape.slice(-2) : a.shape, b.ndim > 2 ? b.shape.slice(-2) : b.shape]
  return new RangeError(
    `${name}: mat1 and mat2 shapes cannot be multiplied (${times(x)} and ${times(y)}): in ${tensorText(a)} and ${tensorText(b)} the sizes ${a.shape.at(-1)} and ${b.shape.at(b.ndim === 1 ? 0 : -2)} must be equal`,
  )
}

/** Strides over [batch.., m, n] of a tensor laid out over the result's shape. */
const overMatrix = (strides: Sizes, a: Tensor, b: Tensor): Sizes => {
  const d = strides.length
  if (b.ndim === 1) return a.ndim === 1 ? [...strides, 0, 0] : [...strides, 0]
  return a.ndim === 1 ? [...strides.slice(0, d - 1), 0, strides[d - 1]!] : strides
}

/** epilogue(a · b) in new memory, not recorded. */
function computed(a: Tensor, b: Tensor, f: Factors, addend: Addend | null = null): Tensor {
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
const savedOf = (a: Tensor, b: Tensor): Tensor[] => (a.requiresGrad ? (b.requiresGrad ? [b, a] : [b]) : [a])

interface Context {
  readonly aShape: Sizes
  readonly bShape: Sizes
}

/** The gradients of the factors that are inputs `first` and `first + 1` of the node. */
function factorGradients(node: OpNode, g: Tensor, first: number, alpha = 1): [Tensor | null, Tensor | null] {
  const { aShape, bShape } = node.context as Context
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

const scaled = (x: Tensor, by: number): Tensor => (by === 1 ? x : mul(x, by))

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

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const productRule = (name: string): Rule => ({ name, backward: (node, g) => factorGradients(node, g, 0) })

const MM: Rule = {
  name: "MmBackward0",
  backward: (node, g) => {
    const [wantsA, wantsB] = [node.needs(0), node.needs(1)]
    return [
      wantsA ? multiply("mm", g, t(node.get(0)), MM) : null,
      wantsB ? multiply("mm", t(node.get(wantsA ? 1 : 0)), g, MM) : null,
    ]
  },
}
const BMM = productRule("BmmBackward0")
const MV = productRule("MvBackward0")
const UNSAFE_VIEW = productRule("UnsafeViewBackward0")
const CLONE = productRule("CloneBackward0")
const SQUEEZE = productRule("SqueezeBackward4")

function multiply(name: string, a: Tensor, b: Tensor, rule: Rule): Tensor {
  const out = computed(a, b, factorsOf(name, a, b))
  return needsGrad([a, b])
    ? track(rule, out, [a, b], savedOf(a, b), { aShape: a.shape, bShape: b.shape } satisfies Context)
    : out
}

/** matmul, with the node that PyTorch's own composition would end in. */
function product(a: Tensor, b: Tensor, name = "matmul"): Tensor {
  const [ra, rb] = [a.ndim, b.ndim]
  if (ra === 2 && rb === 2) return multiply(name, a, b, MM)
  if (ra === 1 && rb === 1) return dotted(name, a, b, DOT)
  if (ra === 2 && rb === 1) return multiply(name, a, b, MV)
  if (ra === 1 && rb === 2) return multiply(name, a, b, SQUEEZE)
  return multiply(name, a, b, ra === 2 && a.requiresGrad ? CLONE : UNSAFE_VIEW)
}

const checkRank = (name: string, x: Tensor, rank: number, role: string): void => {
  checkFactors(name, [x])
  if (x.ndim !== rank) throw new RangeError(`${name}: ${role} must be a ${rank}-d tensor, got ${tensorText(x)}`)
}

export const matmul: Fn<MatmulMethods["matmul"]> = op("matmul(input, other)", (a: Tensor, b: Tensor) => {
  checkFactors("matmul", [a, b])
  return product(a, b)
})

export const mm: Fn<MatmulMethods["mm"]> = op("mm(input, mat2)", (a: Tensor, b: Tensor) => {
  checkRank("mm", a, 2, "input")
  checkRank("mm", b, 2, "mat2")
  return multiply("mm", a, b, MM)
})

/** Throws unless both are batches of equally many matrices. */
function checkBatches(name: string, a: Tensor, b: Tensor): void {
  checkRank(name, a, 3, "batch1")
  checkRank(name, b, 3, "batch2")
  if (a.shape[0] !== b.shape[0])
    throw new RangeError(
      `${name}: batch1 and batch2 must have the same number of batches, got ${tensorText(a)} and ${tensorText(b)}; matmul broadcasts them`,
    )
}

export const bmm: Fn<MatmulMethods["bmm"]> = op("bmm(input, mat2)", (a: Tensor, b: Tensor) => {
  checkBatches("bmm", a, b)
  return multiply("bmm", a, b, BMM)
})

export const mv: Fn<MatmulMethods["mv"]> = op("mv(input, vec)", (a: Tensor, b: Tensor) => {
  checkRank("mv", a, 2, "input")
  checkRank("mv", b, 1, "vec")
  return multiply("mv", a, b, MV)
})

const dotRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const wantsA = node.needs(0)
    return [wantsA ? mul(g, node.get(0)) : null, node.needs(1) ? mul(g, node.get(wantsA ? 1 : 0)) : null]
  },
})
const DOT = dotRule("DotBackward0")
const VDOT = dotRule("VdotBackward0")

function dotted(name: string, a: Tensor, b: Tensor, rule: Rule): Tensor {
  checkFactors(name, [a, b])
  checkRank(name, a, 1, "the first argument")
  checkRank(name, b, 1, "the second argument")
  if (a.shape[0] !== b.shape[0])
    throw new RangeError(
      `${name}: inconsistent tensor size, expected vectors of the same length, got ${tensorText(a)} and ${tensorText(b)}`,
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

export const dot: Fn<MatmulMethods["dot"]> = op("dot(input, tensor)", (a: Tensor, b: Tensor) =>
  dotted("dot", a, b, DOT),
)
export const vdot: Fn<MatmulMethods["vdot"]> = op("vdot(input, other)", (a: Tensor, b: Tensor) =>
  dotted("vdot", a, b, VDOT),
)

export const outer: Fn<MatmulMethods["outer"]> = op("outer(input, vec2)", (a: Tensor, b: Tensor) =>
  outerProduct("outer", a, b),
)
export const ger: Fn<MatmulMethods["ger"]> = op("ger(input, vec2)", (a: Tensor, b: Tensor) => outerProduct("ger", a, b))

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
export const tensordot: (a: Tensor, ...args: Args<[["b", Tensor], ["dims", Dims]]>) => Tensor = op(
  "tensordot(a, b, dims?)",
  (a: Tensor, b: Tensor, dims: Dims = 2) => {
    checkFactors("tensordot", [a, b])
    return contracted("tensordot", a, b, dims)
  },
)

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
    if (p === 1) y = y.sum(db[i]!, true)
    else x = x.sum(d, true)
  })
  const [fa, fb] = [range(a.ndim).filter((d) => !da.includes(d)), range(b.ndim).filter((d) => !db.includes(d))]
  const [m, k, n] = [fa.map((d) => x.shape[d]!), da.map((d) => x.shape[d]!), fb.map((d) => y.shape[d]!)]
  const left = reshape(permute(x, [...fa, ...da]), [numelOf(m), numelOf(k)])
  const right = reshape(permute(y, [...db, ...fb]), [numelOf(k), numelOf(n)])
  return reshape(multiply(name, left, right, MM), [...m, ...n])
}

export const inner: Fn<MatmulMethods["inner"]> = op("inner(input, other)", (a: Tensor, b: Tensor) => {
  checkFactors("inner", [a, b])
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b)
  if (a.shape.at(-1) !== b.shape.at(-1))
    throw new RangeError(
      `inner: the last dimensions must match but got shapes ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
    )
  return contracted("inner", a, b, [[-1], [-1]])
})

export const kron: Fn<MatmulMethods["kron"]> = op("kron(input, other)", (a: Tensor, b: Tensor) => {
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
export function chainMatmul(...matrices: Tensor[]): Tensor {
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
}

// ---- β·input + α·product ----

interface AddContext extends Context, Scale {
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

type Pair<F> = readonly [F, (input: Tensor, ...args: unknown[]) => Tensor]

/** An op of this family and its in-place form. */
function family<F>(name: string, factors: readonly [string, string], rule: Rule, compute: AddOp): Pair<F> {
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
  return [op(signature(name), call) as unknown as F, op(signature(`${name}_`), inPlace)]
}

const matrices = (name: string, a: Tensor, b: Tensor): void => {
  checkRank(name, a, 2, "mat1")
  checkRank(name, b, 2, "mat2")
}
const matrixVector = (name: string, a: Tensor, b: Tensor): void => {
  checkRank(name, a, 2, "mat")
  checkRank(name, b, 1, "vec")
}

export const [addmm, addmm_] = family<Fn<MatmulMethods["addmm"]>>(
  "addmm",
  ["mat1", "mat2"],
  addRule("AddmmBackward0"),
  addedProduct(matrices),
)
export const [addmv, addmv_] = family<Fn<MatmulMethods["addmv"]>>(
  "addmv",
  ["mat", "vec"],
  addRule("AddmvBackward0"),
  addedProduct(matrixVector),
)
export const [addbmm, addbmm_] = family<Fn<MatmulMethods["addbmm"]>>(
  "addbmm",
  ["batch1", "batch2"],
  ADDBMM,
  addedBatches,
)
export const [baddbmm, baddbmm_] = family<Fn<MatmulMethods["baddbmm"]>>(
  "baddbmm",
  ["batch1", "batch2"],
  addRule("BaddbmmBackward0"),
  addedProduct(checkBatches),
)

const ADDR = new Pointwise("addr", (c, a, b, beta, alpha) => c.mul(beta).add(a.mul(b).mul(alpha)))
const ADDR_NO_INPUT = new Pointwise("addr", (_c, a, b, alpha) => a.mul(b).mul(alpha))

function addrSlots(
  name: string,
  c: Tensor,
  a: Tensor,
  b: Tensor,
  beta: number,
  alpha: number,
): { op: Pointwise; rest: (Tensor | number)[] } {
  checkScale(name, c.dtype, { beta, alpha })
  checkFactors(name, [c, a, b])
  checkRank(name, a, 1, "vec1")
  checkRank(name, b, 1, "vec2")
  const shape = [a.shape[0]!, b.shape[0]!]
  addendOf(name, c, shape, a, b, { beta, alpha })
  const rest = [reshape(a, [shape[0]!, 1]), b]
  return beta === 0 ? { op: ADDR_NO_INPUT, rest: [...rest, alpha] } : { op: ADDR, rest: [...rest, beta, alpha] }
}
export const addr: Fn<MatmulMethods["addr"]> = op(
  "addr(input, vec1, vec2, *, beta?, alpha?)",
  (c: Tensor, a: Tensor, b: Tensor, beta = 1, alpha = 1) => {
    const { op: by, rest } = addrSlots("addr", c, a, b, beta, alpha)
    return by.call(c, ...rest)
  },
)
export const addr_: Fn<MatmulMethods["addr_"]> = op(
  "addr_(input, vec1, vec2, *, beta?, alpha?)",
  (c: Tensor, a: Tensor, b: Tensor, beta = 1, alpha = 1) => {
    const { op: by, rest } = addrSlots("addr_", c, a, b, beta, alpha)
    return by.callInPlace(c, ...rest)
  },
)

// ---- layers ----

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
export const linear: (input: Tensor, ...args: Args<[["weight", Tensor], ["bias", Tensor | null]]>) => Tensor = op(
  "linear(input, weight, bias?)",
  (x: Tensor, w: Tensor, bias: Tensor | null = null) => {
    checkFactors("linear", bias ? [x, w, bias] : [x, w])
    if (x.ndim === 0) throw new RangeError(`linear: input must have at least one dim, got ${tensorText(x)}`)
    if (w.ndim !== 1 && w.ndim !== 2)
      throw new RangeError(`linear: weight must be a matrix [out, in] or a vector [in], got ${tensorText(w)}`)
    const k = x.shape.at(-1)!
    if (w.shape.at(-1) !== k)
      throw new RangeError(
        `linear: mat1 and mat2 shapes cannot be multiplied (${numelOf(x.shape.slice(0, -1))}x${k} and ${times([...w.shape].reverse())}): input ${tensorText(x)} has ${k} features where weight ${tensorText(w)} takes ${w.shape.at(-1)}`,
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
        throw new RangeError(`linear: bias must have shape [${n}] for weight ${tensorText(w)}, got ${tensorText(bias)}`)
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
export const bilinear: (
  input1: Tensor,
  ...args: Args<[["input2", Tensor], ["weight", Tensor], ["bias", Tensor | null]]>
) => Tensor = op(
  "bilinear(input1, input2, weight, bias?)",
  (a: Tensor, b: Tensor, w: Tensor, bias: Tensor | null = null) => {
    checkFactors("bilinear", bias ? [a, b, w, bias] : [a, b, w])
    if (w.ndim !== 3) throw new RangeError(`bilinear: weight must have 3 dims [out, in1, in2], got ${tensorText(w)}`)
    const [o, i, j] = w.shape as readonly [number, number, number]
    if (a.ndim === 0 || a.ndim !== b.ndim || !sameSizes(a.shape.slice(0, -1), b.shape.slice(0, -1)))
      throw new RangeError(
        `bilinear: the inputs must agree in all dims but the last, got ${tensorText(a)} and ${tensorText(b)}`,
      )
    if (a.shape.at(-1) !== i || b.shape.at(-1) !== j)
      throw new RangeError(
        `bilinear: inputs of sizes ${a.shape.at(-1)} and ${b.shape.at(-1)} do not fit weight ${tensorText(w)}, which takes ${i} and ${j}`,
      )
    if (bias && !sameSizes(bias.shape, [o]))
      throw new RangeError(`bilinear: bias must have shape [${o}], got ${tensorText(bias)}`)
    const rows = numelOf(a.shape.slice(0, -1))
    const left = product(reshape(a, [rows, i]), reshape(permute(w, [1, 0, 2]), [i, o * j]), "bilinear")
    const out = product(reshape(left, [rows, o, j]), reshape(b, [rows, j, 1]), "bilinear")
    const y = reshape(out, [...a.shape.slice(0, -1), o])
    return bias ? add(y, bias) : y
  },
)

export const matmulMethods = {
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
