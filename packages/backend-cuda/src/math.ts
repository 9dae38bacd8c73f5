/** The functions that a module's text calls, with all that they need, or the bodies of short ones in place of calls. */
import { MATH_PTX } from "./math-ptx.ts"

export type MathName = keyof typeof MATH_PTX

/** The texts of functions and tables, each behind what it needs. */
export function mathText(names: Iterable<MathName>): string[] {
  const texts = new Map<MathName, string>()
  const visit = (name: MathName): void => {
    if (texts.has(name)) return
    for (const needed of MATH_PTX[name].needs) visit(needed)
    texts.set(name, MATH_PTX[name].text)
  }
  for (const name of names) visit(name)
  return [...texts.values()]
}

/** Characters of a function's text up to which its body takes the place of calls: most of those of float32. */
const SHORT = 1600

const FUNCTION = /^\.func [^{]*\n\{\n([\s\S]*)ret;\n\}$/

/** A body whose registers have names that no writer gives; undefined where the function is long or needs others. */
function bodyOf(name: MathName): string | undefined {
  const { needs, text } = MATH_PTX[name]
  if (needs.length > 0 || text.length > SHORT) return undefined
  // Without `.rn` the driver's compiler may fuse operations of the body with those of the next.
  return FUNCTION.exec(text)?.[1]
    .replace(/%(?=\w)/g, "%_")
    .replace(/^((?:@\S+ )?(?:add|sub|mul))(?=\.f(?:32|64) )/gm, "$1.rn")
}

const bodies = new Map<MathName, string | undefined>()

/**
 * A short function's body as a block of statements that puts its value in a register; undefined for the others. `unique` is
 * a number of which the block makes names of its own. The driver's compiler inlines no call by itself, and a call
 * costs as much as a short function.
 */
export function inlineCall(
  name: MathName,
  unique: number,
  result: string,
  args: readonly string[],
): string | undefined {
  if (!bodies.has(name)) bodies.set(name, bodyOf(name))
  const body = bodies
    .get(name)
    ?.replace(/^ld\.param(\.\w+ %\w+), \[\w+_param_(\d)\]/gm, (_, to, k) => `mov${to}, ${args[k]}`)
    .replace(/^st\.param(\.\w+) \[\w+\+0\]/gm, `mov$1 ${result}`)
    .replace(/\$L\w+/g, (label) => `${label}_${unique}`)
  return body && `{\n${body}}`
}
