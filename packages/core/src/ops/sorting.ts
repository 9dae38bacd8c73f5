/** Order: sort, argsort, topk, kthvalue. */

export interface SortingMethods {}

export const sortingMethods = {}
