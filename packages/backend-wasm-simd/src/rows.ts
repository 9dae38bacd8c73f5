/**
 * Rows: walking over the points of an iteration space, along its last dim four at a time. A unit of work is a row, or, in a
 * space of one dim, an element.
 */
import type { Access } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import { type Code, op } from "./code.ts"
import type { Reach } from "./elements.ts"
import type { Node } from "./graph.ts"
import { type Cursor, type LoopBody, range } from "./loops.ts"

/** An operand that follows the iteration. */
export interface Moving {
  readonly k: number
  readonly access: Access
  readonly bytes: number
}

/** Where a copy of the loop's body stands: `lanes` of the four elements count, from the `shift`-th group on. */
export interface Step {
  readonly shift: number
  /** Null where all four count; else how many do (1 to 3). */
  readonly rest: Local | null
}

/** What a body is given at a step. */
export interface RowCursor extends Cursor {
  /** The address of element `lane` of operand k. */
  addressOf(k: number, lane: number): Node
  readonly step: Step
}

/** Columns of a block: so many cache lines are in the first-level cache together. */
const COLUMNS = 128

/** Elements of one row, in a loop over rows. */
export class RowNest {
  private readonly body: LoopBody
  private readonly rank: number
  private readonly moving: readonly Moving[]
  private readonly unroll: number
  private readonly ordered: boolean
  /** Coordinates of the row along the outer dims. */
  private readonly at: readonly Local[]
  /** Where operands begin in the row, and where they are now. */
  private readonly starts = new Map<number, Local>()
  private readonly pointers = new Map<number, Local>()
  private readonly i: Local

  /** `ordered`: points are visited in row-major order. */
  constructor(body: LoopBody, rank: number, moving: readonly Moving[], unroll = 1, ordered = false) {
    this.body = body
    this.rank = rank
    this.moving = moving
    this.unroll = unroll
    this.ordered = ordered
    const { f } = body
    this.at = range(Math.max(0, rank - 1)).map(() => f.local("ptr"))
    for (const { k } of moving) {
      this.starts.set(k, f.local("ptr"))
      this.pointers.set(k, f.local("ptr"))
    }
    this.i = f.local("ptr")
  }

  /** Writes all loops; `write` pushes the statements of one step. */
  emit(write: (cursor: RowCursor) => void): void {
    const { body, rank } = this
    const { f, g, blocks } = body
    const inner = rank - 1
    const [begin, end] = [body.begin, body.end].map((p) => f.toPointer(get(p)))
    const node = (n: Node): Code => body.write([n]).codes[0]
    if (rank <= 1) {
      const loops = f.capture(() => this.alongRow(begin, end, write))
      const starts = f.capture(() => {
        for (const { k } of this.moving) f.set(this.starts.get(k)!, node(body.base(k)))
        for (const { k, access, bytes } of this.moving)
          this.startPointer(k, access, rank === 0 ? g.ptr(0) : this.stepOf(k, access, bytes), begin)
      })
      f.push(blocks[0].splice(0), starts, blocks[1].splice(0), loops)
      return
    }
    const row = f.local("ptr")
    const t = f.local("ptr")
    const size = node(body.size(inner))
    // Where operands lie across, a block of columns at a time: its cache lines are still there for the next row.
    const across = !this.ordered && this.moving.some((m) => m.access === "strided")
    const [from, to] = across ? [f.local("ptr"), f.local("ptr")] : []
    const first = from ? get(from) : f.ptr(0)
    const loops = f.capture(() => this.alongRow(first, to ? get(to) : size, write))
    const prologue = f.capture(() => {
      f.set(t, get(row))
      for (let d = inner - 1; d > 0; d--) {
        const size = node(body.size(d))
        f.set(this.at[d], f.op("ptr.rem_u", get(t), size))
        f.set(t, f.op("ptr.div_u", get(t), size))
      }
      f.set(this.at[0], get(t))
      for (const { k, access, bytes } of this.moving) {
        const address = range(inner).reduce<Code>(
          (sum, d) => f.op("ptr.add", sum, f.op("ptr.mul", get(this.at[d]), node(body.stride(k, d)))),
          node(body.base(k)),
        )
        f.set(this.starts.get(k)!, address)
        this.startPointer(k, access, this.stepOf(k, access, bytes), first)
      }
    })
    const rows = (): void => f.for(row, begin, end, f.ptr(1), () => f.push(prologue, blocks[1].splice(0), loops))
    const all = f.capture(() => {
      if (!from || !to) return rows()
      f.for(from, f.ptr(0), size, f.ptr(COLUMNS), () => {
        f.set(to, f.op("ptr.add", get(from), f.ptr(COLUMNS)))
        f.if(f.op("ptr.gt_s", get(to), size), () => f.set(to, size))
        rows()
      })
    })
    f.push(blocks[0].splice(0), all)
  }

  /** The pointer to an operand's element number `begin`. */
  private startPointer(k: number, access: Access, step: Node, begin: Code): void {
    const { f } = this.body
    const start = get(this.starts.get(k)!)
    if (access === "broadcast") return
    const skip = f.op("ptr.mul", begin, this.body.write([step]).codes[0])
    f.set(this.pointers.get(k)!, f.op("ptr.add", start, skip))
  }

  /** Bytes from one element of a row to the next, `times` so many. */
  private stepOf(k: number, access: Access, bytes: number, times = 1): Node {
    const { g } = this.body
    if (access === "broadcast" || this.rank === 0) return g.ptr(0)
    if (access === "unit") return g.ptr(bytes * times)
    const stride = this.body.stride(k, this.rank - 1)
    return times === 1 ? stride : g.op("ptr.mul", stride, g.ptr(times))
  }

  private alongRow(from: Code, to: Code, write: (cursor: RowCursor) => void): void {
    const { body, i, unroll } = this
    const { f } = body
    f.set(i, from)
    const steps = (count: number) => (): void => {
      for (const shift of range(count)) write(this.cursor({ shift, rest: null }))
      this.advance(count)
    }
    const room = (count: number): Code => f.op("ptr.le_s", f.op("ptr.add", get(i), f.ptr(4 * count)), to)
    if (unroll > 1) f.while(room(unroll), steps(unroll))
    f.while(room(1), steps(1))
    f.if(f.op("ptr.lt_s", get(i), to), () => {
      const rest = f.let("i32", f.toI32(f.op("ptr.sub", to, get(i))))
      write(this.cursor({ shift: 0, rest }))
    })
  }

  /** Moves pointers and the index by `count` groups of four. */
  private advance(count: number): void {
    const { f } = this.body
    for (const { k, access, bytes } of this.moving) {
      if (access === "broadcast") continue
      const pointer = this.pointers.get(k)!
      const by = this.body.write([this.stepOf(k, access, bytes, 4 * count)]).codes[0]
      f.set(pointer, f.op("ptr.add", get(pointer), by))
    }
    f.set(this.i, f.op("ptr.add", get(this.i), f.ptr(4 * count)))
  }

  private cursor(step: Step): RowCursor {
    const { body, rank } = this
    const { g } = body
    const { shift, rest } = step
    const byK = new Map(this.moving.map((m) => [m.k, m]))
    /** The number of the last element that counts, where not all do. */
    const last = rest && g.op("i32.sub", g.local(rest, 2), g.i32(1))
    const pointerOf = (k: number): Node => g.local(this.pointers.get(k)!, 2)
    const addressOf = (k: number, lane: number): Node => {
      const { access, bytes } = byK.get(k)!
      if (access === "broadcast") return g.local(this.starts.get(k)!, 1)
      if (last) {
        if (lane === 0) return pointerOf(k)
        // Elements beyond the last are the last again.
        const place = lane === 1 ? g.op("i32.gt_s", g.local(rest, 2), g.i32(1)) : last
        const wide = g.pointer === "i32" ? place : g.op("i64.extend_i32_u", place)
        return g.op("ptr.add", pointerOf(k), g.op("ptr.mul", wide, this.stepOf(k, access, bytes)))
      }
      const distance = 4 * shift + lane
      if (distance === 0) return pointerOf(k)
      return g.op("ptr.add", pointerOf(k), this.stepOf(k, access, bytes, distance))
    }
    return {
      step,
      addressOf,
      reach: (k): Reach => {
        const { access, bytes } = byK.get(k)!
        if (access === "broadcast") return { kind: "splat", address: addressOf(k, 0) }
        if (access === "unit" && !rest) return { kind: "unit", address: pointerOf(k), offset: 4 * shift * bytes }
        return { kind: "lanes", addresses: range(4).map((l) => addressOf(k, l)) }
      },
      index: (d) => {
        if (rank === 0) return g.i32x4(0)
        if (d < rank - 1) return g.op("i32x4.splat", body.toI32(g.local(this.at[d], 1)))
        const first = g.op("i32x4.splat", body.toI32(g.local(this.i, 2)))
        const numbers = g.lanes32(range(4).map((l) => 4 * shift + l))
        const places = last ? g.op("i32x4.min_s", numbers, g.op("i32x4.splat", last)) : numbers
        return g.op("i32x4.add", first, places)
      },
    }
  }
}

/** Runs `one` for each lane that counts at a step, in order. */
export function eachLane(body: LoopBody, { rest }: Step, one: (lane: number) => void): void {
  one(0)
  for (const lane of [1, 2, 3])
    if (rest) body.f.if(op("i32.gt_s", get(rest), [0x41, lane]), () => one(lane))
    else one(lane)
}
