/** @taeda/nn: modules, their containers and layers, initialisation, utilities. Written in terms of Tensor alone. */
export * from "./containers.ts"
export type { BackwardHook, BackwardPreHook, ForwardHook, ForwardPreHook } from "./hooks.ts"
export { Module } from "./module.ts"
export { Buffer } from "./registry.ts"
export type { LoadResult, StateDict } from "./state-dict.ts"
export * from "./activation.ts"
