/** Loss functions. */

export {}
