/** Modules that hold other modules or parameters, in order or by name. */
import {
  DTYPES,
  type DType,
  enclosed,
  isOptions,
  isTensor,
  Parameter,
  reluAfter,
  type Tensor,
  valueText,
  watching,
} from "@taeda/core"
import { ReLU } from "./activation.ts"
import { endsInProduct, isClosed } from "./closed.ts"
import { Module as Members } from "./members.ts"
import { Module } from "./module.ts"
import { isModule, REGISTRY } from "./registry.ts"
import { collapsedLines } from "./repr.ts"
import type { Open, OwnInput } from "./types/layer.ts"
import type { Chained, Sequence } from "./types/sequence.ts"

/** A place in a list of `length`, negative ones from its end. Throws for one outside. */
function position(name: string, index: number, length: number): number {
  const at = index < 0 ? index + length : index
  if (!Number.isInteger(index) || at < 0 || at >= length)
    throw new RangeError(`${name}: index ${index} is out of range for ${length} elements`)
  return at
}

function requireModule(name: string, value: unknown): Module {
  if (!isModule(value)) throw new TypeError(`${name}: ${valueText(value)} is not a Module`)
  return value
}

/** Registers under a key as it is, as a field unless the field would hide something. */
function put(holder: Module, key: string, module: Module): void {
  const registry = holder[REGISTRY]
  if (!registry.module.has(key) && key in holder)
    throw new Error(`${holder.getName()}: attribute '${key}' already exists; choose another name`)
  registry.define("module", key, key, module)
}

/** The modules of a holder, in order. */
const held = (holder: Module): Module[] => [...holder[REGISTRY].module.values()] as Module[]

/** Makes the holder's modules these, named "0", "1", ... */
function renumber(holder: Module, modules: readonly Module[]): void {
  const registry = holder[REGISTRY]
  for (const key of [...registry.module.keys()]) registry.remove(key)
  modules.forEach((module, i) => put(holder, String(i), module))
}

/** What lists of modules have in common: `list.at(-1)`, `list[0]`, `list.length`, iteration. */
abstract class ModuleSequence extends Members {
  readonly [index: number]: Module

  get length(): number {
    return this[REGISTRY].module.size
  }

  /** The module at a place; negative ones count from the end. `at<nn.Linear>(0)` says what it is. */
  at<M extends Module = Module>(index: number): M {
    const modules = held(this as unknown as Module)
    return modules[position(this.getName(), index, modules.length)] as M
  }

  [Symbol.iterator](): IterableIterator<Module> {
    return held(this as unknown as Module)[Symbol.iterator]()
  }

  /** Replaces the module at a place. */
  setAt(index: number, module: Module): void {
    const keys = [...this[REGISTRY].module.keys()]
    put(
      this as unknown as Module,
      keys[position(this.getName(), index, keys.length)],
      requireModule(this.getName(), module),
    )
  }

  /** Adds a module at the end. */
  append(module: Module): this {
    put(this as unknown as Module, String(this.length), requireModule(this.getName(), module))
    return this
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<Module>): this {
    for (const module of modules) this.append(module)
    return this
  }

  /** Adds a module before the one at a place. */
  insert(index: number, module: Module): this {
    const modules = held(this as unknown as Module)
    const at = index === modules.length ? index : position(this.getName(), index, modules.length)
    modules.splice(at, 0, requireModule(this.getName(), module))
    renumber(this as unknown as Module, modules)
    return this
  }

  /** Takes a module out and returns it, by default the last. */
  pop(index = -1): Module {
    const modules = held(this as unknown as Module)
    const [taken] = modules.splice(position(this.getName(), index, modules.length), 1)
    renumber(this as unknown as Module, modules)
    return taken
  }
}

/** Each module with the result of the one before. */
function through(modules: readonly Module[], input: unknown): unknown {
  let x = input
  for (const module of modules) x = module(x)
  return x
}

/** The same, where what lies between two modules is seen by nobody: a product and the ReLU behind it are then one kernel. */
const throughClosed = enclosed((modules: readonly Module[], input: unknown): unknown => {
  let x = input
  for (let i = 0; i < modules.length; i++) {
    const module = modules[i]
    const given = x
    if (endsInProduct(module) && modules[i + 1] instanceof ReLU) {
      x = reluAfter(() => module(given))
      i++
    } else x = module(given)
  }
  return x
})

/** Several modules at once: a list, or with names. */
type Together = readonly Module[] | Readonly<Record<string, Module>>

export interface Sequential<L extends readonly (Module | Together)[] = Open> extends Sequence<L> {}

/**
 * Modules called one after the other, each with the result of the one before: `new Sequential(a, b)`, `new Sequential([a,
 * b])` or, with names, `new Sequential({ conv: a, relu: b })`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor's result is callable, which a class cannot say
export class Sequential<const L extends readonly (Module | Together)[] = Open> extends ModuleSequence {
  static readonly keepsNothing: unknown = Sequential.prototype.forward

  constructor(...modules: Chained<L>) {
    super()
    const [first] = modules
    if (modules.length === 1 && isOptions(first))
      for (const [name, module] of Object.entries(first)) put(this, name, requireModule("Sequential", module))
    else this.extend((Array.isArray(first) ? first : modules) as Module[])
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the last gives
  override forward(input: OwnInput): any {
    const modules = held(this as unknown as Module)
    return watching && modules.every(isClosed) ? throughClosed(modules, input) : through(modules, input)
  }
}

export interface ModuleList {
  // biome-ignore lint/style/useShorthandFunctionType: it merges with the class
  // biome-ignore lint/suspicious/noExplicitAny: it is not called
  (...args: any[]): any
}

/** A list of modules; it has no `forward` of its own. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: every module is callable to the compiler
export class ModuleList extends ModuleSequence {
  constructor(modules: Iterable<Module> = []) {
    super()
    this.extend(modules)
  }

  protected override reprChildren(): string[] {
    return collapsedLines(held(this))
  }
}

/** Modules by name; it has no `forward` of its own. */
export class ModuleDict extends Module {
  constructor(modules: Readonly<Record<string, Module>> = {}) {
    super()
    this.update(modules)
  }

  private get table(): Map<string, Module> {
    return this[REGISTRY].module as Map<string, Module>
  }

  override get length(): number {
    return this.table.size
  }

  /** The module of that name. Throws where there is none. */
  get(name: string): Module {
    const found = this.table.get(name)
    if (!found) throw new RangeError(`ModuleDict: no module '${name}'; it has ${[...this.keys()].join(", ") || "none"}`)
    return found
  }

  set(name: string, module: Module): this {
    this[REGISTRY].enter("module", name, requireModule("ModuleDict", module))
    return this
  }

  has(name: string): boolean {
    return this.table.has(name)
  }

  /** Takes out the module of that name and returns it. */
  pop(name: string): Module {
    const module = this.get(name)
    this[REGISTRY].remove(name)
    return module
  }

  update(modules: Readonly<Record<string, Module>>): this {
    for (const [name, module] of Object.entries(modules)) this.set(name, module)
    return this
  }

  clear(): void {
    for (const name of [...this.keys()]) this.pop(name)
  }

  keys(): IterableIterator<string> {
    return this.table.keys()
  }

  values(): IterableIterator<Module> {
    return this.table.values()
  }

  entries(): IterableIterator<[string, Module]> {
    return this.table.entries()
  }

  [Symbol.iterator](): IterableIterator<[string, Module]> {
    return this.entries()
  }
}

const asParameter = (value: Tensor): Parameter => {
  if (!isTensor(value)) throw new TypeError(`expected a Parameter or a tensor, got ${valueText(value)}`)
  return value instanceof Parameter ? value : new Parameter(value)
}

const sizes = (t: Tensor): string => t.shape.join("x")

/** A list of parameters; tensors become parameters. `list.at(-1)`, `list[0]`, `list.length`, iteration. */
export class ParameterList extends Module {
  readonly [index: number]: Parameter

  constructor(values: Iterable<Tensor> = []) {
    super()
    this.extend(values)
  }

  private get list(): Parameter[] {
    return [...this[REGISTRY].parameter.values()] as Parameter[]
  }

  override get length(): number {
    return this[REGISTRY].parameter.size
  }

  at(index: number): Parameter {
    const { list } = this
    return list[position("ParameterList", index, list.length)]
  }

  setAt(index: number, value: Tensor): void {
    const key = String(position("ParameterList", index, this.length))
    this[REGISTRY].define("parameter", key, key, asParameter(value))
  }

  append(value: Tensor): this {
    const key = String(this.length)
    this[REGISTRY].define("parameter", key, key, asParameter(value))
    return this
  }

  extend(values: Iterable<Tensor>): this {
    for (const value of values) this.append(value)
    return this
  }

  [Symbol.iterator](): IterableIterator<Parameter> {
    return this.list[Symbol.iterator]()
  }

  override extraRepr(): string {
    return this.list.map((p, i) => `  (${i}): Parameter containing: [torch.${p.dtype} of size ${sizes(p)}]`).join("\n")
  }
}

/** Parameters by name; tensors become parameters. */
export class ParameterDict extends Module {
  constructor(parameters: Readonly<Record<string, Tensor>> = {}) {
    super()
    this.update(parameters)
  }

  private get table(): Map<string, Parameter> {
    return this[REGISTRY].parameter as Map<string, Parameter>
  }

  override get length(): number {
    return this.table.size
  }

  /** The parameter of that name. Throws where there is none. */
  get(name: string): Parameter {
    const found = this.table.get(name)
    if (!found)
      throw new RangeError(`ParameterDict: no parameter '${name}'; it has ${[...this.keys()].join(", ") || "none"}`)
    return found
  }

  set(name: string, value: Tensor): this {
    this[REGISTRY].enter("parameter", name, asParameter(value))
    return this
  }

  has(name: string): boolean {
    return this.table.has(name)
  }

  /** Takes out the parameter of that name and returns it. */
  pop(name: string): Parameter {
    const parameter = this.get(name)
    this[REGISTRY].remove(name)
    return parameter
  }

  update(parameters: Readonly<Record<string, Tensor>>): this {
    for (const [name, value] of Object.entries(parameters)) this.set(name, value)
    return this
  }

  keys(): IterableIterator<string> {
    return this.table.keys()
  }

  values(): IterableIterator<Parameter> {
    return this.table.values()
  }

  entries(): IterableIterator<[string, Parameter]> {
    return this.table.entries()
  }

  [Symbol.iterator](): IterableIterator<[string, Parameter]> {
    return this.entries()
  }

  override extraRepr(): string {
    const line = ([name, p]: [string, Parameter]): string =>
      `  (${name}): Parameter containing: [torch.${DTYPES[p.dtype as DType].legacy}Tensor of size ${sizes(p)}]`
    return Array.from(this.table, line).join("\n")
  }
}
