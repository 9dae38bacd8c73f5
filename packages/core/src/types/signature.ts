/**
 * How the typed signature of an op is written.
 *
 * A signature is an interface of two members: `method`, where the tensor is `this`, and `function`, where it comes first. An op
 * names its signature once, in its family's table:
 *
 *     export interface ReductionOps {
 *       sum: Reduction<"sum", "sum">
 *     }
 *     export interface ReductionMethods extends MethodsOf<ReductionOps> {}
 *     export const sum: FunctionOf<ReductionOps["sum"]> = op(...)
 *
 * so that a method and its function cannot differ, and the doc comment, which stands in the table, is written once. Ops that share
 * a pattern share the interface (`patterns.ts`); one that is like no other has its own, beside its shape rule. The reasons:
 *
 * - The method finds the tensor's shape and dtype by inference from `this` instead of taking them from the class. So no method
 *   mentions the class's parameters: `Tensor`'s variance follows from its fields, all tensor types share one set of methods, and
 *   comparing or inferring between `Parameter` and `Tensor` costs nothing. With methods that took the class's parameters, every
 *   new shape in a program made all methods anew.
 * - The two call signatures of a pattern are written out side by side. One cannot be computed from the other, because a
 *   conditional type that takes a generic function apart forgets its type parameters.
 * - Parameters are positional, with names, and an object of options may stand in the place of each, as `bind` allows it. A rest
 *   tuple with all the forms would be one line shorter per pattern, but editors then show neither names nor the order.
 * - A rule gives a tuple or a sentence (`shape.ts`); `Arg<Rule, A>` makes the sentence the parameter's type and `Ok<Rule>` the result's
 *   shape. Where an op takes no argument that could carry the sentence, `this` does.
 * - The two forms of a pattern have names (`BinaryMethod`, `BinaryFunction`): declarations and editors then show the name where a
 *   program passes the function on, instead of the whole signature.
 * - Bare `Tensor` is `Tensor<any, any>`: each rule looks for `any` first, and stops there.
 * - The receiver's type is a parameter of its own, `Self`, and S and D are read off it by default. Inferred from `this: Tensor<S, D>`
 *   they would be one shape and one dtype, and `for (const x of [a, b]) x.exp()` would not compile where a and b differ in shape.
 */

import type { Tensor } from "../tensor.ts"

/** The two forms of an op. */
export interface Signature {
  method(...args: any[]): unknown
  function(...args: any[]): unknown
}

/** The methods of a family's table of signatures. */
export type MethodsOf<T> = { [K in keyof T]: T[K] extends { method: infer M } ? M : never }

/**
 * The functions that are made methods, by name. Nobody calls them through the table, and with their own types its declaration would have
 * all signatures once more, taken apart, which older compilers take minutes to check.
 */
export type Family = Readonly<Record<string, (input: Tensor, ...args: any[]) => unknown>>

/** The function of a signature. */
export type FunctionOf<T extends { function: unknown }> = T["function"]

/** The shape of a tensor's type; of several tensors' the union of theirs. */
export type ShapeOf<T> = T extends Tensor<infer S, any> ? S : any

/** The dtype of a tensor's type; of several tensors' the union of theirs. */
export type DTypeOf<T> = T extends Tensor<any, infer D> ? D : any

/** The shape of the receiver's type. By its field, which is known at once, where `ShapeOf` would wait in a generic function. */
export type OwnShape<T extends Tensor> = T["__types"][0]

/** The dtype of the receiver's type. */
export type OwnDType<T extends Tensor> = T["__types"][1]
