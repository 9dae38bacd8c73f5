/** Distances and similarities. */

export {}
