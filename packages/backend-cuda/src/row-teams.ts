/** What reductions and rows share: threads that walk a row together, and merge what each of them found. */
import { type Expr, type InputType, topological } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import type { ReadLeaf } from "./expression.ts"
import type { Launch } from "./launch.ts"
import type { Tuple, Tuples } from "./monoid.ts"
import { BLOCK } from "./planner.ts"
import { type Inputs, sizesOf, unravel } from "./points.ts"
import { addressOf, readVector, VECTOR_BYTES } from "./views.ts"
import type { Writer } from "./writer.ts"

/**
 * How threads share rows:
 *  - thread: a row to each thread, for short rows, and for columns where these are many;
 *  - lanes: a row to eight lanes; warp: to each warp; block: to each block; they read neighbours along the row;
 *  - columns: a block has 32 neighbouring rows, and eight threads of it walk each.
 */
export type Form = "thread" | "lanes" | "warp" | "block" | "columns"

/** Lanes that share a row of middling length. */
const LANES = 8

/** Threads that share a row, and rows of a block. */
export const SHARES: Readonly<Record<Form, { readonly sharing: number; readonly rows: number }>> = {
  thread: { sharing: 1, rows: BLOCK },
  lanes: { sharing: LANES, rows: BLOCK / LANES },
  warp: { sharing: 32, rows: BLOCK / 32 },
  block: { sharing: BLOCK, rows: 1 },
  columns: { sharing: BLOCK / 32, rows: 32 },
}

/** Rows up to this length are walked by a thread each, by eight lanes up to the next, and by a warp up to the last. */
const SHORT = 16
const MIDDLE = 128
const LONG = 1024
const LONGEST: Readonly<Record<Form, number>> = {
  thread: SHORT,
  lanes: MIDDLE,
  warp: LONG,
  block: Number.POSITIVE_INFINITY,
  columns: Number.POSITIVE_INFINITY,
}

/** Which of its block's rows a thread has, and its number among those that share it. */
const PLACES: Readonly<Record<Form, (w: Writer) => readonly [place: string, share: string]>> = {
  thread: (w) => [w.thread, w.op("mov.u32", 0)],
  lanes: (w) => [w.op("shr.u32", w.thread, Math.log2(LANES)), w.op("and.b32", w.thread, LANES - 1)],
  warp: (w) => [w.op("shr.u32", w.thread, 5), w.op("and.b32", w.thread, 31)],
  block: (w) => [w.op("mov.u32", 0), w.thread],
  columns: (w) => [w.op("and.b32", w.thread, 31), w.op("shr.u32", w.thread, 5)],
}

/** A thread's row, all u32. */
export interface RowOfThread {
  /** What is too much does as the last row does, and is to write nothing. */
  readonly row: string
  readonly exists: string
  /** The thread's number among those of the row. */
  readonly share: string
}

/** `rows`: the number of rows. */
export function rowOfThread(w: Writer, form: Form, rows: string): RowOfThread {
  const [place, share] = PLACES[form](w)
  const asked = w.op("mad.lo.u32", w.block("x"), SHARES[form].rows, place)
  const row = w.op("min.u32", asked, w.op("sub.u32", rows, 1))
  return { row, exists: w.op("setp.lt.u32", asked, rows), share }
}

/** Elements that are merged one after the other before their tuple joins the others, which keeps rounding errors small. */
const CHUNK = 32
/** Tuples that a thread's elements are merged into, so that one need not wait for the other. */
const TUPLES = 4
/** Steps that a thread has in hand where each is a vector: 64 bytes. A multiprocessor needs 32 KB under way at a time. */
const VECTORS_IN_HAND = 4
/** Bytes that it has in hand of single elements, as many as these at most. */
const BYTES_IN_HAND = 32
const MOST_IN_HAND = 16
/** Nodes that the elements in hand have together at most: longer kernels take long to compile. */
const MOST_NODES = 256

/** How many steps of `neighbours` elements a thread has in hand, whose values are found and merged by `roots`. */
export function handsOf(roots: readonly Expr[], types: readonly InputType[], form: Form, neighbours: number): number {
  const bytes = Math.max(1, ...types.filter(({ access }) => access !== "load").map(({ dtype }) => bytesOf(dtype)))
  const nodes = topological(roots).length
  // No more than half the steps of the form's longest rows: what is not there costs instructions.
  const most = LONGEST[form] / (2 * SHARES[form].sharing * neighbours)
  let hands = Math.max(
    1,
    Math.min(most, neighbours > 1 ? VECTORS_IN_HAND : Math.min(MOST_IN_HAND, BYTES_IN_HAND / bytes)),
  )
  while (hands > 1 && hands * neighbours * nodes > MOST_NODES) hands /= 2
  return hands
}

/** What of a row a thread walks. */
export interface Walk {
  readonly begin: string
  readonly end: string
  readonly step: number
  /** Elements side by side that are found at once, and how many such steps are in hand. */
  readonly neighbours: number
  readonly hands: number
}

/**
 * Merges the tuples of a thread's elements into `total`, in chunks. `at` gives what finds the tuples of the neighbours at an
 * element. Some elements are in hand at once, each with a tuple of its own, so that reads need not wait for each other.
 */
export function walkRow(
  w: Writer,
  tuples: Tuples,
  total: Tuple,
  { begin, end, step, neighbours, hands }: Walk,
  type: "u32" | "u64",
  at: (r: string) => readonly (() => Tuple)[],
): void {
  const r = w.variable(type, begin)
  const below = (value: string, limit: string): string => w.op(`setp.lt.${type}`, value, limit)
  const count = Math.min(TUPLES, neighbours * hands)
  const parts = Array.from({ length: count }, () => tuples.identity())
  const chunk = Math.max(hands, (CHUNK * count) / neighbours)
  const take = (together: number): void => {
    const found = Array.from({ length: together }, (_, k) => at(k === 0 ? r : w.op(`add.${type}`, r, k * step)))
    const lifted = found.flat().map((lift) => lift())
    for (const [k, tuple] of lifted.entries()) tuples.join(parts[k % count], tuple)
    w.line(`add.${type} ${r}, ${r}, ${together * step}`)
  }
  /** Less than `hands` steps: what is behind the end is read from before it, so that all reads are under way at once. */
  const takeRest = (): void => {
    const last = w.op(`sub.${type}`, end, neighbours)
    const places = Array.from({ length: hands - 1 }, (_, k) => (k === 0 ? r : w.op(`add.${type}`, r, k * step)))
    const found = places.map((p, k) => at(k === 0 ? p : w.op(`min.${type}`, p, last)).map((lift) => lift()))
    for (const [k, lifted] of found.entries())
      w.if(below(places[k], end), () => {
        for (const [e, tuple] of lifted.entries()) tuples.join(parts[(k * neighbours + e) % count], tuple)
      })
    w.set(type, r, end)
  }
  w.while(
    () => below(r, end),
    () => {
      for (const part of parts) tuples.clear(part)
      const stop = w.op(`min.${type}`, w.op(`add.${type}`, r, chunk * step), end)
      w.while(
        () => below(hands > 1 ? w.op(`add.${type}`, r, (hands - 1) * step) : r, stop),
        () => take(hands),
      )
      // Only at the end of the row is something left.
      if (hands > 1) w.if(below(r, stop), takeRest)
      for (let apart = count / 2; apart >= 1; apart /= 2)
        for (let k = 0; k < apart; k++) tuples.join(parts[k], parts[k + apart])
      tuples.join(total, parts[0])
    },
  )
}

/** Merges the tuples of the threads of each row; the result is in all of them. All threads of the block must come here. */
export const joinRow: Readonly<Record<Form, (w: Writer, tuples: Tuples, total: Tuple) => void>> = {
  thread: () => {},
  lanes(w, tuples, total) {
    tuples.joinLanes(total, LANES)
    tuples.assign(total, tuples.shuffle(total, "idx", w.op("and.b32", w.thread, 32 - LANES)))
  },
  warp(_, tuples, total) {
    tuples.joinLanes(total)
    tuples.assign(total, tuples.shuffle(total, "idx", 0))
  },
  block: (_, tuples, total) => tuples.joinBlock(total, BLOCK),
  columns(w, tuples, total) {
    const all = tuples.sharedArray(`columns${w.label().slice(2)}`, BLOCK)
    all.store(w.thread, total)
    w.barrier()
    const apart = w.variable("u32", BLOCK / 2)
    w.while(
      () => w.op("setp.ge.u32", apart, 32),
      () => {
        w.if(w.op("setp.lt.u32", w.thread, apart), () => {
          tuples.join(total, all.load(w.op("add.u32", w.thread, apart)))
          all.store(w.thread, total)
        })
        w.barrier()
        w.line(`shr.u32 ${apart}, ${apart}, 1`)
      },
    )
    tuples.assign(total, all.load(w.op("and.b32", w.thread, 31)))
  },
}

/**
 * What leaves read at `count` neighbours of a row from place `r` on; `head` has the coordinates of the row. Inputs along which
 * neighbours lie side by side are read with one instruction.
 */
export function neighbourLeaves(
  w: Writer,
  inputs: Inputs,
  types: readonly InputType[],
  rank: number,
  head: readonly string[],
  r: string,
  count: number,
  others: (node: Expr) => string | undefined = () => undefined,
): ReadLeaf[] {
  const point = [...head, ...unravel(w, r, sizesOf(head.length, rank))]
  if (count === 1) return [inputs.at(point, others)]
  const [before, last] = [point.slice(0, -1), point[rank - 1]]
  const vectors = new Map<number, string[]>()
  const read = (k: number): string[] => {
    let values = vectors.get(k)
    if (!values) {
      const view = inputs.view(k)
      vectors.set(k, (values = readVector(w, view, addressOf(w, view, point, "unit"), count)))
    }
    return values
  }
  return Array.from({ length: count }, (_, e): ReadLeaf => {
    const at = e === 0 ? last : w.ix("add", last, e)
    return inputs.at([...before, at], (node) => {
      const k = Number(node.value)
      return node.op === "input" && types[k].access === "unit" ? read(k)[e] : others(node)
    })
  })
}

/** An operand that follows the iteration along one reduced dim: its number, and the bytes of an element. */
interface UnitOperand {
  readonly operand: number
  readonly bytes: number
}

/** The operands whose elements lie side by side along a row, of inputs that are walked along `reduced` dims. */
export const unitInputs = (types: readonly InputType[]): UnitOperand[] =>
  types.flatMap(({ access, dtype }, operand) => (access === "unit" ? [{ operand, bytes: bytesOf(dtype) }] : []))

/** Neighbours along a row that one instruction moves. */
export const vectorLength = (reduced: number, units: readonly UnitOperand[]): number =>
  reduced > 0 && units.length ? VECTOR_BYTES / Math.max(...units.map(({ bytes }) => bytes)) : 1

/** Whether stretches along the last dim begin where vectors of `count` may, and consist of whole ones. */
export function rowsAligned({ operands, sizes }: Launch, units: readonly UnitOperand[], count: number): boolean {
  const inner = sizes.length - 1
  return (
    sizes[inner] % count === 0 &&
    units.every(
      ({ operand }) =>
        operands[operand].offset % count === 0 &&
        operands[operand].strides.every((s, d) => d === inner || sizes[d] === 1 || s % count === 0),
    )
  )
}

/** Whether elements of neighbouring rows lie side by side, and not those of one row. */
export const inColumns = ({ operands }: Launch, kept: number, types: readonly InputType[]): boolean =>
  kept > 0 &&
  !types.some(({ access }) => access === "unit") &&
  types.some(({ access }, k) => access !== "load" && Math.abs(operands[k].strides[kept - 1]) === 1)

/** Columns up to this length are walked by a thread each. */
const SHORT_COLUMN = 64
/** Threads of a multiprocessor that keep it busy, and blocks. */
export const BUSY_THREADS = 1024
const BUSY_BLOCKS = 4
/** The least elements that a thread of a segment has. */
const WORTH_CUTTING = 16
const MOST_SEGMENTS = 1024

/** How rows are shared out, and into how many segments each is cut. */
export interface RowShares {
  readonly form: Form
  readonly segments: number
}

/** `columns`: whether neighbouring rows lie side by side. */
export function shareRows(rows: number, length: number, columns: boolean, multiprocessors: number): RowShares {
  const cut = (form: Form): RowShares => {
    const { sharing, rows: perBlock } = SHARES[form]
    const wanted = Math.ceil((multiprocessors * BUSY_BLOCKS) / Math.ceil(rows / perBlock))
    const worth = Math.floor(length / (sharing * WORTH_CUTTING))
    return { form, segments: Math.max(1, Math.min(wanted, MOST_SEGMENTS, worth)) }
  }
  if (columns) {
    if (length <= SHORT_COLUMN || rows >= multiprocessors * BUSY_THREADS) return { form: "thread", segments: 1 }
    return cut("columns")
  }
  if (length <= SHORT) return { form: "thread", segments: 1 }
  if (length <= MIDDLE) return { form: "lanes", segments: 1 }
  return length <= LONG ? { form: "warp", segments: 1 } : cut("block")
}
