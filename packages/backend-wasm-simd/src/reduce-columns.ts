/** Reductions in columns: one result at a time, four elements of a run side by side; or pieces of long runs, merged in a second step. */
import type { ReduceKernel } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import { type Code, load, store } from "./code.ts"
import { type Reach, storeLane } from "./elements.ts"
import type { Node } from "./graph.ts"
import { isWide } from "./lanes.ts"
import { type Cursor, type LoopBody, range } from "./loops.ts"
import { accumulatorLanes, type Tuple, type TupleVariables } from "./monoid.ts"
import { clamped, combinesFirst, LIGHT, Reduction, TOGETHER } from "./reduction.ts"
import type { Step } from "./rows.ts"
import { STORED } from "./stored.ts"
import { weigh } from "./weight.ts"

/** Elements after which doubles are merged into totals. */
const CHUNK = 4096
/** Accumulators that take turns, where bodies are light, in so many vectors. */
const TURNS_IN = 8

/** Vectors that a partial result of the split form takes. */
export const partialVectors = (kernel: ReduceKernel): number =>
  accumulatorLanes(kernel).reduce((n, lane) => n + (isWide(lane) ? 2 : 1), 0)

/** One result at a time. */
export class Columns extends Reduction {
  /** Accumulators that take turns. */
  private readonly sets: readonly TupleVariables[]
  private readonly totals: TupleVariables | undefined
  /** Groups that go into one set of accumulators at once. */
  private readonly together: number
  private readonly i: Local

  constructor(kernel: ReduceKernel, body: LoopBody) {
    super(kernel, body)
    this.together = combinesFirst(kernel, this.code) ? TOGETHER : 1
    const turns =
      kernel.accumulators.length > 1 || weigh(kernel.lift) > LIGHT || this.together > 1
        ? 2
        : TURNS_IN / partialVectors(kernel)
    this.sets = range(turns).map(() => this.code.variables())
    this.totals = this.code.chunked ? this.code.variables() : undefined
    this.i = body.f.local("ptr")
  }

  emit(): void {
    const { f } = this.body
    const t = f.local("ptr")
    const main = f.capture(() =>
      f.for(t, f.toPointer(get(this.body.begin)), f.toPointer(get(this.body.end)), f.ptr(1), () => {
        this.beginResult(get(t))
        this.reduceAll(f.ptr(0), this.launch(this.body.size(this.inner)), f.ptr(0), this.runs())
        this.finishResult(this.code.acrossLanes(this.collected()))
      }),
    )
    this.assemble(main)
  }

  /** Partial results of pieces: unit t is piece t % pieces of result t / pieces. */
  emitPieces(): void {
    const { f } = this.body
    const t = f.local("ptr")
    const [pieces, length, partials] = this.splitSlots()
    const main = f.capture(() =>
      f.for(t, f.toPointer(get(this.body.begin)), f.toPointer(get(this.body.end)), f.ptr(1), () => {
        this.beginResult(f.op("ptr.div_u", get(t), pieces))
        const from = f.let("ptr", f.op("ptr.mul", f.op("ptr.rem_u", get(t), pieces), length))
        const flat = this.kernel.reduced === 1
        const all = flat ? this.launch(this.body.size(this.inner)) : this.runs()
        const to = f.let("ptr", f.op("ptr.add", get(from), length))
        f.if(f.op("ptr.gt_s", get(to), all), () => f.set(to, all))
        if (flat) this.reduceAll(get(from), get(to), f.ptr(0), f.ptr(1))
        else this.reduceAll(f.ptr(0), this.launch(this.body.size(this.inner)), get(from), get(to))
        const variables = this.code.variables()
        variables.assign(this.collected())
        const at = f.let("ptr", this.partialAddress(get(t), partials, variables.vectors))
        variables.codes.forEach((code, n) => f.push(store("v128.store", get(at), code, 16 * n)))
      }),
    )
    this.assemble(main)
  }

  /** Combines the pieces of every result, in order. */
  emitMerge(): void {
    const { f } = this.body
    const [t, p] = [f.local("ptr"), f.local("ptr")]
    const [pieces, , partials] = this.splitSlots()
    const [total, piece] = [this.code.variables(), this.code.variables()]
    const main = f.capture(() =>
      f.for(t, f.toPointer(get(this.body.begin)), f.toPointer(get(this.body.end)), f.ptr(1), () => {
        this.beginResult(get(t))
        total.assign(this.code.identity())
        const first = f.let("ptr", f.op("ptr.mul", get(t), pieces))
        f.for(p, f.ptr(0), pieces, f.ptr(1), () => {
          const number = f.op("ptr.add", get(first), get(p))
          const at = f.let("ptr", this.partialAddress(number, partials, piece.vectors))
          piece.load((n) => load("v128.load", get(at), 16 * n))
          total.assign(this.code.combine(total.tuple, piece.tuple))
        })
        this.finishResult(this.code.acrossLanes(total.tuple))
      }),
    )
    this.assemble(main)
  }

  /** The slots behind the scalars: pieces of a result, elements (or runs) of a piece, where partial results lie. */
  private splitSlots(): readonly [Code, Code, Code] {
    const { layout, f, frame } = this.body
    const at = (n: number): Code => f.load("ptr.load", f.toPointer(get(frame)), layout.slots * 8 + 8 * n)
    return [at(0), at(1), at(2)]
  }

  private partialAddress(number: Code, partials: Code, vectors: number): Code {
    const { f } = this.body
    return f.op("ptr.add", partials, f.op("ptr.mul", number, f.ptr(16 * vectors)))
  }

  /** The number of runs along the innermost dim. */
  private runs(): Code {
    return this.product(range(this.inner, this.kept))
  }

  private beginResult(number: Code): void {
    this.decode(number, range(this.kept))
    for (const k of this.moving)
      this.body.f.set(this.starts[k], this.addressAt(k, this.launch(this.body.base(k)), range(this.kept)))
  }

  /** Elements `from` to `to` of runs `first` to `last`, into the accumulators, which begin as the identity. */
  private reduceAll(from: Code, to: Code, first: Code, last: Code): void {
    const { f, blocks } = this.body
    for (const set of this.totals ? [this.totals, ...this.sets] : this.sets) set.assign(this.code.identity())
    const runs = range(this.inner, this.kept)
    const run = f.local("ptr")
    const loops = f.capture(() => this.alongRun(from, to))
    // Nothing is read ahead of an empty run.
    const whole = (): void => f.if(f.op("ptr.lt_s", from, to), () => f.push(blocks[1].splice(0), loops))
    const place = (): void => {
      for (const k of this.moving) f.set(this.pointers[k], this.addressAt(k, get(this.starts[k]), runs))
    }
    if (runs.length === 0) {
      place()
      whole()
      return
    }
    f.for(run, first, last, f.ptr(1), () => {
      this.decode(get(run), runs)
      place()
      whole()
    })
  }

  private alongRun(from: Code, to: Code): void {
    const { f } = this.body
    const { i, sets, totals, together } = this
    f.set(i, from)
    for (const k of this.moving) {
      const step = this.stepOf(k)
      if (step)
        f.set(this.pointers[k], f.op("ptr.add", get(this.pointers[k]), f.op("ptr.mul", from, this.launch(step(1)))))
    }
    const steps = (turns: number, groups: number) => (): void => {
      const count = turns * groups
      range(turns).forEach((turn) => {
        const cursors = range(groups).map((n) => this.cursor({ shift: turn * groups + n, rest: null }))
        sets[turn].assign(this.code.combine(sets[turn].tuple, this.lift(...cursors)))
      })
      for (const k of this.moving) {
        const step = this.stepOf(k)
        if (step) f.set(this.pointers[k], f.op("ptr.add", get(this.pointers[k]), this.launch(step(4 * count))))
      }
      f.set(i, f.op("ptr.add", get(i), f.ptr(4 * count)))
    }
    const along = (end: Code): void => {
      const room = (count: number): Code => f.op("ptr.le_s", f.op("ptr.add", get(i), f.ptr(4 * count)), end)
      f.while(room(sets.length * together), steps(sets.length, together))
      f.while(room(1), steps(1, 1))
    }
    if (totals) {
      const end = f.local("ptr")
      // Chunks are whole groups, so that only the last one leaves a rest.
      f.while(f.op("ptr.le_s", f.op("ptr.add", get(i), f.ptr(4)), to), () => {
        f.set(end, f.op("ptr.add", get(i), f.ptr(CHUNK)))
        f.if(f.op("ptr.gt_s", get(end), to), () => f.set(end, to))
        along(get(end))
        totals.assign(this.code.combine(totals.tuple, this.gathered()))
        for (const set of sets) set.assign(this.code.identity())
      })
    } else along(to)
    f.if(f.op("ptr.lt_s", get(i), to), () => {
      const rest = f.let("i32", f.toI32(f.op("ptr.sub", to, get(i))))
      const { g } = this.body
      const mask = g.op("i32x4.lt_s", g.lanes32([0, 1, 2, 3]), g.op("i32x4.splat", g.local(rest, 2)))
      const lifted = this.code.masked(this.lift(this.cursor({ shift: 0, rest })), mask)
      sets[0].assign(this.code.combine(sets[0].tuple, lifted))
    })
  }

  /** The accumulators that take turns, combined in the first of them. */
  private gathered(): Tuple {
    const [first, ...others] = this.sets
    for (const other of others) first.assign(this.code.combine(first.tuple, other.tuple))
    return first.tuple
  }

  /** All accumulators combined; four partial results side by side. */
  private collected(): Tuple {
    const gathered = this.gathered()
    return this.totals ? this.code.combine(this.totals.tuple, gathered) : gathered
  }

  /** Stores a result that all lanes hold. */
  private finishResult(tuple: Tuple): void {
    const { f, blocks } = this.body
    this.body.forgetRows()
    const { kernel } = this
    const stored = this.finish(tuple, (d) => this.splat(d, 1))
    const { statements, codes } = this.body.write(stored.flat())
    f.push(blocks[1].splice(0), statements)
    const parts = codes.map((code) => get(f.let("v128", code)))
    let next = 0
    kernel.outputs.forEach(({ dtype }, j) => {
      const mine = parts.slice(next, (next += stored[j].length))
      const k = kernel.inputs.length + j
      const address = this.addressAt(k, this.launch(this.body.base(k)), range(this.kept))
      f.push(storeLane(dtype, address, mine, 0))
    })
    this.body.forgetRows()
  }

  /** Bytes of `times` steps of input k along the run; undefined where it stands still. */
  private stepOf(k: number): ((times: number) => Node) | undefined {
    const { g } = this.body
    const { access, dtype } = this.kernel.inputs[k]
    if (access === "broadcast") return undefined
    return (times) =>
      access === "unit"
        ? g.ptr(times * STORED[dtype].bytes)
        : times === 1
          ? this.body.stride(k, this.inner)
          : g.op("ptr.mul", this.body.stride(k, this.inner), g.ptr(times))
  }

  private cursor({ shift, rest }: Step): Cursor {
    const { g } = this.body
    const last = rest && g.op("i32.sub", g.local(rest, 2), g.i32(1))
    return {
      reach: (k): Reach => {
        const { access, dtype } = this.kernel.inputs[k]
        const pointer = g.local(this.pointers[k], access === "broadcast" ? 1 : 2)
        if (access === "broadcast") return { kind: "splat", address: pointer }
        if (access === "unit" && !rest)
          return { kind: "unit", address: pointer, offset: 4 * shift * STORED[dtype].bytes }
        const step = this.stepOf(k)!
        const addresses = range(4).map((lane) => {
          if (last)
            return lane === 0
              ? pointer
              : g.op("ptr.add", pointer, g.op("ptr.mul", clamped(this.body, rest, lane), step(1)))
          const distance = 4 * shift + lane
          return distance === 0 ? pointer : g.op("ptr.add", pointer, step(distance))
        })
        return { kind: "lanes", addresses }
      },
      index: (d) => {
        if (d !== this.inner) return this.splat(d, 1)
        const first = g.op("i32x4.splat", this.body.toI32(g.local(this.i, 2)))
        const numbers = g.lanes32(range(4).map((l) => 4 * shift + l))
        return g.op("i32x4.add", first, last ? g.op("i32x4.min_s", numbers, g.op("i32x4.splat", last)) : numbers)
      },
    }
  }
}
