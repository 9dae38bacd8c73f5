/** Reductions in rows: four results side by side, in strips of a few vectors. */
import type { Access, ReduceKernel } from "@taeda/core"
import { get, type Local } from "./assembler.ts"
import { type Code, i32, op } from "./code.ts"
import { packed, type Reach, storeLane, storeUnit } from "./elements.ts"
import type { Node } from "./graph.ts"
import { type Cursor, type LoopBody, range } from "./loops.ts"
import type { Tuple } from "./monoid.ts"
import { clamped, combinesFirst, LIGHT, Reduction, TOGETHER } from "./reduction.ts"
import { eachLane } from "./rows.ts"
import { STORED } from "./stored.ts"
import { weigh } from "./weight.ts"

/** Rows after which doubles are merged into totals. */
const CHUNK = 256

/** Four results side by side, in strips of a few vectors. */
export class Rows extends Reduction {
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
              f.if(op("i32.gt_s", get(rest), i32(4)), () => f.set(rest, i32(4)))
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
        if (totals.length > 0) f.if(f.op("ptr.eq", f.op("ptr.and", get(j), f.ptr(CHUNK - 1)), f.ptr(CHUNK - 1)), merge)
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
