/** All multiplications of a unit: loops over its rows and tables that call the tiles of `conv-tiles.ts`. */
import { get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32 } from "./code.ts"
import { CONV_SCRATCH, FROM_TO, OFFSET_BYTES, type ScratchPlace } from "./conv-scratch.ts"
import { loadOffset } from "./conv-tables.ts"
import { correlationTile, weightTile } from "./conv-tiles.ts"
import type { ConvUnit } from "./conv-unit.ts"
import type { Lanes } from "./formats.ts"
import { parameters } from "./parameters.ts"
import { type PointerMath, pointerMath } from "./pointer-math.ts"
import { forTileRows, mergeFunction, panelRows, WIDEST } from "./tile.ts"

const CORRELATE = parameters(
  ["depth", "rows", "panels", "taps", "band", "c", "cRow", "wholeEnd", "partEnd", "part", "scratch", "add"],
  { add: "i32" },
)
type CorrelateParameter = keyof ReturnType<typeof CORRELATE.named>

/**
 * Multiplies rows of packed weights, each of `depth` numbers, with all positions in the tables, and stores the products to c or, if
 * `add`, adds them to what is there. Of the vectors in the tables behind `wholeEnd` only the first `part` elements are stored.
 */
export function correlate(
  u: ConvUnit,
  args: Readonly<Record<Exclude<CorrelateParameter, "panels" | "taps" | "part" | "scratch">, Local | Code>>,
): void {
  const { part, scratch } = u
  const all = CORRELATE.arguments(u.m, { ...args, panels: u.at("panels"), taps: u.at("taps"), part, scratch })
  u.f.push(call(correlateFunction(u.module, u.lanes), ...all))
}

const correlateFunction = (module: ModuleBuilder, lanes: Lanes): FunctionRef =>
  module.helper("correlate", CORRELATE.types, [], (f, ...locals) => {
    const p = CORRELATE.named(locals)
    const m = pointerMath(f)
    const merge = mergeFunction(module, lanes)
    const [from, to, count, tile, k] = Array.from({ length: 5 }, () => f.local("ptr"))
    const tileRows = f.local("ptr")
    const most = panelRows(module, lanes)
    const tileRow = WIDEST[1] * 16
    const advance = (n: number): void => {
      m.advance(from, n * OFFSET_BYTES)
      m.advance(to, n * OFFSET_BYTES)
    }
    /** While there are `n` more vectors before `end`, runs `body`. */
    const vectors = (n: number, end: Local, body: () => void): void =>
      f.while(m.ge(end, m.add(from, n * OFFSET_BYTES)), body)
    /** A tile of which all is stored. */
    const whole = (r: number, n: number): void => {
      const args = [p.depth, p.panels, p.taps, from, p.band, to, p.c, p.cRow, p.add].map(get)
      f.push(call(correlationTile(module, lanes, r, n), ...args))
      advance(n)
    }
    /** A tile of which a part is stored, by way of the scratch memory. */
    const partly = (r: number, n: number): void => {
      const tileOffsets = m.add(p.scratch, CONV_SCRATCH.tileOffsets)
      const head = [p.depth, p.panels, p.taps, from, p.band].map(get)
      f.push(call(correlationTile(module, lanes, r, n), ...head, tileOffsets, get(tile), f.ptr(tileRow), i32(0)))
      f.for(k, f.ptr(0), f.ptr(n), f.ptr(1), () => {
        const target = m.add(p.c, loadOffset(f, to))
        const source = m.add(tile, m.mul(k, 16))
        f.push(call(merge, f.ptr(r), get(p.part), source, f.ptr(tileRow), target, get(p.cRow), get(p.add)))
        advance(1)
      })
    }
    f.while(m.gt(p.rows, 0), () => {
      m.set(tileRows, m.min(p.rows, most))
      m.set(from, m.add(p.scratch, CONV_SCRATCH.from))
      m.set(to, m.add(p.scratch, CONV_SCRATCH.to))
      m.set(tile, m.add(p.scratch, CONV_SCRATCH.tile))
      forTileRows(f, tileRows, most, (r) => {
        const widths = [WIDEST[r], 1]
        for (const n of widths) vectors(n, p.wholeEnd, () => whole(r, n))
        for (const n of widths) vectors(n, p.partEnd, () => partly(r, n))
      })
      m.set(count, m.mul(p.depth, most * lanes.bytes))
      m.advance(p.panels, count)
      m.advance(p.c, m.mul(p.cRow, most))
      m.advance(p.rows, -most)
    })
  })

const ACCUMULATE = parameters(["products", "rows", "band", "g", "gRow", "sumsRow", "wholeEnd", "partEnd", "scratch"])

/**
 * Adds to all sums of a unit of weights what the positions in the tables contribute: to `products` vectors in each row. Of the vectors
 * behind `wholeEnd` only the lanes that are set in the scratch memory's mask count.
 */
export function accumulate(u: ConvUnit, args: Parameters<typeof ACCUMULATE.arguments>[1]): void {
  u.f.push(call(accumulateFunction(u.module, u.lanes), ...ACCUMULATE.arguments(u.m, args)))
}

const accumulateFunction = (module: ModuleBuilder, lanes: Lanes): FunctionRef =>
  module.helper("accumulate", ACCUMULATE.types, [], (f, ...locals) => {
    const { products, rows, band, g, gRow, sumsRow, wholeEnd, partEnd, scratch } = ACCUMULATE.named(locals)
    const m = pointerMath(f)
    const at = (place: ScratchPlace): Code => m.add(scratch, CONV_SCRATCH[place])
    const tileRows = f.local("ptr")
    const most = panelRows(module, lanes)
    const [left, taps, sums] = [f.local("ptr"), f.local("ptr"), m.let(at("sums"))]
    const sumsAt = f.local("ptr")
    const wholeCount = entries(m, at("from"), wholeEnd)
    const partCount = entries(m, wholeEnd, partEnd)
    const tiles = (r: number, n: number): void => {
      const tail = [get(band), get(taps), get(g), get(gRow), get(sumsAt), get(sumsRow), at("mask")]
      const whole = [get(wholeCount), at("from"), at("to"), ...tail]
      f.push(call(weightTile(module, lanes, r, n, false), ...whole))
      f.if(m.gt(partCount, 0), () => {
        const part = [get(partCount), get(wholeEnd), m.add(wholeEnd, FROM_TO), ...tail]
        f.push(call(weightTile(module, lanes, r, n, true), ...part))
      })
      m.advance(taps, n * OFFSET_BYTES)
      m.advance(sumsAt, n * 16)
      m.advance(left, -n)
    }
    f.while(m.gt(rows, 0), () => {
      m.set(tileRows, m.min(rows, most))
      m.set(left, products)
      m.set(taps, at("taps"))
      m.set(sumsAt, sums)
      forTileRows(f, tileRows, most, (r) => {
        for (const n of [WIDEST[r], 1]) f.while(m.ge(left, n), () => tiles(r, n))
      })
      m.advance(g, m.mul(gRow, most))
      m.advance(sums, m.mul(sumsRow, most))
      m.advance(rows, -most)
    })
  })

/** How many entries a part of a table has. */
const entries = (m: PointerMath, from: Code | Local, end: Local): Local => m.let(m.div(m.sub(end, from), OFFSET_BYTES))
