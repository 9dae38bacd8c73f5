/** Joining: cat, stack and relatives. */
import { catalogued, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireSameDevice, requireTensor } from "../checks.ts"
import { type DType, promoteTypes } from "../dtype.ts"
import { shapeText, valueText } from "../errors.ts"
import { broadcastSizes, contiguousStrides, normalizeDim, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, isTensor, Tensor, track } from "../tensor.ts"
import type {
  AtLeastDims,
  BroadcastTensors,
  Combining,
  Joining,
  JoiningAll,
  MeshGrid,
} from "../types/joining-signatures.ts"
import type { Family } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { filled } from "./creation.ts"
import { expand, flatten, reshape, select, sliced, unsqueeze, view } from "./views.ts"

/** All joining functions take lists and stand in the namespace alone, as in PyTorch. */
export type JoiningMethods = object

/** The tensors of a list, checked. */
function listOf(name: string, tensors: unknown): readonly Tensor[] {
  if (!Array.isArray(tensors)) throw new TypeError(`${name}: expected an array of tensors, got ${valueText(tensors)}`)
  if (tensors.length === 0) throw new RangeError(`${name}: expected a non-empty list of tensors, got an empty one`)
  tensors.forEach((t, i) => requireTensor(name, `element ${i} of tensors`, t))
  requireSameDevice(name, ...(tensors as Tensor[]))
  return tensors as Tensor[]
}

const commonDtype = (tensors: readonly Tensor[]): DType => tensors.map((t) => t.dtype as DType).reduce(promoteTypes)

/** The part of `out` that piece `i` fills; only a view for kernels, outside of the graph. */
function part(out: Tensor, dim: number, start: number, length: number): Tensor {
  return new Tensor(
    out.storage,
    out.shape.with(dim, length),
    out.strides,
    out.offset + start * out.strides[dim]!,
    out.dtype,
  )
}

interface CatContext {
  readonly dim: number
  readonly shapes: readonly Sizes[]
  readonly dtypes: readonly DType[]
}

/** What PyTorch has always let pass: a 1-d tensor without elements joins with anything. */
const isNothing = (shape: Sizes): boolean => shape.length === 1 && shape[0] === 0

const CAT: Rule = {
  name: "CatBackward0",
  backward: (node, g) => {
    const { dim, shapes, dtypes } = node.context as CatContext
    let start = 0
    return shapes.map((shape, i) => {
      if (isNothing(shape) && g.ndim !== 1) return node.needs(i) ? filled(g.device, shape, 0, dtypes[i]!) : null
      const from = start
      start += shape[dim]!
      return node.needs(i) ? to(sliced(g, dim, from, shape[dim]!), dtypes[i]!) : null
    })
  },
}

function joined(name: string, given: unknown, dim: number): Tensor {
  const tensors = listOf(name, given)
  tensors.forEach((t, i) => {
    if (t.ndim === 0)
      throw new RangeError(`${name}: zero-dimensional tensor (at position ${i}) cannot be concatenated; use stack`)
  })
  const model = tensors.find((t) => !isNothing(t.shape)) ?? tensors[0]!
  const d = normalizeDim(name, dim, model.ndim)
  let length = 0
  tensors.forEach((t, i) => {
    if (isNothing(t.shape)) return
    if (t.ndim !== model.ndim)
      throw new RangeError(
        `${name}: Tensors must have same number of dimensions: got ${model.ndim} and ${t.ndim} (shapes ${shapeText(model.shape)} and ${shapeText(t.shape)})`,
      )
    const bad = t.shape.findIndex((s: number, k: number) => k !== d && s !== model.shape[k])
    if (bad >= 0)
      throw new RangeError(
        `${name}: Sizes of tensors must match except in dimension ${d}. Expected size ${model.shape[bad]} but got size ${t.shape[bad]} for tensor number ${i} in the list (shapes ${shapeText(model.shape)} and ${shapeText(t.shape)})`,
      )
    length += t.shape[d]!
  })
  const shape = model.shape.with(d, length)
  const out = allocate(model.device, shape, contiguousStrides(shape), commonDtype(tensors))
  let start = 0
  for (const t of tensors)
    if (!isNothing(t.shape)) {
      writeInto(part(out, d, start, t.shape[d]!), t)
      start += t.shape[d]!
    }
  return track(CAT, out, tensors, [], {
    dim: d,
    shapes: tensors.map((t) => t.shape),
    dtypes: tensors.map((t) => t.dtype),
  } satisfies CatContext)
}

/**
 * Joins along an existing dim: all shapes agree but for `dim`. Dtypes promote. Throws a RangeError that names the shapes
 * which do not fit.
 */
export const cat: Joining<"cat", "cat"> = op("cat(tensors, dim?)", (tensors: unknown, dim = 0) =>
  joined("cat", tensors, dim),
)
/** `cat`. */
export const concat: Joining<"cat", "concat"> = op("concat(tensors, dim?)", (tensors: unknown, dim = 0) =>
  joined("concat", tensors, dim),
)
/** `cat`. */
export const concatenate: Joining<"cat", "concatenate"> = op(
  "concatenate(tensors, dim?)",
  (tensors: unknown, dim = 0) => joined("concatenate", tensors, dim),
)

const STACK: Rule = {
  name: "StackBackward0",
  backward: (node, g) => {
    const { dim, dtypes } = node.context as Pick<CatContext, "dim" | "dtypes">
    return dtypes.map((dtype, i) => (node.needs(i) ? to(select(g, dim, i), dtype) : null))
  },
}

/** Joins along a new dim: all shapes agree. Dtypes promote. */
export const stack: Joining<"stack", "stack"> = op("stack(tensors, dim?)", (given: unknown, dim = 0) => {
  const tensors = listOf("stack", given)
  const first = tensors[0]!
  tensors.forEach((t, i) => {
    if (!sameSizes(t.shape, first.shape))
      throw new RangeError(
        `stack: expects each tensor to be equal size, but got ${shapeText(first.shape)} at entry 0 and ${shapeText(t.shape)} at entry ${i}`,
      )
  })
  const d = normalizeDim("stack", dim, first.ndim + 1)
  const shape = first.shape.toSpliced(d, 0, tensors.length)
  const out = allocate(first.device, shape, contiguousStrides(shape), commonDtype(tensors))
  const strides = out.strides.toSpliced(d, 1)
  tensors.forEach(
    (t, i) => void writeInto(new Tensor(out.storage, t.shape, strides, i * out.strides[d]!, out.dtype), t),
  )
  return track(STACK, out, tensors, [], { dim: d, dtypes: tensors.map((t) => t.dtype) })
})

function each<N extends 1 | 2 | 3>(name: string, change: (x: Tensor) => Tensor): AtLeastDims<N> {
  const call = (...args: unknown[]): Tensor | Tensor[] => {
    if (args.length === 1 && isTensor(args[0])) return change(args[0])
    return listOf(name, args.length === 1 ? args[0] : args).map(change)
  }
  return catalogued(
    `${name}(...tensors)`,
    Object.defineProperty(call, "name", { value: name }) as unknown as AtLeastDims<N>,
  )
}

/** A 0-d tensor as one of shape [1]; others as they are. */
export const atleast1d: AtLeastDims<1> = each("atleast1d", (x) => (x.ndim ? x : reshape(x, [1])))
/** Dims of size 1 put in front until there are two. */
export const atleast2d: AtLeastDims<2> = each("atleast2d", (x) =>
  x.ndim === 0 ? reshape(x, [1, 1]) : x.ndim === 1 ? unsqueeze(x, 0) : x,
)
/** Dims of size 1 added until there are three: [n] becomes [1, n, 1], [n, m] becomes [n, m, 1]. */
export const atleast3d: AtLeastDims<3> = each("atleast3d", (x) =>
  x.ndim === 0
    ? reshape(x, [1, 1, 1])
    : x.ndim === 1
      ? unsqueeze(unsqueeze(x, 0), -1)
      : x.ndim === 2
        ? unsqueeze(x, -1)
        : x,
)

/** Joins side by side: along dim 1, or dim 0 for 1-d tensors. */
export const hstack: JoiningAll<"columns", "hstack"> = op("hstack(tensors)", (tensors: unknown) => {
  const list = listOf("hstack", tensors).map((t) => atleast1d(t))
  return joined("hstack", list, list[0]!.ndim === 1 ? 0 : 1)
})
/** Joins as rows, along dim 0; 1-d tensors are rows. */
export const vstack: JoiningAll<"rows", "vstack"> = op("vstack(tensors)", (tensors: unknown) =>
  joined(
    "vstack",
    listOf("vstack", tensors).map((t) => atleast2d(t)),
    0,
  ),
)
/** `vstack`. */
export const rowStack: JoiningAll<"rows", "rowStack"> = op("rowStack(tensors)", (tensors: unknown) =>
  joined(
    "rowStack",
    listOf("rowStack", tensors).map((t) => atleast2d(t)),
    0,
  ),
)
/** Joins along dim 2. */
export const dstack: JoiningAll<"layers", "dstack"> = op("dstack(tensors)", (tensors: unknown) =>
  joined(
    "dstack",
    listOf("dstack", tensors).map((t) => atleast3d(t)),
    2,
  ),
)
/** Joins as columns; 1-d tensors are columns. */
export const columnStack: JoiningAll<"asColumns", "columnStack"> = op("columnStack(tensors)", (tensors: unknown) =>
  joined(
    "columnStack",
    listOf("columnStack", tensors).map((t) => (t.ndim <= 1 ? reshape(t, [t.numel(), 1]) : t)),
    1,
  ),
)

/**
 * The coordinates of a grid: tensor `i` of the result holds the elements of 1-d (or 0-d) tensor `i` along dim `i`.
 * `indexing` "xy" swaps the first two dims, as plots have it. Views.
 */
export const meshgrid: MeshGrid = op(
  "meshgrid(...tensors, *, indexing?)",
  (given: unknown, indexing: "ij" | "xy" = "ij") => {
    const tensors = listOf("meshgrid", given)
    if (indexing !== "ij" && indexing !== "xy")
      throw new RangeError(`meshgrid: indexing must be one of "xy" or "ij", but received ${valueText(indexing)}`)
    const swap = indexing === "xy" && tensors.length > 1
    tensors.forEach((t) => {
      if (t.ndim > 1)
        throw new RangeError(`meshgrid: Expected 0D or 1D tensor in the tensor list but got ${shapeText(t.shape)}`)
      if (t.dtype !== tensors[0]!.dtype)
        throw new TypeError(
          `meshgrid: expects all tensors to have the same dtype, got ${tensors.map((x) => x.dtype).join(", ")}`,
        )
    })
    const dimOf = (i: number): number => (swap && i < 2 ? 1 - i : i)
    const shape = new Array<number>(tensors.length)
    tensors.forEach((t, i) => (shape[dimOf(i)] = t.numel()))
    return tensors.map((t, i) =>
      expand(
        view(
          t,
          shape.map((_, d) => (d === dimOf(i) ? t.numel() : 1)),
        ),
        shape,
      ),
    )
  },
)

/** Views of all tensors in their common shape. */
export const broadcastTensors: BroadcastTensors = op("broadcastTensors(...tensors)", (given: unknown) => {
  const tensors = listOf("broadcastTensors", given)
  const shape = broadcastSizes("broadcastTensors", ...tensors.map((t) => t.shape))
  return tensors.map((t) => (sameSizes(t.shape, shape) ? t : expand(t, shape)))
})

/** All combinations of one element of each 1-d tensor, as rows; of one tensor, itself. */
export const cartesianProd: Combining<"cartesianProd"> = op("cartesianProd(...tensors)", (given: unknown) => {
  const tensors = listOf("cartesianProd", given)
  tensors.forEach((t) => {
    if (t.ndim !== 1) throw new RangeError(`cartesianProd: Expect a 1D vector, but got shape ${shapeText(t.shape)}`)
  })
  return tensors.length === 1
    ? tensors[0]!
    : stack(
        meshgrid(tensors).map((t) => flatten(t)),
        1,
      )
})

const BLOCK_DIAG: Rule = {
  name: "BlockDiagBackward0",
  backward: (node, g) => {
    const { shapes, dtypes } = node.context as CatContext
    let [row, column] = [0, 0]
    return shapes.map((shape, i) => {
      const [rows, columns] = matrixShape(shape)
      const block = node.needs(i) ? sliced(sliced(g, 0, row, rows), 1, column, columns) : null
      row += rows
      column += columns
      return block && to(reshape(block, shape), dtypes[i]!)
    })
  },
}

/** A vector counts as a row, a number as a matrix of one element. */
const matrixShape = (shape: Sizes): [number, number] =>
  shape.length === 2 ? [shape[0]!, shape[1]!] : [1, numelOf(shape)]

/** The matrices (vectors as rows, 0-d tensors as 1 × 1) along the diagonal of a matrix of zeros. */
export const blockDiag: Combining<"blockDiag"> = op("blockDiag(...tensors)", (given: unknown) => {
  const tensors = listOf("blockDiag", given)
  tensors.forEach((t, i) => {
    if (t.ndim > 2)
      throw new RangeError(
        `blockDiag: Input tensors must have 2 or fewer dimensions. Input ${i} has ${t.ndim} dimensions (${shapeText(t.shape)})`,
      )
  })
  const sizes = tensors.map((t) => matrixShape(t.shape))
  const shape = [0, 1].map((d) => sizes.reduce((n, s) => n + s[d]!, 0))
  const out = filled(tensors[0]!.device, shape, 0, commonDtype(tensors))
  let [row, column] = [0, 0]
  tensors.forEach((t, i) => {
    const [rows, columns] = sizes[i]!
    const flat = t.ndim === 2 ? t : new Tensor(t.storage, [rows, columns], [0, t.strides[0] ?? 0], t.offset, t.dtype)
    writeInto(part(part(out, 0, row, rows), 1, column, columns), flat)
    row += rows
    column += columns
  })
  return track(BLOCK_DIAG, out, tensors, [], {
    dim: 0,
    shapes: tensors.map((t) => t.shape),
    dtypes: tensors.map((t) => t.dtype),
  } satisfies CatContext)
})

export const joiningMethods: Family = {}
