/**
 * taeda/lean: the same namespace for pages that count bytes. A bundler keeps the functions that a program uses and leaves out
 * the rest: no backend is found by itself (`registerBackend`), and tensors have no methods but those that read them and start
 * a backward pass, in the types as in the program (`torch.relu(x)`, not `x.relu()`).
 */
import { type Backend, registerBackend as register } from "@taeda/core"
import { attended } from "./host.ts"

export { setDefaultDevice } from "@taeda/core"
export * from "@taeda/core/torch"
export * as nn from "@taeda/nn"
export * as optim from "@taeda/optim"
export * as utils from "./utils.ts"

/**
 * Tells how a device is opened: `registerBackend("webgpu", open)`, with the `open` of `@taeda/backend-webgpu`. `name` is what
 * `open` and `setDefaultDevice` are asked for. A later registration of the same name replaces the former for later openings.
 */
export function registerBackend(name: string, open: () => Promise<Backend>): void {
  register(name, () => attended(open()))
}
