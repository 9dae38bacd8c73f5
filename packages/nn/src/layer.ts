/**
 * Modules without parameters of their own: settings and a function. One row each: the name, the settings in PyTorch's
 * order with their defaults, and what is computed.
 */
import { type Args, bind, parseSignature, type Tensor, valueText } from "@taeda/core"
import { Module } from "./module.ts"
import { keyOf } from "./names.ts"
import { python, pythonFloat } from "./repr.ts"
import type { Layer, Rule, Same } from "./types/layer.ts"
import type { Pair, PairRule } from "./types/pair.ts"
import type { Spelt } from "./types/settings.ts"

/**
 * A setting: its name and default. "float" prints an integral default as Python's float, as PyTorch does; "buffer"
 * registers a tensor as part of the state.
 */
export type Field = readonly [name: string, initial: unknown, kind?: "float" | "buffer"]

/** The type of a setting whose default is of type T. */
export type Widen<T> = T extends number ? number : T extends boolean ? boolean : T extends string ? string : T

/** The settings as properties. */
export type Values<P extends readonly Field[]> = { [F in P[number] as F[0]]: Widen<F[1]> }

/** The settings as constructor arguments: by position, or by name in one trailing object. */
export type Settings<P extends readonly Field[]> = Args<{ [K in keyof P]: readonly [P[K][0], Widen<P[K][1]>] }>

export interface LayerClass<P extends readonly Field[], F extends (...args: never[]) => unknown> {
  new (...args: Settings<P>): Module<F> & Values<P>
}

/** A class of layers whose results have the shape and dtype of their input. */
export interface SameClass<P extends readonly Field[]> {
  new (...args: Settings<P>): Layer<Same> & Values<P>
}

/** A class of layers with the rule R, which knows the settings. */
export interface RuledClass<P extends readonly Field[], R extends Rule> {
  new <const A extends Settings<P>>(...args: Spelt<A, Settings<P>>): Layer<R, A> & Values<P>
}

/** The same of layers of two tensors. */
export interface PairClass<P extends readonly Field[], R extends PairRule> {
  new <const A extends Settings<P>>(...args: Spelt<A, Settings<P>>): Pair<R, A> & Values<P>
}

const NEEDED = Symbol("needed")

/** A setting without a default. */
export const needed = <T>(): T => NEEDED as T
/** A setting that is null by default. */
export const optional = <T>(): T | null => null
/** The flag that lets a module overwrite its input. */
export const INPLACE = ["inplace", false] as const

/** `negative_slope=0.01, inplace=True`: every setting, and `inplace` where it is set. */
export function showSettings(values: Readonly<Record<string, unknown>>, fields: readonly Field[]): string {
  return fields
    .filter(([name]) => name !== "inplace" || values[name])
    .map(([name, initial, kind]) => {
      const value = values[name]
      return `${keyOf(name)}=${kind === "float" && value === initial ? pythonFloat(value) : python(value)}`
    })
    .join(", ")
}

/** Shows nothing, whatever the settings. */
export const showNothing = (): string => ""

/** A class of modules from its settings and the function it computes, which gets the module and the call's arguments. */
export function layer<const P extends readonly Field[], A extends readonly unknown[], R>(
  name: string,
  fields: P,
  compute: (self: Values<P>, ...args: A) => R,
  show: (values: Readonly<Record<string, unknown>>, fields: readonly Field[]) => string = showSettings,
): LayerClass<P, (...args: A) => R> {
  const parameters = fields.map(([field, initial]) => (initial === NEEDED ? field : `${field}?`))
  const signature = parseSignature(`${name}(${parameters.join(", ")})`)
  class Layer extends Module {
    static readonly keepsNothing: unknown = Layer.prototype.forward

    constructor(...args: unknown[]) {
      super()
      const given = bind(signature, args)
      const self = this as unknown as Record<string, unknown>
      fields.forEach(([field, initial, kind], i) => {
        const value = given[i] === undefined ? initial : given[i]
        if (kind === "buffer") this.registerBuffer(field, value as Tensor | null)
        else self[field] = value
      })
    }

    override forward(...args: unknown[]): unknown {
      return compute(this as unknown as Values<P>, ...(args as unknown as A))
    }

    override extraRepr(): string {
      return show(this as unknown as Record<string, unknown>, fields)
    }
  }
  return Layer as unknown as LayerClass<P, (...args: A) => R>
}

/** As `layer`, of what leaves shape and dtype as they are. */
export const activation = layer as unknown as <const P extends readonly Field[]>(
  name: string,
  fields: P,
  compute: (self: Values<P>, x: Tensor) => Tensor,
  show?: (values: Readonly<Record<string, unknown>>, fields: readonly Field[]) => string,
) => SameClass<P>

/** As `layer`, of what the rule R is about. */
export const ruled = <R extends Rule>() =>
  layer as unknown as <const P extends readonly Field[]>(
    name: string,
    fields: P,
    compute: (self: Values<P>, x: Tensor) => unknown,
    show?: (values: Readonly<Record<string, unknown>>, fields: readonly Field[]) => string,
  ) => RuledClass<P, R>

/** As `layer`, of what the rule R about two tensors is about. */
export const paired = <R extends PairRule>() =>
  layer as unknown as <const P extends readonly Field[]>(
    name: string,
    fields: P,
    compute: (self: Values<P>, input: Tensor, other: Tensor) => Tensor,
    show?: (values: Readonly<Record<string, unknown>>, fields: readonly Field[]) => string,
  ) => PairClass<P, R>

/** Throws unless all of these are non-negative (or, from `least`, larger) integers. */
export function checkSizes(name: string, sizes: Readonly<Record<string, unknown>>, least = 0): void {
  for (const [key, value] of Object.entries(sizes))
    if (typeof value !== "number" || !Number.isInteger(value) || value < least)
      throw new RangeError(`${name}: ${key} must be an integer of at least ${least}, got ${valueText(value)}`)
}
