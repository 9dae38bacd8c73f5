/**
 * The class behind `Module`: the base of everything with parameters. An instance is called like a function, which runs
 * `forward` with the hooks around it; fields that hold parameters, buffers and modules register themselves when they are
 * assigned.
 */
import {
  type Tensor as AnyTensor,
  type Args,
  bind,
  Device,
  type DType,
  detach,
  isDType,
  isFloating,
  noGrad,
  Parameter,
  parseSignature,
  type RemovableHandle,
  Tensor,
  to,
  valueText,
  zero_,
} from "@taeda/core"
import { Callable } from "./callable.ts"
import {
  type BackwardHook,
  type BackwardPreHook,
  type ForwardHook,
  type ForwardPreHook,
  Hooks,
  insert,
} from "./hooks.ts"
import type { Module as AnyModule } from "./module.ts"
import { isModule, REGISTRY } from "./registry.ts"
import { childLines, tree } from "./repr.ts"
import { type LoadResult, loadInto, type StateDict, stateOf } from "./state-dict.ts"

const RECURSE = (name: string) => parseSignature(`${name}(recurse?)`)
const NAMED = (name: string) => parseSignature(`${name}(prefix?, recurse?, removeDuplicate?)`)
const PARAMETERS = RECURSE("parameters")
const BUFFERS = RECURSE("buffers")
const NAMED_PARAMETERS = NAMED("namedParameters")
const NAMED_BUFFERS = NAMED("namedBuffers")
const NAMED_MODULES = parseSignature("namedModules(*, prefix?, removeDuplicate?)")
const REGISTER_BUFFER = parseSignature("registerBuffer(name, tensor, persistent?)")
const STATE_DICT = parseSignature("stateDict(*, prefix?, keepVars?)")
const LOAD = parseSignature("loadStateDict(stateDict, strict?, assign?)")
const HOOK = (name: string) => parseSignature(`${name}(hook, *, prepend?)`)
const FORWARD_HOOK = HOOK("registerForwardHook")
const FORWARD_PRE_HOOK = HOOK("registerForwardPreHook")
const BACKWARD_HOOK = HOOK("registerFullBackwardHook")
const BACKWARD_PRE_HOOK = HOOK("registerFullBackwardPreHook")
const TO = parseSignature("to(*, dtype?, device?)")

type RecurseArgs = Args<[["recurse", boolean]]>
type NamedArgs = Args<[["prefix", string], ["recurse", boolean], ["removeDuplicate", boolean]]>
type HookOptions = { prepend?: boolean }

/** Converts a tensor of a module; the same tensor where nothing changes. */
type Conversion = (t: AnyTensor) => AnyTensor

/** What all modules have. How they are called stands in module.ts. */
export class Module extends Callable {
  /** Whether the module is training: dropout and batch norm behave by it. Set by `train()` and `eval()`. */
  training = true

  /** What a call computes; a subclass writes it. */
  // biome-ignore lint/suspicious/noExplicitAny: a subclass says what it takes and gives
  forward(..._args: any[]): any {
    throw new Error(`Module [${this.getName()}] is missing the required "forward" function`)
  }

  // ---- what it holds ----

  /** The parameters, its own and its submodules', each once. */
  *parameters(...args: RecurseArgs): Generator<Parameter, void, undefined> {
    const [recurse = true] = bind(PARAMETERS, args) as [boolean?]
    for (const [, parameter] of members(this, "parameter", "", recurse, true)) yield parameter
  }

  /** `[name, parameter]` pairs; one that has several names comes under its first, unless `removeDuplicate` is false. */
  *namedParameters(...args: NamedArgs): Generator<[string, Parameter], void, undefined> {
    const [prefix = "", recurse = true, once = true] = bind(NAMED_PARAMETERS, args) as [string?, boolean?, boolean?]
    yield* members(this, "parameter", prefix, recurse, once)
  }

  /** The buffers, its own and its submodules'. */
  *buffers(...args: RecurseArgs): Generator<AnyTensor, void, undefined> {
    const [recurse = true] = bind(BUFFERS, args) as [boolean?]
    for (const [, buffer] of members(this, "buffer", "", recurse, true)) yield buffer
  }

  *namedBuffers(...args: NamedArgs): Generator<[string, AnyTensor], void, undefined> {
    const [prefix = "", recurse = true, once = true] = bind(NAMED_BUFFERS, args) as [string?, boolean?, boolean?]
    yield* members(this, "buffer", prefix, recurse, once)
  }

  /** The direct submodules, each once. */
  *children(): Generator<AnyModule, void, undefined> {
    for (const [, child] of this.namedChildren()) yield child
  }

  *namedChildren(): Generator<[string, AnyModule], void, undefined> {
    const seen = new Set<AnyModule>()
    for (const [name, child] of this[REGISTRY].module) {
      if (child === null || seen.has(child)) continue
      seen.add(child)
      yield [name, child]
    }
  }

  /** This module and all below it, each once, parents first. */
  *modules(): Generator<AnyModule, void, undefined> {
    for (const [, module] of walk(this, "", new Set())) yield module
  }

  /** `[path, module]` pairs; the module itself has the empty path. */
  *namedModules(
    options: { prefix?: string; removeDuplicate?: boolean } = {},
  ): Generator<[string, AnyModule], void, undefined> {
    const [prefix = "", once = true] = bind(NAMED_MODULES, [options]) as [string?, boolean?]
    yield* walk(this, prefix, once ? new Set() : null)
  }

  /**
   * Registers a buffer, which is then the field `name`: part of the state, not trained. One that is not `persistent` stays
   * out of the state dict. Throws when the name is taken.
   */
  registerBuffer(name: string, tensor: AnyTensor | null, ...rest: Args<[["persistent", boolean]]>): void {
    const args = bind(REGISTER_BUFFER, [name, tensor, ...rest]) as [string, AnyTensor | null, boolean?]
    if (tensor !== null && !(tensor instanceof Tensor))
      throw new TypeError(
        `registerBuffer: cannot assign ${valueText(tensor)} to buffer '${name}' (Tensor or null expected)`,
      )
    const registry = this[REGISTRY]
    const key = registry.keyOf(name)
    this.checkFree("registerBuffer", name, registry.buffer.has(key))
    registry.define("buffer", name, key, tensor)
    registry.transient[(args[2] ?? true) ? "delete" : "add"](key)
  }

  /** Registers a parameter, which is then the field `name`; null keeps the place for one. */
  registerParameter(name: string, parameter: Parameter | null): void {
    if (parameter !== null && !(parameter instanceof Parameter))
      throw new TypeError(
        `registerParameter: cannot assign ${valueText(parameter)} to parameter '${name}' (Parameter or null expected)`,
      )
    const registry = this[REGISTRY]
    const key = registry.keyOf(name)
    this.checkFree("registerParameter", name, registry.parameter.has(key))
    registry.define("parameter", name, key, parameter)
  }

  /** Registers a submodule, which is then the field `name`. */
  registerModule(name: string, module: AnyModule | null): void {
    if (module !== null && !isModule(module))
      throw new TypeError(`registerModule: ${valueText(module)} is not a Module (for the name '${name}')`)
    const registry = this[REGISTRY]
    const key = registry.keyOf(name)
    this.checkFree("registerModule", name, registry.module.has(key))
    registry.define("module", name, key, module)
  }

  addModule(name: string, module: AnyModule | null): void {
    this.registerModule(name, module)
  }

  private checkFree(op: string, name: string, known: boolean): void {
    if (typeof name !== "string") throw new TypeError(`${op}: the name must be a string, got ${valueText(name)}`)
    if (name.includes(".")) throw new RangeError(`${op}: the name must not contain "." ('${name}')`)
    if (name === "") throw new RangeError(`${op}: the name must not be empty`)
    if (!known && (this as Record<string, unknown>)[name] !== undefined)
      throw new Error(`${op}: attribute '${name}' already exists`)
  }

  /** The submodule at a path such as "layers.0.selfAttn"; the module itself for "". Throws where there is none. */
  getSubmodule(target: string): AnyModule {
    let at = this as unknown as AnyModule
    if (target === "") return at
    for (const part of target.split(".")) {
      const registry = at[REGISTRY]
      const next = registry.module.get(part) ?? registry.module.get(registry.keyOf(part))
      if (!next) throw new RangeError(`${at.getName()} has no submodule '${part}' (in getSubmodule("${target}"))`)
      at = next
    }
    return at
  }

  /** The parameter at a path such as "layers.0.weight". Throws where there is none. */
  getParameter(target: string): Parameter {
    return find(this, "parameter", target)
  }

  /** The buffer at a path. Throws where there is none. */
  getBuffer(target: string): AnyTensor {
    return find(this, "buffer", target)
  }

  // ---- its state ----

  /** The state as a plain object in PyTorch's order under PyTorch's names; the tensors share the module's memory. */
  stateDict(options: { prefix?: string; keepVars?: boolean } = {}): StateDict {
    const [prefix = "", keepVars = false] = bind(STATE_DICT, [options]) as [string?, boolean?]
    return stateOf(this as unknown as AnyModule, prefix, keepVars)
  }

  /**
   * Copies a state into the parameters and buffers and says which keys were missing and which were too many. Throws for
   * sizes that do not match and, when `strict` (the default), for missing and unexpected keys; then nothing is changed.
   * With `assign` the module takes the tensors themselves.
   */
  loadStateDict(
    stateDict: Readonly<Record<string, unknown>>,
    ...rest: Args<[["strict", boolean], ["assign", boolean]]>
  ): LoadResult {
    const [state, strict = true, assign = false] = bind(LOAD, [stateDict, ...(rest.length ? rest : [{}])]) as [
      Readonly<Record<string, unknown>>,
      boolean?,
      boolean?,
    ]
    return loadInto(this as unknown as AnyModule, state, strict, assign)
  }

  // ---- settings of the whole tree ----

  /** Sets training mode, or evaluation mode when false, here and below. */
  train(mode = true): this {
    if (typeof mode !== "boolean") throw new TypeError(`train: mode must be true or false, got ${valueText(mode)}`)
    this.training = mode
    for (const child of this.children()) child.train(mode)
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /** Whether the parameters collect gradients. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad)
    return this
  }

  /** Forgets the gradients; with `setToNone` false they become zeros. */
  zeroGrad(setToNone = true): void {
    for (const p of this.parameters()) {
      if (p.grad_ === null) continue
      p.grad = setToNone ? null : noGrad(() => zero_(detach(p.grad!)))
    }
  }

  /** Calls `fn` with every module of the tree, the innermost first. */
  apply(fn: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(fn)
    fn(this as unknown as AnyModule)
    return this
  }

  /**
   * Converts in place: floating parameters and buffers to a dtype, everything to a device. `to(dtype)`, `to(device)`,
   * `to(device, dtype)`, `to(tensor)`, or by name. The parameters stay the same objects, so that optimisers keep them.
   */
  to(
    ...args:
      | [to: DType | string | Device | AnyTensor]
      | [device: string | Device, dtype: DType]
      | [options: { dtype?: DType; device?: string | Device }]
  ): this {
    const { dtype, device } = target(args)
    if (dtype && !isFloating(dtype)) throw new TypeError(`Module.to: takes floating dtypes only, got ${dtype}`)
    return this.convert((t) => {
      return to(t, { ...(dtype && t.isFloatingPoint() && { dtype }), ...(device && { device }) })
    })
  }

  /** All parameters and buffers in this dtype. */
  type(dtype: DType): this {
    return this.convert((t) => to(t, dtype))
  }

  float(): this {
    return this.to("float32")
  }

  double(): this {
    return this.to("float64")
  }

  half(): this {
    return this.to("float16")
  }

  bfloat16(): this {
    return this.to("bfloat16")
  }

  cpu(): this {
    return this.to({ device: "cpu" })
  }

  cuda(): this {
    return this.to({ device: "cuda" })
  }

  /** First makes everything anew, then takes it over: a conversion that fails changes nothing. */
  private convert(conversion: Conversion): this {
    noGrad(() => {
      const done = new Map<AnyTensor, AnyTensor>()
      const converted = (t: AnyTensor): AnyTensor => {
        let result = done.get(t)
        if (!result) done.set(t, (result = conversion(t)))
        return result
      }
      const steps: (() => void)[] = []
      for (const module of this.modules()) {
        const registry = module[REGISTRY]
        for (const parameter of registry.parameter.values()) {
          if (!parameter) continue
          const data = converted(parameter)
          const { grad } = parameter
          const newGrad = grad && converted(grad)
          steps.push(() => {
            replaceData(parameter, data)
            parameter.grad = newGrad
          })
        }
        for (const [key, buffer] of registry.buffer) {
          if (!buffer) continue
          const data = converted(buffer)
          if (data !== buffer) steps.push(() => registry.replace("buffer", key, data))
        }
      }
      for (const step of steps) step()
    })
    return this
  }

  // ---- hooks ----

  private hooks(): Hooks {
    return (this[REGISTRY].hooks ??= new Hooks())
  }

  /** Before each call: `(module, args)`; what it returns replaces the arguments. */
  registerForwardPreHook(hook: ForwardPreHook, options: HookOptions = {}): RemovableHandle {
    const [fn, prepend] = bind(FORWARD_PRE_HOOK, [hook, options]) as [ForwardPreHook, boolean?]
    return insert(this.hooks().forwardPre, fn, prepend)
  }

  /** After each call: `(module, args, output)`; what it returns replaces the output. */
  registerForwardHook(hook: ForwardHook, options: HookOptions = {}): RemovableHandle {
    const [fn, prepend] = bind(FORWARD_HOOK, [hook, options]) as [ForwardHook, boolean?]
    return insert(this.hooks().forward, fn, prepend)
  }

  /** When the gradients of the outputs are known: `(module, gradOutput)`; what it returns replaces them. */
  registerFullBackwardPreHook(hook: BackwardPreHook, options: HookOptions = {}): RemovableHandle {
    const [fn, prepend] = bind(BACKWARD_PRE_HOOK, [hook, options]) as [BackwardPreHook, boolean?]
    return insert(this.hooks().backwardPre, fn, prepend)
  }

  /**
   * When the gradients of the arguments are known: `(module, gradInput, gradOutput)`; what it returns replaces those of the
   * arguments. Null stands for an argument or output without a gradient.
   */
  registerFullBackwardHook(hook: BackwardHook, options: HookOptions = {}): RemovableHandle {
    const [fn, prepend] = bind(BACKWARD_HOOK, [hook, options]) as [BackwardHook, boolean?]
    return insert(this.hooks().backward, fn, prepend)
  }

  // ---- printing ----

  /** The name it is printed under: its class's. */
  getName(): string {
    return this.constructor.name
  }

  /** What is printed between the parentheses before the submodules: `in_features=2, bias=True`. */
  extraRepr(): string {
    return ""
  }

  /** The lines of the submodules. */
  protected reprChildren(): string[] {
    return childLines(this[REGISTRY].module)
  }

  /** PyTorch's text of the module tree. */
  override toString(): string {
    return tree(this.getName(), this.extraRepr(), this.reprChildren())
  }
}

// Node's console.log and REPL; the symbol is looked up by name so that nothing of Node is imported.
Object.defineProperty(Module.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value: function (this: Module) {
    return this.toString()
  },
})

const join = (prefix: string, name: string): string => (prefix ? `${prefix}.${name}` : name)

/** A module and all below it with their paths, parents first; `seen` drops repetitions. */
function* walk(
  module: Module,
  path: string,
  seen: Set<Module> | null,
): Generator<[string, AnyModule], void, undefined> {
  if (seen?.has(module)) return
  seen?.add(module)
  yield [path, module as unknown as AnyModule]
  for (const [name, child] of module[REGISTRY].module) if (child) yield* walk(child, join(path, name), seen)
}

type Held = { parameter: Parameter; buffer: AnyTensor }

/** What is registered as `kind`, with its path. */
function* members<K extends keyof Held>(
  module: Module,
  kind: K,
  prefix: string,
  recurse: boolean,
  once: boolean,
): Generator<[string, Held[K]], void, undefined> {
  const seen = new Set<unknown>()
  const modules: Iterable<[string, Module]> = recurse
    ? walk(module, prefix, once ? new Set() : null)
    : [[prefix, module]]
  for (const [path, each] of modules)
    for (const [name, value] of each[REGISTRY][kind]) {
      if (value === null || (once && seen.has(value))) continue
      seen.add(value)
      yield [join(path, name), value as Held[K]]
    }
}

function find<K extends keyof Held>(module: Module, kind: K, target: string): Held[K] {
  const dot = target.lastIndexOf(".")
  const owner = module.getSubmodule(target.slice(0, Math.max(dot, 0)))
  const name = target.slice(dot + 1)
  const registry = owner[REGISTRY]
  const found = registry[kind].get(name) ?? registry[kind].get(registry.keyOf(name))
  if (!found) throw new RangeError(`${owner.getName()} has no ${kind} '${name}' (at "${target}")`)
  return found as Held[K]
}

/** The dtype and the device that `to` was given. */
function target(args: readonly unknown[]): { dtype?: DType; device?: string | Device } {
  const [first, second] = args
  if (first instanceof Tensor) return { dtype: first.dtype, device: first.device }
  if (isDType(first)) return { dtype: first }
  if (typeof first === "string" || first instanceof Device)
    return { device: first as string | Device, ...(second !== undefined && { dtype: second as DType }) }
  const [dtype, device] = bind(TO, args) as [DType?, (string | Device)?]
  if (dtype !== undefined && !isDType(dtype)) throw new TypeError(`Module.to: unknown dtype ${valueText(dtype)}`)
  return { ...(dtype && { dtype }), ...(device && { device }) }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Lets a parameter look at other memory while it stays the same object, as PyTorch's `parameter.data = other`. */
function replaceData(parameter: Parameter, data: AnyTensor): void {
  const { storage, shape, strides, offset, dtype } = data
  Object.assign(parameter as Mutable<Pick<AnyTensor, "storage" | "shape" | "strides" | "offset" | "dtype">>, {
    storage,
    shape,
    strides,
    offset,
    dtype,
  })
}
