/**
 * Optimizer: what all optimisers share. Parameters come in groups with options of their own; what an optimiser remembers
 * of a parameter stands in `state`.
 */
import {
  bind,
  detach,
  didYouMean,
  isTensor,
  outlive,
  parseSignature,
  raw,
  recording,
  type Signature,
  type Tensor,
  to,
  valueText,
  zero_,
} from "@taeda/core"
import { renamed, toKey, toName } from "./keys.ts"

/** A group's parameters and options, PyTorch's names in camelCase; all of them may be changed between steps. */
export type ParamGroup<O = Record<string, unknown>> = O & {
  params: Tensor[]
  lr: number
  /** The names, where parameters were given as `[name, parameter]` pairs. */
  paramNames?: string[]
  // biome-ignore lint/suspicious/noExplicitAny: schedulers and users keep more here
  [key: string]: any
}

type Parameters_ = Iterable<Tensor> | Iterable<readonly [string, Tensor]>

/** What `addParamGroup` takes: the parameters (one or several), any of the options, and what schedulers go by. */
export type GroupInit<O> = Partial<O> & {
  params: Tensor | Parameters_
  /** The rate that a schedule begins with, which it writes down itself unless it resumes. */
  initialLr?: number
}

/** What an optimiser takes first: parameters, `[name, parameter]` pairs, or groups with options of their own. */
export type Params<O = Record<string, unknown>> = Parameters_ | Iterable<GroupInit<O>>

/** What is remembered of one parameter, where the optimiser does not say what: tensors and numbers by PyTorch's names in camelCase. */
// biome-ignore lint/suspicious/noExplicitAny: each optimiser knows its own
export type ParamState = Record<string, any>

/** PyTorch's layout: parameters by their number over all groups, options under PyTorch's keys. */
export interface OptimizerState {
  state: Record<string, Record<string, unknown>>
  param_groups: (Record<string, unknown> & { params: number[] })[]
}

/** Checks of an option's value: true where it is fine. */
export type Checks<O> = { readonly [K in keyof O]?: (value: O[K]) => boolean }

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value

/** The options of a constructor's signature that were given, by name; the rest from the defaults. */
export function options<O extends object>(signature: Signature, args: readonly unknown[], defaults: O): [unknown, O] {
  const [params, ...values] = bind(signature, args)
  const given = signature.names.slice(1).flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]]))
  return [params, { ...defaults, ...Object.fromEntries(given) }]
}

export const optimizerSignature = (text: string): Signature => parseSignature(text)

/**
 * The base of optimisers: groups of parameters, each with settings of its own, and what is remembered of each
 * parameter. A subclass writes the update of one.
 */
// biome-ignore lint/suspicious/noExplicitAny: the options of one that is not known
export abstract class Optimizer<O extends object = any, S extends object = ParamState> {
  /** The groups with their options; `optimizer.paramGroups[0].lr = 0.1` takes effect at the next step. */
  readonly paramGroups: ParamGroup<O>[] = []
  /** What is remembered, by parameter. */
  readonly state = new Map<Tensor, S>()
  /** The options of groups that say nothing else. */
  readonly defaults: O
  private readonly checks: Checks<O>

  protected constructor(params: unknown, defaults: O, checks: Checks<O>) {
    this.defaults = defaults
    this.checks = checks
    this.checkOptions(defaults)
    const name = this.constructor.name
    if (isTensor(params) || !isIterable(params))
      throw new TypeError(
        `${name}: params must be an iterable of tensors or of groups ({ params, lr, ... }), got ${valueText(params)}; write model.parameters()`,
      )
    const list = [...params]
    if (list.length === 0) throw new RangeError(`${name}: optimizer got an empty parameter list`)
    if (isGroup(list[0])) for (const group of list) this.addParamGroup(group as GroupInit<O>)
    else this.addParamGroup({ params: list as Iterable<Tensor> } as GroupInit<O>)
  }

  private checkOptions(values: Partial<O>): void {
    for (const [option, fits] of Object.entries(this.checks) as [keyof O & string, (v: unknown) => boolean][])
      if (values[option] !== undefined && !fits(values[option]))
        throw new RangeError(`${this.constructor.name}: invalid ${option}: ${JSON.stringify(values[option])}`)
  }

  /** Adds parameters, one or several, with options that differ from the defaults. Throws before anything is added. */
  addParamGroup(group: GroupInit<O>): void {
    const name = this.constructor.name
    if (!isGroup(group))
      throw new TypeError(`${name}: a parameter group is an object with params, got ${valueText(group)}`)
    const { params, ...given } = group as { params: Tensor | Parameters_ }
    const entries: unknown[] = isTensor(params) ? [params] : isIterable(params) ? [...params] : [params]
    const named = entries.length > 0 && entries.every((e) => Array.isArray(e))
    const tensors = (named ? entries.map((e) => (e as [string, Tensor])[1]) : entries) as Tensor[]
    const taken = new Set(this.paramGroups.flatMap((g) => g.params))
    const seen = new Set<Tensor>()
    for (const t of tensors) {
      if (!isTensor(t))
        throw new TypeError(`${name}: optimizer can only optimize tensors, but one of the params is ${valueText(t)}`)
      if (!t.isLeaf && !t.retainsGrad)
        throw new TypeError(`${name}: can't optimize a non-leaf tensor (${valueText(t)})`)
      if (seen.has(t)) throw new RangeError(`${name}: a parameter group has a duplicate parameter (${valueText(t)})`)
      if (taken.has(t)) throw new RangeError(`${name}: some parameters appear in more than one parameter group`)
      seen.add(t)
    }
    const known = Object.keys(this.defaults)
    for (const key of Object.keys(given)) {
      const hint = known.includes(key) ? "" : didYouMean(key, known)
      if (hint.includes("did you mean")) throw new TypeError(`${name}: unknown option ${JSON.stringify(key)}${hint}`)
    }
    this.checkOptions(given as Partial<O>)
    const names = named ? { paramNames: entries.map((e) => (e as [string, Tensor])[0]) } : {}
    this.paramGroups.push({ ...this.defaults, ...given, ...names, params: tensors } as unknown as ParamGroup<O>)
  }

  /** Forgets the gradients; with `setToNone` false they become zeros. */
  zeroGrad(setToNone = true): void {
    for (const group of this.paramGroups)
      for (const p of group.params) {
        if (p.grad_ === null) continue
        p.grad = setToNone ? null : raw(() => zero_(detach(p.grad!)))
      }
  }

  /**
   * One update of every parameter that has a gradient. With a `closure`, which computes the loss anew and its gradients,
   * calls that first and returns what it returns.
   */
  step(): undefined
  step<T>(closure: () => T): T
  step<T>(closure?: () => T): T | undefined {
    const loss = closure ? recording(true, closure) : undefined
    const borrows = this.update === this.borrowing
    raw(() => {
      for (const group of this.paramGroups)
        for (const p of group.params) {
          // `grad` notes that somebody saw it, who may keep it; a gradient that nobody saw is freed when it is replaced.
          const grad = borrows ? p.grad_ : p.grad
          if (grad === null) continue
          let state = this.state.get(p)
          if (!state) this.state.set(p, (state = {} as S))
          this.update(p, grad, group, state)
          // What is remembered lives as long as the parameter: a scope around the step leaves it.
          for (const key in state) if (isTensor(state[key])) outlive(state[key], p)
        }
    })
    return loss
  }

  /** A class's own `update`, where that keeps nothing of the gradients that it is given. Another, in a subclass, may. */
  protected get borrowing(): unknown {
    return null
  }

  /** Changes `p` in place by its gradient. Nothing is recorded here. */
  protected abstract update(p: Tensor, grad: Tensor, group: ParamGroup<O>, state: Partial<S>): void

  /** The state in PyTorch's layout; tensors are shared, not copied. */
  stateDict(): OptimizerState {
    const numbers = new Map<Tensor, number>()
    for (const { params } of this.paramGroups) for (const p of params) numbers.set(p, numbers.size)
    const state: OptimizerState["state"] = {}
    for (const [p, values] of this.state) state[numbers.get(p)!] = renamed(values, toKey)
    return {
      state,
      param_groups: this.paramGroups.map(({ params, ...rest }) => ({
        ...renamed(rest, toKey),
        params: params.map((p) => numbers.get(p)!),
      })),
    }
  }

  /**
   * Takes over a state of `stateDict()`, or PyTorch's: options into the groups, remembered tensors copied to each parameter's
   * dtype and device. Throws, before anything is changed, when the groups differ in number or size.
   */
  loadStateDict(stateDict: OptimizerState): void {
    const groups = stateDict?.param_groups
    if (!Array.isArray(groups) || typeof stateDict.state !== "object")
      throw new TypeError(`loadStateDict: expected { state, param_groups }, got ${valueText(stateDict)}`)
    if (groups.length !== this.paramGroups.length)
      throw new RangeError(
        `loadStateDict: loaded state dict has ${groups.length} parameter groups, the optimizer ${this.paramGroups.length}`,
      )
    groups.forEach(({ params }, i) => {
      const own = this.paramGroups[i].params.length
      if (params.length !== own)
        throw new RangeError(
          `loadStateDict: group ${i} has ${params.length} parameters in the state dict and ${own} in the optimizer`,
        )
    })
    const byNumber = new Map<string, Tensor>()
    groups.forEach(({ params }, i) => {
      params.forEach((number, k) => byNumber.set(String(number), this.paramGroups[i].params[k]))
    })
    const loaded = new Map<Tensor, S>()
    raw(() => {
      for (const [number, values] of Object.entries(stateDict.state)) {
        const p = byNumber.get(number)
        if (p)
          loaded.set(
            p,
            Object.fromEntries(Object.entries(values).map(([k, v]) => [toName(k), restored(toName(k), v, p)])) as S,
          )
      }
    })
    groups.forEach(({ params: _, ...rest }, i) => void Object.assign(this.paramGroups[i], renamed(rest, toName)))
    this.state.clear()
    for (const [p, state] of loaded) this.state.set(p, state)
  }

  /** PyTorch's text: the groups with their options. */
  toString(): string {
    const groups = this.paramGroups.map((group, i) => {
      const keys = Object.keys(group)
        .filter((key) => key !== "params")
        .sort()
      return `Parameter Group ${i}\n${keys.map((key) => `    ${toKey(key)}: ${text(group[key])}\n`).join("")}`
    })
    return `${this.constructor.name} (\n${groups.join("\n")})`
  }
}

Object.defineProperty(Optimizer.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value: function (this: Optimizer) {
    return this.toString()
  },
})

const isGroup = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !isTensor(value) && "params" in value

/** The number of steps is a number here, a tensor in PyTorch; everything else of a parameter is laid out as it is. */
function restored(name: string, value: unknown, p: Tensor): unknown {
  if (!isTensor(value)) return value
  if (name === "step") return Number(value.itemSync())
  return to(value, { dtype: p.dtype, device: p.device, copy: true })
}

const text = (value: unknown): string =>
  typeof value === "boolean"
    ? value
      ? "True"
      : "False"
    : value === null
      ? "None"
      : Array.isArray(value)
        ? `(${value.join(", ")})`
        : String(value)
