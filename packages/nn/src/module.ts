/** `Module` as its users see it: the class with its call. */
import { Module as Members } from "./members.ts"

/** A function that takes and gives anything: what a module's `forward` may be. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyFunction = (...args: any[]) => any
/** What a call of a module takes whose `forward` is of the type F. */
// biome-ignore lint/suspicious/noExplicitAny: an untyped module takes anything
export type Inputs<F extends AnyFunction> = 0 extends 1 & F ? any[] : Parameters<F>

/**
 * What a call gives: what `F` says, or else what the class's own `forward` does. Lists are left open: a literal `[out, state]`
 * without a type is no tuple to the compiler, though it is taken apart as one.
 */
export type Output<F extends AnyFunction, Forward extends AnyFunction> = 0 extends 1 & F
  ? ReturnType<Forward> extends readonly unknown[]
    ? number extends ReturnType<Forward>["length"]
      ? // biome-ignore lint/suspicious/noExplicitAny: see above
        any
      : ReturnType<Forward>
    : ReturnType<Forward>
  : ReturnType<F>

// biome-ignore lint/suspicious/noExplicitAny: untyped by default
export interface Module<F extends AnyFunction = any> extends Members {
  /** Runs `forward`, with the hooks around it. */
  (...args: Inputs<F>): Output<F, this["forward"]>
  /** What a call computes; a subclass writes it. */
  forward(...args: Inputs<F>): ReturnType<F>
}

/**
 * The base class of modules. `F` is the type of `forward`, and so of the call. Without it a call takes anything, and gives what
 * the class's own `forward` gives.
 *
 *     class Net extends nn.Module<(x: Tensor) => Tensor> {
 *       fc = new nn.Linear(784, 10)
 *       forward(x: Tensor) { return this.fc(x.flatten(1)) }
 *     }
 *     const y = new Net()(x)
 */
export const Module = Members as unknown as {
  // biome-ignore lint/suspicious/noExplicitAny: untyped by default
  new <F extends AnyFunction = any>(): Module<F>
  readonly prototype: Module
}
