/** What the types do not say, with the reasons. An entry that is no longer true fails the build. */

const BY_VALUES = "its shape depends on the values"
/** Ops whose results' shapes or dtypes are unknown even where all sizes are given. */
export const OPEN: Readonly<Record<string, string>> = {
  argwhere: BY_VALUES,
  bincount: BY_VALUES,
  maskedSelect: BY_VALUES,
  nonzero: BY_VALUES,
  unique: BY_VALUES,
  uniqueConsecutive: BY_VALUES,
  trilIndices: "its length is a sum over rows",
  triuIndices: "its length is a sum over rows",
}

const OTHER_NAME = "another tensor has a name of its own, `other`; the run knows its place as well"

/** Ops that the types do not let be called with all arguments by name, though the run does. */
export const NOT_BY_NAME: Readonly<Record<string, string>> = {
  max: OTHER_NAME,
  min: OTHER_NAME,
}
