/** What every tensor can do, whether or not the methods of the families are installed: be read, and start a backward pass. */

import type { DType } from "./dtype.ts"
import { type AutogradMethods, autogradMethods } from "./ops/autograd-methods.ts"
import { type HostMethods, hostMethods } from "./ops/host.ts"
import { Tensor } from "./tensor.ts"
import type { Family } from "./types/signature.ts"

export interface EssentialMethods<D extends DType> extends AutogradMethods, HostMethods<D> {}

type AnyOp = Family[string]

/** Two arguments are the common case; a rest array costs as much as a small op. */
const methodOf = (fn: AnyOp): AnyOp =>
  fn.length === 3
    ? function (this: Tensor, a: unknown, b: unknown) {
        return fn(this, a, b)
      }
    : function (this: Tensor, ...args: unknown[]) {
        return fn(this, ...args)
      }

/** Makes methods of functions that take the tensor first. */
export function install(family: Family): void {
  for (const [name, fn] of Object.entries(family))
    Object.defineProperty(Tensor.prototype, name, {
      value: Object.defineProperty(methodOf(fn), "name", { value: name }),
      writable: true,
      configurable: true,
    })
}

install(autogradMethods)
install(hostMethods)
