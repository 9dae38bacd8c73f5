/** What the kernels of a scatter know of a point: where it goes, with what value, and how values combine. */
import { computeType, type Expr, left, right, type ScatterKernel, type Ties, topological } from "@taeda/core"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { Inputs, sizeOf, unravel } from "./points.ts"
import { castRow } from "./primitives.ts"
import { type KeyType, lastKey } from "./tile-sort.ts"
import {
  bindOutput,
  checkedCoordinates,
  elementAddress,
  elementAt,
  readElement,
  type View,
  writeElement,
} from "./views.ts"
import type { Writer } from "./writer.ts"

/** Whether finding the value of a point may report a fault. */
export const valueMayFault = ({ value }: ScatterKernel): boolean =>
  topological([value]).some((node) => node.op === "load" && node.bounds === "fault")

/** A place in the target: whether it is inside, and the address of its element. */
export interface Place {
  readonly inside: string
  readonly address: string
}

/** Writes what is known of points. A point is given by two numbers (u32), `c` along the tied dims and `u` along the others. */
export class Points {
  private readonly w: Writer
  private readonly kernel: ScatterKernel
  private readonly ties: Ties
  private readonly inputs: Inputs
  readonly keyType: KeyType
  private bound: View | undefined

  constructor(w: Writer, kernel: ScatterKernel, ties: Ties, keyType: KeyType) {
    this.w = w
    this.kernel = kernel
    this.ties = ties
    this.keyType = keyType
    // Inputs may be views of the target's memory.
    this.inputs = new Inputs(w, kernel.inputs, [], false)
  }

  private get operand(): number {
    return this.kernel.inputs.length
  }

  get target(): View {
    this.bound ??= bindOutput(this.w, this.operand, this.kernel.dtype)
    return this.bound
  }

  /** What leaves read at the point. */
  private leaves(c: string, u: string): ReadLeaf {
    const { w } = this
    const point: string[] = []
    for (const [linear, dims] of [
      [c, this.ties.tied],
      [u, this.ties.untied],
    ] as const) {
      const coordinates = unravel(w, w.toIndex(linear), dims.map(sizeOf))
      for (const [k, d] of dims.entries()) point[d] = coordinates[k]
    }
    return this.inputs.at(point)
  }

  /** Writes some coordinates of the target (indices), and reports those outside; with whether all are inside. */
  private coordinates(c: string, u: string, which: readonly number[]): { at: string[]; inside: string } {
    const roots = which.map((d) => this.kernel.coordinates[d])
    const values = writeExpressions(this.w, roots, this.leaves(c, u))
    const { at, inside } = checkedCoordinates(this.w, this.operand, values, which, this.kernel.bounds === "fault")
    return { at, inside: inside ?? this.w.truth(true) }
  }

  private get all(): number[] {
    return this.kernel.coordinates.map((_, d) => d)
  }

  /** The row-major number of the free coordinates; the last of all keys outside of the target. */
  key(c: string, u: string): string {
    return this.number(c, u, this.ties.free)
  }

  /** The row-major number of the target's element, likewise. */
  element(c: string, u: string): string {
    return this.number(c, u, this.all)
  }

  private number(c: string, u: string, which: readonly number[]): string {
    const { w, keyType, operand } = this
    const { at, inside } = this.coordinates(c, u, which)
    const asKey = (index: string): string =>
      w.wide === (keyType === "u64") ? index : w.op(w.wide ? "cvt.u32.u64" : "cvt.u64.u32", index)
    const linear = at.reduce<string | undefined>(
      (n, x, k) =>
        n === undefined ? asKey(x) : w.op(`mad.lo.${keyType}`, n, asKey(w.operandSize(operand, which[k])), asKey(x)),
      undefined,
    )
    return w.op(`selp.${keyType}`, linear ?? 0, lastKey(keyType), inside)
  }

  place(c: string, u: string): Place {
    const { at, inside } = this.coordinates(c, u, this.all)
    return { inside, address: elementAddress(this.w, this.target, elementAt(this.w, this.operand, at)) }
  }

  value(c: string, u: string): string {
    return writeExpressions(this.w, [this.kernel.value], this.leaves(c, u))[0]
  }

  /** Two values combined, rounded to what the target holds. */
  combined(a: string, b: string): string {
    const { dtype } = this.kernel
    const type = computeType(dtype)
    const combination = combine(this.kernel, left(0, type), right(0, type))
    const [value] = writeExpressions(this.w, [combination], (node) => (node.op === "left" ? a : b))
    return type === dtype ? value : castRow(type, dtype)(this.w, value)
  }

  /** Reads and writes the element of a place. */
  read({ address }: Place): string {
    return readElement(this.w, this.target, address)
  }
  write({ address }: Place, value: string): void {
    writeElement(this.w, this.target, address, value)
  }
}

const combine = (kernel: ScatterKernel, a: Expr, b: Expr): Expr => (kernel.combine === "set" ? b : a[kernel.combine](b))
