/**
 * taeda/lean: the same namespace for pages that count bytes. A bundler keeps the functions that a program uses and leaves out
 * the rest: no backend is found by itself (`registerBackend("webgpu", open)`, with the `open` of `@taeda/backend-webgpu`), and
 * tensors have no methods but those that read them and start a backward pass, in the types as in the program. Every other method is
 * a function here: `torch.relu(x)`, `torch.view(x, 2, 3)`, `torch.add_(x, 1)`.
 */
export { setDefaultDevice, type types } from "@taeda/core"
export * from "@taeda/core/functions"
export * from "@taeda/core/torch"
export * as nn from "@taeda/nn"
export * as optim from "@taeda/optim"
export { registerBackend } from "./register.ts"
export * as utils from "./utils.ts"
