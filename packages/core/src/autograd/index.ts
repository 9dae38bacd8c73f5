/** The namespace `autograd`. */
export { backward, grad, type BackwardOptions, type GradOptions } from "./engine.ts"
export { Function, FunctionContext } from "./function.ts"
export { gradcheck, type GradcheckOptions, gradgradcheck } from "./gradcheck.ts"
export { detectAnomaly, enableGrad, inferenceMode, isGradEnabled, noGrad, setGradEnabled } from "./mode.ts"
export { AccumulateGrad, GradNode, type RemovableHandle } from "./node.ts"
