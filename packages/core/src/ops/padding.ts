/** Padding. */

export {}
