/** Several results in one: `const { values, indices } = x.max(1)` and `const [values, indices] = x.max(1)`. */

export type Results<N extends readonly string[], T> = { readonly [K in keyof N]: T } & {
  readonly [K in N[number]]: T
} & Iterable<T>

/** The values by position and by name; names are listed in the order of PyTorch's named tuple. */
export function results<const N extends readonly string[], T>(names: N, values: readonly T[]): Results<N, T> {
  const out = [...values]
  names.forEach((name, i) => Object.defineProperty(out, name, { value: out[i], enumerable: false }))
  return out as unknown as Results<N, T>
}
