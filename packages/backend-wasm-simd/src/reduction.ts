/** What all forms of reductions share. */
import type { ReduceKernel } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import type { Code } from "./code.ts"
import { storable } from "./elements.ts"
import type { Node } from "./graph.ts"
import { isHalf } from "./half.ts"
import { type Cursor, type LoopBody, range, storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import { MonoidCode, type Tuple } from "./monoid.ts"
import { weigh } from "./weight.ts"

/** Bodies of at most so many instructions are written so many times in a row, with accumulators of their own. */
export const LIGHT = 60
/** Groups, or rows, that are combined in their own type before they join wider accumulators. */
export const TOGETHER = 8

/** Whether elements may be combined in pairs before they are widened. */
export const combinesFirst = (kernel: ReduceKernel, code: MonoidCode): boolean =>
  code.wide &&
  kernel.accumulators.length === 1 &&
  kernel.lift[0].dtype === kernel.accumulators[0] &&
  weigh(kernel.lift) <= LIGHT

/** Where operands are, and how results are finished. */
export class Reduction {
  protected readonly kernel: ReduceKernel
  protected readonly body: LoopBody
  protected readonly code: MonoidCode
  protected readonly kept: number
  protected readonly inner: number
  /** Inputs that follow the iteration. */
  protected readonly moving: readonly number[]
  /** Coordinates along the dims. */
  protected readonly at: readonly Local[]
  /** Where the inputs' runs begin, and where they are now. */
  protected readonly starts: readonly Local[]
  protected readonly pointers: readonly Local[]

  constructor(kernel: ReduceKernel, body: LoopBody) {
    this.kernel = kernel
    this.body = body
    this.code = new MonoidCode(kernel, body)
    this.kept = kernel.rank - kernel.reduced
    this.inner = kernel.rank - 1
    this.moving = range(kernel.inputs.length).filter((k) => kernel.inputs[k].access !== "load")
    this.at = range(kernel.rank).map(() => body.f.local("ptr"))
    this.starts = kernel.inputs.map(() => body.f.local("ptr"))
    this.pointers = kernel.inputs.map(() => body.f.local("ptr"))
  }

  /** The code of a node that belongs to the launch. */
  protected launch(node: Node): Code {
    return this.body.write([node]).codes[0]
  }

  /** Sets the coordinates along `dims` (ascending, without gaps) from a number; the first takes what is left. */
  protected decode(number: Code, dims: readonly number[]): void {
    const { f } = this.body
    if (dims.length === 0) return
    const t = f.let("ptr", number)
    for (const d of dims.slice(1).reverse()) {
      const size = this.launch(this.body.size(d))
      f.set(this.at[d], f.op("ptr.rem_u", get(t), size))
      f.set(t, f.op("ptr.div_u", get(t), size))
    }
    f.set(this.at[dims[0]], get(t))
  }

  /** `start` plus the steps of operand k along `dims` of its own, whose coordinates are those of the iteration. */
  protected addressAt(k: number, start: Code, dims: readonly number[]): Code {
    const { f } = this.body
    return dims.reduce<Code>(
      (sum, d) => f.op("ptr.add", sum, f.op("ptr.mul", get(this.at[d]), this.launch(this.body.stride(k, d)))),
      start,
    )
  }

  protected product(dims: readonly number[]): Code {
    const { f } = this.body
    return dims.reduce<Code>((n, d) => f.op("ptr.mul", n, this.launch(this.body.size(d))), f.ptr(1))
  }

  /** Values of `lift` at a cursor, as accumulators. */
  protected lift(...cursors: readonly Cursor[]): Tuple {
    const { body, kernel } = this
    const values = cursors.map((cursor) => lowerExpressions(body.g, kernel.lift, { leaf: body.leaves(cursor) }))
    return this.code.liftedTogether(values)
  }

  /** What is stored for the results of a tuple; `index` gives the coordinates of kept dims. */
  protected finish(tuple: Tuple, index: (d: number) => Node): readonly (readonly Node[])[] {
    const { body, kernel } = this
    const roots = kernel.finish.map((e, j) => (isHalf(kernel.outputs[j].dtype) ? storedExpression(e) : e))
    const cursor: Cursor = { index, reach: (k) => ({ kind: "splat", address: body.g.local(this.starts[k], 2) }) }
    const leaf = body.leaves(cursor, (node) => this.code.result(tuple, node))
    return lowerExpressions(body.g, roots, { leaf }).map((v, j) => storable(body.g, kernel.outputs[j].dtype, v))
  }

  /** Pushes the statements that belong outside of all loops, which are known only when all else was written. */
  protected assemble(main: Code): void {
    this.body.f.push(this.body.blocks[0].splice(0), main)
  }

  protected splat(d: number, level: 1 | 2): Node {
    return this.body.g.op("i32x4.splat", this.body.toI32(this.body.g.local(this.at[d], level)))
  }
}

/** Lane `lane`, or the last of the `rest` that count. */
export function clamped(body: LoopBody, rest: Local, lane: number): Node {
  const { g } = body
  const count = g.local(rest, 2)
  const last = g.op("i32.sub", count, g.i32(1))
  // min(lane, last) without a branch.
  const place =
    lane === 1
      ? g.op("i32.gt_s", count, g.i32(1))
      : lane === 3
        ? last
        : g.op("i32.sub", last, g.op("i32.gt_s", count, g.i32(3)))
  return g.pointer === "i32" ? place : g.op("i64.extend_i32_u", place)
}
