/** Adds up partial sums in their order, and stores what becomes of them: a column to a thread. */
import { beginContraction, type Contraction, Partials, Results, zeroSum } from "./contraction.ts"
import { laneBytes } from "./elements.ts"
import { BLOCK } from "./planner.ts"
import type { Emitted } from "./writer.ts"

export function sumKernel(contraction: Contraction, wide: boolean): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry, lane } = writing
  const [batches, rows, columns] = [w.own("batches"), w.own("rows"), w.own("columns")]
  // Row after row of all batches, in blocks of columns.
  const blocksAcross = w.own("blocksAcross")
  const line = w.op("div.u32", w.block(), blocksAcross)
  const n = w.op("mad.lo.u32", w.op("rem.u32", w.block(), blocksAcross), BLOCK, w.thread)
  w.exit(w.op("setp.ge.u32", n, columns))
  const z = w.op("div.u32", line, rows)
  const m = w.op("rem.u32", line, rows)
  const partials = new Partials(writing)
  const first = partials.row(w.op("mov.u32", 0), z, m)
  const address = w.variable("u64", w.op("mad.wide.u32", n, laneBytes(lane), first))
  const plane = w.op("mul.wide.u32", w.op("mul.lo.u32", batches, rows), columns)
  const step = w.op("mul.lo.u64", plane, laneBytes(lane))
  const sum = zeroSum(w, lane)
  w.for("u32", 0, w.own("splits"), 1, () => {
    const part = w.op(`ld.global.${lane}`, `[${address}]`)
    w.line(`add.${lane[0] === "f" ? "rn." : ""}${lane} ${sum}, ${sum}, ${part}`)
    w.line(`add.u64 ${address}, ${address}, ${step}`)
  })
  const batch = geometry.batch(w.toIndex(z))
  const results = new Results(writing, batch)
  const { valid, places } = geometry.columnPlaces(batch, w.toIndex(n))
  w.exit(w.op("not.pred", valid))
  results.store(geometry.rowPlaces(batch, w.toIndex(m)), [places], [sum], w.truth(true))
  return w.finish(BLOCK)
}
