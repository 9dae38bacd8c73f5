/** The namespace `autograd`. */
export { type BackwardOptions, backward, type GradOptions, grad } from "./engine.ts"
export { Function, FunctionContext } from "./function.ts"
export { type GradcheckOptions, gradcheck, gradgradcheck } from "./gradcheck.ts"
export { detectAnomaly, enableGrad, inferenceMode, isGradEnabled, noGrad, setGradEnabled } from "./mode.ts"
export { AccumulateGrad, GradNode, type RemovableHandle } from "./node.ts"
