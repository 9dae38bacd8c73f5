/** Accumulators of reductions and scans: four tuples side by side, in local variables. */
import type { Expr, Monoid, ScalarType } from "@taeda/core"
import { topological } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import type { Code } from "./code.ts"
import { convertValue } from "./conversions.ts"
import type { Node } from "./graph.ts"
import { constantValue, isWide, LANE_OF, type Lane, permuteValue, selectValue, type Value } from "./lanes.ts"
import type { LoopBody } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"

/** What only chooses among its arguments never rounds. */
const CHOOSES: ReadonlySet<string> = new Set([
  "left",
  "right",
  "min",
  "max",
  "where",
  "eq",
  "lt",
  "le",
  "and",
  "or",
  "not",
  "xor",
  "const",
  "scalar",
  "sign",
  "abs",
  "neg",
])

/** Whether combining rounds: then float32 accumulates in doubles, and doubles in chunks. */
const rounds = (monoid: Monoid): boolean =>
  topological(monoid.combine).some((n) => !CHOOSES.has(n.op) && isFloat(n.dtype))
const isFloat = (t: ScalarType): boolean => t === "float32" || t === "float64"

const isWidened = (monoid: Monoid): boolean => monoid.accumulators.includes("float32") && rounds(monoid)

/** The lanes in which a monoid's accumulators are kept. */
export function accumulatorLanes(monoid: Monoid): readonly Lane[] {
  const widened = isWidened(monoid)
  return monoid.accumulators.map((dtype) => (widened && dtype === "float32" ? "f64" : LANE_OF[dtype]))
}

/** A tuple of accumulators. */
export type Tuple = readonly Value[]

export class MonoidCode {
  readonly monoid: Monoid
  /** float32 accumulators are doubles. */
  readonly wide: boolean
  /** Doubles that round are merged into totals now and then, which keeps the error near that of pairwise summation. */
  readonly chunked: boolean
  private readonly body: LoopBody
  private readonly lanes: readonly Lane[]

  constructor(monoid: Monoid, body: LoopBody) {
    this.monoid = monoid
    this.body = body
    this.lanes = accumulatorLanes(monoid)
    this.wide = isWidened(monoid)
    this.chunked = monoid.accumulators.includes("float64") && rounds(monoid)
  }

  /** Fresh variables for a tuple. */
  variables(): TupleVariables {
    return new TupleVariables(this.body, this.lanes)
  }

  identity(): Tuple {
    return this.monoid.identity.map((v, k) => constantValue(this.body.g, this.lanes[k], v))
  }

  combine(left: Tuple, right: Tuple, wide = this.wide): Tuple {
    const { body } = this
    const leaf = body.leaves(NOWHERE, (node) => (node.op === "left" ? left : right)[Number(node.value)])
    return lowerExpressions(body.g, this.monoid.combine, { leaf, wide })
  }

  /**
   * The accumulators of several groups of elements, given the values of `lift` for each. Where accumulators are wider than their
   * type, the groups are combined in pairs in that type first: no worse than pairwise summation, and fewer conversions.
   */
  liftedTogether(groups: readonly (readonly Value[])[]): Tuple {
    let level = groups.map((values): Tuple => values)
    while (level.length > 1)
      level = Array.from({ length: level.length >> 1 }, (_, i) => this.combine(level[2 * i], level[2 * i + 1], false))
    return this.lifted(level[0])
  }

  /** The accumulators of the elements at a cursor, given the values of `lift`. */
  lifted(values: readonly Value[]): Tuple {
    return values.map((v, k) =>
      convertValue(this.body.g, v, this.monoid.lift[k].dtype, this.monoid.accumulators[k], this.lanes[k]),
    )
  }

  /** A tuple whose lanes outside of the mask are the identity. */
  masked(tuple: Tuple, mask: Node): Tuple {
    const identity = this.identity()
    return tuple.map((v, k) => selectValue(this.body.g, mask, v, identity[k]))
  }

  /** All four lanes combined, in each of them. */
  acrossLanes(tuple: Tuple): Tuple {
    const { g } = this.body
    const other = (t: Tuple, order: readonly [number, number, number, number]): Tuple =>
      t.map((v) => permuteValue(g, v, order))
    const pairs = this.combine(tuple, other(tuple, [2, 3, 0, 1]))
    return this.combine(pairs, other(pairs, [1, 0, 3, 2]))
  }

  /** What `result(k)` reads: the accumulators in their own types. */
  result(tuple: Tuple, node: Expr): Value {
    const k = Number(node.value)
    const dtype = this.monoid.accumulators[k]
    const v = tuple[k]
    return this.wide && dtype === "float32" ? convertValue(this.body.g, v, "float64", "float32") : v
  }
}

const nowhere = (): never => {
  throw new TypeError("wasm: combining two accumulators reads nothing but them and scalars")
}
const NOWHERE = { reach: nowhere, index: nowhere }

/** Local variables that hold a tuple. */
export class TupleVariables {
  private readonly body: LoopBody
  private readonly lanes: readonly Lane[]
  private readonly locals: readonly (readonly Local[])[]

  constructor(body: LoopBody, lanes: readonly Lane[]) {
    this.body = body
    this.lanes = lanes
    this.locals = lanes.map((lane) => (isWide(lane) ? [0, 1] : [0]).map(() => body.f.local("v128")))
  }

  /** What they hold, inside of the innermost loop. */
  get tuple(): Tuple {
    return this.lanes.map((lane, k) => ({ lane, parts: this.locals[k].map((l) => this.body.g.local(l, 2)) }))
  }

  /** Sets them, with the statements that this takes. All values are computed before the first is set. */
  assign(tuple: Tuple): void {
    const { f } = this.body
    const { statements, codes } = this.body.write(tuple.flatMap((v) => v.parts))
    f.push(statements)
    const locals = this.locals.flat()
    if (locals.length === 1) {
      f.set(locals[0], codes[0])
      return
    }
    const values = codes.map((code) => f.let("v128", code))
    locals.forEach((local, k) => f.set(local, get(values[k])))
  }

  /** Every vector, in order. */
  get codes(): readonly Code[] {
    return this.locals.flat().map(get)
  }

  /** Sets the vectors to those loaded by `load`, which is given their numbers. */
  load(load: (n: number) => Code): void {
    this.locals.flat().forEach((local, n) => this.body.f.set(local, load(n)))
  }

  get vectors(): number {
    return this.locals.flat().length
  }
}
