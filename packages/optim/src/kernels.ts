/** Updates as formulas: one kernel, one pass over the memory each. */
import { type Expr, type Formula, Pointwise } from "@taeda/core"

/**
 * A kernel for each set of options that change the formula, made when first needed. `make` gets the options as they were
 * given to the call.
 */
export function variants<A extends readonly (boolean | number)[]>(
  name: string,
  make: (...flags: A) => Formula,
): (...flags: A) => Pointwise {
  const known = new Map<string, Pointwise>()
  return (...flags) => {
    const key = flags.join()
    let kernel = known.get(key)
    if (!kernel) known.set(key, (kernel = new Pointwise(name, make(...flags))))
    return kernel
  }
}

/**
 * The gradient that an update follows: `g`, or `−g` to maximize, plus `decay·p` where weights decay. A formula with all of
 * `g`, `p` and `decay` as arguments serves both: constants fold away.
 */
export const direction = (g: Expr, p: Expr, decay: Expr, decays: boolean, maximize: boolean): Expr => {
  const along = maximize ? g.neg() : g
  return decays ? along.add(p.mul(decay)) : along
}
