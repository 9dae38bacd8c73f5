/** Functions of one number: exp, sin, floor, ... */

export interface UnaryMethods {}

export const unaryMethods = {}
