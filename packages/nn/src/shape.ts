/** Modules that only rearrange. */
import { channelShuffle, flatten, pixelShuffle, pixelUnshuffle, type Tensor, unflatten } from "@taeda/core"
import { layer, needed } from "./layer.ts"

/** Dims `startDim` to `endDim` as one; the first, the batch's, stays by default. */
export class Flatten extends layer(
  "Flatten",
  [
    ["startDim", 1],
    ["endDim", -1],
  ],
  (m, x: Tensor) => flatten(x, m.startDim, m.endDim),
) {}
/** One dim as several. */
export class Unflatten extends layer(
  "Unflatten",
  [
    ["dim", needed<number>()],
    ["unflattenedSize", needed<readonly number[]>()],
  ],
  (m, x: Tensor) => unflatten(x, m.dim, m.unflattenedSize),
) {}
/** [..., C·r², H, W] as [..., C, H·r, W·r]. */
export class PixelShuffle extends layer("PixelShuffle", [["upscaleFactor", needed<number>()]], (m, x: Tensor) =>
  pixelShuffle(x, m.upscaleFactor),
) {}
/** [..., C, H·r, W·r] as [..., C·r², H, W]. */
export class PixelUnshuffle extends layer("PixelUnshuffle", [["downscaleFactor", needed<number>()]], (m, x: Tensor) =>
  pixelUnshuffle(x, m.downscaleFactor),
) {}
/** Channels of [N, C, ...] dealt out over groups: those of the first, one of each, and so on. */
export class ChannelShuffle extends layer("ChannelShuffle", [["groups", needed<number>()]], (m, x: Tensor) =>
  channelShuffle(x, m.groups),
) {}
