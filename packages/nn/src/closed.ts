/**
 * Modules of the library whose `forward` keeps no tensor that it makes, but in its result: what one of them hands to the next
 * inside a Sequential is then nobody else's, and is freed as soon as the graph lets go of it.
 *
 * A class says so by naming its own `forward` in a static field `keepsNothing`. It holds for subclasses that change nothing.
 */
import type { Module } from "./module.ts"
import { REGISTRY } from "./registry.ts"

interface Type {
  readonly prototype: object
  readonly keepsNothing?: unknown
  readonly endsInProduct?: boolean
}

const unchanged = new WeakMap<object, boolean>()

/** Whether the class adds nothing, constructors apart, to the one whose `forward` it has. */
function addsNothing(type: Type): boolean {
  let known = unchanged.get(type)
  if (known === undefined) {
    let prototype = type.prototype
    while (!Object.hasOwn(prototype, "forward") && Reflect.ownKeys(prototype).length === 1)
      prototype = Object.getPrototypeOf(prototype) as object
    known = Object.hasOwn(prototype, "forward")
    unchanged.set(type, known)
  }
  return known
}

/** Whether calling the module runs no code of users: it is of the library's, and neither it nor a module inside has hooks. */
export function isClosed(module: Module): boolean {
  const { hooks, module: inside } = module[REGISTRY]
  const type = module.constructor as unknown as Type
  if (hooks !== null || module.forward !== type.keepsNothing || !addsNothing(type)) return false
  for (const inner of inside.values()) if (inner && !isClosed(inner as Module)) return false
  return true
}

/** Whether what a closed module gives is straight out of a linear map or a convolution: a class says so in a static field. */
export const endsInProduct = (module: Module): boolean => (module.constructor as unknown as Type).endsInProduct === true
