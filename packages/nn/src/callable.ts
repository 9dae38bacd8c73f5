/**
 * Objects that are called like functions and keep their class: what `new` gives is a function whose prototype is the
 * class's, behind a proxy that sees the assignment of fields.
 */
import { callWithHooks } from "./hooks.ts"
import type { Module } from "./module.ts"
import { REGISTRY, Registry } from "./registry.ts"

/** The function behind the proxy. */
interface Target {
  [REGISTRY]: Registry
}

/**
 * Assignments arrive here whether written as `this.x = v` or as a class field, which is defined and not set. Reads have
 * no trap: they cost next to nothing.
 */
const HANDLER: ProxyHandler<Target> = {
  defineProperty(target, property, descriptor) {
    if (typeof property === "string" && "value" in descriptor) target[REGISTRY].assign(property, descriptor.value)
    return Reflect.defineProperty(target, property, descriptor)
  },
  deleteProperty(target, property) {
    if (typeof property === "string") target[REGISTRY].forget(property)
    return Reflect.deleteProperty(target, property)
  },
}

/** A callable object with the prototype of `type`. Calling it runs `forward`, with the hooks around it. */
function callable(type: { readonly prototype: object }): object {
  const call = (...args: unknown[]): unknown => {
    const { hooks } = registry
    return hooks === null ? self.forward(...args) : callWithHooks(self, hooks, args)
  }
  // A function's own `name` and `length` would hide what a class calls so.
  for (const own of ["name", "length"]) Reflect.deleteProperty(call, own)
  Object.setPrototypeOf(call, type.prototype)
  const registry = new Registry(call)
  Object.defineProperty(call, REGISTRY, { value: registry })
  const self = new Proxy(call as unknown as Target, HANDLER) as unknown as Module
  return self
}

/** The base class whose constructor gives such an object to the subclasses as their `this`. */
export class Callable {
  declare readonly [REGISTRY]: Registry

  constructor() {
    // biome-ignore lint/correctness/noConstructorReturn: returning the callable object is the purpose of this class
    return callable(new.target) as this
  }
}
