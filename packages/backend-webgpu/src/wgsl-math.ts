/**
 * The WGSL functions that the primitives' rows call, and the text of those that a shader needs.
 *
 * The one thing that a shader must provide is `fn zeroBits() -> u32`, which gives a 0 that the compiler cannot see is one (from
 * the uniform `params`; `zeroBitsFunction` writes it). From it come infinities and NaN, which WGSL forbids as constants, and the guards
 * around steps that must be rounded one by one.
 */
import { ELEMENTARY } from "./wgsl-elementary.ts"
import type { ERROR } from "./wgsl-error.ts"
import { FLOATS } from "./wgsl-floats.ts"
import type { GAMMA } from "./wgsl-gamma.ts"
import type { HALF } from "./wgsl-half.ts"
import { INTEGERS } from "./wgsl-integers.ts"
import type { POWERS } from "./wgsl-powers.ts"
import type { TRIGONOMETRIC } from "./wgsl-trigonometric.ts"

/** Functions by name, each with its WGSL text. */
export type Functions = Readonly<Partial<Record<HelperName, string>>>

export type HelperName =
  | keyof typeof FLOATS
  | keyof typeof INTEGERS
  | keyof typeof ELEMENTARY
  | keyof typeof ERROR
  | keyof typeof GAMMA
  | keyof typeof HALF
  | keyof typeof POWERS
  | keyof typeof TRIGONOMETRIC

export interface Helper {
  readonly code: string
  /** The helpers that the code itself names. */
  readonly needs: readonly string[]
}

/** The helpers that a text names, each once. Names that a shader counts (`f_12`) are its own. */
const namesIn = (text: string): string[] => [...new Set(text.match(/\b(?:[bfhiu]|df)_[a-zA-Z]\w*/g) ?? [])]

const helpersOf = (functions: Functions): [string, Helper][] =>
  Object.entries(functions).map(([name, code]) => [name, { code, needs: namesIn(code).filter((n) => n !== name) }])

/** Those that shaders may name. */
const helpers = new Map([FLOATS, INTEGERS, ELEMENTARY].flatMap(helpersOf))

/** Lets the shaders that are written from now on name more of them. */
export function provide(functions: Functions): void {
  for (const [name, helper] of helpersOf(functions)) helpers.set(name, helper)
}

/** @throws TypeError where the function was not provided. */
export function helper(name: string): Helper {
  const found = helpers.get(name)
  if (!found)
    throw new TypeError(
      `webgpu: this backend was opened without ${name}; give createWebGpu the family that it belongs to: functions: [trigonometric, error, powers, gamma, half]`,
    )
  return found
}

/** The code of all helpers that a shader's text names, and of what these need, each behind what it needs. */
export function helperCode(text: string): string {
  const codes = new Map<string, string>()
  const visit = (name: string): void => {
    if (codes.has(name)) return
    const { code, needs } = helper(name)
    for (const needed of needs) visit(needed)
    codes.set(name, code)
  }
  for (const name of namesIn(text)) visit(name)
  return [...codes.values()].join("\n")
}

/** The function that helpers take their unseen zero from; the expression reads it from a uniform, for example `params[2].w`. */
export const zeroBitsFunction = (expression: string): string => `fn zeroBits() -> u32 { return ${expression}; }`
