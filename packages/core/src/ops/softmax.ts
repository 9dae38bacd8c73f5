/** Softmax and its relatives. */

export interface SoftmaxMethods {}

export const softmaxMethods = {}
