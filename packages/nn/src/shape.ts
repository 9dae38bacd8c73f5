/** Modules that only rearrange. */
import { channelShuffle, flatten, pixelShuffle, pixelUnshuffle, unflatten } from "@taeda/core"
import { needed, ruled, type Settings } from "./layer.ts"
import type { Open } from "./types/layer.ts"
import type {
  ChannelShuffleRule,
  FlattenRule,
  PixelShuffleRule,
  PixelUnshuffleRule,
  UnflattenRule,
} from "./types/rules.ts"

const FLATTEN = [
  ["startDim", 1],
  ["endDim", -1],
] as const
const UNFLATTEN = [
  ["dim", needed<number>()],
  ["unflattenedSize", needed<readonly number[]>()],
] as const
const UPSCALE = [["upscaleFactor", needed<number>()]] as const
const GROUPS = [["groups", needed<number>()]] as const
const DOWNSCALE = [["downscaleFactor", needed<number>()]] as const

/** Dims `startDim` to `endDim` as one; the first, the batch's, stays by default. */
export class Flatten<const A extends Settings<typeof FLATTEN> = Open> extends ruled<FlattenRule>()(
  "Flatten",
  FLATTEN,
  (m, x) => flatten(x, m.startDim, m.endDim),
)<A> {}
/** One dim as several. */
export class Unflatten<const A extends Settings<typeof UNFLATTEN> = Open> extends ruled<UnflattenRule>()(
  "Unflatten",
  UNFLATTEN,
  (m, x) => unflatten(x, m.dim, m.unflattenedSize),
)<A> {}
/** [..., C·r², H, W] as [..., C, H·r, W·r]. */
export class PixelShuffle<const A extends Settings<typeof UPSCALE> = Open> extends ruled<PixelShuffleRule>()(
  "PixelShuffle",
  UPSCALE,
  (m, x) => pixelShuffle(x, m.upscaleFactor),
)<A> {}
/** [..., C, H·r, W·r] as [..., C·r², H, W]. */
export class PixelUnshuffle<const A extends Settings<typeof DOWNSCALE> = Open> extends ruled<PixelUnshuffleRule>()(
  "PixelUnshuffle",
  DOWNSCALE,
  (m, x) => pixelUnshuffle(x, m.downscaleFactor),
)<A> {}
/** Channels of [N, C, ...] dealt out over groups: those of the first, one of each, and so on. */
export class ChannelShuffle<const A extends Settings<typeof GROUPS> = Open> extends ruled<ChannelShuffleRule>()(
  "ChannelShuffle",
  GROUPS,
  (m, x) => channelShuffle(x, m.groups),
)<A> {}
