/** Scans to WebAssembly: four rows side by side, each from one end to the other. A unit of work is a group of four rows. */
import type { ScanKernel } from "@taeda/core"
import { get, type Local, select } from "./assembler.ts"
import { type Code, lane as laneCode } from "./code.ts"
import { storable, storeLane } from "./elements.ts"
import type { Node } from "./graph.ts"
import { isHalf } from "./half.ts"
import { type Cursor, type LoopBody, loopModule, range, storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import { MonoidCode, type Tuple } from "./monoid.ts"
import { eachLane } from "./rows.ts"
import type { Target } from "./target.ts"

const LANES = range(4)

export const emitScan = (kernel: ScanKernel, target: Target): Uint8Array<ArrayBuffer> =>
  loopModule(kernel, target, { run: (body) => new Scan(kernel, body).emit() }, () => true)

class Scan {
  private readonly kernel: ScanKernel
  private readonly body: LoopBody
  private readonly code: MonoidCode
  private readonly outer: readonly number[]
  private readonly inner: number
  /** Operands that move, by lane. */
  private readonly pointers = new Map<number, readonly Local[]>()
  /** Coordinates of the rows along the outer dims, as vectors. */
  private readonly at: readonly Local[]
  private readonly i: Local

  constructor(kernel: ScanKernel, body: LoopBody) {
    this.kernel = kernel
    this.body = body
    this.code = new MonoidCode(kernel, body)
    this.inner = kernel.rank - 1
    this.outer = range(Math.max(0, this.inner))
    const { f } = body
    const operands = [...kernel.inputs.map((i) => i.access), ...kernel.outputs.map(() => "strided")]
    operands.forEach((access, k) => {
      if (access !== "load")
        this.pointers.set(
          k,
          LANES.map(() => f.local("ptr")),
        )
    })
    this.at = this.outer.map(() => f.local("v128"))
    this.i = f.local("ptr")
  }

  emit(): void {
    const { body, kernel, i } = this
    const { f, blocks } = body
    const group = f.local("ptr")
    const length = kernel.rank === 0 ? f.ptr(1) : this.launch(body.size(this.inner))
    const rows = f.local("ptr")
    const main = f.capture(() => {
      f.set(
        rows,
        this.outer.reduce<Code>((n, d) => f.op("ptr.mul", n, this.launch(body.size(d))), f.ptr(1)),
      )
      f.for(group, f.toPointer(get(body.begin)), f.toPointer(get(body.end)), f.ptr(1), () => {
        const first = f.let("ptr", f.op("ptr.mul", get(group), f.ptr(4)))
        const rest = f.let("i32", f.toI32(f.op("ptr.sub", get(rows), get(first))))
        LANES.forEach((lane) => this.placeRow(lane, f.op("ptr.add", get(first), f.ptr(lane)), rows, length))
        const total = this.code.variables()
        total.assign(this.code.identity())
        f.set(i, kernel.reverse ? f.op("ptr.sub", length, f.ptr(1)) : f.ptr(0))
        const count = f.local("ptr")
        const loop = f.capture(() =>
          f.for(count, f.ptr(0), length, f.ptr(1), () => {
            total.assign(this.code.combine(total.tuple, this.lift()))
            this.store(total.tuple, rest)
            this.advance()
          }),
        )
        f.push(blocks[1].splice(0), loop)
        body.forgetRows()
      })
    })
    f.push(blocks[0].splice(0), main)
  }

  private launch(node: Node): Code {
    return this.body.write([node]).codes[0]
  }

  /** Sets a lane's coordinates and pointers; beyond the last row it is the last row again. */
  private placeRow(lane: number, wanted: Code, rows: Local, length: Code): void {
    const { body, outer, kernel } = this
    const { f } = body
    const last = f.op("ptr.sub", get(rows), f.ptr(1))
    const row = f.let("ptr", wanted)
    f.set(row, select(f.op("ptr.lt_s", get(row), get(rows)), get(row), last))
    const at: Local[] = outer.map(() => f.local("ptr"))
    for (const d of outer.slice(1).reverse()) {
      const size = this.launch(body.size(d))
      f.set(at[d], f.op("ptr.rem_u", get(row), size))
      f.set(row, f.op("ptr.div_u", get(row), size))
    }
    if (outer.length > 0) f.set(at[0], get(row))
    outer.forEach((d) => f.set(this.at[d], laneCode("i32x4.replace_lane", lane, get(this.at[d]), f.toI32(get(at[d])))))
    for (const [k, pointers] of this.pointers) {
      const start = outer.reduce<Code>(
        (sum, d) => f.op("ptr.add", sum, f.op("ptr.mul", get(at[d]), this.launch(body.stride(k, d)))),
        this.launch(body.base(k)),
      )
      const end = kernel.reverse && kernel.rank > 0
      const skip = end ? f.op("ptr.mul", f.op("ptr.sub", length, f.ptr(1)), this.launch(this.step(k))) : f.ptr(0)
      f.set(pointers[lane], f.op("ptr.add", start, skip))
    }
  }

  private step(k: number): Node {
    return this.kernel.rank === 0 ? this.body.g.ptr(0) : this.body.stride(k, this.inner)
  }

  private advance(): void {
    const { f } = this.body
    const move = this.kernel.reverse ? "ptr.sub" : "ptr.add"
    for (const [k, pointers] of this.pointers)
      for (const pointer of pointers) f.set(pointer, f.op(move, get(pointer), this.launch(this.step(k))))
    f.set(this.i, f.op(move, get(this.i), f.ptr(1)))
  }

  private get cursor(): Cursor {
    const { g } = this.body
    return {
      reach: (k) => ({ kind: "lanes", addresses: this.pointers.get(k)!.map((p) => g.local(p, 2)) }),
      index: (d) =>
        d === this.inner ? g.op("i32x4.splat", this.body.toI32(g.local(this.i, 2))) : g.local(this.at[d], 1),
    }
  }

  private lift(): Tuple {
    const { body, kernel } = this
    return this.code.lifted(lowerExpressions(body.g, kernel.lift, { leaf: body.leaves(this.cursor) }))
  }

  private store(tuple: Tuple, rest: Local): void {
    const { body, kernel } = this
    const { f, g } = body
    const roots = kernel.finish.map((e, j) => (isHalf(kernel.outputs[j].dtype) ? storedExpression(e) : e))
    const leaf = body.leaves(this.cursor, (node) => this.code.result(tuple, node))
    const stored = lowerExpressions(g, roots, { leaf }).map((v, j) => storable(g, kernel.outputs[j].dtype, v))
    const { statements, codes } = body.write(stored.flat())
    f.push(statements)
    const ready = codes.map((code) => get(f.let("v128", code)))
    let next = 0
    const parts = stored.map((list) => ready.slice(next, (next += list.length)))
    eachLane(body, { shift: 0, rest }, (lane) =>
      kernel.outputs.forEach(({ dtype }, j) => {
        const address = get(this.pointers.get(kernel.inputs.length + j)![lane])
        f.push(storeLane(dtype, address, parts[j], lane))
      }),
    )
  }
}
