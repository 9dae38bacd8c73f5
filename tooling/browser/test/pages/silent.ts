/** A module without a function `main`. */
export const value = 1
