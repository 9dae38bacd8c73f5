/** @taeda/optim: optimisers and learning-rate schedulers. Written in terms of Tensor alone. */
export { Adagrad, type AdagradOptions } from "./adagrad.ts"
export { Adam, type AdamOptions, AdamW } from "./adam.ts"
export * as lrScheduler from "./lr-scheduler.ts"
export {
  type GroupInit,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type ParamState,
  type Params,
} from "./optimizer.ts"
export { RMSprop, type RMSpropOptions } from "./rmsprop.ts"
export { SGD, type SGDOptions } from "./sgd.ts"
