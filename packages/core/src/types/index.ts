/** The vocabulary of shapes and dtypes, for whoever writes an op's signature. */
export * from "./creation.ts"
export * from "./dims.ts"
export * from "./dtype.ts"
export * from "./linear-algebra.ts"
export * from "./matmul.ts"
export * from "./patterns.ts"
export * from "./shape.ts"
export * from "./signature.ts"
