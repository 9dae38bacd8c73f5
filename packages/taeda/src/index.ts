/**
 * taeda: PyTorch for TypeScript. `import * as torch from "taeda"` reads as PyTorch does.
 */
import "./default-backend.ts"

export * as utils from "./utils.ts"
export * from "@taeda/core/torch"
export { devices, type DeviceReport, setDefaultDevice } from "./devices.ts"
export * as nn from "@taeda/nn"
export * as optim from "@taeda/optim"
