/** Few rows: every thread sums a slice of the depth for one column, and the slices are added up in shared memory. */
import {
  beginContraction,
  type Contraction,
  multiplyAdd,
  Partials,
  type Reading,
  Results,
  Sources,
  zeroSum,
} from "./contraction.ts"
import { depthRange } from "./contraction-tile.ts"
import { laneBytes } from "./elements.ts"
import { BLOCK } from "./planner.ts"
import { readVector } from "./views.ts"
import type { Emitted } from "./writer.ts"

/** How the threads of a block share columns and depth where there are few rows. */
export interface Slices {
  /** The number of rows: all of them. */
  readonly rows: number
  /** Threads per column, a power of two. */
  readonly slices: number
  /** Along which index neighbouring threads read b. */
  readonly along: Reading["b"]
  /** Neighbours along the depth that a thread reads at once. */
  readonly vector: 1 | 4
}

export function sliceKernel(contraction: Contraction, form: Slices, split: boolean, wide: boolean): Emitted {
  const { rows, slices, along, vector } = form
  const writing = beginContraction(contraction, wide)
  const { w, geometry, lane } = writing
  const columns = BLOCK / slices
  const bytes = laneBytes(lane)
  const tilesAcross = w.own("tilesAcross")
  const z = w.op("div.u32", w.block(), tilesAcross)
  const n0 = w.op("mul.lo.u32", w.op("rem.u32", w.block(), tilesAcross), columns)
  const batch = geometry.batch(w.toIndex(z))
  const { begin, end } = depthRange(writing, batch.depth, split)
  const sources = new Sources(writing, batch)
  const [columnOf, slice] =
    along === "depth"
      ? [w.op("shr.u32", w.thread, Math.log2(slices)), w.op("and.b32", w.thread, slices - 1)]
      : [w.op("and.b32", w.thread, columns - 1), w.op("shr.u32", w.thread, Math.log2(columns))]
  const n = w.op("add.u32", n0, columnOf)
  const column = geometry.column(batch, w.ix("min", w.toIndex(n), w.ix("sub", w.own("columns", w.index), 1)))
  const numbers = Array.from({ length: rows }, (_, r) => w.op("mov.u32", r))
  const rowParts = numbers.map((r) => geometry.row(batch, w.toIndex(r)))
  const sums = numbers.map(() => zeroSum(w, lane))
  const always = w.truth(true)
  const first = w.ix("add", begin, w.toIndex(w.op("mul.lo.u32", slice, vector)))
  w.for(w.index, first, end, slices * vector, (k) => {
    const depth = sources.depth(k)
    if (vector === 1) {
      const [x] = sources.read(column, depth, always)
      const y = rowParts.map((row) => sources.read(row, depth, always)[0])
      for (const [r, sum] of sums.entries()) multiplyAdd(w, lane, sum, y[r], x)
      return
    }
    const inside = sources.inside(column, depth, undefined)
    const x = readVector(w, sources.view("b"), sources.address(column, depth), vector, inside)
    const y = rowParts.map((row) => readVector(w, sources.view("a"), sources.address(row, depth), vector))
    for (const [r, sum] of sums.entries()) for (let e = 0; e < vector; e++) multiplyAdd(w, lane, sum, y[r][e], x[e])
  })
  if (slices > 1) {
    const shared = w.sharedMemory("sums", rows * BLOCK * bytes)
    const place = (of: string): string => w.op("mad.lo.u32", w.op("mad.lo.u32", of, columns, columnOf), bytes, shared)
    const mine = place(slice)
    const at = (address: string, r: number): string => `[${address}+${r * BLOCK * bytes}]`
    for (const [r, sum] of sums.entries()) w.line(`st.shared.${lane} ${at(mine, r)}, ${sum}`)
    const apart = w.variable("u32", slices / 2)
    w.while(
      () => w.op("setp.gt.u32", apart, 0),
      () => {
        w.barrier()
        w.if(w.op("setp.lt.u32", slice, apart), () => {
          const other = place(w.op("add.u32", slice, apart))
          for (const [r, sum] of sums.entries()) {
            const added = w.op(`ld.shared.${lane}`, at(other, r))
            w.line(`add.${lane[0] === "f" ? "rn." : ""}${lane} ${sum}, ${sum}, ${added}`)
            w.line(`st.shared.${lane} ${at(mine, r)}, ${sum}`)
          }
        })
        w.line(`shr.u32 ${apart}, ${apart}, 1`)
      },
    )
  }
  w.exit(w.op("setp.gt.u32", slice, 0))
  if (split) {
    w.exit(w.op("setp.ge.u32", n, w.own("columns")))
    const partials = new Partials(writing)
    for (const [r, sum] of sums.entries()) {
      const start = partials.row(w.block("y"), z, numbers[r])
      w.line(`st.global.${lane} [${w.op("mad.wide.u32", n, bytes, start)}], ${sum}`)
    }
  } else {
    const results = new Results(writing, batch)
    const { valid, places } = geometry.columnPlaces(batch, w.toIndex(n))
    w.exit(w.op("not.pred", valid))
    for (const [r, sum] of sums.entries())
      results.store(geometry.rowPlaces(batch, w.toIndex(numbers[r])), [places], [sum], always)
  }
  return w.finish(BLOCK)
}
