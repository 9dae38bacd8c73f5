/**
 * Arguments as PyTorch takes them: positional in its order, and any of them by name in one trailing plain object.
 *
 * A signature is written as text, which is also its documentation: `sum(input, dim?, keepdim?, *, dtype?)`. `?` marks
 * what may be left out, `*` begins what is given by name only, `...shape` takes numbers one by one or as one array.
 */
import { didYouMean, valueText } from "./errors.ts"
import { abandon, enter, leave, watching } from "./regions.ts"
import { isTensor } from "./tensor.ts"

/** The arguments: their names in their order, and which of them may be left out. */
export interface Parameters {
  /** All names in order; those by position come first. */
  readonly names: readonly string[]
  readonly positional: number
  readonly required: readonly boolean[]
  /** The place of a `...` parameter, or -1. */
  readonly rest: number
  /** How many arguments must be given. */
  readonly fewest: number
  /** Whether the first is the tensor `input`. */
  readonly takesInput: boolean
}

/** How an op is called. */
export class Signature {
  readonly name: string
  readonly text: string
  private known: Parameters | null = null

  constructor(text: string) {
    this.name = text.slice(0, text.indexOf("("))
    this.text = text
  }

  /** Read when they are asked for: importing makes hundreds of signatures, of which a program needs a few. */
  get parameters(): Parameters {
    return (this.known ??= parametersOf(this))
  }
  get names(): readonly string[] {
    return this.parameters.names
  }
}

function parametersOf({ name, text }: Signature): Parameters {
  const parts: readonly string[] = text.slice(name.length).match(/[\w.?*]+/g) ?? []
  const star = parts.indexOf("*")
  const clean = parts.filter((p) => p !== "*")
  const names = clean.map((p) => p.replace(/\W/g, ""))
  const required = clean.map((p, i) => !p.endsWith("?") && (star < 0 || i < star))
  return {
    names,
    positional: star < 0 ? clean.length : star,
    required,
    rest: clean.findIndex((p) => p.startsWith("...")),
    fewest: required.lastIndexOf(true) + 1,
    takesInput: names[0] === "input",
  }
}

export const parseSignature = (text: string): Signature => new Signature(text)

/** A plain object: options, not a tensor, an array or anything with a class. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  // Not only this realm's Object.prototype: literals also come from iframes and sandboxes.
  return proto === Object.prototype || proto === null || Object.getPrototypeOf(proto) === null
}

/** The arguments in the order of the signature's names, undefined where not given. Throws a TypeError in plain words. */
export function bind(s: Signature, given: readonly unknown[]): unknown[] {
  const { names, positional, required, rest, takesInput } = s.parameters
  let args = given
  let named: Record<string, unknown> | null = null
  if (args.length && isOptions(args[args.length - 1])) {
    named = args[args.length - 1] as Record<string, unknown>
    args = args.slice(0, -1)
  }
  const bound = new Array<unknown>(names.length).fill(undefined)
  if (rest >= 0 && args.length > rest) {
    for (let i = 0; i < rest; i++) bound[i] = args[i]
    const first = args[rest]
    // A list, then whatever follows it by position; or the elements one by one.
    if (Array.isArray(first)) args.slice(rest).forEach((a, i) => (bound[rest + i] = a))
    else bound[rest] = args.slice(rest)
  } else {
    if (args.length > positional)
      throw new TypeError(
        `${s.name}: takes ${positional} arguments by position but ${args.length} were given: ${s.text}`,
      )
    for (let i = 0; i < args.length; i++) bound[i] = args[i]
  }
  if (named)
    for (const key of Object.keys(named)) {
      const at = names.indexOf(key)
      if (at < 0)
        throw new TypeError(
          `${s.name}: unknown option ${JSON.stringify(key)}${didYouMean(
            key,
            names.filter((n) => n !== "input"),
          )}`,
        )
      if (bound[at] !== undefined)
        throw new TypeError(`${s.name}: ${key} was given twice, by position and by name: ${s.text}`)
      bound[at] = named[key]
    }
  for (let i = 0; i < bound.length; i++)
    if (required[i] && bound[i] === undefined) throw new TypeError(`${s.name}: missing argument ${names[i]}: ${s.text}`)
  if (takesInput && !isTensor(bound[0]))
    throw new TypeError(`${s.name}: input must be a tensor, got ${valueText(bound[0])}`)
  return bound
}

/** Whether arguments are already as the signature orders them: by position, none too many, none missing. */
function isPlain(s: Parameters, args: readonly unknown[]): boolean {
  const n = args.length
  if (s.rest >= 0 || n > s.positional || n < s.fewest) return false
  if (s.takesInput && !isTensor(args[0])) return false
  for (let i = 0; i < s.fewest; i++) if (args[i] === undefined) return false
  return n === 0 || !isOptions(args[n - 1])
}

/** Every op by name with its signature, for documentation and for the suite. */
export const CATALOGUE = new Map<string, Signature>()

/** The signature of a function that takes its arguments by itself, entered in the catalogue. */
export function entered(text: string): Signature {
  const s = new Signature(text)
  CATALOGUE.set(s.name, s)
  return s
}

/** Enters a function by its signature. */
export function catalogued<F>(signature: string, fn: F): F {
  entered(signature)
  return fn
}

/**
 * An op from its signature and its body, which gets the arguments in the signature's order. `F` is the type that callers
 * see; the body itself is written for tensors of any shape and dtype. It runs in a region (`regions.ts`): what it makes on the
 * way to its result is freed.
 */
// biome-ignore lint/suspicious/noExplicitAny: the body's parameters are checked against the signature at run time
export function op<F extends (...args: any[]) => any>(signature: string, body: (...args: any[]) => unknown): F {
  const s = entered(signature)
  // As few frames as can be: stack traces of forward calls are cut at ten.
  const call = (...args: unknown[]): unknown => {
    if (!watching) return isPlain(s.parameters, args) ? body(...args) : body(...bind(s, args))
    const mark = enter()
    let result: unknown
    try {
      result = isPlain(s.parameters, args) ? body(...args) : body(...bind(s, args))
    } catch (error) {
      abandon(mark)
      throw error
    }
    leave(mark, result)
    return result
  }
  return Object.defineProperty(call, "name", { value: s.name }) as unknown as F
}

/** The positional parameters `P` (name and type each) followed by whatever was not given by position, by name. */
export type Args<P extends readonly (readonly [string, unknown])[], K = unknown> = P extends readonly [
  infer H extends readonly [string, unknown],
  ...infer T extends readonly (readonly [string, unknown])[],
]
  ? [options?: Named<P> & Partial<K>] | [H[1], ...Args<T, K>]
  : [options?: Partial<K>]

type Named<P extends readonly (readonly [string, unknown])[]> = { [Q in P[number] as Q[0]]?: Q[1] }

/** The function that does what a method does, with the tensor first. */
export type Fn<M> = M extends (...args: infer A) => infer R
  ? (input: import("./tensor.ts").Tensor, ...args: A) => R
  : never
