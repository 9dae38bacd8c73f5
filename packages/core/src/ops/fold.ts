/** Sliding blocks: unfold and fold. */

export {}
