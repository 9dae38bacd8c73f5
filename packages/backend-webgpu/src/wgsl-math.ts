/**
 * The WGSL functions that the primitives' rows call, and the text of those that a shader needs.
 *
 * The one thing that a shader must provide is `fn zeroBits() -> u32`, which gives a 0 that the compiler cannot see is one (from
 * the uniform `params`; `zeroBitsFunction` writes it). From it come infinities and NaN, which WGSL forbids as constants, and the guards
 * around steps that must be rounded one by one.
 */
import { ELEMENTARY } from "./wgsl-elementary.ts"
import { FLOATS } from "./wgsl-floats.ts"
import { GAMMA } from "./wgsl-gamma.ts"
import { INTEGERS } from "./wgsl-integers.ts"

const CODES = { ...FLOATS, ...INTEGERS, ...ELEMENTARY, ...GAMMA }

export type HelperName = keyof typeof CODES

export interface Helper {
  readonly code: string
  /** The helpers that the code itself names. */
  readonly needs: readonly HelperName[]
}

const isHelper = (name: string): name is HelperName => Object.hasOwn(CODES, name)

/** The helpers that a text names, each once. */
const namesIn = (text: string): HelperName[] => [...new Set(text.match(/\b\w+_\w+\b/g) ?? [])].filter(isHelper)

export const HELPERS = Object.fromEntries(
  Object.entries(CODES).map(([name, code]) => [name, { code, needs: namesIn(code).filter((n) => n !== name) }]),
) as Record<string, Helper> as Readonly<Record<HelperName, Helper>>

/** The code of all helpers that a shader's text names, and of what these need, each behind what it needs. */
export function helperCode(text: string): string {
  const codes = new Map<HelperName, string>()
  const visit = (name: HelperName): void => {
    if (codes.has(name)) return
    for (const needed of HELPERS[name].needs) visit(needed)
    codes.set(name, HELPERS[name].code)
  }
  for (const name of namesIn(text)) visit(name)
  return [...codes.values()].join("\n")
}

/** The function that helpers take their unseen zero from; the expression reads it from a uniform, for example `params[2].w`. */
export const zeroBitsFunction = (expression: string): string => `fn zeroBits() -> u32 { return ${expression}; }`
