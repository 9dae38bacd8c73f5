export { createWebGpu, open, type WebGpuBackend, type WebGpuOptions } from "./backend.ts"
