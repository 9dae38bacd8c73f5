/** Embeddings and one-hot. */

export {}
