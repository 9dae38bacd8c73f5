/** Functions of two or three numbers: pow, atan2, lerp, ... */

export interface MathMethods {}

export const mathMethods = {}
