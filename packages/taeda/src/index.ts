/**
 * taeda: PyTorch for TypeScript. `import * as torch from "taeda"` reads as PyTorch does.
 */
export * from "@taeda/core/torch"
export * as nn from "@taeda/nn"
export * as optim from "@taeda/optim"
// In place of core's, which knows no platform.
export { registerBackend } from "./default-backend.ts"
export { type DeviceReport, devices, setDefaultDevice } from "./devices.ts"
export * as utils from "./utils.ts"
