/** What the emitters of all loop kernels share: reading the frame, leaves, and checks of coordinates. */
import {
  type Expr,
  type InputType,
  type MapKernel,
  type ReduceKernel,
  type ScalarType,
  type ScanKernel,
  type ScatterKernel,
  topological,
} from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder } from "./assembler.ts"
import { type Code, i32, lane, op, store } from "./code.ts"
import { loadElements, type Reach } from "./elements.ts"
import { FAULT, FrameLayout } from "./frame.ts"
import { emitGraph, Graph, type Node } from "./graph.ts"
import { isHalf } from "./half.ts"
import { eachPart, maskParts, type Value, value } from "./lanes.ts"
import type { ReadLeaf } from "./lower.ts"
import { scalarValue } from "./scalars.ts"
import { STORED } from "./stored.ts"
import type { Target } from "./target.ts"

/** The kernels that are loops around expressions. */
export type LoopKernel = MapKernel | ReduceKernel | ScanKernel | ScatterKernel

/** Where the current four elements are. */
export interface Cursor {
  /** Input k, which follows the iteration. */
  reach(k: number): Reach
  /** The coordinates along dim d, as four int32. */
  index(d: number): Node
}

/** A test that coordinates are inside of an operand. */
interface Check {
  readonly operand: number
  readonly dim: number
  /** The lanes whose coordinate is inside. */
  readonly inside: Node
  readonly coordinate: Node
  readonly size: Node
}

export const range = (n: number, from = 0): number[] =>
  Array.from({ length: Math.max(0, n - from) }, (_, i) => i + from)

/** Statements by the loop that they stand in: the launch, a row, an element. */
export type Blocks = readonly [launch: Code[], row: Code[], element: Code[]]

/** One function `run(frame, begin, end, scratch)` of a kernel, while it is written. */
export class LoopBody {
  readonly f: FunctionBuilder
  readonly g: Graph
  readonly layout: FrameLayout
  readonly frame: Local
  readonly begin: Local
  readonly end: Local
  readonly scratch: Local
  readonly blocks: Blocks = [[], [], []]
  private readonly inputs: readonly InputType[]
  private readonly scalarTypes: readonly ScalarType[]
  private readonly known = new Map<Node, Local>()
  /** Fault loads report; otherwise what is outside reads as 0. */
  private readonly reports: boolean
  private checks: Check[] = []

  constructor(
    kernel: LoopKernel,
    module: ModuleBuilder,
    f: FunctionBuilder,
    [frame, begin, end, scratch]: readonly Local[],
    layout: FrameLayout,
    reports: boolean,
  ) {
    this.f = f
    this.g = new Graph(module)
    this.layout = layout
    this.frame = frame
    this.begin = begin
    this.end = end
    this.scratch = scratch
    this.inputs = kernel.inputs
    this.scalarTypes = kernel.scalars
    this.reports = reports
  }

  /** A number of the address type from the frame. */
  private slot(offset: number): Node {
    return this.g.load("ptr.load", this.frameAddress, offset)
  }

  private get frameAddress(): Node {
    const { g } = this
    const local = g.local(this.frame)
    return g.pointer === "i32" ? local : g.op("i64.extend_i32_u", local)
  }

  size = (d: number): Node => this.slot(this.layout.size(d))
  base = (k: number): Node => this.slot(this.layout.address(k))
  stride = (k: number, d: number): Node => this.slot(this.layout.stride(k, d))

  /** A 32-bit word of the frame in all lanes. */
  private word(offset: number): Node {
    return this.g.load("v128.load32_splat", this.frameAddress, offset)
  }

  /** A number of the address type as an i32. */
  toI32(n: Node): Node {
    return n.type === "i32" ? n : this.g.op("i32.wrap_i64", n)
  }

  /** How leaves read at a cursor; `others` has the leaves that only some kernels know. */
  leaves(cursor: Cursor, others?: (node: Expr) => Value): ReadLeaf {
    return (node, coordinates) => {
      const k = Number(node.value)
      switch (node.op) {
        case "input":
          return loadElements(this.g, this.inputs[k].dtype, cursor.reach(k))
        case "load":
          return this.gather(node, k, coordinates)
        case "scalar":
          return scalarValue(this.g, this.frameAddress, this.layout.scalar(k), this.scalarTypes[k], node.dtype)
        case "index":
          return value("i32", cursor.index(k))
        default:
          return others!(node)
      }
    }
  }

  /** The lanes whose coordinates are inside of operand k, and the addresses of its elements there, safe ones elsewhere. */
  locate(
    k: number,
    coordinates: readonly Value[],
    faults: boolean,
  ): { readonly inside: Node | undefined; readonly addresses: readonly Node[] } {
    const { g } = this
    let inside: Node | undefined
    for (const [dim, { parts }] of coordinates.entries()) {
      const size = this.word(this.layout.ownSize(k, dim))
      const within = g.op("i32x4.lt_u", parts[0], size)
      inside = inside ? g.op("v128.and", inside, within) : within
      if (faults) this.checks.push({ operand: k, dim, inside: within, coordinate: parts[0], size })
    }
    const base = this.base(k)
    if (!inside) return { inside, addresses: [base, base, base, base] }
    const extract = (vector: Node, l: number): Node => g.lane("i32x4.extract_lane", l, vector)
    if (g.pointer === "i32") {
      const sum = coordinates
        .map(({ parts }, d) => g.op("i32x4.mul", parts[0], this.word(this.layout.stride(k, d))))
        .reduce((a, b) => g.op("i32x4.add", a, b))
      const offsets = g.op("v128.and", sum, inside)
      return { inside, addresses: range(4).map((l) => g.op("i32.add", base, extract(offsets, l))) }
    }
    const safe = coordinates.map(({ parts }) => g.op("v128.and", parts[0], inside!))
    const addresses = range(4).map((l) =>
      safe.reduce(
        (sum, c, d) =>
          g.op("i64.add", sum, g.op("i64.mul", g.op("i64.extend_i32_s", extract(c, l)), this.stride(k, d))),
        base,
      ),
    )
    return { inside, addresses }
  }

  /** Operand k at coordinates: 0 outside. */
  private gather(node: Expr, k: number, coordinates: readonly Value[]): Value {
    const { g } = this
    const { inside, addresses } = this.locate(k, coordinates, node.bounds === "fault" && this.reports)
    const { dtype } = this.inputs[k]
    if (!inside) return loadElements(g, dtype, { kind: "splat", address: addresses[0] })
    const loaded = loadElements(g, dtype, { kind: "lanes", addresses })
    const masks = maskParts(g, inside, loaded.lane)
    return eachPart(loaded, loaded.lane, (part, p) => g.op("v128.and", part, masks[p]))
  }

  /**
   * Writes the nodes at the innermost level: returns the statements to stand there, and the code of each node. What belongs to
   * outer loops goes to their blocks, and checks of what is known before a row to that of the row.
   */
  write(nodes: readonly Node[]): { readonly statements: readonly Code[]; readonly codes: readonly Code[] } {
    const { checks } = this
    this.checks = []
    const all = [...nodes, ...checks.flatMap((c) => [c.inside, c.coordinate, c.size])]
    const codes = emitGraph(this.f, all, this.blocks, this.known)
    checks.forEach((check, i) => {
      const [inside, coordinate, size] = codes.slice(nodes.length + 3 * i)
      // Never outside of all loops: where a run is empty, nothing is read, and nothing is wrong.
      const level = Math.min(2, Math.max(1, check.inside.level, check.coordinate.level, check.size.level))
      this.blocks[level].push(this.report(check, inside, coordinate, size))
    })
    const statements = this.blocks[2].splice(0)
    for (const node of [...this.known.keys()]) if (node.level >= 2) this.known.delete(node)
    return { statements, codes: codes.slice(0, nodes.length) }
  }

  private report({ operand, dim }: Check, inside: Code, coordinate: Code, size: Code): Code {
    const { f } = this
    const at = f.toPointer(get(this.frame))
    const outside = op("i32.eqz", op("i32x4.all_true", inside))
    return f.capture(() =>
      f.if(outside, () => {
        f.push(
          store("i32.store", at, i32(operand), FAULT.operand),
          store("i32.store", at, i32(dim), FAULT.dim),
          store("i32.store", at, lane("i32x4.extract_lane", 0, size), FAULT.size),
          store("v128.store", at, inside, FAULT.inside),
          store("v128.store", at, coordinate, FAULT.coordinates),
        )
        f.return(i32(1))
      }),
    )
  }

  /** Forgets what belongs to rows: for code that stands in another loop over rows. */
  forgetRows(): void {
    for (const node of [...this.known.keys()]) if (node.level >= 1) this.known.delete(node)
  }
}

/** The loads that report coordinates out of bounds. */
export const faultLoads = (roots: readonly Expr[]): Expr[] =>
  topological(roots).filter((n) => n.op === "load" && n.bounds === "fault")

/** The body of a half output without its last cast: storing rounds, as that cast does. Lanes do not say that they are uint32. */
export const storedExpression = (body: Expr): Expr =>
  isHalf(body.dtype) && body.op === "cast" && body.args[0].dtype !== "uint32" ? body.args[0] : body

export const bytesOf = (dtype: InputType["dtype"]): number => STORED[dtype].bytes

/** A module with the functions of a loop kernel. */
export function loopModule(
  kernel: LoopKernel,
  target: Target,
  functions: Readonly<Record<string, (body: LoopBody) => void>>,
  reports: (name: string) => boolean,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(target)
  const layout = new FrameLayout(kernel)
  for (const [name, build] of Object.entries(functions))
    module.function(
      name,
      ["i32", "i32", "i32", "i32"],
      ["i32"],
      (f, ...parameters) => {
        build(new LoopBody(kernel, module, f, parameters, layout, reports(name)))
        f.push(i32(0))
      },
      true,
    )
  return module.encode()
}
