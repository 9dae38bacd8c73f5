/**
 * The vocabulary of shapes and dtypes, for whoever writes an op's signature. All of it is here, also because a program that exports
 * one of the library's functions under a name of its own needs what that function's type is made of.
 */
export * from "./arguments.ts"
export * from "./arithmetic.ts"
export * from "./creation.ts"
export * from "./dims.ts"
export * from "./dtype.ts"
export * from "./linear-algebra.ts"
export * from "./matmul.ts"
export * from "./patterns.ts"
export * from "./reading.ts"
export * from "./shape.ts"
export * from "./signature.ts"
export * from "./view-shapes.ts"
export * from "./view-signatures.ts"
