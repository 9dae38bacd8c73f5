/**
 * Sums of products: out[z, m, n] = epilogue(Σ_k a(z, m, k)·b(z, k, n)) over `rows` m, `columns` n and a depth k that may
 * depend on the batch z. Where an element lies is a sum of what its indices contribute each for itself, so that a thread
 * takes indices apart once, outside its loop. That covers matrix products, and convolutions without an unfolded copy of
 * their input.
 *
 * Kernels: tiles through shared memory (`contraction-tile.ts`, in tensor cores `contraction-mma.ts`); few rows, where a
 * thread has a column and a slice of the depth (`contraction-slices.ts`); and the sum of the partial results where a long
 * depth is split over blocks, always in the same order (`contraction-sums.ts`).
 */
import { computeType, type DType, type Epilogue } from "@taeda/core"
import { bytesOf, LANE_OF, type Lane, laneBytes } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { bindInput, bindOutput, elementAddress, readElement, type View, writeVector } from "./views.ts"
import { Writer } from "./writer.ts"

/** What is known of a batch: all indices. */
export interface BatchParts {
  readonly depth: string
  /** Where a and b begin, in elements. */
  readonly a: string
  readonly b: string
  /** What else the other parts need. */
  readonly fields: readonly string[]
  /** Where the output and the epilogue's inputs begin. */
  readonly results: readonly string[]
}

/** What an index adds to the place in b, and to each checked coordinate of b. */
export interface SourceParts {
  readonly b: string
  readonly checks: readonly string[]
}

/** What a row adds to the place in a, or a column to that in b. */
export type Part = string | SourceParts
/** What an index of the depth adds to the places in a and b. */
export type DepthParts = SourceParts & { readonly a: string }

/** Where elements are: each writes instructions, and gives indices. */
export interface Geometry {
  readonly batch: (z: string) => BatchParts
  /** What a row adds to the place in a. */
  readonly row: (batch: BatchParts, m: string) => string
  readonly column: (batch: BatchParts, n: string) => SourceParts
  readonly depth: (batch: BatchParts, k: string) => DepthParts
  /** What a row adds to the places in the output and the epilogue's inputs. */
  readonly rowPlaces: (batch: BatchParts, m: string) => readonly string[]
  /** The same of a column, and whether there is such a column (it is below `columns`). */
  readonly columnPlaces: (
    batch: BatchParts,
    n: string,
  ) => { readonly valid: string; readonly places: readonly string[] }
  /** The sizes of b's checked coordinates: b is 0 outside. */
  readonly checkedSizes: readonly string[]
  /** What the next index of a line adds to the last checked coordinate: one of a column, or of the depth where b is read along that. */
  readonly lineStep?: LineStep
}

export interface LineStep {
  readonly check: string
  /** To the place in b. */
  readonly b: string
}

/** An element's address, and whether it is there. */
export interface Found {
  readonly address: string
  readonly inside: string
}

/** What of a contraction is the same for all its kernels. */
export interface Contraction {
  readonly dtype: DType
  readonly epilogue: Epilogue | null
  readonly describe: (w: Writer) => Geometry
  /** Which of operands 0 and 1 is a. */
  readonly first: 0 | 1
}

/** Along which index neighbours of a and b lie. */
export interface Reading {
  readonly a: "row" | "depth"
  readonly b: "column" | "depth"
}

/** The lane in which sums of products of a type are kept. */
export const laneOfSums = (dtype: DType): Exclude<Lane, "pred"> => {
  const lane = LANE_OF[dtype]
  return lane === "pred" ? "s32" : lane
}

/** A kernel being written, and what it knows of the contraction. */
export interface Writing {
  readonly w: Writer
  readonly geometry: Geometry
  readonly contraction: Contraction
  readonly lane: Exclude<Lane, "pred">
}

export function beginContraction(contraction: Contraction, wide: boolean): Writing {
  const w = new Writer(wide)
  return { w, geometry: contraction.describe(w), contraction, lane: laneOfSums(contraction.dtype) }
}

/** Reads elements of a and b. */
export class Sources {
  private readonly writing: Writing
  private readonly batch: BatchParts
  private readonly a: View
  private readonly b: View

  constructor(writing: Writing, batch: BatchParts) {
    const { w, contraction } = writing
    const { dtype, first } = contraction
    this.writing = writing
    this.batch = batch
    /** A view that begins where the batch does. */
    const bind = (operand: number, start: string): View => {
      const view = bindInput(w, operand, dtype)
      return { ...view, base: elementAddress(w, view, start) }
    }
    this.a = bind(first, batch.a)
    this.b = bind(1 - first, batch.b)
  }

  depth(k: string): DepthParts {
    return this.writing.geometry.depth(this.batch, k)
  }

  view(side: "a" | "b"): View {
    return side === "a" ? this.a : this.b
  }

  /** Of the element of a row, or of a column, and a depth. */
  address(part: Part, depth: DepthParts): string {
    const { w } = this.writing
    return typeof part === "string"
      ? elementAddress(w, this.a, w.ix("add", part, depth.a))
      : elementAddress(w, this.b, w.ix("add", part.b, depth.b))
  }

  /**
   * Whether there is the element of a row, or of a column, and a depth, given that the depth is there: b has checked coordinates.
   * Without `when` the depth is always there; undefined then is an element that always is.
   */
  inside<When extends string | undefined>(part: Part, depth: DepthParts, when: When): string | When {
    return typeof part === "string" ? when : this.within(part, depth, this.writing.geometry.checkedSizes, when)
  }

  /** Whether the first coordinates are below their sizes. */
  private within<When extends string | undefined>(
    part: SourceParts,
    depth: DepthParts,
    sizes: readonly string[],
    when: When,
  ): string | When {
    const { w } = this.writing
    return sizes.reduce<string | When>((all, size, d) => {
      const coordinate = w.ix("add", part.checks[d], depth.checks[d])
      const below = w.op(`setp.lt.${w.index}`, coordinate, size)
      return all === undefined ? below : w.op("and.pred", all, below)
    }, when)
  }

  /** The element of a row, or of a column, and a depth, and so many that follow in its line. */
  find(part: Part, depth: DepthParts, when: string, count: number): Found[] {
    const { w, geometry } = this.writing
    if (count === 1 || typeof part === "string") {
      const inside = this.inside(part, depth, when)
      return [{ inside, address: this.address(part, depth) }]
    }
    const { checkedSizes, lineStep } = geometry
    const last = checkedSizes.length - 1
    const others = this.within(part, depth, checkedSizes.slice(0, last), when)
    let coordinate = w.ix("add", part.checks[last], depth.checks[last])
    let place = w.ix("add", part.b, depth.b)
    return Array.from({ length: count }, (_, e) => {
      if (e > 0) {
        coordinate = w.ix("add", coordinate, lineStep!.check)
        place = w.ix("add", place, lineStep!.b)
      }
      const inside = w.op("and.pred", others, w.op(`setp.lt.${w.index}`, coordinate, checkedSizes[last]))
      return { inside, address: elementAddress(w, this.b, place) }
    })
  }

  read(part: Part, depth: DepthParts, when: string, count = 1): string[] {
    const view = typeof part === "string" ? this.a : this.b
    return this.find(part, depth, when, count).map(({ inside, address }) =>
      readElement(this.writing.w, view, address, inside),
    )
  }
}

/** The epilogue and the stores. */
export class Results {
  private readonly writing: Writing
  private readonly out: View
  private readonly inputs: readonly View[]

  constructor(writing: Writing, batch: BatchParts) {
    const { w, contraction } = writing
    const { epilogue, dtype } = contraction
    this.writing = writing
    const from = (view: View, k: number): View => ({ ...view, base: elementAddress(w, view, batch.results[k]) })
    this.inputs = (epilogue?.inputs ?? []).map((input, k) => from(bindInput(w, 2 + k, input.dtype), k + 1))
    this.out = from(bindOutput(w, 2 + this.inputs.length, dtype), 0)
  }

  private place(view: View, k: number, row: readonly string[], column: readonly string[]): string {
    return elementAddress(this.writing.w, view, this.writing.w.ix("add", row[k], column[k]))
  }

  /**
   * Stores sums of a row, which become neighbours: several only where the output's columns lie side by side, aligned.
   * `columns`: the places of each.
   */
  store(row: readonly string[], columns: readonly (readonly string[])[], sums: readonly string[], when: string): void {
    const { w, contraction } = this.writing
    const values = sums.map((sum, e) => this.finished(contraction, row, columns[e], sum, when))
    writeVector(w, this.out, this.place(this.out, 0, row, columns[0]), values, when)
  }

  private finished(
    { epilogue, dtype }: Contraction,
    row: readonly string[],
    column: readonly string[],
    sum: string,
    when: string,
  ): string {
    const { w } = this.writing
    const result = LANE_OF[dtype] === "pred" ? w.op("setp.ne.s32", sum, 0) : narrowed(w, dtype, sum)
    if (!epilogue) return result
    return writeExpressions(w, [epilogue.body], (node) => {
      const k = Number(node.value)
      if (node.op === "result") return result
      if (node.op === "scalar") return w.scalar(k, node.dtype)
      return readElement(w, this.inputs[k], this.place(this.inputs[k], k + 1, row, column), when)
    })[0]
  }
}

/** A sum in the range of its type, for what an epilogue computes with it. */
function narrowed(w: Writer, dtype: DType, sum: string): string {
  const bits = 8 * bytesOf(dtype)
  if (LANE_OF[computeType(dtype)] !== "s32" || bits === 32) return sum
  return w.op(dtype === "uint8" ? "bfe.u32" : "bfe.s32", sum, 0, bits)
}

/** c + a·b, of floats rounded once. */
export function multiplyAdd(w: Writer, lane: Lane, into: string, a: string, b: string): void {
  const opcode = lane === "f32" || lane === "f64" ? `fma.rn.${lane}` : `mad.lo.${lane}`
  w.line(`${opcode} ${into}, ${a}, ${b}, ${into}`)
}

/** A sum that is 0 at first. */
export const zeroSum = (w: Writer, lane: Exclude<Lane, "pred">): string =>
  w.variable(lane, lane === "f32" ? "0f00000000" : lane === "f64" ? "0d0000000000000000" : 0)

/** Partial results: sums by split, batch, row and column, in temporary 0. */
export class Partials {
  private readonly writing: Writing
  private readonly base: string

  constructor(writing: Writing) {
    this.writing = writing
    this.base = writing.w.pointer({ temporary: 0 })
  }

  /** The address of the first column of a row; all u32. */
  row(split: string, z: string, m: string): string {
    const { w, lane } = this.writing
    const ix = (value: string): string => w.op("cvt.u64.u32", value)
    const [batches, rows, columns] = [w.own("batches"), w.own("rows"), w.own("columns")].map(ix)
    const inBatch = w.op("mad.lo.u64", w.op("mad.lo.u64", ix(split), batches, ix(z)), rows, ix(m))
    return w.op("mad.lo.u64", w.op("mul.lo.u64", inBatch, columns), laneBytes(lane), this.base)
  }
}

/** What a thread has of the result. */
export interface Sums {
  /** The batch. */
  readonly z: string
  readonly split: boolean
  /** The numbers of its rows and columns: u32. */
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** By row and column. */
  readonly sums: readonly (readonly string[])[]
  /** So many columns from each multiple on are neighbours, and lie aligned in the output. */
  readonly together: 1 | 2 | 4 | 8
}

/** Stores a thread's sums: finished, or as partial results. */
export function storeSums(writing: Writing, batch: BatchParts, mine: Sums): void {
  const { w, geometry, lane } = writing
  const [rows, columns] = [w.own("rows"), w.own("columns")]
  if (mine.split) {
    const partials = new Partials(writing)
    const valid = mine.columns.map((n) => w.op("setp.lt.u32", n, columns))
    for (const [i, row] of mine.sums.entries())
      w.if(w.op("setp.lt.u32", mine.rows[i], rows), () => {
        const start = partials.row(w.block("y"), mine.z, mine.rows[i])
        for (const [j, sum] of row.entries()) {
          const at = w.op("mad.wide.u32", mine.columns[j], laneBytes(lane), start)
          w.line(`@${valid[j]} st.global.${lane} [${at}], ${sum}`)
        }
      })
    return
  }
  const results = new Results(writing, batch)
  const { together } = mine
  if (geometry.checkedSizes.length > 0) {
    // Places of columns take several registers each to find, and there are many: what is kept are those of the rows.
    const rowPlaces = mine.rows.map((m) => geometry.rowPlaces(batch, w.toIndex(m)))
    for (let j = 0; j < mine.columns.length; j += together) {
      const group = mine.columns.slice(j, j + together).map((n) => geometry.columnPlaces(batch, w.toIndex(n)))
      const places = group.map((column) => column.places)
      for (const [i, row] of mine.sums.entries()) {
        const when = w.op("and.pred", group[0].valid, w.op("setp.lt.u32", mine.rows[i], rows))
        results.store(rowPlaces[i], places, row.slice(j, j + together), when)
      }
    }
    return
  }
  const places = mine.columns.map((n) => geometry.columnPlaces(batch, w.toIndex(n)))
  for (const [i, row] of mine.sums.entries())
    w.if(w.op("setp.lt.u32", mine.rows[i], rows), () => {
      const rowPlaces = geometry.rowPlaces(batch, w.toIndex(mine.rows[i]))
      for (let j = 0; j < row.length; j += together) {
        const group = places.slice(j, j + together)
        results.store(
          rowPlaces,
          group.map((place) => place.places),
          row.slice(j, j + together),
          group[0].valid,
        )
      }
    })
}
