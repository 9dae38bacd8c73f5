/** What the slots of a convolution's frame hold: a geometry and its blocks as numbers. Strides are in bytes. */
import { type ConvKernel, DTYPES } from "@taeda/core"
import { type Blocks, type InPlace, partsOf } from "./conv-blocks.ts"
import type { Folding } from "./conv-fold-plan.ts"
import {
  type ConvSlot,
  DIMS,
  type DimName,
  frameOf,
  type InputSlot,
  RESULT_STRIDES,
  type ResultStride,
} from "./conv-frame.ts"
import type { ConvGeometry, Image } from "./conv-geometry.ts"
import { isRun, runStride } from "./runs.ts"

/** A convolution that has been cut up. */
export interface CutConv {
  readonly geometry: ConvGeometry
  readonly blocks: Blocks
  readonly inPlace: InPlace
  readonly folding: Folding | null
  /** How many units one launched unit does, one after the other. */
  readonly unitsEach: number
}

/** All slots, those of the epilogue's inputs too. */
export function convFrame(kernel: ConvKernel, cut: CutConv): number[] {
  const { geometry: g } = cut
  const isFlat = hasFlatResult(cut)
  const inputs = g.inputs.map((image, k): Record<InputSlot, number> => {
    const { bytes } = DTYPES[kernel.epilogue!.inputs[k].dtype]
    return { address: image.address, ...strides("", resultStrides(g, image, isFlat, bytes)) }
  })
  const head: Record<ConvSlot, number> = {
    ...cutSlots(cut),
    bandInPlace: Number(cut.inPlace.band),
    otherInPlace: Number(cut.inPlace.other),
    resultInPlace: Number(cut.inPlace.result),
    flatResult: Number(isFlat),
    flatWeights: Number(hasFlatWeights(cut)),
    band: 0,
    rows: g.rows,
    channels: g.channels,
    ...sourceSlots(g),
    ...(g.pass === "weight" ? gradientSlots(g) : weightSlots(g)),
    result: g.result.address,
    ...strides("result", resultStrides(g, g.result, isFlat, g.format.bytes)),
    ...dimSlots(g),
    folded: Number(cut.folding !== null),
    foldedWeight: (cut.folding?.weightStride ?? 0) * g.format.bytes,
    ...perDim("image", cut.folding?.image ?? [0, 0, 0]),
  }
  return frameOf(head, inputs)
}

const perDim = <const Name extends string>(name: Name, values: readonly number[]) =>
  Object.fromEntries(DIMS.map((dim, k) => [`${name}${dim}`, values[k]])) as Record<`${Name}${DimName}`, number>

const strides = <const Name extends string>(name: Name, values: Readonly<Record<ResultStride, number>>) =>
  Object.fromEntries(RESULT_STRIDES.map((stride) => [`${name}${stride}`, values[stride]])) as Record<
    `${Name}${ResultStride}`,
    number
  >

const cutSlots = ({ geometry: g, blocks, unitsEach }: CutConv) => ({
  unitsEach,
  images: g.imageCount,
  rowBlock: blocks.rows,
  rowBlocks: Math.ceil(g.rows / blocks.rows),
  channelBlock: blocks.channels,
  channelBlocks: partsOf(g.channels, blocks.channels),
  tapBlock: blocks.taps,
  tapBlocks: partsOf(g.taps, blocks.taps),
  imageBlock: blocks.images,
  depthPositions: g.positions[0],
  heightBlock: blocks.height,
  heightBlocks: partsOf(g.positions[1], blocks.height),
  widthBlock: blocks.width,
  widthBlocks: partsOf(g.positions[2], blocks.width),
})

function sourceSlots({ source, format }: ConvGeometry) {
  const inBytes = (stride: number): number => stride * format.bytes
  return {
    source: source.address,
    sourceImage: inBytes(source.first.stride),
    sourceChannel: inBytes(source.second.stride),
    ...perDim("source", source.strides.map(inBytes)),
    sourceDepths: source.sizes[0],
    sourceHeights: source.sizes[1],
    sourceWidths: source.sizes[2],
  }
}

/** The other factor, in the gradient of weights: the gradient of the result. */
function gradientSlots({ gradient, rows, format }: ConvGeometry) {
  const inBytes = (stride: number): number => stride * format.bytes
  return {
    other: gradient.address,
    otherImage: inBytes(gradient.first.stride),
    otherGroup: inBytes(gradient.second.stride * rows),
    otherRow: inBytes(gradient.second.stride),
    otherChannel: 0,
    ...perDim("other", gradient.strides.map(inBytes)),
  }
}

/** The other factor, elsewhere: the weights, whose rows are output channels forward, and input channels in the input's gradient. */
function weightSlots({ pass, weights, groups, format }: ConvGeometry) {
  const inBytes = (stride: number): number => stride * format.bytes
  const [row, channel] = pass === "forward" ? [weights.first, weights.second] : [weights.second, weights.first]
  return {
    other: weights.address,
    otherImage: 0,
    otherGroup: inBytes(weights.first.stride * (weights.first.size / groups)),
    otherRow: inBytes(row.stride),
    otherChannel: inBytes(channel.stride),
    ...perDim("other", weights.strides.map(inBytes)),
  }
}

function dimSlots({ pass, dims, correlations }: ConvGeometry) {
  const ofEach = <const Name extends string>(name: Name, value: (k: number) => number) =>
    perDim(
      name,
      dims.map((_, k) => value(k)),
    )
  return {
    ...ofEach("resultStep", (k) => correlations[k].resultStep),
    ...ofEach("step", (k) => correlations[k].step),
    ...ofEach("tap", (k) => correlations[k].tap),
    ...ofEach("residues", (k) => correlations[k].residues.length),
    ...ofEach("kernel", (k) => dims[k].kernel),
    ...ofEach("kernelStep", (k) => correlations[k].kernelStep),
    ...ofEach("padding", (k) => dims[k].padding),
    ...ofEach("dilation", (k) => dims[k].dilation),
    ...ofEach("extent", (k) => (pass === "input" ? dims[k].input : dims[k].output)),
  }
}

/** The dims of a result that a flat block goes through by one stride: all of a row's weights, or a block's rows of positions. */
function flatDims(
  { pass, channels, weights, positions }: ConvGeometry,
  { second, strides }: Image,
): readonly [sizes: readonly number[], strides: readonly number[]] {
  if (pass !== "weight") return [positions.slice(1), strides.slice(1)]
  return [
    [channels, ...weights.sizes],
    [second.stride, ...strides],
  ]
}

/** Whether a unit's results of a row are one run, in the result and in all inputs of the epilogue. */
function hasFlatResult({ geometry: g, blocks, inPlace, folding }: CutConv): boolean {
  if (folding) return false
  if (g.pass !== "weight") {
    const areSumsFlat = inPlace.result || g.positions[2] % g.format.lanes.count === 0
    if (!areSumsFlat || g.residueCount > 1 || partsOf(g.positions[2], blocks.width) > 1) return false
  }
  return [g.result, ...g.inputs].every((image) => isRun(...flatDims(g, image)))
}

/** Whether all weights of a row are one run, which packs faster. */
const hasFlatWeights = ({ geometry: { pass, channels, taps, weights }, blocks }: CutConv): boolean =>
  pass === "forward" &&
  partsOf(taps, blocks.taps) === 1 &&
  isRun([channels, ...weights.sizes], [weights.second.stride, ...weights.strides]) &&
  (weights.strides[2] === 1 || channels * taps === 1)

/** The strides, of `bytes` each, of the result or an image like it. A flat block goes on along its columns from row to row. */
function resultStrides(g: ConvGeometry, image: Image, isFlat: boolean, bytes: number): Record<ResultStride, number> {
  const { pass, rows } = g
  const isWeight = pass === "weight"
  const { first, second } = image
  const row = isWeight ? first : second
  const [depth, height, width] = image.strides
  return {
    Image: isWeight ? 0 : first.stride * bytes,
    Group: row.stride * rows * bytes,
    Row: row.stride * bytes,
    Channel: isWeight ? second.stride * bytes : 0,
    Depth: depth * bytes,
    Height: height * bytes,
    Width: (isFlat ? runStride(...flatDims(g, image)) : width) * bytes,
  }
}
