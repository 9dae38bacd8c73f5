/** Resizing: interpolate, pixelShuffle. */

export {}
