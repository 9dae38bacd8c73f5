/** Copies: clone, contiguous, copy_. */
import { type Args, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { requireTensor } from "../checks.ts"
import type { DType } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { broadcastSizes, contiguousStrides, isContiguous, sameSizes } from "../shape.ts"
import { allocate, needsGrad, type Tensor, track } from "../tensor.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { Arg, Broadcast, Fits, List, Shape, Show, ShowTensor } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { zerosLike } from "./creation.ts"
import { copyAcross } from "./host.ts"
import { sumToSize } from "./sum-to-size.ts"

export type MemoryFormat = "preserve" | "contiguous"

export interface CopyingOps {
  /** A copy with memory of its own, part of the graph. `memoryFormat` "preserve" keeps the order of the strides. */
  clone: Elementwise<"same", Args<[], { memoryFormat: MemoryFormat }>>
  /** The tensor itself where its elements are in row-major order without gaps, else such a copy. */
  contiguous: Elementwise
  /** Copies `src` into this tensor, broadcast and converted; also from another device. */
  copy_: Copy
}

interface Copy {
  method: <Self extends Tensor, S extends Shape = OwnShape<Self>, R extends Shape = Shape, E extends DType = DType>(
    this: Self,
    src: Arg<CopiedInto<S, R, E>, Tensor<R, E> | { src: Tensor<R, E> }>,
  ) => Tensor<OwnShape<Self>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    src: Arg<CopiedInto<S, R, E>, Tensor<R, E> | { src: Tensor<R, E> }>,
  ) => Tensor<S, D>
}
type CopiedInto<S extends Shape, R extends Shape, E> =
  Broadcast<S, R, "copy_"> extends infer Q
    ? Q extends List
      ? Fits<S, Q> extends true
        ? S
        : `copy_: the size of ${ShowTensor<R, E>} does not broadcast to ${Show<S>}`
      : Q
    : never

export interface CopyingMethods extends MethodsOf<CopyingOps> {}

/** Writes `src`, broadcast and converted, into `out`; nothing is recorded. */
export function writeInto(out: Tensor, src: Tensor): Tensor {
  if (src.device !== out.device) copyAcross(out, src)
  else {
    // A kernel must not read what it writes.
    const from = src.storage === out.storage ? rowMajorCopy(src) : src
    runMap([out], { key: "copy", inputs: [from] }, ({ inputs: [x] }) => x!)
  }
  return out
}

/** A row-major copy; nothing is recorded. */
export const rowMajorCopy = (x: Tensor): Tensor =>
  writeInto(allocate(x.device, x.shape, contiguousStrides(x.shape), x.dtype), x)

const CLONE: Rule = { name: "CloneBackward0", backward: (_node, g) => [g] }

export const clone: FunctionOf<CopyingOps["clone"]> = op(
  "clone(input, *, memoryFormat?)",
  (x: Tensor, format: MemoryFormat = "preserve") => {
    if (format !== "preserve" && format !== "contiguous")
      throw new TypeError(`clone: memoryFormat must be "preserve" or "contiguous", got ${valueText(format)}`)
    const strides = format === "preserve" ? denseStrides(x.shape, x.strides) : contiguousStrides(x.shape)
    return track(CLONE, writeInto(allocate(x.device, x.shape, strides, x.dtype), x), [x])
  },
)

export const contiguous: FunctionOf<CopyingOps["contiguous"]> = op("contiguous(input)", (x: Tensor) =>
  isContiguous(x.shape, x.strides) ? x : clone(x, { memoryFormat: "contiguous" }),
)

const COPY: Rule = {
  name: "CopyBackwards",
  backward: (node, g) => {
    const { shape, dtype } = node.context as Tensor
    return [node.needs(0) ? zerosLike(g) : null, node.needs(1) ? sumToSize(to(g, dtype), shape) : null]
  },
}

export const copy_: FunctionOf<CopyingOps["copy_"]> = op("copy_(input, src)", (x: Tensor, src: Tensor) =>
  copyInto(x, src),
)

/** `copy_`, recorded. */
export function copyInto(x: Tensor, src: Tensor): Tensor {
  requireTensor("copy_", "src", src)
  if (!sameSizes(broadcastSizes("copy_", x.shape, src.shape), x.shape))
    throw new RangeError(`copy_: the size of ${tensorText(src)} does not broadcast to ${shapeText(x.shape)}`)
  checkInPlace("copy", x, [x, src])
  const node =
    needsGrad([x, src]) && x.isFloatingPoint()
      ? new OpNode(COPY, [x, src], [], { shape: src.shape, dtype: src.dtype })
      : null
  if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
  writeInto(x, src)
  recordInPlace(x, node)
  return x
}

export const copyingMethods: Family = { clone, contiguous, copy_ }
