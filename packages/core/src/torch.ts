/**
 * The namespace `torch` as its users see it, without the parts for writers of backends. Functions that PyTorch keeps in
 * `torch.nn.functional` alone are reached there.
 */
export { CATALOGUE, type Signature } from "./args.ts"
export * as autograd from "./autograd/index.ts"
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from "./autograd/mode.ts"
export type { GradNode, RemovableHandle } from "./autograd/node.ts"
export type { Backend, Capabilities, MemoryStats } from "./backend.ts"
export { Device, getDefaultDevice, open, openDevices, registerBackend, withDevice } from "./device.ts"
export { canCast, type DType, getDefaultDtype, promoteTypes, setDefaultDtype } from "./dtype.ts"
export * as linalg from "./linalg.ts"
export { memoryStats } from "./memory.ts"
export { type Formula, Pointwise, type PointwiseOptions } from "./pointwise.ts"
export { getPrintoptions, type PrintOptions, setPrintoptions } from "./printing.ts"
export { resultType } from "./promotion.ts"
export { dispose, scope } from "./scope.ts"
export * as special from "./special.ts"
export { isTensor, Parameter, type Shape, Tensor } from "./tensor.ts"
