/** Expressions to JavaScript text, each part placed in the outermost loop on which it depends. */
import type { Expr, Primitive } from "@taeda/core"
import { constantValue, isLeaf, planExpressions, stepOf } from "./expression-plan.ts"
import { type Value, WRAP } from "./primitives.ts"

/** A text and the nesting level from which on it has a value; `simple` texts are never given names. */
export interface LeafText {
  readonly text: string
  readonly level: number
  readonly simple: boolean
}

/** Where statements go: one list of lines per nesting level, the last of which is the innermost. */
export class Scope {
  readonly lines: string[][]
  private readonly names = new Map<string, string>()
  private readonly fresh: () => string

  constructor(levels: number, fresh: () => string) {
    this.lines = Array.from({ length: levels }, () => [])
    this.fresh = fresh
  }

  get innermost(): number {
    return this.lines.length - 1
  }

  /** A name for the value of `text`, computed at `level`; outside of the innermost level equal texts share a name. */
  declare(level: number, text: string): string {
    const key = `${level}:${text}`
    const known = this.names.get(key)
    if (known) return known
    const name = this.fresh()
    this.lines[level].push(`const ${name} = ${text}`)
    if (level < this.innermost) this.names.set(key, name)
    return name
  }

  /** A statement at `level`, once. */
  state(level: number, text: string): void {
    if (!this.lines[level].includes(text)) this.lines[level].push(text)
  }

  /** The deepest level that has lines. */
  get deepest(): number {
    return this.lines.findLastIndex((l) => l.length > 0)
  }

  /** The lines of a level so far, which is then empty again. */
  take(level: number): string[] {
    return this.lines[level].splice(0)
  }
}

export interface WriteOptions {
  /** Coordinates are names or constants. */
  readonly leaf: (node: Expr, coordinates: readonly LeafText[]) => LeafText
  /** Compute float32 in doubles without rounding. */
  readonly wide?: boolean
  /** Avoid branches that depend on data. Default: true. */
  readonly branchless?: boolean
}

/** Where an arm of a choice costs more than a branch that goes wrong, the arm that is not taken is better left out. */
const EXPENSIVE: ReadonlySet<string> = new Set<Primitive>([
  "exp",
  "exp2",
  "expm1",
  "log",
  "log2",
  "log10",
  "log1p",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "sigmoid",
  "erf",
  "erfc",
  "erfinv",
  "lgamma",
  "polygamma",
  "pow",
  "atan2",
])

/** The texts of `roots`, to be used at the innermost level, after the lines that went into `scope`. */
export const writeExpressions = (roots: readonly Expr[], scope: Scope, options: WriteOptions): string[] =>
  locateExpressions(roots, scope, options).map(({ text }) => text)

/** The same with the levels from which on the values are there. */
export function locateExpressions(
  roots: readonly Expr[],
  scope: Scope,
  { leaf, wide = false, branchless = true }: WriteOptions,
): LeafText[] {
  const { order, kept } = planExpressions(roots)
  const costly = new Set<Expr>()
  const texts = new Map<Expr, LeafText>()
  const conditions = new Map<Expr, string>()
  const named = (node: Expr, below: number): string => {
    const known = texts.get(node)!
    if (known.simple || known.level >= below) return known.text
    const text = scope.declare(known.level, known.text)
    texts.set(node, { text, level: known.level, simple: true })
    conditions.delete(node)
    return text
  }
  for (const node of order) {
    const level = Math.max(0, ...node.args.map((a) => texts.get(a)!.level))
    let result: LeafText
    if (node.op === "const")
      result = { text: constantText(constantValue(node.value, node.dtype)), level: 0, simple: true }
    else if (node.op === "load") {
      const coordinates = node.args.map((a): LeafText => {
        const { level: own } = texts.get(a)!
        return { text: named(a, Infinity), level: own, simple: true }
      })
      const found = leaf(node, coordinates)
      result = { ...found, level: Math.max(level, found.level) }
    } else if (isLeaf(node)) result = leaf(node, [])
    else {
      const { row, wrap } = stepOf(node, wide)
      // A kept node is computed anyway, so it does not make its users costly.
      if (EXPENSIVE.has(node.op) || node.args.some((a) => costly.has(a) && !kept.has(a))) costly.add(node)
      const chooses = branchless && row.branchless && !node.args.some((a) => costly.has(a) && !kept.has(a))
      const write = chooses ? row.branchless! : row.text
      const takesCondition = node.op === "where" || (node.op === "not" && node.dtype === "bool")
      const args = node.args.map((a, k) => {
        const text = named(a, level)
        return takesCondition && k === 0 ? (conditions.get(a) ?? text) : text
      })
      // A text that mentions an argument more than once needs a name for it, and so does a choice for a condition that is
      // itself made of choices: all of them share one place.
      const safe = args.map((text, k) =>
        (takesCondition && k === 0 && !(chooses && text.includes("$choice"))) ||
        (!chooses && mentions(write, args.length, k) < 2)
          ? text
          : nameOf(node.args[k], text),
      )
      const exact = write(...safe)
      if (row.condition) conditions.set(node, exact)
      // Engines make a number of a condition without a branch only by `|`.
      const finished = row.condition
        ? (c: string) => (branchless ? `(${c} | 0)` : `(${c} ? 1 : 0)`)
        : wrap && WRAP[wrap].text
      result = { text: finished ? finished(exact) : exact, level, simple: false }
    }
    texts.set(node, result)
    if (kept.has(node) && !result.simple) named(node, Infinity)
  }
  return roots.map((r) => ({ ...texts.get(r)!, text: named(r, scope.innermost) }))

  function nameOf(node: Expr, text: string): string {
    const known = texts.get(node)!
    return known.simple ? text : named(node, Infinity)
  }
}

const mentionCounts = new WeakMap<object, number[]>()

/** How often a row's text mentions its k-th of `count` arguments. */
function mentions(text: (...args: readonly string[]) => string, count: number, k: number): number {
  let counts = mentionCounts.get(text)
  if (!counts) {
    const markers = Array.from({ length: count }, (_, i) => `\u0001${i}`)
    const sample = text(...markers)
    mentionCounts.set(text, (counts = markers.map((m) => sample.split(m).length - 1)))
  }
  return counts[k]
}

export function constantText(value: Value): string {
  if (typeof value === "bigint") return value < 0n ? `(${value}n)` : `${value}n`
  return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? "-0" : value})` : String(value)
}
