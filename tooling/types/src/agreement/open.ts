/** What the types do not say, with the reasons. An entry that is no longer true fails the build. */

/** Ops whose results' shapes are unknown even where all sizes are given. */
export const OPEN: Readonly<Record<string, string>> = {}

/** Ops that the types do not let be called with all arguments by name, though the run does. */
export const NOT_BY_NAME: Readonly<Record<string, string>> = {}
