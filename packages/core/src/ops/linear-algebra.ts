/** Linear algebra beyond products: norms, trace, cross. */

export interface LinearAlgebraMethods {}

export const linearAlgebraMethods = {}
