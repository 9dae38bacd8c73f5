/** Searching: nonzero, unique, searchsorted, bincount. */

export interface SearchingMethods {}

export const searchingMethods = {}
