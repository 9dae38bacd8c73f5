/** @taeda/optim: optimisers and learning-rate schedulers. Written in terms of Tensor alone. */
export { Adagrad, type AdagradOptions, type AdagradState } from "./adagrad.ts"
export { Adam, type AdamOptions, type AdamState, AdamW } from "./adam.ts"
export * as lrScheduler from "./lr-scheduler.ts"
export {
  type GroupInit,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type ParamState,
  type Params,
} from "./optimizer.ts"
export { RMSprop, type RMSpropOptions, type RMSpropState } from "./rmsprop.ts"
export { SGD, type SGDOptions, type SGDState } from "./sgd.ts"
