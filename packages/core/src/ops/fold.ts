/** Sliding blocks: unfold and fold. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { shapeText, sizesText } from "../errors.ts"
import { ints, type Movement, pull, pullRule, pushRaw } from "../movement.ts"
import { type Tensor, track } from "../tensor.ts"
import type { Col2ImSignature, Im2ColSignature } from "../types/window-signatures.ts"
import { type PerDim, perDim } from "./per-dim.ts"

type Pair = readonly [number, number]

const pair = (op: string, what: string, value: PerDim, least: number): Pair =>
  perDim(op, what, value, 2, least) as unknown as Pair

interface Windows {
  readonly kernel: Pair
  readonly dilation: Pair
  readonly padding: Pair
  readonly stride: Pair
  /** Rows and columns of blocks. */
  readonly blocks: Pair
}

function windowsOf(
  op: string,
  size: Pair,
  kernelSize: PerDim,
  dilation: PerDim,
  padding: PerDim,
  stride: PerDim,
): Windows {
  const kernel = pair(op, "kernelSize", kernelSize, 1)
  const apart = pair(op, "dilation", dilation, 1)
  const edge = pair(op, "padding", padding, 0)
  const step = pair(op, "stride", stride, 1)
  const count = (d: 0 | 1): number => Math.floor((size[d] + 2 * edge[d] - apart[d] * (kernel[d] - 1) - 1) / step[d]) + 1
  return { kernel, dilation: apart, padding: edge, stride: step, blocks: [count(0), count(1)] }
}

/** From images [n, channels, rows, columns] to blocks [n, channels · kernel, blocks]; a batch dim of 1 may be left out. */
function blockMovement(op: string, batch: readonly number[], channels: number, size: Pair, w: Windows): Movement {
  const n = batch[0] ?? 1
  const { kernel, dilation, padding, stride, blocks } = w
  return {
    op,
    key: "blocks",
    shape: [...batch, channels, ...size],
    from: [n, channels, ...size],
    result: [...batch, channels * kernel[0] * kernel[1], blocks[0] * blocks[1]],
    to: [n, channels, ...kernel, ...blocks],
    scalars: ints([...stride, ...dilation, ...padding]),
    terms: [
      ({ at: [b, c, ky, kx, y, x], scalars: [sy, sx, dy, dx, py, px] }) => ({
        coordinates: [b!, c!, y!.mul(sy!).add(ky!.mul(dy!)).sub(py!), x!.mul(sx!).add(kx!.mul(dx!)).sub(px!)],
      }),
    ],
  }
}

const IM2COL = pullRule("Im2ColBackward0")

/**
 * `nn.functional.unfold`: every block of `kernelSize` of [n, channels, rows, columns] (or without n) as a column: shape
 * [n, channels · kernel, blocks]. Outside of the image is 0.
 */
export const im2col: Im2ColSignature = op(
  "im2col(input, kernelSize, dilation?, padding?, stride?)",
  (x: Tensor, kernelSize: PerDim, dilation: PerDim = 1, padding: PerDim = 0, stride: PerDim = 1) => {
    if (x.ndim !== 3 && x.ndim !== 4)
      throw new RangeError(`unfold: Expected 3D or 4D input tensor [n?, channels, rows, columns], got ${sizesText(x)}`)
    const [channels, rows, columns] = x.shape.slice(-3) as [number, number, number]
    const w = windowsOf("unfold", [rows, columns], kernelSize, dilation, padding, stride)
    if (w.blocks[0] < 1 || w.blocks[1] < 1)
      throw new RangeError(
        `unfold: Given input with spatial size ${shapeText([rows, columns])} (shape ${shapeText(x.shape)}), kernelSize ${shapeText(w.kernel)}, dilation ${shapeText(w.dilation)}, padding ${shapeText(w.padding)}, calculated shape of the array of sliding blocks as ${shapeText(w.blocks)}, but its components must be at least one.`,
      )
    return pull(x, blockMovement("unfold", x.shape.slice(0, -3), channels, [rows, columns], w), IM2COL)
  },
)

const COL2IM: Rule = { name: "Col2ImBackward0", backward: (node, g) => [pull(g, node.context as Movement, IM2COL)] }

/**
 * `nn.functional.fold`, the transpose of `im2col`: blocks [n, channels · kernel, blocks] (or without n) added up in an image
 * of `outputSize`: shape [n, channels, rows, columns].
 */
export const col2im: Col2ImSignature = op(
  "col2im(input, outputSize, kernelSize, dilation?, padding?, stride?)",
  (
    x: Tensor,
    outputSize: PerDim,
    kernelSize: PerDim,
    dilation: PerDim = 1,
    padding: PerDim = 0,
    stride: PerDim = 1,
  ) => {
    if (x.ndim !== 2 && x.ndim !== 3)
      throw new RangeError(`fold: Expected 2D or 3D input tensor [n?, channels · kernel, blocks], got ${sizesText(x)}`)
    const size = pair("fold", "outputSize", outputSize, 1)
    const w = windowsOf("fold", size, kernelSize, dilation, padding, stride)
    const [rows, blocks] = x.shape.slice(-2) as [number, number]
    const area = w.kernel[0] * w.kernel[1]
    if (rows % area)
      throw new RangeError(
        `fold: Expected size of input's dimension 1 to be divisible by the product of kernelSize, but got ${sizesText(x)} and kernelSize ${shapeText(w.kernel)}`,
      )
    const expected = w.blocks[0] * w.blocks[1]
    if (w.blocks[0] < 1 || w.blocks[1] < 1 || blocks !== expected)
      throw new RangeError(
        `fold: Given outputSize ${shapeText(size)}, kernelSize ${shapeText(w.kernel)}, dilation ${shapeText(w.dilation)}, padding ${shapeText(w.padding)}, stride ${shapeText(w.stride)}, expected size of input's dimension 2 to match the calculated number of sliding blocks ${w.blocks[0]} * ${w.blocks[1]} = ${expected}, but got ${blocks} (${sizesText(x)})`,
      )
    const m = blockMovement("fold", x.shape.slice(0, -2), rows / area, size, w)
    return track(COL2IM, pushRaw(x, m), [x], [], m)
  },
)
