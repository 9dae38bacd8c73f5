/** The frame of a convolution: the names of its slots, by which the plan writes them and the kernel reads them. Strides are in bytes. */
import type { ConvKernel } from "@taeda/core"

/** There are always three dims: fewer are the last of them. */
export const DIMS = ["Depth", "Height", "Width"] as const
export type DimName = (typeof DIMS)[number]

const perDim = <const Name extends string>(name: Name) => [`${name}Depth`, `${name}Height`, `${name}Width`] as const

/** The slots of a frame, before those of the epilogue's inputs. */
const HEAD = [
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
  ...perDim("source"),
  "sourceDepths",
  "sourceHeights",
  "sourceWidths",
  // the weights, or the gradient of the result: strides of images or groups, rows, channels, and along the dims
  "other",
  "otherImage",
  "otherGroup",
  "otherRow",
  "otherChannel",
  ...perDim("other"),
  // the result
  "result",
  "resultImage",
  "resultGroup",
  "resultRow",
  "resultChannel",
  ...perDim("result"),
  // how far apart the coordinates of neighbouring positions of the result, of the source, and of neighbouring taps are
  ...perDim("resultStep"),
  ...perDim("step"),
  ...perDim("tap"),
  // how many residues there are; the kernel, and how far apart the taps of one residue are in it
  ...perDim("residues"),
  ...perDim("kernel"),
  ...perDim("kernelStep"),
  ...perDim("padding"),
  ...perDim("dilation"),
  ...perDim("extent"),
  // whether what every tap contributes is folded into an image of so many coordinates
  "folded",
  "foldedWeight",
  ...perDim("image"),
] as const
export type ConvSlot = (typeof HEAD)[number]

/** The strides of the result, and of what has an element for each of its elements. */
export const RESULT_STRIDES = ["Image", "Group", "Row", "Channel", ...DIMS] as const
export type ResultStride = (typeof RESULT_STRIDES)[number]

/** An input of the epilogue: address, then strides as of the result. */
const INPUT = ["address", ...RESULT_STRIDES] as const
export type InputSlot = (typeof INPUT)[number]

const NUMBERS = new Map<ConvSlot, number>(HEAD.map((name, k) => [name, k]))

/** The number of a slot. */
export const slotOf = (name: ConvSlot): number => NUMBERS.get(name)!

/** The number of a slot of an input of the epilogue. */
export const inputSlotOf = (input: number, name: InputSlot): number =>
  HEAD.length + input * INPUT.length + INPUT.indexOf(name)

/** The slot of the address of temporary memory. */
export const temporarySlot = slotOf("band")

/** The first slot of the frame that the kernel itself has no use for. */
export const convSlots = (kernel: ConvKernel): number => inputSlotOf(kernel.epilogue?.inputs.length ?? 0, "address")

/** What a frame holds: all slots in their order. */
export const frameOf = (
  head: Readonly<Record<ConvSlot, number>>,
  inputs: readonly Readonly<Record<InputSlot, number>>[],
): number[] => [...HEAD.map((name) => head[name]), ...inputs.flatMap((input) => INPUT.map((name) => input[name]))]
