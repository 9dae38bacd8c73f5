/** The constructor's arguments of a layer, as a tuple of literal types: by position, or by name in a trailing object. */

/** Whether X stands for itself: an object is one of options. */
type IsValue<X> = X extends object ? (X extends readonly unknown[] ? true : false) : true

/** What the trailing object says of N. */
type Named<A, N extends string> = A extends readonly [...unknown[], infer L]
  ? IsValue<L> extends true
    ? undefined
    : L extends { readonly [K in N]?: infer X }
      ? X
      : undefined
  : undefined

/** The setting N, the one at place I: undefined where it is not given, unknown where only the run knows. */
export type Setting<A, I extends string, N extends string> = unknown extends A
  ? unknown
  : A extends readonly unknown[]
    ? number extends A["length"]
      ? unknown
      : I extends keyof A
        ? IsValue<A[I]> extends true
          ? A[I]
          : Named<A, N>
        : Named<A, N>
    : unknown
