/** The namespace `linalg`. */
export { linalgCross as cross, vectorNorm } from "./ops/linear-algebra.ts"
export { matmul } from "./ops/matmul.ts"
