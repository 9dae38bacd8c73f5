/** Reading and writing at indices: gather, scatter, indexSelect, ... */

export interface GatheringMethods {}

export const gatheringMethods = {}
