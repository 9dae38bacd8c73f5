/** Functions of so many parameters that they are better passed by name. */
import type { Local } from "./assembler.ts"
import type { Code } from "./code.ts"
import type { Pointer, PointerMath } from "./pointer-math.ts"

type ParameterType = "ptr" | "i32"

export interface Parameters<Name extends string> {
  readonly types: readonly ParameterType[]
  /** A function's variables, by name. */
  named(locals: readonly Local[]): Readonly<Record<Name, Local>>
  /** Arguments in the order of the parameters; numbers are of the address type. */
  arguments(m: PointerMath, values: Readonly<Record<Name, Pointer>>): Code[]
}

/** @param types those of parameters that aren't of the address type */
export function parameters<const Name extends string>(
  names: readonly Name[],
  types?: Readonly<Partial<Record<Name, ParameterType>>>,
): Parameters<Name> {
  return {
    types: names.map((name) => types?.[name] ?? "ptr"),
    named: (locals) => Object.fromEntries(names.map((name, k) => [name, locals[k]])) as Record<Name, Local>,
    arguments: (m, values) => names.map((name) => m.of(values[name])),
  }
}
