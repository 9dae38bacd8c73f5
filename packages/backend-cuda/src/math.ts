/** The functions that a module's text calls, with all that they need. */
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
