/**
 * Convolutions (cross-correlations, as everywhere in deep learning) and transposed ones, in one to three dims.
 *
 * Input x, weight w and output y of a convolution belong to one trilinear form, T = Σ y·conv(x, w): the output is its
 * derivative by y, the transposed convolution that by x, the weight's gradient that by w. So three passes, each of which
 * has the other two as its gradients, give derivatives of every order.
 */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import type { ConvKernel } from "../kernel.ts"
import { type ConvGeometry, checkFactors, runConv, type Side, takeFollowing } from "../products.ts"
import { contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, needsGrad, type Tensor, track } from "../tensor.ts"
import type { ConvSignature, ConvTransposeSignature } from "../types/window-signatures.ts"
import { zeros } from "./creation.ts"
import { type PerDim, perDim } from "./per-dim.ts"
import { sum } from "./reduction.ts"
import { squeeze, unsqueeze } from "./views.ts"

/** The parts of the form. */
type Role = "x" | "w" | "y"

const PASS: Readonly<Record<Role, { readonly pass: ConvKernel["pass"]; readonly from: readonly [Role, Role] }>> = {
  y: { pass: "forward", from: ["x", "w"] },
  x: { pass: "input", from: ["y", "w"] },
  w: { pass: "weight", from: ["x", "y"] },
}

interface Context {
  readonly role: Role
  readonly geometry: ConvGeometry
  readonly shapes: readonly [Sizes, Sizes]
}

const rule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { role, geometry, shapes } = node.context as Context
    const { from } = PASS[role]
    const [wantsFirst, wantsSecond] = [node.needs(0), node.needs(1)]
    const gradient = (i: 0 | 1, other: Tensor): Tensor =>
      derivative(from[i], { [role]: g, [from[1 - i]!]: other }, shapes[i], geometry)
    const dims = g.shape.map((_, d) => d).filter((d) => d !== 1)
    return [
      wantsFirst ? gradient(0, node.get(0)) : null,
      wantsSecond ? gradient(1, node.get(wantsFirst ? 1 : 0)) : null,
      ...(node.next.length > 2 ? [node.needs(2) ? sum(g, dims) : null] : []),
    ]
  },
})
const CONVOLUTION = rule("ConvolutionBackward0")
const AGAIN = rule("ConvolutionBackwardBackward0")

/** The derivative of the form by `role`, of this shape, from the other two parts. `bias` is added per channel. */
function derivative(
  role: Role,
  parts: Partial<Record<Role, Tensor>>,
  shape: Sizes,
  geometry: ConvGeometry,
  bias: Tensor | null = null,
  by: Rule = AGAIN,
): Tensor {
  const { pass, from } = PASS[role]
  const [a, b] = [parts[from[0]]!, parts[from[1]]!]
  const out = computed(pass, a, b, shape, geometry, bias)
  const inputs = bias ? [a, b, bias] : [a, b]
  if (!needsGrad(inputs)) return out
  const context: Context = { role, geometry, shapes: [a.shape, b.shape] }
  return track(by, out, inputs, a.requiresGrad ? (b.requiresGrad ? [b, a] : [b]) : [a], context)
}

function computed(
  pass: ConvKernel["pass"],
  a: Tensor,
  b: Tensor,
  shape: Sizes,
  geometry: ConvGeometry,
  bias: Tensor | null,
): Tensor {
  const { device, dtype } = a
  // A sum of nothing: an empty batch.
  if (!bias && (numelOf(a.shape) === 0 || numelOf(b.shape) === 0)) return zeros(shape, { device, dtype })
  const out = allocate(device, shape, contiguousStrides(shape), dtype)
  const side: Side | null = bias && { tensor: bias, strides: shape.map((_, d) => (d === 1 ? bias.strides[0]! : 0)) }
  const finish = pass === "forward" ? takeFollowing(dtype as DType) : null
  if (numelOf(shape) > 0) runConv(pass, a, b, side, out, geometry, finish)
  return out
}

// ---- arguments ----

type Padding = PerDim | "same" | "valid"

/** The input with a batch dim, and how to take it off the result again. */
function batched(name: string, x: Tensor, w: Tensor, spatial: number): { x: Tensor; done: (y: Tensor) => Tensor } {
  if (w.ndim !== spatial + 2) throw new RangeError(`${name}: weight must have ${spatial + 2} dims, got ${sizesText(w)}`)
  if (x.ndim === spatial + 2) return { x, done: (y) => y }
  if (x.ndim !== spatial + 1)
    throw new RangeError(
      `${name}: expected ${spatial + 1}D (unbatched) or ${spatial + 2}D (batched) input, but got input of size: ${shapeText(x.shape)} (${tensorText(x)})`,
    )
  return { x: unsqueeze(x, 0), done: (y) => squeeze(y, 0) }
}

function checkGroups(name: string, groups: unknown, channels: number, w: Tensor): number {
  if (typeof groups !== "number" || !Number.isInteger(groups) || groups < 1)
    throw new RangeError(`${name}: groups must be a positive integer, got ${valueText(groups)}`)
  if (channels % groups !== 0 || w.shape[0]! % groups !== 0)
    throw new RangeError(
      `${name}: groups ${groups} must divide the ${channels} input channels and the ${w.shape[0]} of the weight's first dim (${tensorText(w)})`,
    )
  return groups
}

function checkBias(name: string, bias: Tensor | null, channels: number): void {
  if (bias && (bias.ndim !== 1 || bias.shape[0] !== channels))
    throw new RangeError(
      `${name}: expected bias to be 1-dimensional with ${channels} elements, one per output channel, but got ${sizesText(bias)}`,
    )
}

const convolution = <N extends 1 | 2 | 3>(spatial: N): ConvSignature<N> => {
  const name = `conv${spatial}d`
  return op(
    `${name}(input, weight, bias?, stride?, padding?, dilation?, groups?)`,
    (
      input: Tensor,
      w: Tensor,
      bias: Tensor | null = null,
      stride: PerDim = 1,
      padding: Padding = 0,
      dilation: PerDim = 1,
      groups = 1,
    ) => {
      checkFactors(name, bias ? [input, w, bias] : [input, w])
      const { x, done } = batched(name, input, w, spatial)
      checkGroups(name, groups, x.shape[1]!, w)
      if (x.shape[1] !== w.shape[1]! * groups)
        throw new RangeError(
          `${name}: given groups=${groups}, weight of size ${shapeText(w.shape)}, expected input ${shapeText(input.shape)} to have ${w.shape[1]! * groups} channels, but got ${x.shape[1]} channels instead`,
        )
      checkBias(name, bias, w.shape[0]!)
      const kernel = w.shape.slice(2)
      const s = perDim(name, "stride", stride, spatial, 1)
      const d = perDim(name, "dilation", dilation, spatial, 1)
      const reach = kernel.map((k, i) => d[i]! * (k - 1))
      const size = x.shape.slice(2)
      let before: readonly number[]
      let outSize: number[]
      if (padding === "same") {
        if (s.some((v) => v !== 1))
          throw new RangeError(
            `${name}: padding "same" is not supported for strided convolutions, got stride ${shapeText(s)}`,
          )
        // What an even kernel lacks is padded at the end: positions outside are zero, however many the output asks for.
        before = reach.map((r) => Math.floor(r / 2))
        outSize = size
      } else {
        if (typeof padding === "string" && padding !== "valid")
          throw new RangeError(
            `${name}: padding must be a number, a list, "same" or "valid", got ${valueText(padding)}`,
          )
        const p = perDim(name, "padding", padding === "valid" ? 0 : padding, spatial, 0)
        before = p
        outSize = size.map((n, i) => Math.floor((n + 2 * p[i]! - reach[i]! - 1) / s[i]!) + 1)
        if (kernel.includes(0) || size.some((n, i) => n + 2 * p[i]! < reach[i]! + 1))
          throw new RangeError(
            `${name}: calculated padded input size per channel: (${size.map((n, i) => n + 2 * p[i]!).join(" x ")}). Kernel size: (${reach.map((r) => r + 1).join(" x ")}). Kernel size can't be greater than actual input size (input ${shapeText(input.shape)}, weight ${shapeText(w.shape)})`,
          )
      }
      const geometry: ConvGeometry = { stride: s, padding: before, dilation: d, groups }
      return done(derivative("y", { x, w }, [x.shape[0]!, w.shape[0]!, ...outSize], geometry, bias, CONVOLUTION))
    },
  )
}

/**
 * Convolution: input [N, C, L] or [C, L], weight [O, C/groups, K], bias [O] → [N, O, L'] with
 * L' = ⌊(L + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1. `padding` may be "valid" (none) or "same" (L' = L).
 */
export const conv1d: ConvSignature<1> = convolution(1)
/** As `conv1d` over two spatial dims: input [N, C, H, W] or [C, H, W], weight [O, C/groups, KH, KW]. */
export const conv2d: ConvSignature<2> = convolution(2)
/** As `conv1d` over three spatial dims: input [N, C, D, H, W] or [C, D, H, W], weight [O, C/groups, KD, KH, KW]. */
export const conv3d: ConvSignature<3> = convolution(3)

const transposedConvolution = <N extends 1 | 2 | 3>(spatial: N): ConvTransposeSignature<N> => {
  const name = `convTranspose${spatial}d`
  return op(
    `${name}(input, weight, bias?, stride?, padding?, outputPadding?, groups?, dilation?)`,
    (
      input: Tensor,
      w: Tensor,
      bias: Tensor | null = null,
      stride: PerDim = 1,
      padding: PerDim = 0,
      outputPadding: PerDim = 0,
      groups = 1,
      dilation: PerDim = 1,
    ) => {
      checkFactors(name, bias ? [input, w, bias] : [input, w])
      const { x: y, done } = batched(name, input, w, spatial)
      checkGroups(name, groups, y.shape[1]!, w)
      if (y.shape[1] !== w.shape[0])
        throw new RangeError(
          `${name}: given transposed=1, weight of size ${shapeText(w.shape)}, expected input ${shapeText(input.shape)} to have ${w.shape[0]} channels, but got ${y.shape[1]} channels instead`,
        )
      const channels = w.shape[1]! * groups
      checkBias(name, bias, channels)
      const s = perDim(name, "stride", stride, spatial, 1)
      const p = perDim(name, "padding", padding, spatial, 0)
      const d = perDim(name, "dilation", dilation, spatial, 1)
      const extra = perDim(name, "outputPadding", outputPadding, spatial, 0)
      if (extra.some((e, i) => e >= s[i]! && e >= d[i]!))
        throw new RangeError(
          `${name}: output padding must be smaller than either stride or dilation, but got outputPadding ${shapeText(extra)}, stride ${shapeText(s)}, dilation ${shapeText(d)}`,
        )
      const size = y.shape
        .slice(2)
        .map((n, i) => (n - 1) * s[i]! - 2 * p[i]! + d[i]! * (w.shape[i + 2]! - 1) + extra[i]! + 1)
      if (size.some((n) => n < 1))
        throw new RangeError(
          `${name}: given input size per channel ${shapeText(y.shape.slice(2))}, the calculated output size per channel is too small (input ${shapeText(input.shape)}, weight ${shapeText(w.shape)}): ${shapeText(size)}`,
        )
      const geometry: ConvGeometry = { stride: s, padding: p, dilation: d, groups }
      return done(derivative("x", { y, w }, [y.shape[0]!, channels, ...size], geometry, bias, CONVOLUTION))
    },
  )
}

/**
 * Transposed convolution, the gradient of `conv1d` by its input: input [N, C, L] or [C, L], weight [C, O/groups, K],
 * bias [O] → [N, O, L'] with L' = (L − 1)·stride − 2·padding + dilation·(K − 1) + outputPadding + 1.
 */
export const convTranspose1d: ConvTransposeSignature<1> = transposedConvolution(1)
/** As `convTranspose1d` over two spatial dims. */
export const convTranspose2d: ConvTransposeSignature<2> = transposedConvolution(2)
/** As `convTranspose1d` over three spatial dims. */
export const convTranspose3d: ConvTransposeSignature<3> = transposedConvolution(3)
