/** Triangles and diagonals of matrices. */
import { type Args, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { requireInteger } from "../checks.ts"
import { type Device, deviceByName, getDefaultDevice } from "../device.ts"
import { DEFAULT_INT, type DType } from "../dtype.ts"
import { sizesText } from "../errors.ts"
import { constant, where } from "../expr.ts"
import { int, runMap } from "../kernels.ts"
import { copied } from "../movement.ts"
import { contiguousStrides, normalizeDim, numelOf } from "../shape.ts"
import { allocate, needsGrad, Tensor, track } from "../tensor.ts"
import type { WantedIn } from "../types/creation.ts"
import type { DefaultInt } from "../types/dtype.ts"
import type { DiagEmbedSignature, DiagFlat, DiagSignature, Triangle } from "../types/rearranging-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { checkDtype } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { checkSizes, filled, toBits } from "./creation.ts"
import { fromBits } from "./host.ts"
import { diagonal, reshape } from "./views.ts"

export interface TriangularOps {
  /** The lower triangles of the last two dims, 0 above the diagonal number `diagonal` (0 the main one, 1 the one above). */
  tril: Triangle<"tril">
  tril_: Triangle<"tril_">
  /** The upper triangles of the last two dims, 0 below the diagonal number `diagonal`. */
  triu: Triangle<"triu">
  triu_: Triangle<"triu_">
  /** Of a vector the matrix with it on a diagonal, of a matrix a copy of that diagonal. */
  diag: DiagSignature
  /** The last dim on a diagonal of the matrices along two new dims. */
  diagEmbed: DiagEmbedSignature
  /** The flattened tensor on a diagonal of a matrix. */
  diagflat: DiagFlat
}

export interface TriangularMethods extends MethodsOf<TriangularOps> {}

type Side = "lower" | "upper"

const other = { lower: "tril", upper: "triu" } as const

/** Writes `x` where it lies on that side, else 0. `x` may be `out` itself. */
function triangle(out: Tensor, x: Tensor, side: Side, k: number): Tensor {
  const rank = x.ndim
  runMap(
    [out],
    { key: `${side} triangle`, inputs: [x], scalars: [int(k)], coordinates: true, ...(out === x && { aliases: 0 }) },
    ({ inputs: [e], scalars: [s], at }) => {
      const above = at[rank - 1]!.sub(at[rank - 2]!)
      return where(side === "lower" ? above.le(s!) : above.ge(s!), e!, constant(0, e!.dtype))
    },
  )
  return out
}

const RULES: Readonly<Record<Side, Rule>> = {
  lower: { name: "TrilBackward0", backward: (node, g) => [tril(g, node.context as number)] },
  upper: { name: "TriuBackward0", backward: (node, g) => [triu(g, node.context as number)] },
}

function checkMatrix(name: string, x: Tensor, k: number): void {
  if (x.ndim < 2) throw new RangeError(`${name}: input tensor must have at least 2 dimensions, got ${sizesText(x)}`)
  requireInteger(name, "diagonal", k)
}

const cut = (side: Side): FunctionOf<TriangularOps["tril"]> =>
  op(`${other[side]}(input, diagonal?)`, (x: Tensor, k = 0) => {
    checkMatrix(other[side], x, k)
    return track(
      RULES[side],
      triangle(allocate(x.device, x.shape, contiguousStrides(x.shape), x.dtype), x, side, k),
      [x],
      [],
      k,
    )
  })

const cutInPlace = (side: Side): FunctionOf<TriangularOps["tril"]> =>
  op(`${other[side]}_(input, diagonal?)`, (x: Tensor, k = 0) => {
    checkMatrix(`${other[side]}_`, x, k)
    checkInPlace(other[side], x)
    const node = x.isFloatingPoint() && needsGrad([x]) ? new OpNode(RULES[side], [x], [], k) : null
    if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
    triangle(x, x, side, k)
    recordInPlace(x, node)
    return x
  })

export const tril = cut("lower")
export const tril_ = cutInPlace("lower") as unknown as FunctionOf<TriangularOps["tril_"]>
export const triu = cut("upper") as unknown as FunctionOf<TriangularOps["triu"]>
export const triu_ = cutInPlace("upper") as unknown as FunctionOf<TriangularOps["triu_"]>

// ---- diagonals ----

interface EmbedContext {
  readonly offset: number
  readonly dim1: number
  readonly dim2: number
}

const DIAG_EMBED: Rule = {
  name: "DiagEmbedBackward0",
  backward: (node, g) => {
    const { offset, dim1, dim2 } = node.context as EmbedContext
    return [diagonal(g, offset, dim1, dim2)]
  },
}

export const diagEmbed: FunctionOf<TriangularOps["diagEmbed"]> = op(
  "diagEmbed(input, offset?, dim1?, dim2?)",
  (x: Tensor, offset = 0, dim1 = -2, dim2 = -1) => {
    if (x.ndim === 0) throw new RangeError("diagEmbed: input must have at least one dim, got a 0-d tensor")
    const a = normalizeDim("diagEmbed", dim1, x.ndim + 1)
    const b = normalizeDim("diagEmbed", dim2, x.ndim + 1)
    if (a === b) throw new RangeError(`diagEmbed: diagonal dimensions cannot be identical ${dim1}, ${dim2}`)
    const size = x.shape[x.ndim - 1]! + Math.abs(offset)
    const shape = [...x.shape.slice(0, -1)]
    for (const d of [a, b].sort((p, q) => p - q)) shape.splice(d, 0, size)
    const out = filled(x.device, shape, 0, x.dtype)
    const seen = diagonal(out, offset, a, b)
    writeInto(new Tensor(out.storage, seen.shape, seen.strides, seen.offset, out.dtype), x)
    return track(DIAG_EMBED, out, [x], [], { offset, dim1: a, dim2: b } satisfies EmbedContext)
  },
)

const DIAGONAL_COPY: Rule = {
  name: "DiagonalBackward0_copy",
  backward: (node, g) => {
    const { offset, shape } = node.context as { offset: number; shape: number[] }
    const out = filled(g.device, shape, 0, g.dtype)
    writeInto(diagonal(out, offset), g)
    return [track(UNDIAGONAL, new Tensor(out.storage, out.shape, out.strides, 0, out.dtype), [g], [], offset)]
  },
}
const UNDIAGONAL: Rule = { name: "DiagonalBackward0", backward: (node, g) => [diagonal(g, node.context as number)] }

export const diag: FunctionOf<TriangularOps["diag"]> = op("diag(input, diagonal?)", (x: Tensor, k = 0) => {
  if (x.ndim === 1) return diagEmbed(x, k)
  if (x.ndim !== 2) throw new RangeError(`diag: Supports 1D or 2D tensors. Got ${x.ndim}D: ${sizesText(x)}`)
  const seen = diagonal(new Tensor(x.storage, x.shape, x.strides, x.offset, x.dtype), k)
  return track(DIAGONAL_COPY, copied(seen), [x], [], { offset: k, shape: x.shape })
})

export const diagflat: FunctionOf<TriangularOps["diagflat"]> = op("diagflat(input, offset?)", (x: Tensor, offset = 0) =>
  diagEmbed(reshape(x, [-1]), offset),
)

// ---- coordinates of triangles ----

export interface IndexOptions {
  dtype: DType
  device: string | Device
}
type IndexArgs = Args<[["row", number], ["col", number], ["offset", number]], IndexOptions>

const indices = (
  name: string,
  inside: (above: number, offset: number) => boolean,
): (<const A extends IndexArgs>(...args: A) => Tensor<[2, number], WantedIn<A, DefaultInt>>) =>
  op(
    `${name}(row, col, offset?, *, dtype?, device?)`,
    (row: number, col: number, offset = 0, dtype?: DType, device?: string | Device) => {
      checkSizes(name, [row, col])
      const kind = checkDtype(name, dtype) ?? DEFAULT_INT
      const rows: number[] = []
      const columns: number[] = []
      for (let i = 0; i < row; i++)
        for (let j = 0; j < col; j++)
          if (inside(j - i, offset)) {
            rows.push(i)
            columns.push(j)
          }
      const shape = [2, rows.length]
      const where = device === undefined || device === null ? getDefaultDevice() : deviceByName(name, device)
      return numelOf(shape)
        ? fromBits(where, toBits([...rows, ...columns], kind), shape, kind)
        : filled(where, shape, 0, kind)
    },
  )

/** Row and column numbers ([2, n], int32) of the lower triangle of a `row` × `col` matrix, in row-major order. */
export const trilIndices = indices("trilIndices", (above, offset) => above <= offset)
/** Row and column numbers ([2, n], int32) of the upper triangle of a `row` × `col` matrix, in row-major order. */
export const triuIndices = indices("triuIndices", (above, offset) => above >= offset)

export const triangularMethods: Family = { tril, tril_, triu, triu_, diag, diagEmbed, diagflat }
