/** Hooks of modules: before and after `forward`, and when gradients pass the module on their way back. */
import { gradEnabled, isTensor, OpNode, type RemovableHandle, type Rule, Tensor } from "@taeda/core"
import type { Module } from "./module.ts"

type Grads = readonly (Tensor | null)[]

/** Gets the arguments; what it returns, a list or a single argument, replaces them. */
export type ForwardPreHook = (module: Module, args: readonly unknown[]) => unknown
/** Gets the arguments and the output; what it returns replaces the output. */
export type ForwardHook = (module: Module, args: readonly unknown[], output: unknown) => unknown
/** Gets the gradients of the outputs; what it returns replaces them. */
export type BackwardPreHook = (module: Module, gradOutput: Grads) => Grads | Tensor | undefined | void
/** Gets the gradients of the arguments and of the outputs; what it returns replaces the former. */
export type BackwardHook = (module: Module, gradInput: Grads, gradOutput: Grads) => Grads | Tensor | undefined | void

interface Entry<H> {
  readonly hook: H
}

export class Hooks {
  readonly forwardPre: Entry<ForwardPreHook>[] = []
  readonly forward: Entry<ForwardHook>[] = []
  readonly backwardPre: Entry<BackwardPreHook>[] = []
  readonly backward: Entry<BackwardHook>[] = []
}

/** Adds a hook at the end, or at the front, and gives the handle that takes it out. */
export function insert<H>(hooks: Entry<H>[], hook: H, prepend = false): RemovableHandle {
  const entry = { hook }
  if (prepend) hooks.unshift(entry)
  else hooks.push(entry)
  return {
    remove() {
      const at = hooks.indexOf(entry)
      if (at >= 0) hooks.splice(at, 1)
    },
  }
}

const asList = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T])
const given = (value: unknown): boolean => value !== undefined && value !== null

/** Calls `forward` with the hooks around it. */
export function callWithHooks(module: Module, hooks: Hooks, given_: readonly unknown[]): unknown {
  let args = given_
  for (const { hook } of [...hooks.forwardPre]) {
    const changed = hook(module, args)
    if (given(changed)) args = asList(changed)
  }
  const gate = hooks.backward.length || hooks.backwardPre.length ? new BackwardGate(module, hooks, args) : null
  if (gate) args = gate.args
  let output: unknown = module.forward(...args)
  for (const { hook } of [...hooks.forward]) {
    const changed = hook(module, args, output)
    if (given(changed)) output = changed
  }
  return gate ? gate.outputs(output) : output
}

type Passing = (grads: Grads) => Grads

/** Passes values on unchanged; on the way back, gradients go through a function. */
const IDENTITY: Rule = {
  name: "BackwardHookFunctionBackward",
  backward: (node, _g, grads) => (node.context as Passing)(grads),
  open: true,
}

/**
 * The values with those that carry a gradient replaced by aliases, whose gradients pass through `passing`: one for each
 * value, null where none came. The values themselves where nothing carries a gradient.
 */
function throughIdentity(values: readonly unknown[], passing: Passing): readonly unknown[] {
  const at = values.flatMap((v, i) => (isTensor(v) && v.requiresGrad ? [i] : []))
  if (at.length === 0 || !gradEnabled()) return values
  const tensors = at.map((i) => values[i] as Tensor)
  const node = new OpNode(IDENTITY, tensors, [], (grads: Grads) => {
    const all = new Array<Tensor | null>(values.length).fill(null)
    at.forEach((i, k) => (all[i] = grads[k] ?? null))
    const passed = passing(all)
    return at.map((i) => passed[i] ?? null)
  })
  node.outputs = tensors.map((t) => ({ shape: t.shape, dtype: t.dtype, device: t.device }))
  const result = [...values]
  tensors.forEach((t, k) => {
    const alias = new Tensor(t.storage, t.shape, t.strides, t.offset, t.dtype)
    alias.setHistory(node, k)
    result[at[k]] = alias
  })
  return result
}

/** One call of a module whose gradients are watched. */
class BackwardGate {
  readonly args: readonly unknown[]
  private readonly module: Module
  private readonly hooks: Hooks
  /** Whether gradients will come out at the arguments. */
  private readonly open: boolean
  private gradOutput: Grads = []

  constructor(module: Module, hooks: Hooks, args: readonly unknown[]) {
    this.module = module
    this.hooks = hooks
    this.args = throughIdentity(args, (grads) => this.leave(grads))
    this.open = this.args !== args
  }

  outputs(output: unknown): unknown {
    const values = asList(output)
    const passed = throughIdentity(values, (grads) => this.enter(grads))
    return Array.isArray(output) ? passed : passed[0]
  }

  /** Gradients of the outputs have come. */
  private enter(grads: Grads): Grads {
    let current = grads
    for (const { hook } of [...this.hooks.backwardPre]) {
      const changed = hook(this.module, current)
      if (changed) current = this.replacement("backward pre hook", changed, current)
    }
    this.gradOutput = current
    if (!this.open) this.leave(this.args.map(() => null))
    return current
  }

  /** Gradients of the arguments are known. */
  private leave(grads: Grads): Grads {
    let current = grads
    for (const { hook } of [...this.hooks.backward]) {
      const changed = hook(this.module, current, this.gradOutput)
      if (changed) current = this.replacement("backward hook", changed, current)
    }
    return current
  }

  private replacement(what: string, changed: Grads | Tensor, before: Grads): Grads {
    const list = isTensor(changed) ? [changed] : changed
    if (list.length !== before.length)
      throw new RangeError(
        `${this.module.getName()}: a ${what} returned ${list.length} gradients where there are ${before.length}`,
      )
    return list
  }
}
