/** What a module holds: its parameters, buffers and submodules, noticed as they are assigned. */
import { Parameter, Tensor, tensorText, valueText } from "@taeda/core"
import type { Hooks } from "./hooks.ts"
import type { Module } from "./module.ts"
import { keyOf } from "./names.ts"

/** Where the registry of a module stands. */
export const REGISTRY = Symbol("registry")

export const isModule = (value: unknown): value is Module => typeof value === "function" && REGISTRY in value

/**
 * A tensor that a module registers as a buffer when it is assigned to a field: part of the state that no optimiser trains.
 * One that is not `persistent` stays out of the state dict.
 */
export class Buffer extends Tensor {
  readonly persistent: boolean

  constructor(data: Tensor, persistent = true) {
    super(data.storage, data.shape, data.strides, data.offset, data.dtype)
    this.persistent = persistent
  }
}

/** The tables of one kind, by key. */
interface Tables {
  readonly parameter: Map<string, Parameter | null>
  readonly buffer: Map<string, Tensor | null>
  readonly module: Map<string, Module | null>
}
type Kind = keyof Tables

/** How an error names what a field of a kind may hold. */
const EXPECTED: Record<Kind, string> = {
  parameter: "Parameter or null",
  buffer: "Tensor, Buffer or null",
  module: "Module or null",
}

export class Registry implements Tables {
  readonly parameter = new Map<string, Parameter | null>()
  readonly buffer = new Map<string, Tensor | null>()
  readonly module = new Map<string, Module | null>()
  /** Keys of buffers that stay out of the state dict. */
  readonly transient = new Set<string>()
  /** Null until a hook is registered. */
  hooks: Hooks | null = null
  /** The function behind the module, where properties lie. */
  private readonly target: object
  private readonly keys = new Map<string, string>()
  private readonly properties = new Map<string, string>()

  constructor(target: object) {
    this.target = target
  }

  /** The key under which a property is or would be registered. */
  keyOf(property: string): string {
    return this.keys.get(property) ?? keyOf(property)
  }

  /** The property of a registered key; undefined where it has none. */
  propertyOf(key: string): string | undefined {
    return this.properties.get(key)
  }

  /** Notes an assignment to a property. Throws, before anything is changed, for a value that the field cannot hold. */
  assign(property: string, value: unknown): void {
    const key = this.keyOf(property)
    const kind = this.kindFor(key, value)
    if (kind) this.enter(kind, key, value as null, property)
  }

  private kindFor(key: string, value: unknown): Kind | null {
    if (value instanceof Parameter) return "parameter"
    if (this.parameter.has(key)) return this.check("parameter", key, value, value === null)
    if (isModule(value)) return "module"
    if (this.module.has(key)) return this.check("module", key, value, value === null)
    if (value instanceof Buffer) return "buffer"
    if (this.buffer.has(key)) return this.check("buffer", key, value, value === null || value instanceof Tensor)
    return null
  }

  private check(kind: Kind, key: string, value: unknown, fits: boolean): Kind {
    if (fits) return kind
    const advice =
      value === undefined
        ? "; a class field without a value overwrites it: write `declare` before the field"
        : kind === "parameter" && value instanceof Tensor
          ? "; wrap it: new Parameter(tensor), or copy into the parameter: noGrad(() => parameter.copy_(tensor))"
          : ""
    throw new TypeError(`cannot assign ${textOf(value)} as ${kind} '${key}' (${EXPECTED[kind]} expected)${advice}`)
  }

  /** Registers under a key, at its end unless known; `property` also makes the value a field of the module. */
  enter<K extends Kind>(kind: K, key: string, value: Parameters<Tables[K]["set"]>[1], property?: string): void {
    const other = this.properties.get(key)
    if (property !== undefined && other !== undefined && other !== property)
      throw new Error(`${property} and ${other} would both be ${JSON.stringify(key)} in the state dict; rename one`)
    for (const k of KINDS) if (k !== kind) this[k].delete(key)
    if (kind === "buffer" && value instanceof Buffer) this.transient[value.persistent ? "delete" : "add"](key)
    ;(this[kind] as Map<string, unknown>).set(key, value)
    if (property === undefined) return
    this.keys.set(property, key)
    this.properties.set(key, property)
  }

  /** As `enter`, and defines the field. */
  define<K extends Kind>(kind: K, property: string, key: string, value: Parameters<Tables[K]["set"]>[1]): void {
    this.enter(kind, key, value, property)
    Object.defineProperty(this.target, property, { value, writable: true, enumerable: true, configurable: true })
  }

  /** Replaces the value of a known key, in the table and in the field. */
  replace<K extends Kind>(kind: K, key: string, value: Parameters<Tables[K]["set"]>[1]): void {
    const property = this.properties.get(key)
    if (property === undefined) this.enter(kind, key, value)
    else this.define(kind, property, key, value)
  }

  /** Forgets a key; its field is deleted too. */
  remove(key: string): void {
    const property = this.properties.get(key)
    for (const kind of KINDS) this[kind].delete(key)
    this.transient.delete(key)
    if (property === undefined) return
    this.properties.delete(key)
    this.keys.delete(property)
    Reflect.deleteProperty(this.target, property)
  }

  /** Forgets the field's key, if it has one. */
  forget(property: string): void {
    const key = this.keys.get(property)
    if (key !== undefined) this.remove(key)
  }
}

const KINDS: readonly Kind[] = ["parameter", "buffer", "module"]

const textOf = (value: unknown): string =>
  value instanceof Tensor ? `a tensor ${tensorText(value)}` : valueText(value)
