/**
 * Derivatives of the primitives, and of any expression made of them: the only place where calculus is written by hand.
 */

import type { Primitive } from "./expr.ts"
import { constant, type Expr, topological, where } from "./expr.ts"

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)

/** Given the gradient `g` of the node `y`, the gradients of its arguments; null where it is zero everywhere. */
type Rule = (g: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | null)[]

const zero: Rule = () => [null, null, null]
const unary =
  (rule: (g: Expr, x: Expr, y: Expr) => Expr): Rule =>
  (g, [x], y) => [rule(g, x!, y)]
const binary =
  (rule: (g: Expr, a: Expr, b: Expr, y: Expr) => [Expr | null, Expr | null]): Rule =>
  (g, [a, b], y) =>
    rule(g, a!, b!, y)

/**
 * Where PyTorch fixes a value at a kink (abs and sign at 0, max and min at a tie, pow at 0) the rule gives that value.
 */
export const DERIVATIVES: Readonly<Record<Primitive, Rule>> = {
  neg: unary((g) => g.neg()),
  abs: unary((g, x) => g.mul(x.sign())),
  sign: zero,
  floor: zero,
  ceil: zero,
  trunc: zero,
  round: zero,
  sqrt: unary((g, _x, y) => g.div(y.mul(2))),
  exp: unary((g, _x, y) => g.mul(y)),
  exp2: unary((g, _x, y) => g.mul(y).mul(Math.LN2)),
  expm1: unary((g, _x, y) => g.mul(y.add(1))),
  log: unary((g, x) => g.div(x)),
  // The factor goes to the gradient: x·ln 2 may be subnormal where x is not.
  log2: unary((g, x) => g.mul(Math.LOG2E).div(x)),
  log10: unary((g, x) => g.div(x.mul(Math.LN10))),
  log1p: unary((g, x) => g.div(x.add(1))),
  sin: unary((g, x) => g.mul(x.cos())),
  cos: unary((g, x) => g.mul(x.sin().neg())),
  tan: unary((g, _x, y) => g.mul(y.square().add(1))),
  asin: unary((g, x) => g.div(constant(1, x.dtype).sub(x.square()).sqrt())),
  acos: unary((g, x) => g.neg().div(constant(1, x.dtype).sub(x.square()).sqrt())),
  atan: unary((g, x) => g.div(x.square().add(1))),
  sinh: unary((g, x) => g.mul(x.cosh())),
  cosh: unary((g, x) => g.mul(x.sinh())),
  tanh: unary((g, _x, y) => g.mul(constant(1, y.dtype).sub(y.square()))),
  sigmoid: unary((g, _x, y) => g.mul(constant(1, y.dtype).sub(y).mul(y))),
  erf: unary((g, x) => g.mul(x.square().neg().exp().mul(TWO_OVER_SQRT_PI))),
  erfc: unary((g, x) => g.mul(x.square().neg().exp().mul(-TWO_OVER_SQRT_PI))),
  erfinv: unary((g, _x, y) =>
    g.mul(
      y
        .square()
        .exp()
        .mul(1 / TWO_OVER_SQRT_PI),
    ),
  ),
  lgamma: unary((g, x) => g.mul(x.polygamma(0))),
  polygamma: binary((g, n, x) => [null, g.mul(x.polygamma(Number(n.value) + 1))]),
  add: binary((g) => [g, g]),
  sub: binary((g) => [g, g.neg()]),
  mul: binary((g, a, b) => [g.mul(b), g.mul(a)]),
  // PyTorch's: -g·((a/b)/b), which does not overflow where b² would.
  div: binary((g, a, b) => [g.div(b), g.neg().mul(a.div(b).div(b))]),
  mod: binary((g, a, b) => [g, g.neg().mul(a.div(b).trunc())]),
  pow: binary((g, a, b, y) => [
    where(b.eq(0), constant(0, a.dtype), g.mul(b.mul(a.pow(b.sub(1))))),
    where(a.eq(0).and(b.ge(0)), constant(0, a.dtype), g.mul(y.mul(a.log()))),
  ]),
  atan2: binary((g, a, b) => {
    const r = a.square().add(b.square())
    return [g.mul(b).div(r), g.mul(a.neg()).div(r)]
  }),
  // At a tie both get half.
  min: binary((g, a, b) => [tie(g, a, b, a.lt(b)), tie(g, a, b, b.lt(a))]),
  max: binary((g, a, b) => [tie(g, a, b, b.lt(a)), tie(g, a, b, a.lt(b))]),
  eq: zero,
  lt: zero,
  le: zero,
  and: zero,
  or: zero,
  xor: zero,
  not: zero,
  shl: zero,
  shr: zero,
  mulhi: zero,
  where: (g, [p]) => [null, where(p!, g, constant(0, g.dtype)), where(p!, constant(0, g.dtype), g)],
  cast: (g, [x]) => [g.cast(x!.dtype)],
  bitcast: zero,
}

const tie = (g: Expr, a: Expr, b: Expr, wins: Expr): Expr =>
  where(a.eq(b), g.mul(0.5), where(wins, g, constant(0, g.dtype)))

const isFloat = (e: Expr): boolean =>
  e.dtype === "float32" || e.dtype === "float64" || e.dtype === "float16" || e.dtype === "bfloat16"

/**
 * Reverse mode over an expression: given the gradient `seed` of `root`, the gradient of each of `wrt` (null: it does not
 * depend on it differentiably). `wrt` are leaves; the result may mention `root` itself and anything inside it.
 */
export function differentiate(root: Expr, seed: Expr, wrt: readonly Expr[]): (Expr | null)[] {
  const order = topological([root])
  const depends = new Set<Expr>(wrt)
  for (const node of order) if (isFloat(node) && node.args.some((a) => depends.has(a))) depends.add(node)
  const gradient = new Map<Expr, Expr>([[root, seed]])
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]!
    const g = gradient.get(node)
    if (!g || node.args.length === 0 || node.op === "load" || !depends.has(node)) continue
    const parts = DERIVATIVES[node.op as Primitive](g, node.args, node)
    node.args.forEach((argument, k) => {
      const part = parts[k]
      if (!part || !depends.has(argument)) return
      const before = gradient.get(argument)
      gradient.set(argument, before ? before.add(part) : part)
    })
  }
  return wrt.map((leaf) => (depends.has(root) ? (gradient.get(leaf) ?? null) : null))
}
