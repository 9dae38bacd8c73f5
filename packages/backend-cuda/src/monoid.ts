/** Monoids in kernels: a tuple of accumulators is a list of registers. */
import type { Expr, Monoid } from "@taeda/core"
import { LANE_OF, type Lane, laneBytes } from "./elements.ts"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { literal } from "./ptx-text.ts"
import type { PtxType, Writer } from "./writer.ts"

/** Registers of accumulators, in the lanes of their types. */
export type Tuple = readonly string[]

const ALL_LANES = "0xffffffff"

/** How tuples of a monoid are made, merged and moved inside of one kernel. */
export class Tuples {
  private readonly w: Writer
  private readonly monoid: Monoid
  readonly lanes: readonly Lane[]

  constructor(w: Writer, monoid: Monoid) {
    this.w = w
    this.monoid = monoid
    this.lanes = monoid.accumulators.map((type) => LANE_OF[type])
  }

  /** A tuple that may be assigned to, of nothing at first. */
  identity(): Tuple {
    const { w, monoid } = this
    return this.lanes.map((lane, k) => {
      const register = w.register(lane)
      this.assignIdentity(register, lane, monoid.identity[k], k)
      return register
    })
  }

  private assignIdentity(register: string, lane: Lane, value: Monoid["identity"][number], k: number): void {
    if (lane === "pred") this.w.line(`mov.pred ${register}, ${this.w.truth(Boolean(value))}`)
    else this.w.set(lane, register, literal(value, this.monoid.accumulators[k]))
  }

  /** Makes a tuple that of nothing. */
  clear(tuple: Tuple): void {
    this.lanes.forEach((lane, k) => {
      this.assignIdentity(tuple[k], lane, this.monoid.identity[k], k)
    })
  }

  /** A tuple whose registers are assigned to only through it. */
  copy(tuple: Tuple): Tuple {
    return this.lanes.map((lane, k) => this.w.variable(lane, tuple[k]))
  }

  assign(to: Tuple, from: Tuple): void {
    // Accumulators may change places.
    const safe = from.some((register, k) => register !== to[k] && to.includes(register)) ? this.copy(from) : from
    this.lanes.forEach((lane, k) => {
      if (to[k] !== safe[k]) this.w.set(lane, to[k], safe[k])
    })
  }

  /** Writes `lift` of one element. `known`: values of nodes that were computed before. */
  lift(leaf: ReadLeaf, known?: ReadonlyMap<Expr, string>): Tuple {
    return writeExpressions(this.w, this.monoid.lift, leaf, new Map(known))
  }

  /** Two tuples merged. */
  combine(left: Tuple, right: Tuple): Tuple {
    const leaf = (node: Expr): string => {
      const k = Number(node.value)
      return node.op === "scalar" ? this.w.scalar(k, node.dtype) : (node.op === "left" ? left : right)[k]
    }
    return writeExpressions(this.w, this.monoid.combine, leaf)
  }

  /** into = into ⊕ right. */
  join(into: Tuple, right: Tuple): void {
    this.assign(into, this.combine(into, right))
  }

  /** The tuple of the lane of a warp that `mode` and `by` name. All lanes of the warp must come here. */
  shuffle(tuple: Tuple, mode: "down" | "up" | "bfly" | "idx", by: string | number): Tuple {
    // The lanes that are clamped: for `up` from 0, else to 31.
    const clamp = mode === "up" ? 0 : 31
    const word = (value: string): string => this.w.op(`shfl.sync.${mode}.b32`, value, by, clamp, ALL_LANES)
    return this.lanes.map((lane, k) => shuffled(this.w, lane, tuple[k], word))
  }

  /** Merges the tuples of a warp's lanes, in `width` lanes side by side (a power of two), into that of the first of them. */
  joinLanes(tuple: Tuple, width = 32): void {
    if (width === 1) return
    const { w } = this
    const by = w.variable("u32", width / 2)
    w.while(
      () => w.op("setp.ne.u32", by, 0),
      () => {
        this.join(tuple, this.shuffle(tuple, "down", by))
        w.line(`shr.u32 ${by}, ${by}, 1`)
      },
    )
  }

  /** Bytes that a tuple takes in memory: its accumulators each stand in an array of their own. */
  get bytes(): number {
    return this.lanes.reduce((sum, lane) => sum + laneBytes(lane), 0)
  }

  /** Shared memory for so many tuples. */
  sharedArray(name: string, length: number): SharedTuples {
    return new SharedTuples(this.w, this.lanes, name, length)
  }

  /** Merges the tuples of all `threads` of the block; the result is in every thread. All threads must come here. */
  joinBlock(tuple: Tuple, threads: number): void {
    const { w } = this
    this.joinLanes(tuple)
    if (threads === 32) {
      this.assign(tuple, this.shuffle(tuple, "idx", 0))
      return
    }
    const warps = this.sharedArray(`warps${w.label().slice(2)}`, threads / 32)
    w.if(w.op("setp.eq.u32", w.op("and.b32", w.thread, 31), 0), () => warps.store(w.op("shr.u32", w.thread, 5), tuple))
    w.barrier()
    const total = this.copy(warps.load(w.op("mov.u32", 0)))
    w.for("u32", 1, threads / 32, 1, (warp) => this.join(total, warps.load(warp)))
    this.assign(tuple, total)
    // What the threads read here the next turn may overwrite.
    w.barrier()
  }
}

function shuffled(w: Writer, lane: Lane, value: string, word: (value: string) => string): string {
  if (lane === "pred") return w.op("setp.ne.u32", word(w.op("selp.u32", 1, 0, value)), 0)
  if (laneBytes(lane) === 4) return converted(w, lane, word(lane === "f32" ? w.op("mov.b32", value) : value))
  const [low, high] = [w.register("b32"), w.register("b32")]
  w.line(`mov.b64 {${low}, ${high}}, ${value}`)
  const result = w.register(lane)
  w.line(`mov.b64 ${result}, {${word(low)}, ${word(high)}}`)
  return result
}

/** A word as a value of a lane of 32 bits. */
function converted(w: Writer, lane: Lane, bits: string): string {
  if (lane !== "f32") return bits
  const value = w.register("f32")
  w.line(`mov.b32 ${value}, ${bits}`)
  return value
}

/** How a lane's value is kept in memory. */
const KEPT: Readonly<Record<Lane, PtxType>> = {
  f32: "f32",
  f64: "f64",
  s32: "s32",
  u32: "u32",
  s64: "s64",
  pred: "u32",
}

/** Reads a lane's value from shared or global memory. */
export function readLane(w: Writer, space: "shared" | "global", lane: Lane, address: string): string {
  const value = w.op(`ld.${space}.${KEPT[lane]}`, `[${address}]`)
  return lane === "pred" ? w.op("setp.ne.u32", value, 0) : value
}

export function writeLane(w: Writer, space: "shared" | "global", lane: Lane, address: string, value: string): void {
  const kept = lane === "pred" ? w.op("selp.u32", 1, 0, value) : value
  w.line(`st.${space}.${KEPT[lane]} [${address}], ${kept}`)
}

/** An array of tuples in shared memory. */
export class SharedTuples {
  private readonly w: Writer
  private readonly lanes: readonly Lane[]
  private readonly bases: readonly string[]

  constructor(w: Writer, lanes: readonly Lane[], name: string, length: number) {
    this.w = w
    this.lanes = lanes
    this.bases = lanes.map((lane, k) => w.sharedMemory(`${name}_${k}`, length * laneBytes(lane)))
  }

  private address(k: number, at: string): string {
    return this.w.op("mad.lo.u32", at, laneBytes(this.lanes[k]), this.bases[k])
  }

  store(at: string, tuple: Tuple): void {
    this.lanes.forEach((lane, k) => {
      writeLane(this.w, "shared", lane, this.address(k, at), tuple[k])
    })
  }

  load(at: string): Tuple {
    return this.lanes.map((lane, k) => readLane(this.w, "shared", lane, this.address(k, at)))
  }
}

/** Tuples in temporary memory, an accumulator to each temporary from `first` on. */
export class TemporaryTuples {
  private readonly w: Writer
  private readonly lanes: readonly Lane[]
  private readonly bases: readonly string[]

  constructor(w: Writer, lanes: readonly Lane[], first = 0) {
    this.w = w
    this.lanes = lanes
    this.bases = lanes.map((_, k) => w.pointer({ temporary: first + k }))
  }

  /** `at`: a u32. */
  private address(k: number, at: string): string {
    return this.w.op("mad.wide.u32", at, laneBytes(this.lanes[k]), this.bases[k])
  }

  store(at: string, tuple: Tuple): void {
    this.lanes.forEach((lane, k) => {
      writeLane(this.w, "global", lane, this.address(k, at), tuple[k])
    })
  }

  load(at: string): Tuple {
    return this.lanes.map((lane, k) => readLane(this.w, "global", lane, this.address(k, at)))
  }
}

/** Bytes of the temporaries for so many tuples. */
export const temporaryBytes = (monoid: Monoid, count: number): number[] =>
  monoid.accumulators.map((type) => laneBytes(LANE_OF[type]) * count)
