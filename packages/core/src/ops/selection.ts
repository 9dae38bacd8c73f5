/** Choosing elementwise: where, clamp, maskedFill, ... */

export interface SelectionMethods {}

export const selectionMethods = {}
