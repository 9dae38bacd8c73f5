/** Comparisons and logic: bool results. */

export interface ComparisonMethods {}

export const comparisonMethods = {}
