/**
 * Arguments as PyTorch takes them: positional in its order, and any of them by name in one trailing plain object.
 *
 * A signature is written as text, which is also its documentation: `sum(input, dim?, keepdim?, *, dtype?)`. `?` marks
 * what may be left out, `*` begins what is given by name only, `...shape` takes numbers one by one or as one array.
 */
import { didYouMean, valueText } from "./errors.ts"
import { abandon, enter, leave, watching } from "./regions.ts"
import { isTensor } from "./tensor.ts"

/** How an op is called: the names of its arguments in their order, and which of them may be left out. */
export interface Signature {
  readonly name: string
  readonly text: string
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

export function parseSignature(text: string): Signature {
  const [, name = "", inside = ""] = /^(\w+)\((.*)\)$/.exec(text) ?? []
  const parts = inside
    .split(",")
    .map((p) => p.trim())
    .filter(Boolean)
  const star = parts.indexOf("*")
  const clean = parts.filter((p) => p !== "*")
  const names = clean.map((p) => p.replace(/^\.\.\./, "").replace(/\?$/, ""))
  const required = clean.map((p, i) => !p.endsWith("?") && (star < 0 || i < star))
  return {
    name,
    text,
    names,
    positional: star < 0 ? clean.length : star,
    required,
    rest: clean.findIndex((p) => p.startsWith("...")),
    fewest: required.lastIndexOf(true) + 1,
    takesInput: names[0] === "input",
  }
}

/** A plain object: options, not a tensor, an array or anything with a class. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  // Not only this realm's Object.prototype: literals also come from iframes and sandboxes.
  return proto === Object.prototype || proto === null || Object.getPrototypeOf(proto) === null
}

/** The arguments in the order of the signature's names, undefined where not given. Throws a TypeError in plain words. */
export function bind(s: Signature, given: readonly unknown[]): unknown[] {
  let args = given
  let named: Record<string, unknown> | null = null
  if (args.length && isOptions(args[args.length - 1])) {
    named = args[args.length - 1] as Record<string, unknown>
    args = args.slice(0, -1)
  }
  const bound = new Array<unknown>(s.names.length).fill(undefined)
  if (s.rest >= 0 && args.length > s.rest) {
    for (let i = 0; i < s.rest; i++) bound[i] = args[i]
    const first = args[s.rest]
    // A list, then whatever follows it by position; or the elements one by one.
    if (Array.isArray(first)) args.slice(s.rest).forEach((a, i) => (bound[s.rest + i] = a))
    else bound[s.rest] = args.slice(s.rest)
  } else {
    if (args.length > s.positional)
      throw new TypeError(
        `${s.name}: takes ${s.positional} arguments by position but ${args.length} were given: ${s.text}`,
      )
    for (let i = 0; i < args.length; i++) bound[i] = args[i]
  }
  if (named)
    for (const key of Object.keys(named)) {
      const at = s.names.indexOf(key)
      if (at < 0)
        throw new TypeError(
          `${s.name}: unknown option ${JSON.stringify(key)}${didYouMean(
            key,
            s.names.filter((n) => n !== "input"),
          )}`,
        )
      if (bound[at] !== undefined)
        throw new TypeError(`${s.name}: ${key} was given twice, by position and by name: ${s.text}`)
      bound[at] = named[key]
    }
  for (let i = 0; i < bound.length; i++)
    if (s.required[i] && bound[i] === undefined)
      throw new TypeError(`${s.name}: missing argument ${s.names[i]}: ${s.text}`)
  if (s.names[0] === "input" && !isTensor(bound[0]))
    throw new TypeError(`${s.name}: input must be a tensor, got ${valueText(bound[0])}`)
  return bound
}

/** Whether arguments are already as the signature orders them: by position, none too many, none missing. */
function isPlain(s: Signature, args: readonly unknown[]): boolean {
  const n = args.length
  if (s.rest >= 0 || n > s.positional || n < s.fewest) return false
  if (s.takesInput && !isTensor(args[0])) return false
  for (let i = 0; i < s.fewest; i++) if (args[i] === undefined) return false
  return n === 0 || !isOptions(args[n - 1])
}

/** Every op by name with its signature, for documentation and for the suite. */
export const CATALOGUE = new Map<string, Signature>()

/**
 * An op from its signature and its body, which gets the arguments in the signature's order. `F` is the type that callers
 * see; the body itself is written for tensors of any shape and dtype. It runs in a region (`regions.ts`): what it makes on the
 * way to its result is freed.
 */
// biome-ignore lint/suspicious/noExplicitAny: the body's parameters are checked against the signature at run time
export function op<F extends (...args: any[]) => any>(signature: string, body: (...args: any[]) => unknown): F {
  const s = parseSignature(signature)
  CATALOGUE.set(s.name, s)
  // As few frames as can be: stack traces of forward calls are cut at ten.
  const call = (...args: unknown[]): unknown => {
    if (!watching) return isPlain(s, args) ? body(...args) : body(...bind(s, args))
    const mark = enter()
    let result: unknown
    try {
      result = isPlain(s, args) ? body(...args) : body(...bind(s, args))
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
