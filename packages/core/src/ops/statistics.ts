/** Statistics: var, std, norm, median, ... */

export interface StatisticsMethods {}

export const statisticsMethods = {}
