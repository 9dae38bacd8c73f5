/** Reading at indices: gather, indexSelect, take, maskedSelect. Writing there is in `scattering.ts`. */
import { op } from "../args.ts"
import { requireIndex } from "../checks.ts"
import { shapeText } from "../errors.ts"
import { pull, pullRule } from "../movement.ts"
import { broadcastSizes, normalizeDim } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import type { MaskedSelect, MaskedSelectSync, ReadingAlong, Take, TakeAlongDim } from "../types/reading-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { data, dataSync, fromBits } from "./host.ts"
import { alongDim, checkSmaller, masked, places, slicesOf } from "./places.ts"
import { expand, reshape } from "./views.ts"

export interface GatheringOps {
  /** out[i][j][k] = input[index[i][j][k]][j][k] for dim 0, and so on; the result has the shape of `index`. */
  gather: ReadingAlong<"gather", "along">
  /** The slices of `dim` that the 1-d `index` names, in its order. */
  indexSelect: ReadingAlong<"indexSelect", "slices">
  /** The elements at places in the flattened input, in the shape of `index`; negative ones count from the end. */
  take: Take
  /** `gather` with broadcasting along all dims but `dim`; without `dim`, of the flattened input. */
  takeAlongDim: TakeAlongDim
  /** The elements where `mask` is true, as one dim; broadcasts. Awaited, since its length depends on the mask. */
  maskedSelect: MaskedSelect
  maskedSelectSync: MaskedSelectSync
}

export interface GatheringMethods extends MethodsOf<GatheringOps> {}

const GATHER = pullRule("GatherBackward0")
const INDEX_SELECT = pullRule("IndexSelectBackward0")
const TAKE = pullRule("TakeBackward0")

function gathered(name: string, x: Tensor, dim: number, index: Tensor): Tensor {
  const m = alongDim(name, x, dim, index)
  checkSmaller(name, x, dim, index, null)
  return pull(x, m, GATHER)
}

export const gather: FunctionOf<GatheringOps["gather"]> = op(
  "gather(input, dim, index)",
  (x: Tensor, dim: number, index: Tensor) => gathered("gather", x, dim, index),
)

export const indexSelect: FunctionOf<GatheringOps["indexSelect"]> = op(
  "indexSelect(input, dim, index)",
  (x: Tensor, dim: number, index: Tensor) => pull(x, slicesOf("indexSelect", x, dim, index), INDEX_SELECT),
)

export const take: FunctionOf<GatheringOps["take"]> = op("take(input, index)", (x: Tensor, index: Tensor) =>
  pull(x, places("take", x, index), TAKE),
)

export const takeAlongDim: FunctionOf<GatheringOps["takeAlongDim"]> = op(
  "takeAlongDim(input, indices, dim?)",
  (x: Tensor, indices: Tensor, dim?: number | null) => {
    requireIndex("takeAlongDim", "indices", indices)
    if (dim === undefined || dim === null) return gathered("takeAlongDim", reshape(x, [-1]), 0, reshape(indices, [-1]))
    if (x.ndim !== indices.ndim)
      throw new RangeError(
        `takeAlongDim: input and indices should have the same number of dimensions, but got ${x.ndim} dimensions for input ${shapeText(x.shape)}, and ${indices.ndim} dimensions for indices ${shapeText(indices.shape)}`,
      )
    const d = normalizeDim("takeAlongDim", dim, x.ndim)
    const common = broadcastSizes("takeAlongDim", x.shape.with(d, 1), indices.shape.with(d, 1))
    return gathered(
      "takeAlongDim",
      expand(x, common.with(d, x.shape[d]!)),
      d,
      expand(indices, common.with(d, indices.shape[d]!)),
    )
  },
)

// ---- masks ----

const MASKED_SELECT = pullRule("MaskedSelectBackward0")

function selectWhere(x: Tensor, mask: ArrayLike<number | bigint>): Tensor {
  const at: number[] = []
  for (let i = 0; i < mask.length; i++) if (mask[i]) at.push(i)
  const index = fromBits(x.device, Int32Array.from(at), [at.length], "int32")
  return pull(x, places("maskedSelect", x, index), MASKED_SELECT)
}

export const maskedSelect: FunctionOf<GatheringOps["maskedSelect"]> = op(
  "maskedSelect(input, mask)",
  (input: Tensor, given: Tensor) => {
    const [x, mask] = masked("maskedSelect", input, given)
    return data(mask).then((values) => selectWhere(x, values))
  },
)

/** `maskedSelect` where the device reads synchronously; elsewhere it throws and names the awaited one. */
export const maskedSelectSync: FunctionOf<GatheringOps["maskedSelectSync"]> = op(
  "maskedSelectSync(input, mask)",
  (input: Tensor, given: Tensor) => {
    const [x, mask] = masked("maskedSelectSync", input, given)
    return selectWhere(x, dataSync(mask, "maskedSelectSync"))
  },
)

export const gatheringMethods: Family = { gather, indexSelect, take, takeAlongDim, maskedSelect, maskedSelectSync }
