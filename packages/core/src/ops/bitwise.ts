/** Bitwise operations on integers and bool. */

export interface BitwiseMethods {}

export const bitwiseMethods = {}
