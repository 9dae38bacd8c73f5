/** What comes out of a call: at run time, and as the compiler infers it. */
import type { DType, Tensor } from "@taeda/core"

/** Of one tensor. */
export interface Outcome {
  readonly shape: readonly number[]
  readonly dtype: DType
}

export const outcomeOf = ({ shape, dtype }: Tensor): Outcome => ({ shape, dtype })

/** The file that every program of the agreement test imports: a result's type as something that is easily printed. */
export const OUTCOME_TYPES = `
import type { Tensor } from "taeda"

/** A size or dtype; several possible ones count as unknown. */
type One<A, B = A> = unknown extends A ? "any" : A extends unknown ? ([B] extends [A] ? A : "any") : never

type Sizes<S> = unknown extends S ? "any" : S extends readonly unknown[] ? number extends S["length"] ? "any" : { -readonly [K in keyof S]: One<S[K]> } : "any"

/** The tensors in a result, one after the other: [shape, dtype] each; "any" where nothing is known; a list of unknown length as { each }. */
export type Outcome<T> = unknown extends T ? "any"
  : T extends PromiseLike<infer U> ? Outcome<U>
  : T extends { readonly output: infer A; readonly indices: infer B } ? Each<[A, B]>
  : T extends { readonly values: infer A; readonly indices: infer B } ? Each<[A, B]>
  : T extends readonly unknown[] ? number extends T["length"] ? { each: Outcome<T[number]> } : Each<T>
  : T extends Tensor<infer S, infer D> ? [[Sizes<S>, One<D>]]
  : []
type Each<T extends readonly unknown[], N extends 0[] = []> = N["length"] extends T["length"] ? []
  : Outcome<T[N["length"]]> extends infer X extends unknown[] ? Each<T, [...N, 0]> extends infer Y extends unknown[] ? [...X, ...Y] : "any" : "any"
`

type Inferred =
  | "any"
  | readonly (readonly ["any" | readonly (number | "any")[], string])[]
  | { readonly each: Inferred }

/** A printed type as a value; a size that is only \`number\` is "any". */
export function parseOutcome(printed: string): Inferred {
  const json = printed
    .replace(/readonly number\[\]|\bnumber\b/g, '"any"')
    .replace(/\{ each: (.*?); \}/g, '{ "each": $1 }')
  try {
    return JSON.parse(json) as Inferred
  } catch {
    throw new Error(`cannot read the inferred type ${printed}`)
  }
}

export type Verdict = "exact" | "sizes unknown" | "shape unknown" | "dtype unknown" | "unknown" | "wrong"

/** Of one tensor: whether what is inferred is right, and how much of it is. */
function verdictOn([shape, dtype]: readonly ["any" | readonly (number | "any")[], string], actual: Outcome): Verdict {
  if (dtype !== "any" && dtype !== actual.dtype) return "wrong"
  if (shape === "any") return dtype === "any" ? "unknown" : "shape unknown"
  if (shape.length !== actual.shape.length) return "wrong"
  if (shape.some((size, dim) => size !== "any" && size !== actual.shape[dim])) return "wrong"
  if (shape.includes("any")) return "sizes unknown"
  return dtype === "any" ? "dtype unknown" : "exact"
}

/** From the best to the worst. */
const ORDER: readonly Verdict[] = ["exact", "dtype unknown", "sizes unknown", "shape unknown", "unknown", "wrong"]
const worst = (verdicts: readonly Verdict[]): Verdict =>
  ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))]

/** Of a whole result. */
export function compareOutcomes(inferred: Inferred, actual: readonly Outcome[]): Verdict {
  if (inferred === "any") return "unknown"
  if ("each" in inferred) {
    const { each } = inferred
    // The number of tensors is unknown: never more than the sizes of it are.
    return worst(["sizes unknown", ...actual.map((one) => compareOutcomes(each, [one]))])
  }
  if (inferred.length !== actual.length) return "wrong"
  return worst(inferred.map((one, i) => verdictOn(one, actual[i])))
}
