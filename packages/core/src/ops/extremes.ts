/** Extremes: max, min, argmax, amax, ... */

export interface ExtremesMethods {}

export const extremesMethods = {}
