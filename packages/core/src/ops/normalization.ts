/** Normalisations: batch, layer, group, instance. */

export {}
