/** Order: sort, argsort, topk, kthvalue. NaN counts as the greatest; equal elements keep their order. */
import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { sizesText } from "../errors.ts"
import { results } from "../results.ts"
import { normalizeDim } from "../shape.ts"
import { type Tensor, trackAll } from "../tensor.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { ArgSort, KthValue, Sort, TopKSignature } from "../types/reading-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { placed, sortAlong } from "./along.ts"
import { clone } from "./copying.ts"
import { type Found, found, oneDim, selectedRule } from "./finding.ts"
import { narrow, select } from "./views.ts"

export interface SortingOps {
  /** The elements in order along `dim` and their int32 positions. Always stable. */
  sort: Sort
  /** The positions that `sort` gives. */
  argsort: ArgSort
  /** The elements in order along the first dim. */
  msort: Elementwise
  /** The `k` greatest (or least) along `dim` with their int32 positions, in order. */
  topk: TopKSignature
  /** The `k`-th least along `dim`, counted from 1, and its int32 position. */
  kthvalue: KthValue
}

export interface SortingMethods extends MethodsOf<SortingOps> {}

/** The rule of an op that gives some elements along a dim in another order. */
const reordered = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { d, size } = node.context as { d: number; size: number }
    return [placed(g, d, node.get(0), size)]
  },
})

function recorded(rule: Rule, x: Tensor, outs: readonly Tensor[], d: number): Found {
  trackAll(rule, outs, [x], [outs[1]!], { d, size: x.shape[d] ?? 1 })
  return results(["values", "indices"], outs)
}

const SORT = reordered("SortBackward0")
/** PyTorch's overload with `stable`. */
const SORT_STABLE = reordered("SortBackward1")

export const sort: FunctionOf<SortingOps["sort"]> = op(
  "sort(input, dim?, descending?, *, stable?)",
  (x: Tensor, dim = -1, descending = false, stable?: boolean) => {
    const d = normalizeDim("sort", dim, x.ndim)
    return recorded(stable === undefined ? SORT : SORT_STABLE, x, sortAlong(x, d, descending), d)
  },
)

export const argsort: FunctionOf<SortingOps["argsort"]> = op(
  "argsort(input, dim?, descending?, stable?)",
  (x: Tensor, dim = -1, descending = false) => sortAlong(x, normalizeDim("argsort", dim, x.ndim), descending)[1],
)

export const msort: FunctionOf<SortingOps["msort"]> = op("msort(input)", (x: Tensor) => sort(x, 0).values)

const TOPK = reordered("TopkBackward0")

export const topk: FunctionOf<SortingOps["topk"]> = op(
  "topk(input, k, dim?, largest?, sorted?)",
  (x: Tensor, k: number, dim = -1, largest = true) => {
    const d = normalizeDim("topk", dim, x.ndim)
    const size = x.shape[d] ?? 1
    if (!Number.isInteger(k) || k < 0 || k > size)
      throw new RangeError(`topk: selected index k = ${k} out of range for dim ${d} of size ${size} (${sizesText(x)})`)
    const all = sortAlong(x, d, largest)
    const outs = x.ndim ? raw(() => all.map((t) => clone(narrow(t, d, 0, k), { memoryFormat: "contiguous" }))) : all
    return recorded(TOPK, x, outs, d)
  },
)

const KTHVALUE = selectedRule("KthvalueBackward0")

export const kthvalue: FunctionOf<SortingOps["kthvalue"]> = op(
  "kthvalue(input, k, dim?, keepdim?)",
  (x: Tensor, k: number, dim = -1, keepdim = false) => {
    const along = oneDim("kthvalue", x, dim, keepdim)
    const size = x.shape[along.d] ?? 1
    if (!Number.isInteger(k) || k < 1 || k > size)
      throw new RangeError(
        `kthvalue: selected number k = ${k} out of range for dim ${along.d} of size ${size} (${sizesText(x)})`,
      )
    const all = sortAlong(x, along.d)
    const outs = x.ndim ? raw(() => all.map((t) => clone(select(t, along.d, k - 1)))) : all
    return found(KTHVALUE, x, outs, along.d, along.keepdim)
  },
)

export const sortingMethods: Family = { sort, argsort, msort, topk, kthvalue }
