/**
 * How a convolution is launched: its geometry as numbers in a frame, and how it is cut into units of work.
 *
 * Forward, and the gradient of the input, are correlations: a result at a position is a sum over channels and taps of a source. With
 * a stride, the gradient of the input falls into one correlation for each residue of the result's coordinates, which has only the
 * taps that hit. The gradient of the weights multiplies the same vectors of a source with those of the result's gradient.
 */
import { type ConvKernel, DTYPES } from "@taeda/core"
import { FORMATS, type Format, isNative } from "./formats.ts"
import type { LaunchPlan, PlacedOperand } from "./product-block.ts"
import { PANEL_ROWS } from "./tile.ts"

/** The slots of a frame, before those of the epilogue's inputs. */
export const CONV_HEAD = [
  // how it is cut
  "unitsEach",
  "images",
  "rowBlock",
  "rowBlocks",
  "channelBlock",
  "channelBlocks",
  "tapBlock",
  "tapBlocks",
  "imageBlock",
  "depthPositions",
  "heightBlock",
  "heightBlocks",
  "widthBlock",
  "widthBlocks",
  // what is read and written where it stands
  "bandInPlace",
  "otherInPlace",
  "resultInPlace",
  "flatResult",
  "flatWeights",
  "band",
  // per group
  "rows",
  "channels",
  // the source
  "source",
  "sourceImage",
  "sourceChannel",
  "sourceDepth",
  "sourceHeight",
  "sourceWidth",
  "sourceDepths",
  "sourceHeights",
  "sourceWidths",
  // the weights, or the gradient of the result: strides of images or groups, rows, channels, and along the dims
  "other",
  "otherImage",
  "otherGroup",
  "otherRow",
  "otherChannel",
  "otherDepth",
  "otherHeight",
  "otherWidth",
  // the result
  "result",
  "resultImage",
  "resultGroup",
  "resultRow",
  "resultChannel",
  "resultDepth",
  "resultHeight",
  "resultWidth",
  // per dim: how far apart the coordinates of neighbouring positions of the result, of the source, and of neighbouring taps are
  "resultStepDepth",
  "resultStepHeight",
  "resultStepWidth",
  "stepDepth",
  "stepHeight",
  "stepWidth",
  "tapDepth",
  "tapHeight",
  "tapWidth",
  // per dim: how many residues there are; the kernel, and how far apart the taps of one residue are in it
  "residuesDepth",
  "residuesHeight",
  "residuesWidth",
  "kernelDepth",
  "kernelHeight",
  "kernelWidth",
  "kernelStepDepth",
  "kernelStepHeight",
  "kernelStepWidth",
  "paddingDepth",
  "paddingHeight",
  "paddingWidth",
  "dilationDepth",
  "dilationHeight",
  "dilationWidth",
  "extentDepth",
  "extentHeight",
  "extentWidth",
] as const
export type ConvSlot = (typeof CONV_HEAD)[number]

/** An input of the epilogue: address, then strides as of the result. */
export const INPUT_SLOTS = ["address", "image", "group", "row", "channel", "depth", "height", "width"] as const

/** A residue of a dim: its taps, the band's first coordinate in the source, its positions. */
interface Residue {
  readonly taps: number
  readonly origin: number
  readonly positions: number
}

/** Where things stand in a thread's scratch memory, and how much room they have. */
export const CONV_SCRATCH = {
  tile: 0,
  mask: 1024,
  taps: 2048,
  weightOffsets: 2048 + (16 << 10),
  tileOffsets: 2048 + (32 << 10),
  from: 4096 + (32 << 10),
  to: 4096 + (64 << 10),
  panels: 4096 + (96 << 10),
  sums: 4096 + (352 << 10),
  other: 4096 + (864 << 10),
  band: 4096 + (1248 << 10),
  end: 2 << 20,
} as const

const SUMS_BYTES = CONV_SCRATCH.other - CONV_SCRATCH.sums
const OTHER_BYTES = CONV_SCRATCH.band - CONV_SCRATCH.other
const BAND_BYTES = CONV_SCRATCH.end - CONV_SCRATCH.band
/** What is read or written behind the end of a band. */
const SLACK = 64
/** The most vectors of positions of a unit: what the tables of offsets have room for. */
const MAX_VECTORS = (CONV_SCRATCH.to - CONV_SCRATCH.from) / 4 - 64
/** The most bytes of a row of weights that are multiplied at once. */
const MAX_DEPTH_BYTES = 2048
/** The most rows of results of a unit. */
const MAX_ROWS = 96
/** Bytes of a band beyond which a unit takes fewer rows. */
const GOOD_BAND_BYTES = 256 << 10
/** Multiplications beyond which a unit takes fewer rows. */
const GOOD_UNIT = 1 << 24

export const convFormat = (kernel: ConvKernel): Format => {
  const { kind } = DTYPES[kernel.dtype]
  if (kind !== "float") throw new TypeError(`conv: ${kernel.dtype} has no convolutions here, only float types have`)
  return FORMATS[kernel.dtype as "float32"]
}

type Triple = readonly [number, number, number]
const DIMS = [0, 1, 2] as const
const SUFFIX = ["Depth", "Height", "Width"] as const

/** Fewer than three dims become the last of three. */
const triple = (list: readonly number[], fill: number): Triple => {
  const [d, h, w] = [...Array<number>(3 - list.length).fill(fill), ...list]
  return [d, h, w]
}

/** An operand with three spatial dims. */
interface Image {
  readonly address: number
  readonly first: { readonly size: number; readonly stride: number }
  readonly second: { readonly size: number; readonly stride: number }
  readonly sizes: Triple
  readonly strides: Triple
}

const imageOf = ({ address, sizes, strides }: PlacedOperand): Image => ({
  address,
  first: { size: sizes[0], stride: strides[0] },
  second: { size: sizes[1], stride: strides[1] },
  sizes: triple(sizes.slice(2), 1),
  strides: triple(strides.slice(2), 0),
})

/** A convolution along one dim. */
interface Dim {
  readonly input: number
  readonly kernel: number
  readonly output: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

/** The correlation along one dim, for each residue. */
interface DimPlan {
  readonly step: number
  readonly tap: number
  readonly resultStep: number
  readonly kernelStep: number
  readonly residues: readonly Residue[]
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

function planDim(pass: ConvKernel["pass"], { input, kernel, output, stride, padding, dilation }: Dim): DimPlan {
  if (pass !== "input") {
    const residue = { taps: kernel, origin: -padding, positions: output }
    return { step: stride, tap: dilation, resultStep: 1, kernelStep: 1, residues: [residue] }
  }
  const kernelStep = stride / gcd(stride, dilation)
  const tap = -(kernelStep * dilation) / stride
  const residues = Array.from({ length: Math.min(stride, input) }, (_, residue) => {
    let firstKernel = 0
    while (firstKernel < Math.min(kernel, stride) && (residue + padding - firstKernel * dilation) % stride !== 0)
      firstKernel++
    const hits = firstKernel < kernel && (residue + padding - firstKernel * dilation) % stride === 0
    const taps = hits ? Math.ceil((kernel - firstKernel) / kernelStep) : 0
    const last = hits ? (residue + padding - firstKernel * dilation) / stride : 0
    return {
      taps,
      origin: last + Math.max(0, taps - 1) * tap,
      positions: Math.ceil((input - residue) / stride),
    }
  })
  return { step: 1, tap, resultStep: stride, kernelStep, residues }
}

/** How far the taps of a dim reach. */
const extent = ({ tap, residues }: DimPlan): number =>
  Math.max(...residues.map(({ taps }) => Math.max(0, taps - 1) * Math.abs(tap)))

const positionsOf = ({ residues }: DimPlan): number => Math.max(...residues.map((r) => r.positions))

/** Whether nothing outside of the source is ever read, the columns being side by side. */
const staysInside = (dims: readonly DimPlan[], sizes: Triple): boolean =>
  dims.every(({ step, tap, residues }, k) =>
    residues.every(({ taps, origin, positions }) => {
      if (positions === 0 || taps === 0) return true
      return origin >= 0 && origin + (positions - 1) * step + (taps - 1) * Math.abs(tap) < sizes[k]
    }),
  )

/** Dims that are all of one tap, one step and no padding are one dim, where the strides allow it. */
function flattened(dims: readonly Dim[], images: readonly Image[]): [readonly Dim[], readonly Image[]] {
  const isPlain = dims.every((d) => d.kernel === 1 && d.stride === 1 && d.padding === 0)
  const isFlat = (image: Image): boolean =>
    image.sizes.every((size, k) => {
      const after = image.sizes.slice(k + 1).reduce((a, b) => a * b, 1)
      return size === 1 || image.strides[k] === after * image.strides[2]
    })
  if (!isPlain || !images.every(isFlat)) return [dims, images]
  const count = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
  const one: Dim = { input: 1, kernel: 1, output: 1, stride: 1, padding: 0, dilation: 1 }
  const last = { ...one, input: count(dims.map((d) => d.input)), output: count(dims.map((d) => d.output)) }
  const flat = images.map(
    (image): Image => ({ ...image, sizes: [1, 1, count(image.sizes)], strides: [0, 0, image.strides[2]] }),
  )
  return [[one, one, last], flat]
}

interface Roles {
  readonly source: Image
  readonly weights: Image
  readonly gradient: Image
}

const ROLES: Readonly<Record<ConvKernel["pass"], (a: Image, b: Image, out: Image) => Roles>> = {
  forward: (x, w, y) => ({ source: x, weights: w, gradient: y }),
  input: (gy, w, gx) => ({ source: gy, weights: w, gradient: gx }),
  weight: (x, gy, gw) => ({ source: x, weights: gw, gradient: gy }),
}

/** The largest block of `size` that is at most `most`, in equal parts, each a multiple of `multiple`. */
const equalBlock = (size: number, most: number, multiple = 1): number => {
  const parts = Math.max(1, Math.ceil(size / Math.max(1, most)))
  return Math.max(1, Math.ceil(Math.ceil(size / parts) / multiple) * multiple)
}

export interface ConvPlan extends LaunchPlan {
  /** Bytes of memory that the launch needs besides each thread's own, often 0; its address goes to the slot {@link temporarySlot}. */
  readonly temporaryBytes: number
}

/** The slot of the address of temporary memory. */
export const temporarySlot = CONV_HEAD.indexOf("band")

/** The first slot of the frame that the kernel itself has no use for. */
export const convSlots = (kernel: ConvKernel): number =>
  CONV_HEAD.length + (kernel.epilogue?.inputs.length ?? 0) * INPUT_SLOTS.length

const NOTHING: ConvPlan = { slots: [], addresses: [], units: 0, grain: 1, temporaryBytes: 0 }

/**
 * The plan of a launch.
 * @param operands two operands, the epilogue's inputs, the result
 * @param scalars stride.., padding.., dilation.., groups
 * @param threads how many threads may share the work; the results don't depend on it
 */
export function planConv(
  kernel: ConvKernel,
  operands: readonly PlacedOperand[],
  scalars: readonly number[],
  threads: number,
): ConvPlan {
  const { pass, spatial } = kernel
  const format = convFormat(kernel)
  const { lanes, bytes } = format
  const result = operands[operands.length - 1]
  if (result.sizes.includes(0)) return NOTHING
  const [stride, padding, dilation] = [0, 1, 2].map((part) =>
    triple(scalars.slice(part * spatial, (part + 1) * spatial), part === 1 ? 0 : 1),
  )
  const groups = scalars[3 * spatial]
  const rawImages = [operands[0], operands[1], result, ...operands.slice(2, -1)].map(imageOf)
  const rawRoles = ROLES[pass](rawImages[0], rawImages[1], rawImages[2])
  const [inner, outer] = pass === "input" ? [rawRoles.gradient, rawRoles.source] : [rawRoles.source, rawRoles.gradient]
  const rawDims = DIMS.map(
    (k): Dim => ({
      input: inner.sizes[k],
      kernel: rawRoles.weights.sizes[k],
      output: outer.sizes[k],
      stride: stride[k],
      padding: padding[k],
      dilation: dilation[k],
    }),
  )
  const [dims, images] = flattened(rawDims, rawImages)
  const { source, weights, gradient } = ROLES[pass](images[0], images[1], images[2])
  const plans = dims.map((d) => planDim(pass, d))
  const isWeight = pass === "weight"

  // The rows of a group's product, and the channels that it goes through.
  const channels = source.second.size / groups
  const rows = (isWeight ? gradient.second.size : images[2].second.size) / groups
  const imageCount = source.first.size
  const taps = Math.max(...products(plans.map((p) => p.residues.map((r) => r.taps))))
  const [positionsD, positionsH, positionsW] = plans.map(positionsOf)
  const [reachD, reachH, reachW] = plans.map(extent)

  const bandInPlace =
    isNative(format) && source.strides[2] === 1 && plans[2].step === 1 && staysInside(plans, source.sizes)
  const otherInPlace = isNative(format) && gradient.strides[2] === 1
  const resultInPlace = !isWeight && isNative(format) && images[2].strides[2] === 1 && plans[2].resultStep === 1

  // Blocks of positions: bytes of one channel's band for so many rows of so many columns.
  const [stepH, stepW] = [plans[1].step, plans[2].step]
  const bandOf = (height: number, width: number): number =>
    (reachD + 1) *
    ((height - 1) * stepH + reachH + 1) *
    Math.min(stepW, reachW + 1) *
    (Math.ceil(width / lanes.count) * lanes.count + Math.floor(reachW / stepW)) *
    lanes.bytes
  const tapBlock = equalBlock(taps, MAX_DEPTH_BYTES / lanes.bytes)
  const mostChannels = Math.max(1, Math.floor(MAX_DEPTH_BYTES / lanes.bytes / Math.max(1, tapBlock)))
  const rowMost = isWeight ? 48 : MAX_ROWS
  let channelBlock = equalBlock(channels, mostChannels)
  // With few rows of weights or many threads, units must be small.
  let rowBlock = equalBlock(rows, rowMost, rows > PANEL_ROWS ? PANEL_ROWS : 1)

  const vectorsOf = (height: number, width: number): number => height * Math.ceil(width / lanes.count)
  const roomFor = (height: number, width: number, channelCount: number): boolean => {
    const positions = vectorsOf(height, width) * lanes.count
    if (vectorsOf(height, width) > MAX_VECTORS) return false
    if (!bandInPlace && channelCount * bandOf(height, width) + SLACK > BAND_BYTES) return false
    if (isWeight) return otherInPlace || rowBlock * positions * lanes.bytes + SLACK <= OTHER_BYTES
    return resultInPlace || rowBlock * positions * lanes.bytes + SLACK <= SUMS_BYTES
  }
  const isGood = (height: number, width: number): boolean =>
    roomFor(height, width, channelBlock) &&
    (bandInPlace || channelBlock * bandOf(height, width) <= GOOD_BAND_BYTES) &&
    (isWeight || height * width * rowBlock * channels * Math.max(1, taps) <= GOOD_UNIT)
  let widthBlock = Math.max(1, positionsW)
  let heightBlock = Math.max(1, positionsH)
  const narrow = (fits: typeof roomFor | typeof isGood, least: number): void => {
    while (!fits(heightBlock, widthBlock, channelBlock) && heightBlock > 1)
      heightBlock = equalBlock(positionsH, heightBlock - 1)
    while (!fits(heightBlock, widthBlock, channelBlock) && widthBlock > least)
      widthBlock = equalBlock(positionsW, Math.ceil(widthBlock / 2), lanes.count)
  }
  narrow(isGood, 512)
  narrow(roomFor, 128)
  while (!roomFor(heightBlock, widthBlock, channelBlock) && channelBlock > 1) channelBlock = Math.ceil(channelBlock / 2)
  const bandBytes = bandInPlace ? 0 : channelBlock * bandOf(heightBlock, widthBlock) + SLACK
  const temporaryBytes = bandBytes > BAND_BYTES ? bandBytes : 0

  const heightBlocks = Math.max(1, Math.ceil(positionsH / heightBlock))
  const widthBlocks = Math.max(1, Math.ceil(positionsW / widthBlock))
  const residueCount = plans.reduce((n, p) => n * p.residues.length, 1)
  const positionBlocks = positionsD * heightBlocks * widthBlocks

  // Several images at once, where one has few positions.
  const perImage = vectorsOf(heightBlock, widthBlock)
  const imagesFit = (n: number): boolean =>
    n * perImage <= 256 &&
    (bandInPlace ||
      n * channelBlock * bandOf(heightBlock, widthBlock) + SLACK <= Math.min(BAND_BYTES, GOOD_BAND_BYTES)) &&
    (otherInPlace || n * rowBlock * perImage * 16 + SLACK <= OTHER_BYTES)
  let imageBlock = 1
  if (isWeight && !temporaryBytes) while (imageBlock < imageCount && imagesFit(imageBlock + 1)) imageBlock++

  const wanted = threads > 1 ? threads * 2 : 1
  const tapBlocks = Math.max(1, Math.ceil(taps / tapBlock))
  const unitsWith = (): number =>
    groups *
    Math.ceil(rows / rowBlock) *
    (isWeight
      ? Math.max(1, Math.ceil(channels / channelBlock)) * tapBlocks
      : residueCount * imageCount * positionBlocks)
  const work =
    imageCount * rows * groups * channels * Math.max(1, taps) * positionsD * positionsH * positionsW * residueCount
  if (work > 1 << 17)
    while (unitsWith() < wanted) {
      if (isWeight && channelBlock > 1 && channelBlock * tapBlock > 2 * rowBlock)
        channelBlock = Math.ceil(channelBlock / 2)
      else if (rowBlock > (isWeight ? 4 : PANEL_ROWS))
        rowBlock = equalBlock(rows, Math.ceil(rowBlock / 2), !isWeight && rows > PANEL_ROWS ? PANEL_ROWS : 1)
      else break
    }
  const units = unitsWith()

  const by = (n: number): number => n * bytes
  const groupRows = rows
  const otherSlots: Partial<Record<ConvSlot, number>> = isWeight
    ? {
        other: gradient.address,
        otherImage: by(gradient.first.stride),
        otherGroup: by(gradient.second.stride * groupRows),
        otherRow: by(gradient.second.stride),
        otherChannel: 0,
        otherDepth: by(gradient.strides[0]),
        otherHeight: by(gradient.strides[1]),
        otherWidth: by(gradient.strides[2]),
      }
    : {
        other: weights.address,
        otherImage: 0,
        otherGroup: by(weights.first.stride * (weights.first.size / groups)),
        otherRow: by(pass === "forward" ? weights.first.stride : weights.second.stride),
        otherChannel: by(pass === "forward" ? weights.second.stride : weights.first.stride),
        otherDepth: by(weights.strides[0]),
        otherHeight: by(weights.strides[1]),
        otherWidth: by(weights.strides[2]),
      }
  const epilogueImages = images.slice(3)
  const resultColumns = isWeight ? weights.sizes : ([positionsD, positionsH, positionsW] as const)
  const isFlatImage = (image: Image): boolean =>
    isWeight
      ? isFlatRun([channels, ...resultColumns], [image.second.stride, ...image.strides])
      : residueCount === 1 && widthBlocks === 1 && isFlatRun(resultColumns.slice(1), image.strides.slice(1))
  const sumsAreFlat = isWeight || positionsW % lanes.count === 0 || resultInPlace
  const flatResult = sumsAreFlat && images.slice(2).every(isFlatImage)
  const resultStrides = (image: Image, width: number): readonly number[] => {
    const [d, h] = image.strides
    // A flat block goes on along its columns from row to row.
    const run = isWeight
      ? runStride([channels, ...resultColumns], [image.second.stride, ...image.strides])
      : runStride(resultColumns.slice(1), image.strides.slice(1))
    const w = flatResult ? run : image.strides[2]
    return isWeight
      ? [0, image.first.stride * groupRows, image.first.stride, image.second.stride, d, h, w].map((s) => s * width)
      : [image.first.stride, image.second.stride * groupRows, image.second.stride, 0, d, h, w].map((s) => s * width)
  }
  const [resultImage, resultGroup, resultRow, resultChannel, ...resultDims] = resultStrides(images[2], bytes)
  const flatWeights =
    pass === "forward" &&
    tapBlocks === 1 &&
    isFlatRun([channels, ...weights.sizes], [weights.second.stride, ...weights.strides]) &&
    (weights.strides[2] === 1 || channels * taps === 1)
  const inputSlots = epilogueImages.flatMap((image, k) => {
    const width = DTYPES[kernel.epilogue!.inputs[k].dtype].bytes
    return [image.address, ...resultStrides(image, width)]
  })
  const perDim = (name: string, values: readonly number[]): Record<string, number> =>
    Object.fromEntries(SUFFIX.map((s, k) => [`${name}${s}`, values[k]]))
  const head: Readonly<Record<string, number>> = {
    unitsEach: temporaryBytes ? units : 1,
    images: imageCount,
    rowBlock,
    rowBlocks: Math.ceil(rows / rowBlock),
    channelBlock,
    channelBlocks: Math.max(1, Math.ceil(channels / channelBlock)),
    tapBlock,
    tapBlocks,
    imageBlock,
    depthPositions: positionsD,
    heightBlock,
    heightBlocks,
    widthBlock,
    widthBlocks,
    bandInPlace: Number(bandInPlace),
    otherInPlace: Number(otherInPlace),
    resultInPlace: Number(resultInPlace),
    flatResult: Number(flatResult),
    flatWeights: Number(flatWeights),
    band: 0,
    rows,
    channels,
    source: source.address,
    sourceImage: by(source.first.stride),
    sourceChannel: by(source.second.stride),
    ...perDim("source", source.strides.map(by)),
    sourceDepths: source.sizes[0],
    sourceHeights: source.sizes[1],
    sourceWidths: source.sizes[2],
    ...otherSlots,
    result: images[2].address,
    resultImage,
    resultGroup,
    resultRow,
    resultChannel,
    ...perDim("result", resultDims),
    ...perDim(
      "resultStep",
      plans.map((p) => p.resultStep),
    ),
    ...perDim(
      "step",
      plans.map((p) => p.step),
    ),
    ...perDim(
      "tap",
      plans.map((p) => p.tap),
    ),
    ...perDim(
      "residues",
      plans.map((p) => p.residues.length),
    ),
    ...perDim(
      "kernel",
      dims.map((d) => d.kernel),
    ),
    ...perDim(
      "kernelStep",
      plans.map((p) => p.kernelStep),
    ),
    ...perDim(
      "padding",
      dims.map((d) => d.padding),
    ),
    ...perDim(
      "dilation",
      dims.map((d) => d.dilation),
    ),
    ...perDim(
      "extent",
      dims.map((d) => (pass === "input" ? d.input : d.output)),
    ),
  }
  const slots = [...CONV_HEAD.map((name) => head[name]), ...inputSlots]
  const addresses = [
    CONV_HEAD.indexOf("source"),
    CONV_HEAD.indexOf("other"),
    ...epilogueImages.map((_, k) => CONV_HEAD.length + k * INPUT_SLOTS.length),
    CONV_HEAD.indexOf("result"),
  ]
  if (temporaryBytes) return { slots, addresses, units: 1, grain: 1, temporaryBytes }
  return { slots, addresses, units, grain: convGrain(units, work / units, threads), temporaryBytes }
}

/** All products of one number of each list. */
const products = (lists: readonly (readonly number[])[]): readonly number[] =>
  lists.reduce((all, list) => all.flatMap((x) => list.map((y) => x * y)), [1])

/** The stride of the innermost dim of more than one element. */
const runStride = (sizes: readonly number[], strides: readonly number[]): number =>
  strides[sizes.findLastIndex((size) => size > 1)] ?? 0

/** Whether going through all of `sizes` in row-major order is going by one and the same stride. */
const isFlatRun = (sizes: readonly number[], strides: readonly number[]): boolean => {
  let step = Number.NaN
  for (let k = sizes.length - 1; k >= 0; k--) {
    if (sizes[k] === 1) continue
    if (!Number.isNaN(step) && strides[k] !== step) return false
    step = strides[k] * sizes[k]
  }
  return true
}

/** Weights are packed once per claim: a claim is long where there are many units, but every thread should have several. */
const convGrain = (units: number, workPerUnit: number, threads: number): number =>
  Math.max(1, Math.min(Math.floor((1 << 21) / workPerUnit), Math.ceil(units / (threads * 4))))
