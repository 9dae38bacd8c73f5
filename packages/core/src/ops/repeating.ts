/** Rearranging copies: repeat, tile, flip, roll, rot90. */

export interface RepeatingMethods {}

export const repeatingMethods = {}
