/**
 * Convolutions and their gradients as contractions, without an unfolded copy of their input: one operand is read where the
 * indices of a column and of the depth meet. Columns are what lies side by side in the result: positions, for the weights'
 * gradient channels and taps.
 */
import type { ConvKernel } from "@taeda/core"
import type { Geometry, LineStep } from "./contraction.ts"
import type { ContractionSizes } from "./contraction-plan.ts"
import { countOf } from "./launch.ts"
import { type Divisor, divide, divideBy, divisorOf, type KnownDivisor, unravel } from "./points.ts"
import type { Writer } from "./writer.ts"

type Sizes = readonly number[]

/** Which of channels and taps is the innermost of the depth; for the weights' gradient, of the columns. */
export type Order = "taps" | "channels"

/** What is written of `stride.0`, `padding.0`, `dilation.0`, ...; operands are `a`, `b` and results, with strides `a.0`, `a.1`, ... */
interface Writing {
  readonly w: Writer
  readonly spatial: number
  /** The output, then the epilogue's inputs. */
  readonly results: readonly string[]
  readonly order: Order
}

export interface Options {
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
  readonly groups: number
}

export interface ConvSizes extends ContractionSizes {
  /** Of a group, along b's dim of channels. */
  readonly channels: number
}

/** One of the three convolutions: a is the weights, or the gradient of the result; b is read at windows. */
interface Pass {
  readonly describe: (writing: Writing) => Geometry
  readonly sizes: (a: Sizes, b: Sizes, out: Sizes, options: Options) => ConvSizes
  /** The numbers that it has for each spatial dim, besides the options. */
  readonly perDim: (a: Sizes, b: Sizes, out: Sizes, options: Options) => Readonly<Record<string, Sizes>>
}

/** Arithmetic on signed indices, and numbers of the launch by name. */
class Indices {
  private readonly w: Writer
  private readonly spatial: number
  private readonly order: Order

  constructor({ w, spatial, order }: Writing) {
    this.w = w
    this.spatial = spatial
    this.order = order
  }

  private get signed(): "s32" | "s64" {
    return this.w.wide ? "s64" : "s32"
  }

  number(name: string): string {
    return this.w.own(name, this.signed)
  }
  dims(name: string): string[] {
    return Array.from({ length: this.spatial }, (_, d) => this.number(`${name}.${d}`))
  }
  divisors(name: string): Divisor[] {
    return Array.from({ length: this.spatial }, (_, d) => ({
      key: `by ${name}.${d}`,
      read: ({ own }) => own![`${name}.${d}`],
    }))
  }

  op(name: "div" | "rem" | "sub" | "add", a: string, b: string | number): string {
    return this.w.op(`${name}.${this.signed}`, a, b)
  }
  times(a: string, b: string): string {
    return this.w.op(`mul.lo.${this.signed}`, a, b)
  }
  timesPlus(a: string, b: string, c: string): string {
    return this.w.op(`mad.lo.${this.signed}`, a, b, c)
  }

  /** start + Σ of values times the spatial strides of an operand. */
  spatialSum(operand: string, values: readonly string[], start: string): string {
    return values.reduce((sum, value, d) => this.timesPlus(value, this.number(`${operand}.${d + 2}`), sum), start)
  }

  /** Takes an index apart: what is left, then a number for each dim of the sizes, the last being the innermost. */
  apart(index: string, sizes: readonly Divisor[]): [string, string[]] {
    const [head, ...rest] = unravel(this.w, index, [{ key: "", read: () => 0 }, ...sizes])
    return [head, rest]
  }

  /** Takes an index over channels and taps apart, of which there are `counts` where these differ from batch to batch. */
  channelAndTaps(index: string, counts?: readonly KnownDivisor[]): [string, string[]] {
    const { w } = this
    const channels: Divisor = { key: "by channels", read: ({ own }) => own!.channels }
    if (!counts) {
      if (this.order === "taps") return this.apart(index, this.divisors("tap"))
      const taps = unravel(w, index, [...this.divisors("tap"), channels])
      return [taps.pop()!, taps]
    }
    const isInner = this.order === "channels"
    const byChannels = isInner ? divide(w, index, channels) : undefined
    const taps: string[] = []
    let rest = byChannels?.quotient ?? index
    for (let d = counts.length - 1; d >= (isInner ? 1 : 0); d--) {
      const { quotient, remainder } = divideBy(w, rest, counts[d])
      taps[d] = remainder
      rest = quotient
    }
    if (!byChannels) return [rest, taps]
    taps[0] = rest
    return [byChannels.remainder, taps]
  }

  /** The step of a line whose neighbours are so far apart in the last coordinate. */
  lineStep(check: string): LineStep {
    return { check, b: this.times(check, this.number(`b.${this.spatial + 1}`)) }
  }

  /** Whether an index is below a number, and a predicate holds. */
  below(value: string, size: string, also?: string): string {
    const below = this.w.op(`setp.lt.${this.w.index}`, value, size)
    return also ? this.w.op("and.pred", also, below) : below
  }
}

const forward: Pass = {
  describe(writing) {
    const { w, results, spatial } = writing
    const x = new Indices(writing)
    const window = (positions: readonly string[]): string[] => {
      const [stride, padding] = [x.dims("stride"), x.dims("padding")]
      return positions.map((o, d) => x.op("sub", x.times(o, stride[d]), padding[d]))
    }
    return {
      batch(z) {
        const rows = x.times(z, x.number("rows"))
        return {
          depth: w.own("depth", w.index),
          a: x.times(rows, x.number("a.0")),
          b: x.times(x.times(z, x.number("channels")), x.number("b.1")),
          fields: [],
          results: results.map((of) => x.times(rows, x.number(`${of}.1`))),
        }
      },
      row: (_, m) => x.times(m, x.number("a.0")),
      column(_, n) {
        const [image, positions] = x.apart(n, x.divisors("position"))
        const checks = window(positions)
        return { b: x.spatialSum("b", checks, x.times(image, x.number("b.0"))), checks }
      },
      depth(_, k) {
        const [channel, taps] = x.channelAndTaps(k)
        const dilation = x.dims("dilation")
        const checks = taps.map((t, d) => x.times(t, dilation[d]))
        return {
          a: x.spatialSum("a", taps, x.times(channel, x.number("a.1"))),
          b: x.spatialSum("b", checks, x.times(channel, x.number("b.1"))),
          checks,
        }
      },
      rowPlaces: (_, m) => results.map((of) => x.times(m, x.number(`${of}.1`))),
      columnPlaces(_, n) {
        const [image, positions] = x.apart(n, x.divisors("position"))
        return {
          valid: x.below(n, w.own("columns", w.index)),
          places: results.map((of) => x.spatialSum(of, positions, x.times(image, x.number(`${of}.0`)))),
        }
      },
      checkedSizes: x.dims("source"),
      lineStep: x.lineStep(x.number(`stride.${spatial - 1}`)),
    }
  },
  sizes: (w, _x, y, { groups }) => ({
    batches: groups,
    rows: y[1] / groups,
    columns: y[0] * countOf(y.slice(2)),
    depth: countOf(w.slice(1)),
    channels: w[1],
  }),
  perDim: (w, x, y) => ({ tap: w.slice(2), position: y.slice(2), source: x.slice(2) }),
}

/**
 * The gradient of the input: per dim, a coordinate s of it has the residue of s by the stride, and only every so many taps
 * meet it. Residues are batches, so that all columns of a batch have the same taps; those that no tap meets have no depth.
 */
const input: Pass = {
  describe(writing) {
    const { w, results, spatial } = writing
    const x = new Indices(writing)
    const fields = (of: readonly string[], name: keyof DimTaps): string[] =>
      Array.from({ length: spatial }, (_, d) => of[FIELDS.length * d + FIELDS.indexOf(name)])
    const coordinatesOf = (positions: readonly string[], residues: readonly string[]): string[] => {
      const stride = x.dims("stride")
      return positions.map((q, d) => x.timesPlus(q, stride[d], residues[d]))
    }
    return {
      batch(z) {
        const [group, residues] = x.apart(z, x.divisors("stride"))
        const all = residues.flatMap((residue, d) => {
          const taps = tapsOf(w, x, residue, d)
          return FIELDS.map((name) => taps[name])
        })
        const channels = x.number("channels")
        const inGroup = x.times(group, channels)
        const rows = x.times(group, x.number("rows"))
        return {
          depth: fields(all, "count").reduce((depth, count) => x.times(depth, count), channels),
          a: x.times(inGroup, x.number("a.0")),
          b: x.times(inGroup, x.number("b.1")),
          fields: all,
          results: results.map((of) => x.times(rows, x.number(`${of}.1`))),
        }
      },
      row: (_, m) => x.times(m, x.number("a.1")),
      column(batch, n) {
        const [image, positions] = x.apart(n, x.divisors("position"))
        const sources = fields(batch.fields, "source")
        const checks = positions.map((q, d) => x.op("add", q, sources[d]))
        return { b: x.spatialSum("b", checks, x.times(image, x.number("b.0"))), checks }
      },
      depth(batch, k) {
        const divisors = fields(batch.fields, "size").map((size, d) => ({
          size,
          multiplier: fields(batch.fields, "multiplier")[d],
          shift: fields(batch.fields, "shift")[d],
        }))
        const [channel, steps] = x.channelAndTaps(k, divisors)
        const [tapStep, sourceStep] = [x.dims("tapStep"), x.dims("sourceStep")]
        const first = fields(batch.fields, "first")
        const taps = steps.map((j, d) => x.timesPlus(j, tapStep[d], first[d]))
        const zero = w.op(`mov.${w.index}`, 0)
        const checks = steps.map((j, d) => x.op("sub", zero, x.times(j, sourceStep[d])))
        return {
          a: x.spatialSum("a", taps, x.times(channel, x.number("a.0"))),
          b: x.spatialSum("b", checks, x.times(channel, x.number("b.1"))),
          checks,
        }
      },
      rowPlaces: (_, m) => results.map((of) => x.times(m, x.number(`${of}.1`))),
      columnPlaces(batch, n) {
        const [image, positions] = x.apart(n, x.divisors("position"))
        const coordinates = coordinatesOf(positions, fields(batch.fields, "residue"))
        const extent = x.dims("extent")
        return {
          valid: coordinates.reduce((all, s, d) => x.below(s, extent[d], all), x.below(n, w.own("columns", w.index))),
          places: results.map((of) => x.spatialSum(of, coordinates, x.times(image, x.number(`${of}.0`)))),
        }
      },
      checkedSizes: x.dims("source"),
      lineStep: x.lineStep(w.op(`mov.${w.index}`, 1)),
    }
  },
  sizes: (w, _gy, gx, { groups, stride, dilation }) => ({
    batches: groups * countOf(stride),
    rows: w[1],
    columns: gx[0] * countOf(gx.slice(2).map((size, d) => Math.ceil(size / stride[d]))),
    depth: (w[0] / groups) * countOf(w.slice(2).map((taps, d) => Math.ceil(taps / tapStep(stride[d], dilation[d])))),
    channels: w[0] / groups,
  }),
  perDim: (w, gy, gx, { stride, dilation }) => ({
    tap: w.slice(2),
    tapStep: stride.map((s, d) => tapStep(s, dilation[d])),
    sourceStep: stride.map((s, d) => (dilation[d] * tapStep(s, dilation[d])) / s),
    position: gx.slice(2).map((size, d) => Math.ceil(size / stride[d])),
    extent: gx.slice(2),
    source: gy.slice(2),
  }),
}

/** What a batch of the input's gradient knows of a dim: the first tap and how many there are, and what that tap meets at first. */
interface DimTaps extends KnownDivisor {
  readonly first: string
  readonly count: string
  readonly source: string
  readonly residue: string
}
const FIELDS = ["first", "count", "source", "residue", "size", "multiplier", "shift"] as const

function tapsOf(w: Writer, x: Indices, residue: string, d: number): DimTaps {
  const [tap, stride, dilation, tapStep] = ["tap", "stride", "dilation", "tapStep"].map((name) =>
    x.number(`${name}.${d}`),
  )
  const signed = w.wide ? "s64" : "s32"
  const from = x.op("add", residue, x.number(`padding.${d}`))
  const first = w.variable(signed, 0)
  const meets = (): string => x.op("sub", from, x.times(first, dilation))
  w.while(
    () => {
      const misses = w.op(`setp.ne.${signed}`, x.op("rem", meets(), stride), 0)
      return w.op("and.pred", misses, w.op(`setp.lt.${signed}`, first, tap))
    },
    () => w.line(`add.${signed} ${first}, ${first}, 1`),
  )
  const left = x.op("add", x.op("sub", tap, first), x.op("sub", tapStep, 1))
  const count = x.op("div", left, tapStep)
  // What has no depth is never read; yet the machine is not to divide by zero.
  return { first, count, source: x.op("div", meets(), stride), residue, ...divisorOf(w, w.ix("max", count, 1)) }
}

/** How far apart the taps are that meet one coordinate. */
const tapStep = (stride: number, dilation: number): number => stride / greatestDivisor(stride, dilation)

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

const weight: Pass = {
  describe(writing) {
    const { w, results, spatial } = writing
    const x = new Indices(writing)
    return {
      batch(z) {
        const rows = x.times(z, x.number("rows"))
        return {
          depth: w.own("depth", w.index),
          a: x.times(rows, x.number("a.1")),
          b: x.times(x.times(z, x.number("channels")), x.number("b.1")),
          fields: [],
          results: results.map((of) => x.times(rows, x.number(`${of}.0`))),
        }
      },
      row: (_, m) => x.times(m, x.number("a.1")),
      column(_, n) {
        const [channel, taps] = x.channelAndTaps(n)
        const [dilation, padding] = [x.dims("dilation"), x.dims("padding")]
        const checks = taps.map((t, d) => x.op("sub", x.times(t, dilation[d]), padding[d]))
        return { b: x.spatialSum("b", checks, x.times(channel, x.number("b.1"))), checks }
      },
      depth(_, k) {
        const [image, positions] = x.apart(k, x.divisors("position"))
        const stride = x.dims("stride")
        const checks = positions.map((o, d) => x.times(o, stride[d]))
        return {
          a: x.spatialSum("a", positions, x.times(image, x.number("a.0"))),
          b: x.spatialSum("b", checks, x.times(image, x.number("b.0"))),
          checks,
        }
      },
      rowPlaces: (_, m) => results.map((of) => x.times(m, x.number(`${of}.0`))),
      columnPlaces(_, n) {
        const [channel, taps] = x.channelAndTaps(n)
        return {
          valid: x.below(n, w.own("columns", w.index)),
          places: results.map((of) => x.spatialSum(of, taps, x.times(channel, x.number(`${of}.1`)))),
        }
      },
      checkedSizes: x.dims("source"),
      lineStep: x.lineStep(x.number(`stride.${spatial - 1}`)),
    }
  },
  sizes: (gy, _x, gw, { groups }) => ({
    batches: groups,
    rows: gw[0] / groups,
    columns: countOf(gw.slice(1)),
    depth: gy[0] * countOf(gy.slice(2)),
    channels: gw[1],
  }),
  perDim: (gy, x, gw) => ({ tap: gw.slice(2), position: gy.slice(2), source: x.slice(2) }),
}

export const PASSES: Readonly<Record<ConvKernel["pass"], Pass>> = { forward, input, weight }
