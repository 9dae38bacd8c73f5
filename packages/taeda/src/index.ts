/**
 * taeda: PyTorch for TypeScript. `import * as torch from "taeda"` reads as PyTorch does.
 */
import "@taeda/core/methods"
import "./default-backend.ts"

/** What the types of functions are made of: declarations of programs that pass functions on name them so. */
export type { types } from "@taeda/core"
export * from "@taeda/core/torch"
export * as nn from "@taeda/nn"
export * as optim from "@taeda/optim"
export * as backends from "./backends.ts"
export * as cuda from "./cuda.ts"
export { type DeviceReport, devices, setDefaultDevice } from "./devices.ts"
// In place of core's, which knows no platform.
export { registerBackend } from "./register.ts"
export * as utils from "./utils.ts"
