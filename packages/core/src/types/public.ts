/** What programs need of it to write functions that are generic in shapes and dtypes. */
export type { Reduced } from "./dims.ts"
export type { Floated, Promote, PromoteTypes } from "./dtype.ts"
export type { MatMul } from "./matmul.ts"
export type { Found } from "./patterns.ts"
export type { Broadcast, Dim, Shape } from "./shape.ts"
