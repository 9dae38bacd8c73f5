/** Running combinations along a dim: cumsum, cumprod, cummax, ... */

export interface ScanMethods {}

export const scanMethods = {}
