/** Arithmetic on the lanes of a vector of floats: what formulas are written with. */

import type { ModuleBuilder } from "./assembler.ts"
import type { Code, FunctionRef } from "./code.ts"
import { emitGraph, Graph, type Node } from "./graph.ts"

export type Shape = "f32x4" | "f64x2"

/** How the floats of a shape are laid out. */
interface Layout {
  readonly integers: "i32x4" | "i64x2"
  readonly fraction: number
  readonly bias: number
  /** Added to a number of moderate size, it leaves the number's nearest integer in the last bits. */
  readonly rounder: number
  readonly smallestNormal: number
}

export const LAYOUT: Readonly<Record<Shape, Layout>> = {
  f32x4: { integers: "i32x4", fraction: 23, bias: 127, rounder: 1.5 * 2 ** 23, smallestNormal: 2 ** -126 },
  f64x2: { integers: "i64x2", fraction: 52, bias: 1023, rounder: 1.5 * 2 ** 52, smallestNormal: 2 ** -1022 },
}

type Operand = Node | number

/** The operations of one shape on one graph; numbers stand for constants in every lane. */
export class Lanes {
  readonly g: Graph
  readonly shape: Shape
  readonly layout: Layout

  constructor(g: Graph, shape: Shape) {
    this.g = g
    this.shape = shape
    this.layout = LAYOUT[shape]
  }

  /** A constant in every lane. */
  c(value: number): Node {
    return this.shape === "f32x4" ? this.g.f32x4(value) : this.g.f64x2(value)
  }

  /** An integer constant in every lane. */
  bits(value: bigint): Node {
    return this.shape === "f32x4" ? this.g.i32x4(Number(BigInt.asIntN(32, value))) : this.g.i64x2(value)
  }

  private node(x: Operand): Node {
    return typeof x === "number" ? this.c(x) : x
  }

  private float(name: string, ...args: readonly Operand[]): Node {
    return this.g.op(`${this.shape}.${name}`, ...args.map((a) => this.node(a)))
  }

  private integer(name: string, ...args: readonly Node[]): Node {
    return this.g.op(`${this.layout.integers}.${name}`, ...args)
  }

  add = (a: Operand, b: Operand): Node => this.float("add", a, b)
  sub = (a: Operand, b: Operand): Node => this.float("sub", a, b)
  mul = (a: Operand, b: Operand): Node => this.float("mul", a, b)
  div = (a: Operand, b: Operand): Node => this.float("div", a, b)
  sqrt = (a: Node): Node => this.float("sqrt", a)
  abs = (a: Node): Node => this.float("abs", a)
  neg = (a: Node): Node => this.float("neg", a)
  trunc = (a: Node): Node => this.float("trunc", a)
  /** a·b + c and c − a·b, rounded once or twice. */
  madd = (a: Operand, b: Operand, c: Operand): Node => this.g.madd(this.shape, this.node(a), this.node(b), this.node(c))
  nmadd = (a: Operand, b: Operand, c: Operand): Node =>
    this.g.nmadd(this.shape, this.node(a), this.node(b), this.node(c))
  /** `a`, at most or at least `limit`; NaN stays NaN. */
  atMost = (a: Node, limit: number): Node => this.float("pmin", a, limit)
  atLeast = (a: Node, limit: number): Node => this.float("pmax", a, limit)

  /** Masks: all bits of a lane are set where it holds. */
  lt = (a: Operand, b: Operand): Node => this.float("lt", a, b)
  ge = (a: Operand, b: Operand): Node => this.float("ge", a, b)
  gt = (a: Operand, b: Operand): Node => this.float("gt", a, b)
  eq = (a: Operand, b: Operand): Node => this.float("eq", a, b)
  ne = (a: Operand, b: Operand): Node => this.float("ne", a, b)

  and = (a: Node, b: Node): Node => this.g.op("v128.and", a, b)
  or = (a: Node, b: Node): Node => this.g.op("v128.or", a, b)
  xor = (a: Node, b: Node): Node => this.g.op("v128.xor", a, b)
  /** a and not b. */
  andNot = (a: Node, b: Node): Node => this.g.op("v128.andnot", a, b)

  /** Per lane, `a` where the mask is set, else `b`. */
  select(mask: Node, a: Operand, b: Operand): Node {
    const name = this.g.module.target.relaxed ? `${this.layout.integers}.relaxed_laneselect` : "v128.bitselect"
    return this.g.op(name, this.node(a), this.node(b), mask)
  }

  /** Whether a mask is set in any lane, or not in all: an i32. */
  any = (mask: Node): Node => this.g.op("v128.any_true", mask)
  notAll = (mask: Node): Node => this.g.op("i32.eqz", this.integer("all_true", mask))

  iadd = (a: Node, b: Node): Node => this.integer("add", a, b)
  isub = (a: Node, b: Node): Node => this.integer("sub", a, b)
  shl = (a: Node, n: number): Node => this.integer("shl", a, this.g.i32(n))
  shrS = (a: Node, n: number): Node => this.integer("shr_s", a, this.g.i32(n))
  shrU = (a: Node, n: number): Node => this.integer("shr_u", a, this.g.i32(n))

  /** The sign bit of every lane. */
  sign = (a: Node): Node => this.and(a, this.c(-0))
  /** `a` made negative where `b` has the sign bit and `a` is a zero or negative there anyway: odd functions' zeros. */
  withSign = (a: Node, b: Node): Node => this.or(a, this.sign(b))

  /** Σ c[k] x^k, one step after the other: the fewest instructions. */
  horner(coefficients: readonly number[], x: Node): Node {
    const last = coefficients.length - 1
    return coefficients
      .slice(0, last)
      .reduceRight<Operand>((sum, c) => this.madd(sum, x, c), coefficients[last]) as Node
  }

  /** Σ c[k] x^k as even and odd powers, which is two chains at once. */
  evenOdd(coefficients: readonly number[], x: Node, square: Node = this.mul(x, x)): Node {
    const part = (first: number): Node => {
      const own = coefficients.filter((_, k) => k % 2 === first)
      return own.length === 1 ? this.c(own[0]) : this.horner(own, square)
    }
    return this.madd(part(1), x, part(0))
  }

  /** For long polynomials: the fewest instructions where a step is one, else the shorter chains. */
  polynomial(coefficients: readonly number[], x: Node): Node {
    return this.g.module.target.relaxed ? this.horner(coefficients, x) : this.evenOdd(coefficients, x)
  }

  /** The nearest integer to `x·scale` as the last bits of a float, plus `bias`, and as a float. */
  nearest(x: Node, scale: number, bias = 0): { readonly inBits: Node; readonly value: Node } {
    const rounder = this.layout.rounder + bias
    const inBits = scale === 1 ? this.add(x, rounder) : this.madd(x, scale, rounder)
    return { inBits, value: this.sub(inBits, rounder) }
  }

  /** 2^n of the integer in a float's last bits, to which the bias has been added already. */
  powerOfBits = (inBits: Node): Node => this.shl(inBits, this.layout.fraction)

  /**
   * x = m·2^n with √½ ≤ m < √2, of normal positive numbers: m, n as floats. What is subtracted from n can be given.
   */
  split(x: Node, less = 0): { readonly m: Node; readonly n: Node } {
    const { fraction, bias } = this.layout
    if (this.shape === "f32x4") {
      const half = this.bits(0x3f3504f3n)
      const d = this.isub(x, half)
      const m = this.iadd(this.and(d, this.bits(0x7fffffn)), half)
      const n = this.g.op("f32x4.convert_i32x4_s", this.shrS(d, fraction))
      return { m, n: less ? this.sub(n, less) : n }
    }
    const half = 0x3fe6a09e667f3bcdn
    const d = this.isub(x, this.bits(half))
    const m = this.iadd(this.and(d, this.bits((1n << 52n) - 1n)), this.bits(half))
    // Without a sign, for the shift; the exponent becomes a float in the last bits of 2^52.
    const shifted = this.shrU(this.iadd(d, this.bits(BigInt(bias + 1) << 52n)), fraction)
    return { m, n: this.sub(this.or(shifted, this.c(2 ** 52)), 2 ** 52 + bias + 1 + less) }
  }

  /** A mask of the positive normal numbers. */
  positiveNormal(x: Node): Node {
    return this.and(this.ge(x, this.layout.smallestNormal), this.lt(x, Infinity))
  }
}

type Formula = (g: Graph, ...args: Node[]) => Node

/** A function of the module that applies a formula to vectors; built the first time that it is asked for. */
export const vectorFunction = (module: ModuleBuilder, name: string, arity: number, formula: Formula): FunctionRef =>
  module.helper(name, Array(arity).fill("v128"), ["v128"], (f, ...parameters) => {
    const g = new Graph(module)
    const statements: Code[] = []
    const [result] = emitGraph(f, [formula(g, ...parameters.map((p) => g.local(p)))], [statements])
    f.push(...statements, result)
  })

/** A formula as a function that is called: less code than writing it out at every use. */
export const called =
  (name: string, formula: Formula): Formula =>
  (g, ...args) =>
    g.call(vectorFunction(g.module, name, args.length, formula), "v128", ...args)

const HIGH_HALF = [2, 3, 2, 3]

/** The two halves of four floats as doubles. */
export const promote = (g: Graph, x: Node): readonly [Node, Node] => [
  g.op("f64x2.promote_low_f32x4", x),
  g.op("f64x2.promote_low_f32x4", g.shuffle(4, HIGH_HALF, x, x)),
]

/** Four floats, rounded from two pairs of doubles. */
export const demote = (g: Graph, [low, high]: readonly [Node, Node]): Node =>
  g.shuffle(4, [0, 1, 4, 5], g.op("f32x4.demote_f64x2_zero", low), g.op("f32x4.demote_f64x2_zero", high))

/** A function of doubles on floats: in each half, rounded in the end. */
export const inDoubles =
  (formula: Formula): Formula =>
  (g, ...args) => {
    const halves = args.map((a) => promote(g, a))
    const half = (k: 0 | 1): Node => formula(g, ...halves.map((h) => h[k]))
    return demote(g, [half(0), half(1)])
  }

/** A scalar function of doubles, applied to the two lanes one by one. */
export function lanewise(g: Graph, target: FunctionRef, ...args: readonly Node[]): Node {
  const value = (k: number): Node => g.call(target, "f64", ...args.map((a) => g.lane("f64x2.extract_lane", k, a)))
  return g.lane("f64x2.replace_lane", 1, g.op("f64x2.splat", value(0)), value(1))
}

/** A function of doubles that every instance is given: one of Math by its full name ("Math.sin"), or "mod", the remainder. */
export const imported = (g: Graph, name: string, arity: number): FunctionRef =>
  g.module.import(name, Array(arity).fill("f64"), ["f64"])
