/**
 * The geometry of a convolution. Forward, and the gradient of the input, are correlations: a result at a position is a sum over
 * channels and taps of a source. With a stride, the gradient of the input falls into one correlation for each residue of the
 * result's coordinates, which has only the taps that hit. The gradient of the weights goes through the same vectors of a source.
 */
import { type ConvKernel, DTYPES } from "@taeda/core"
import { FORMATS, type Format } from "./formats.ts"
import type { PlacedOperand } from "./launch-plan.ts"

export type Triple = readonly [number, number, number]

/** An operand with three spatial dims; strides are in elements. */
export interface Image {
  readonly address: number
  readonly first: { readonly size: number; readonly stride: number }
  readonly second: { readonly size: number; readonly stride: number }
  readonly sizes: Triple
  readonly strides: Triple
}

/** A convolution along one dim. */
export interface Dim {
  readonly input: number
  readonly kernel: number
  readonly output: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

/** A residue of a dim: its taps, the first position's first coordinate in the source, its positions. */
interface Residue {
  readonly taps: number
  readonly origin: number
  readonly positions: number
}

/** The correlation along one dim, for each residue. */
export interface Correlation {
  /** How far apart the coordinates of neighbouring positions are in the source. */
  readonly step: number
  /** And those of neighbouring taps; negative where they go backwards. */
  readonly tap: number
  /** How far apart neighbouring positions are in the result. */
  readonly resultStep: number
  /** How far apart neighbouring taps are in the kernel. */
  readonly kernelStep: number
  readonly residues: readonly Residue[]
}

export interface ConvGeometry {
  readonly pass: ConvKernel["pass"]
  readonly format: Format
  readonly dims: readonly Dim[]
  readonly correlations: readonly Correlation[]
  /** What is read by taps: the input, or in its own gradient that of the result. */
  readonly source: Image
  /** The weights, or their gradient. */
  readonly weights: Image
  /** What has the positions: the result of the convolution or its gradient, or the gradient of the input. */
  readonly gradient: Image
  readonly result: Image
  /** The epilogue's. */
  readonly inputs: readonly Image[]
  readonly imageCount: number
  readonly groups: number
  /** The rows of a group's product, and the channels that it goes through. */
  readonly rows: number
  readonly channels: number
  /** The most taps, positions and reach of the taps that a residue has. */
  readonly taps: number
  readonly positions: Triple
  readonly reach: Triple
  readonly residueCount: number
}

export const convFormat = (kernel: ConvKernel): Format => {
  const { kind } = DTYPES[kernel.dtype]
  if (kind !== "float") throw new TypeError(`conv: ${kernel.dtype} has no convolutions here, only float types have`)
  return FORMATS[kernel.dtype as "float32"]
}

/** Fewer than three dims become the last of three. */
const triple = (list: readonly number[], fill: number): Triple => {
  const [d, h, w] = [...Array<number>(3 - list.length).fill(fill), ...list]
  return [d, h, w]
}

const imageOf = ({ address, sizes, strides }: PlacedOperand): Image => ({
  address,
  first: { size: sizes[0], stride: strides[0] },
  second: { size: sizes[1], stride: strides[1] },
  sizes: triple(sizes.slice(2), 1),
  strides: triple(strides.slice(2), 0),
})

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1)

type Roles = Pick<ConvGeometry, "source" | "weights" | "gradient">

const ROLES: Readonly<Record<ConvKernel["pass"], (a: Image, b: Image, out: Image) => Roles>> = {
  forward: (x, w, y) => ({ source: x, weights: w, gradient: y }),
  input: (gy, w, gx) => ({ source: gy, weights: w, gradient: gx }),
  weight: (x, gy, gw) => ({ source: x, weights: gw, gradient: gy }),
}

/**
 * @param operands two operands, the epilogue's inputs, the result
 * @param scalars stride.., padding.., dilation.., groups
 */
export function geometryOf(
  kernel: ConvKernel,
  operands: readonly PlacedOperand[],
  scalars: readonly number[],
): ConvGeometry {
  const { pass, spatial } = kernel
  const ordered = [operands[0], operands[1], operands[operands.length - 1], ...operands.slice(2, -1)].map(imageOf)
  const given = ROLES[pass](ordered[0], ordered[1], ordered[2])
  const [dims, [a, b, result, ...inputs]] = flattened(dimsOf(pass, spatial, scalars, given), ordered)
  const { source, weights, gradient } = ROLES[pass](a, b, result)
  const correlations = dims.map((dim) => correlationOf(pass, dim))
  const groups = scalars[3 * spatial]
  return {
    pass,
    format: convFormat(kernel),
    dims,
    correlations,
    source,
    weights,
    gradient,
    result,
    inputs,
    imageCount: source.first.size,
    groups,
    rows: (pass === "weight" ? gradient : result).second.size / groups,
    channels: source.second.size / groups,
    taps: product(correlations.map(({ residues }) => Math.max(...residues.map((r) => r.taps)))),
    positions: correlations.map(({ residues }) => Math.max(...residues.map((r) => r.positions))) as unknown as Triple,
    reach: correlations.map(reachOf) as unknown as Triple,
    residueCount: product(correlations.map(({ residues }) => residues.length)),
  }
}

function dimsOf(
  pass: ConvKernel["pass"],
  spatial: number,
  scalars: readonly number[],
  { source, weights, gradient }: Roles,
): readonly Dim[] {
  const [stride, padding, dilation] = [0, 1, 2].map((part) =>
    triple(scalars.slice(part * spatial, (part + 1) * spatial), part === 1 ? 0 : 1),
  )
  const [inner, outer] = pass === "input" ? [gradient, source] : [source, gradient]
  return [0, 1, 2].map((k) => ({
    input: inner.sizes[k],
    kernel: weights.sizes[k],
    output: outer.sizes[k],
    stride: stride[k],
    padding: padding[k],
    dilation: dilation[k],
  }))
}

/** Dims that are all of one tap, one step and no padding are one dim, where the strides allow it. */
function flattened(dims: readonly Dim[], images: readonly Image[]): [readonly Dim[], readonly Image[]] {
  const isPlain = dims.every((d) => d.kernel === 1 && d.stride === 1 && d.padding === 0)
  const isFlat = (image: Image): boolean =>
    image.sizes.every((size, k) => {
      const after = product(image.sizes.slice(k + 1))
      return size === 1 || image.strides[k] === after * image.strides[2]
    })
  if (!isPlain || !images.every(isFlat)) return [dims, images]
  const one: Dim = { input: 1, kernel: 1, output: 1, stride: 1, padding: 0, dilation: 1 }
  const last = { ...one, input: product(dims.map((d) => d.input)), output: product(dims.map((d) => d.output)) }
  const flat = images.map(
    (image): Image => ({ ...image, sizes: [1, 1, product(image.sizes)], strides: [0, 0, image.strides[2]] }),
  )
  return [[one, one, last], flat]
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

function correlationOf(pass: ConvKernel["pass"], dim: Dim): Correlation {
  const { input, kernel, output, stride, padding, dilation } = dim
  if (pass !== "input") {
    const residue = { taps: kernel, origin: -padding, positions: output }
    return { step: stride, tap: dilation, resultStep: 1, kernelStep: 1, residues: [residue] }
  }
  const kernelStep = stride / gcd(stride, dilation)
  const tap = -(kernelStep * dilation) / stride
  const residues = Array.from({ length: Math.min(stride, input) }, (_, k) => residueOf(dim, k, kernelStep, tap))
  return { step: 1, tap, resultStep: stride, kernelStep, residues }
}

/** The taps of an input's gradient at the coordinates `residue`, `residue + stride`, ... */
function residueOf(
  { input, kernel, stride, padding, dilation }: Dim,
  residue: number,
  kernelStep: number,
  tap: number,
): Residue {
  // Every so many-th tap hits, from the first one for which the source's coordinate is whole.
  const distance = (k: number): number => residue + padding - k * dilation
  let first = 0
  while (first < Math.min(kernel, stride) && distance(first) % stride !== 0) first++
  const hits = first < kernel && distance(first) % stride === 0
  const taps = hits ? Math.ceil((kernel - first) / kernelStep) : 0
  const last = hits ? distance(first) / stride : 0
  return {
    taps,
    origin: last + Math.max(0, taps - 1) * tap,
    positions: Math.ceil((input - residue) / stride),
  }
}

/** How far the taps of a dim reach. */
const reachOf = ({ tap, residues }: Correlation): number =>
  Math.max(...residues.map(({ taps }) => Math.max(0, taps - 1) * Math.abs(tap)))

/** Whether nothing outside of the source is ever read. */
export const staysInside = ({ correlations, source }: ConvGeometry): boolean =>
  correlations.every(({ step, tap, residues }, k) =>
    residues.every(({ taps, origin, positions }) => {
      if (positions === 0 || taps === 0) return true
      return origin >= 0 && origin + (positions - 1) * step + (taps - 1) * Math.abs(tap) < source.sizes[k]
    }),
  )
