/** @taeda/nn: modules, their containers and layers, initialisation, utilities. Written in terms of Tensor alone. */
export { Parameter } from "@taeda/core"
export * from "./activation.ts"
export * from "./containers.ts"
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeOptions,
  type PaddingMode,
} from "./convolution.ts"
export * from "./distance.ts"
export * from "./dropout.ts"
export { Embedding, type EmbeddingOptions } from "./embedding.ts"
export * as functional from "./functional.ts"
export type { BackwardHook, BackwardPreHook, ForwardHook, ForwardPreHook } from "./hooks.ts"
export * as init from "./init.ts"
export { Bilinear, Identity, Linear } from "./linear.ts"
export * from "./loss.ts"
export { type AnyFunction, type Inputs, Module, type Output } from "./module.ts"
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  LayerNorm,
  LocalResponseNorm,
  RMSNorm,
  type RunningNormOptions,
} from "./normalization.ts"
export * from "./padding.ts"
export * from "./pooling.ts"
export { Buffer } from "./registry.ts"
export * from "./resampling.ts"
export * from "./shape.ts"
export type { LoadResult, StateDict } from "./state-dict.ts"
export * as utils from "./utils.ts"
