/** What the shaders of a scatter know of a point: where it goes, with what value, and how values combine. */
import { computeType, type Expr, left, right, type ScatterKernel, type Ties, topological } from "@taeda/core"
import { Inputs, unravel } from "./coordinates.ts"
import { laneOf, packingOf } from "./elements.ts"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { LAST } from "./tile-sort.ts"
import { addressOf, storedBits } from "./views.ts"
import type { Writer } from "./writer.ts"

/** Whether finding the value of a point may report a fault. */
export const valueMayFault = ({ value }: ScatterKernel): boolean =>
  topological([value]).some((node) => node.op === "load" && node.bounds === "fault")

/**
 * Declares functions of points in a shader, each when it is first asked for. A point is given by two numbers, `c` along the
 * tied dims and `u` along the others.
 */
export class Points {
  private readonly w: Writer
  private readonly kernel: ScatterKernel
  private readonly ties: Ties
  private readonly inputs: Inputs
  private readonly declared = new Set<string>()

  constructor(w: Writer, kernel: ScatterKernel, ties: Ties) {
    this.w = w
    this.kernel = kernel
    this.ties = ties
    this.inputs = new Inputs(w, kernel.inputs)
  }

  private get target(): number {
    return this.kernel.inputs.length
  }

  private declareOnce(name: string, head: string, body: () => void): void {
    if (this.declared.has(name)) return
    this.declared.add(name)
    this.w.declare(name, this.w.function(head, body))
  }

  /** What leaves read at the point. */
  private leaves(): ReadLeaf {
    const { w } = this
    const point: string[] = []
    for (const [linear, dims] of [
      ["c", this.ties.tied],
      ["u", this.ties.untied],
    ] as const) {
      const names = unravel(
        w,
        linear,
        dims.map((d) => w.size(d)),
      )
      for (const [k, d] of dims.entries()) point[d] = names[k]
    }
    return this.inputs.at(point)
  }

  /** Writes some coordinates of the target (u32), and reports those outside; their names, and whether all are inside. */
  private coordinates(which: readonly number[]): { at: string[]; inside: string } {
    const { w, kernel, target } = this
    const roots = which.map((d) => kernel.coordinates[d])
    const at = writeExpressions(w, roots, this.leaves()).map((name) => w.let(`bitcast<u32>(${name})`, "c"))
    const sizes = which.map((d) => w.operandSize(target, d))
    if (kernel.bounds === "fault" && at.length) {
      w.useFaults()
      const reports = at.map(
        (c, k) => `if (${c} >= ${sizes[k]}) { fault(${target}u, ${which[k]}u, bitcast<i32>(${c}), ${sizes[k]}); }`,
      )
      w.lines.push(reports.join(" else "))
    }
    const inside = at.map((c, k) => `${c} < ${sizes[k]}`).join(" && ")
    return { at, inside: w.let(inside || "true", "c") }
  }

  private get all(): number[] {
    return this.kernel.coordinates.map((_, d) => d)
  }

  /** The row-major number of the free coordinates; the last of all outside of the target. */
  key(c: string, u: string): string {
    this.declareOnce("keyOf", "fn keyOf(c: u32, u: u32) -> u32", () => this.number(this.ties.free, LAST))
    return `keyOf(${c}, ${u})`
  }

  /** The row-major number of the target's element, LAST outside. */
  element(c: string, u: string): string {
    this.declareOnce("elementOf", "fn elementOf(c: u32, u: u32) -> u32", () => this.number(this.all, LAST))
    return `elementOf(${c}, ${u})`
  }

  private number(which: readonly number[], outside: string): void {
    const { w, target } = this
    const { at, inside } = this.coordinates(which)
    const linear = at.reduce((n, c, k) => (k ? `(${n}) * ${w.operandSize(target, which[k])} + ${c}` : c), "0u")
    w.lines.push(`return select(${outside}, ${linear}, ${inside});`)
  }

  /** The element's address, as an `Address`: `inside`, and `at` in elements of the target's buffer. */
  address(c: string, u: string): string {
    const { w } = this
    w.declare("Address", "struct Address { inside: bool, at: u32 }")
    this.declareOnce("addressOf", "fn addressOf(c: u32, u: u32) -> Address", () => {
      const { at, inside } = this.coordinates(this.all)
      w.lines.push(`return Address(${inside}, ${addressOf(w, this.target, at)});`)
    })
    return `addressOf(${c}, ${u})`
  }

  value(c: string, u: string): string {
    const { w, kernel } = this
    this.declareOnce("valueOf", `fn valueOf(c: u32, u: u32) -> ${laneOf(kernel.value.dtype)}`, () => {
      const [value] = writeExpressions(w, [kernel.value], this.leaves())
      w.lines.push(`return ${value};`)
    })
    return `valueOf(${c}, ${u})`
  }

  /** Two values combined, rounded to what the target holds. */
  combined(a: string, b: string): string {
    const { w, kernel } = this
    const type = computeType(kernel.dtype)
    const lane = laneOf(type)
    this.declareOnce("merge", `fn merge(l: ${lane}, r: ${lane}) -> ${lane}`, () => {
      const [l, r] = [left(0, type), right(0, type)]
      const [value] = writeExpressions(w, [combination(kernel, l, r)], (node) => (node.op === "left" ? "l" : "r"))
      const packing = kernel.dtype === type ? undefined : packingOf(kernel.dtype)
      w.lines.push(`return ${packing ? packing.unpack(storedBits(kernel.dtype, value)) : value};`)
    })
    return `merge(${a}, ${b})`
  }
}

const combination = ({ combine }: ScatterKernel, a: Expr, b: Expr): Expr => (combine === "set" ? b : a[combine](b))
