/**
 * Reductions to WebAssembly, in three forms among which a launch chooses by its sizes and strides:
 * columns, one result at a time, four elements of a run side by side; rows, four results side by side; and split, for few
 * results of many elements, where pieces of a run are combined in a second step (`merge`), always the same pieces, so that
 * results do not depend on the number of threads.
 */
import type { Access, ReduceKernel } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import { type Code, load, op, store } from "./code.ts"
import { isHalf } from "./conversions.ts"
import { packed, type Reach, STORED, storable, storeLane, storeUnit } from "./elements.ts"
import type { Node } from "./graph.ts"
import { isWide } from "./lanes.ts"
import { type Cursor, type LoopBody, loopModule, range, storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import { accumulatorLanes, MonoidCode, type Tuple, type TupleVariables } from "./monoid.ts"
import { eachLane, type Step } from "./rows.ts"
import type { Target } from "./target.ts"
import { weigh } from "./weight.ts"

export type ReduceForm =
  | { readonly kind: "columns" }
  | { readonly kind: "split" }
  /** With the access of every input along the last kept dim ("load" for those that do not follow the iteration). */
  | { readonly kind: "rows"; readonly access: readonly Access[] }

/** Slots behind the scalars, for the split form: pieces of a result, elements (or runs) of a piece, where partials lie. */
export const SPLIT_SLOTS = 3

/** Elements after which doubles are merged into totals. */
const CHUNK = 4096
const ROWS_CHUNK = 256
/** Bodies of at most so many instructions are written so many times in a row, with accumulators of their own. */
const LIGHT = 60
const SETS = 4
/** Groups, or rows, that are combined in their own type before they join wider accumulators. */
const TOGETHER = 8

/** Whether elements may be combined in pairs before they are widened. */
const combinesFirst = (kernel: ReduceKernel, code: MonoidCode): boolean =>
  code.wide &&
  kernel.accumulators.length === 1 &&
  kernel.lift[0].dtype === kernel.accumulators[0] &&
  weigh(kernel.lift) <= LIGHT

/** Vectors that a partial result of the split form takes. */
export const partialVectors = (kernel: ReduceKernel): number =>
  accumulatorLanes(kernel).reduce((n, lane) => n + (isWide(lane) ? 2 : 1), 0)

/** A kernel of at least one reduced dim. */
export function emitReduce(kernel: ReduceKernel, form: ReduceForm, target: Target): Uint8Array<ArrayBuffer> {
  const functions: Record<ReduceForm["kind"], Record<string, (body: LoopBody) => void>> = {
    columns: { run: (body) => new Columns(kernel, body).emit() },
    rows: { run: (body) => new Rows(kernel, body, form.kind === "rows" ? form.access : []).emit() },
    split: {
      run: (body) => new Columns(kernel, body).emitPieces(),
      merge: (body) => new Columns(kernel, body).emitMerge(),
    },
  }
  return loopModule(kernel, target, functions[form.kind], () => true)
}

/** What all forms share: where operands are, and how results are finished. */
class Reduction {
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

/** One result at a time. */
class Columns extends Reduction {
  /** Accumulators that take turns. */
  private readonly sets: readonly TupleVariables[]
  private readonly totals: TupleVariables | undefined
  /** Groups that go into one set of accumulators at once. */
  private readonly together: number
  private readonly i: Local

  constructor(kernel: ReduceKernel, body: LoopBody) {
    super(kernel, body)
    this.together = combinesFirst(kernel, this.code) ? TOGETHER : 1
    const turns = kernel.accumulators.length > 1 || weigh(kernel.lift) > LIGHT || this.together > 1 ? 2 : SETS
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
        for (const set of sets) {
          totals.assign(this.code.combine(totals.tuple, set.tuple))
          set.assign(this.code.identity())
        }
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

  /** All accumulators combined; four partial results side by side. */
  private collected(): Tuple {
    const all = this.totals ? [this.totals, ...this.sets] : this.sets
    const [first, ...others] = all
    for (const other of others) first.assign(this.code.combine(first.tuple, other.tuple))
    return first.tuple
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

/** Lane `lane`, or the last of the `rest` that count. */
function clamped(body: LoopBody, rest: Local, lane: number): Node {
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

/** Four results side by side, in strips of a few vectors. */
class Rows extends Reduction {
  private readonly access: readonly Access[]
  private readonly strip: number
  private readonly last: number
  /** The first column of the strip, and where the inputs' columns begin. */
  private readonly column: Local
  private readonly outputs: readonly Local[]

  constructor(kernel: ReduceKernel, body: LoopBody, access: readonly Access[]) {
    super(kernel, body)
    this.access = access
    this.last = this.kept - 1
    const regular = this.moving.every((k) => access[k] !== "strided") && this.moving.length === kernel.inputs.length
    this.strip = rowsStrip(kernel, regular)
    this.column = body.f.local("ptr")
    this.outputs = kernel.outputs.map(() => body.f.local("ptr"))
  }

  emit(): void {
    const { body, last, column, strip } = this
    const { f } = body
    const t = f.local("ptr")
    const width = this.launch(body.size(last))
    const perRow = f.let(
      "ptr",
      f.op(
        "ptr.div_u",
        f.op("ptr.add", f.load("ptr.load", f.toPointer(get(body.frame)), body.layout.size(last)), f.ptr(4 * strip - 1)),
        f.ptr(4 * strip),
      ),
    )
    const outer = range(last)
    const main = f.capture(() =>
      f.for(t, f.toPointer(get(body.begin)), f.toPointer(get(body.end)), f.ptr(1), () => {
        this.decode(f.op("ptr.div_u", get(t), get(perRow)), outer)
        f.set(column, f.op("ptr.mul", f.op("ptr.rem_u", get(t), get(perRow)), f.ptr(4 * strip)))
        f.if(
          f.op("ptr.le_s", f.op("ptr.add", get(column), f.ptr(4 * strip)), width),
          () => this.reduceStrip(strip, null),
          () =>
            f.while(f.op("ptr.lt_s", get(column), width), () => {
              const rest = f.let("i32", f.toI32(f.op("ptr.sub", width, get(column))))
              f.if(op("i32.gt_s", get(rest), [0x41, 4]), () => f.set(rest, [0x41, 4]))
              this.reduceStrip(1, rest)
              f.set(column, f.op("ptr.add", get(column), f.ptr(4)))
            }),
        )
      }),
    )
    this.assemble(main)
  }

  private reduceStrip(vectors: number, rest: Local | null): void {
    const { body, kernel, code, last, inner, kept } = this
    const { f, blocks } = body
    body.forgetRows()
    const outer = range(last)
    for (const k of this.moving) {
      const column = f.op("ptr.mul", get(this.column), this.launch(body.stride(k, last)))
      f.set(this.starts[k], f.op("ptr.add", this.addressAt(k, this.launch(body.base(k)), outer), column))
    }
    const sets = range(vectors).map(() => code.variables())
    const totals = code.chunked ? range(vectors).map(() => code.variables()) : []
    for (const set of [...sets, ...totals]) set.assign(code.identity())
    const runs = range(inner, kept)
    const steps = this.launch(body.size(inner))
    const j = this.at[inner]
    const merge = (): void =>
      totals.forEach((total, v) => {
        total.assign(code.combine(total.tuple, sets[v].tuple))
        sets[v].assign(code.identity())
      })
    const loops = f.capture(() => {
      const rows = (count: number): void => {
        sets.forEach((set, v) => {
          const cursors = range(count).map((ahead) => this.cursor(v, rest, ahead))
          set.assign(code.combine(set.tuple, this.lift(...cursors)))
        })
        for (const k of this.moving) {
          const step = this.launch(body.g.op("ptr.mul", body.stride(k, inner), body.g.ptr(count)))
          f.set(this.pointers[k], f.op("ptr.add", get(this.pointers[k]), step))
        }
      }
      f.set(j, f.ptr(0))
      if (!rest && combinesFirst(kernel, code))
        f.while(f.op("ptr.le_s", f.op("ptr.add", get(j), f.ptr(TOGETHER)), steps), () => {
          rows(TOGETHER)
          f.set(j, f.op("ptr.add", get(j), f.ptr(TOGETHER)))
        })
      f.for(j, get(j), steps, f.ptr(1), () => {
        rows(1)
        if (totals.length > 0)
          f.if(f.op("ptr.eq", f.op("ptr.and", get(j), f.ptr(ROWS_CHUNK - 1)), f.ptr(ROWS_CHUNK - 1)), merge)
      })
      if (totals.length > 0) merge()
    })
    const one = (): void => {
      for (const k of this.moving) f.set(this.pointers[k], this.addressAt(k, get(this.starts[k]), runs))
      f.if(f.op("ptr.gt_s", steps, f.ptr(0)), () => f.push(blocks[1].splice(0), loops))
    }
    if (runs.length === 0) one()
    else {
      const run = f.local("ptr")
      f.for(run, f.ptr(0), this.product(runs), f.ptr(1), () => {
        this.decode(get(run), runs)
        one()
      })
    }
    body.forgetRows()
    kernel.outputs.forEach((_, n) => {
      const k = kernel.inputs.length + n
      const column = f.op("ptr.mul", get(this.column), this.launch(body.stride(k, last)))
      f.set(this.outputs[n], f.op("ptr.add", this.addressAt(k, this.launch(body.base(k)), outer), column))
    })
    ;(totals.length > 0 ? totals : sets).forEach((set, v) => this.store(set.tuple, v, rest))
    body.forgetRows()
  }

  private store(tuple: Tuple, v: number, rest: Local | null): void {
    const { body, kernel } = this
    const { f, g, blocks } = body
    const stored = this.finish(tuple, (d) => this.keptIndex(d, v, rest))
    const whole = kernel.outputs.map((o) => o.access === "unit" && !rest)
    const parts = stored.map((list, n) => (whole[n] ? packed(g, kernel.outputs[n].dtype, list) : list))
    const steps = kernel.outputs.map((_, n) => body.stride(kernel.inputs.length + n, this.last))
    const { statements, codes } = body.write([...parts.flat(), ...steps])
    f.push(blocks[1].splice(0), statements)
    const ready = codes.slice(0, parts.flat().length).map((code) => get(f.let("v128", code)))
    let next = 0
    kernel.outputs.forEach(({ dtype }, n) => {
      const mine = ready.slice(next, (next += parts[n].length))
      const address = get(this.outputs[n])
      if (whole[n]) {
        f.push(storeUnit(dtype, address, mine, 4 * v * STORED[dtype].bytes))
        return
      }
      const step = codes[parts.flat().length + n]
      const place = (lane: number): Code => f.op("ptr.add", address, f.op("ptr.mul", step, f.ptr(4 * v + lane)))
      eachCounted(body, rest, (lane) => f.push(storeLane(dtype, place(lane), mine, lane)))
    })
  }

  /** Coordinates along a kept dim, of the results of vector v. */
  private keptIndex(d: number, v: number, rest: Local | null): Node {
    const { g } = this.body
    if (d !== this.last) return this.splat(d, 1)
    const first = g.op("i32x4.splat", this.body.toI32(g.local(this.column, 1)))
    const numbers = g.lanes32(range(4).map((l) => 4 * v + l))
    if (!rest) return g.op("i32x4.add", first, numbers)
    const most = g.op("i32x4.splat", g.op("i32.sub", g.local(rest, 1), g.i32(1)))
    return g.op("i32x4.add", first, g.op("i32x4.min_s", numbers, most))
  }

  /** Vector v of the row that is so many further on than the loop is. */
  private cursor(v: number, rest: Local | null, ahead = 0): Cursor {
    const { body, access, last } = this
    const { g } = body
    return {
      reach: (k): Reach => {
        const here = g.local(this.pointers[k], 2)
        const skip = g.op("ptr.mul", body.stride(k, this.inner), g.ptr(ahead))
        const pointer = ahead === 0 ? here : g.op("ptr.add", here, skip)
        if (access[k] === "broadcast") return { kind: "splat", address: pointer }
        const { bytes } = STORED[this.kernel.inputs[k].dtype]
        if (access[k] === "unit" && !rest) return { kind: "unit", address: pointer, offset: 4 * v * bytes }
        const step = body.stride(k, last)
        const addresses = range(4).map((lane) => {
          if (rest)
            return lane === 0 ? pointer : g.op("ptr.add", pointer, g.op("ptr.mul", clamped(body, rest, lane), step))
          const distance = 4 * v + lane
          return distance === 0 ? pointer : g.op("ptr.add", pointer, g.op("ptr.mul", step, g.ptr(distance)))
        })
        return { kind: "lanes", addresses }
      },
      index: (d) => {
        if (d < this.kept) return this.keptIndex(d, v, rest)
        if (d !== this.inner) return this.splat(d, 1)
        return ahead === 0 ? this.splat(d, 2) : g.op("i32x4.add", this.splat(d, 2), g.i32x4(ahead))
      },
    }
  }
}

/** Vectors of results side by side in the rows form. */
export function rowsStrip(kernel: ReduceKernel, regular: boolean): number {
  if (!regular) return 1
  return kernel.accumulators.length === 1 && weigh(kernel.lift) <= LIGHT ? 4 : 1
}

/** Runs `one` for each of the lanes that count, all where `rest` is null. */
const eachCounted = (body: LoopBody, rest: Local | null, one: (lane: number) => void): void =>
  eachLane(body, { shift: 0, rest }, one)
