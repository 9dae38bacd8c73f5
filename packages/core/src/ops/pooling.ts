/** Pooling. */

export {}
