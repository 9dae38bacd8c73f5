/** Joining: cat, stack and relatives. */

export interface JoiningMethods {}

export const joiningMethods = {}
