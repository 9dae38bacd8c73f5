/** @taeda/backend-wasm-simd: WebAssembly emitted from TypeScript, with SIMD and threads. */
export { createWasmSimd, open, type WasmSimdOptions } from "./backend.ts"
