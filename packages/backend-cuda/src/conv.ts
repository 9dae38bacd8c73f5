/**
 * Convolutions and their gradients as contractions, without an unfolded copy of their input: one operand is read where the
 * indices of a column and of the depth meet. Columns are what lies side by side in the result: positions, for the weights'
 * gradient taps.
 */
import type { ConvKernel } from "@taeda/core"
import type { Geometry, Reading } from "./contraction.ts"
import { type Aligned, ContractionProgram, type ContractionSizes } from "./contraction-plan.ts"
import { countOf, isDense } from "./launch.ts"
import { libraryConvolutionOf } from "./library-convolution.ts"
import type { NativeLibraries } from "./native-libraries.ts"
import type { Planner } from "./planner.ts"
import { type Divisor, unravel } from "./points.ts"
import type { DeviceLimits, PlacedOperand } from "./program.ts"
import type { Writer } from "./writer.ts"

type Sizes = readonly number[]

/** What is written of `stride.0`, `padding.0`, `dilation.0`, ...; operands are `a`, `b` and results, with strides `a.0`, `a.1`, ... */
interface Writing {
  readonly w: Writer
  readonly spatial: number
  /** The output, then the epilogue's inputs. */
  readonly results: readonly string[]
}

interface Options {
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
  readonly groups: number
}

interface ConvSizes extends ContractionSizes {
  /** Of a group, along b's dim of channels. */
  readonly channels: number
}

/** One of the three convolutions. */
interface Pass {
  readonly describe: (writing: Writing) => Geometry
  readonly sizes: (a: Sizes, b: Sizes, out: Sizes, options: Options) => ConvSizes
  /** The numbers that it has for each spatial dim, besides the options. */
  readonly perDim: (a: Sizes, b: Sizes, out: Sizes, options: Options) => Readonly<Record<string, Sizes>>
  readonly reading: (taps: number) => Reading
}

/** Arithmetic on signed indices, and numbers of the launch by name. */
class Indices {
  private readonly w: Writer
  private readonly spatial: number

  constructor({ w, spatial }: Writing) {
    this.w = w
    this.spatial = spatial
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

  /** The same by sizes that are registers. */
  apartBy(index: string, sizes: readonly string[]): [string, string[]] {
    const { w } = this
    const values: string[] = []
    let rest = index
    for (let d = sizes.length - 1; d >= 0; d--) {
      // What has no depth is never read; yet the machine is not to divide by zero.
      const size = w.ix("max", sizes[d], 1)
      values[d] = w.ix("rem", rest, size)
      rest = w.ix("div", rest, size)
    }
    return [rest, values]
  }

  /** Whether an index is below a number, and a predicate holds. */
  below(value: string, size: string, also?: string): string {
    const below = this.w.op(`setp.lt.${this.w.index}`, value, size)
    return also ? this.w.op("and.pred", also, below) : below
  }
}

const forward: Pass = {
  describe(writing) {
    const { w, results } = writing
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
        const [channel, taps] = x.apart(k, x.divisors("tap"))
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
  reading: () => ({ a: "depth", b: "column" }),
}

/**
 * The gradient of the input: per dim, a coordinate s of it has the residue of s by the stride, and only every so many taps
 * meet it. Residues are batches, so that all columns of a batch have the same taps; those that no tap meets have no depth.
 * A batch's fields are, dim after dim: the first tap, the count of taps, the first source, the residue.
 */
const input: Pass = {
  describe(writing) {
    const { w, results, spatial } = writing
    const x = new Indices(writing)
    const fields = (of: readonly string[], which: 0 | 1 | 2 | 3): string[] =>
      Array.from({ length: spatial }, (_, d) => of[4 * d + which])
    const coordinatesOf = (positions: readonly string[], residues: readonly string[]): string[] => {
      const stride = x.dims("stride")
      return positions.map((q, d) => x.timesPlus(q, stride[d], residues[d]))
    }
    return {
      batch(z) {
        const [group, residues] = x.apart(z, x.divisors("stride"))
        const all = residues.flatMap((residue, d) => firstTap(w, x, residue, d))
        const channels = x.number("channels")
        const inGroup = x.times(group, channels)
        const rows = x.times(group, x.number("rows"))
        return {
          depth: fields(all, 1).reduce((depth, count) => x.times(depth, count), channels),
          a: x.times(inGroup, x.number("a.0")),
          b: x.times(inGroup, x.number("b.1")),
          fields: all,
          results: results.map((of) => x.times(rows, x.number(`${of}.1`))),
        }
      },
      row: (_, m) => x.times(m, x.number("a.1")),
      column(batch, n) {
        const [image, positions] = x.apart(n, x.divisors("position"))
        const sources = fields(batch.fields, 2)
        const checks = positions.map((q, d) => x.op("add", q, sources[d]))
        return { b: x.spatialSum("b", checks, x.times(image, x.number("b.0"))), checks }
      },
      depth(batch, k) {
        const [channel, steps] = x.apartBy(k, fields(batch.fields, 1))
        const [tapStep, sourceStep] = [x.dims("tapStep"), x.dims("sourceStep")]
        const first = fields(batch.fields, 0)
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
        const coordinates = coordinatesOf(positions, fields(batch.fields, 3))
        const extent = x.dims("extent")
        return {
          valid: coordinates.reduce((all, s, d) => x.below(s, extent[d], all), x.below(n, w.own("columns", w.index))),
          places: results.map((of) => x.spatialSum(of, coordinates, x.times(image, x.number(`${of}.0`)))),
        }
      },
      checkedSizes: x.dims("source"),
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
  reading: (taps) => ({ a: taps > 1 ? "depth" : "row", b: "column" }),
}

/** The fields of a batch of the input's gradient along a dim. */
function firstTap(w: Writer, x: Indices, residue: string, d: number): [string, string, string, string] {
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
  return [first, x.op("div", left, tapStep), x.op("div", meets(), stride), residue]
}

/** How far apart the taps are that meet one coordinate. */
const tapStep = (stride: number, dilation: number): number => stride / greatestDivisor(stride, dilation)

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

const weight: Pass = {
  describe(writing) {
    const { w, results } = writing
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
        const [channel, taps] = x.apart(n, x.divisors("tap"))
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
        const [channel, taps] = x.apart(n, x.divisors("tap"))
        return {
          valid: x.below(n, w.own("columns", w.index)),
          places: results.map((of) => x.spatialSum(of, taps, x.times(channel, x.number(`${of}.1`)))),
        }
      },
      checkedSizes: x.dims("source"),
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
  reading: () => ({ a: "depth", b: "depth" }),
}

const PASSES: Readonly<Record<ConvKernel["pass"], Pass>> = { forward, input, weight }

/** Whether a dense operand's rows, of which each has all dims from `dim` on, have a multiple of so many elements, all aligned. */
const isAligned = (operand: PlacedOperand, dim: number, count: number): boolean =>
  isDense(operand) && operand.offset % count === 0 && countOf(operand.sizes.slice(dim)) % count === 0

/** Two operands, the epilogue's inputs, the result; scalars: the options, then the epilogue's. */
export function convPlanner(kernel: ConvKernel, limits: DeviceLimits, libraries?: NativeLibraries): Planner {
  const { pass, spatial, epilogue } = kernel
  const { describe, sizes: sizesOf, perDim, reading } = PASSES[pass]
  const results = ["out", ...(epilogue?.inputs ?? []).map((_, k) => `input${k}`)]
  const program = new ContractionProgram(kernel, (w) => describe({ w, spatial, results }), limits)
  const theirs = libraries && libraryConvolutionOf(kernel, limits, libraries)
  const plan: Planner["plan"] = (launch) => {
    const byLibrary = theirs?.plan(launch)
    if (byLibrary) return byLibrary
    const { operands, scalars } = launch
    const given = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
    const [stride, padding, dilation] = [given(0), given(1), given(2)]
    const options: Options = { stride, padding, dilation, groups: Number(scalars[3 * spatial]) }
    // The second operand is the contraction's a: weights, or the gradient of the result. The first one is read at windows.
    const [b, a] = operands
    const out = operands[operands.length - 1]
    const { channels, ...product } = sizesOf(a.sizes, b.sizes, out.sizes, options)
    const own: Record<string, number> = { depth: product.depth, channels }
    const dims = { stride, padding, dilation, ...perDim(a.sizes, b.sizes, out.sizes, options) }
    for (const [name, values] of Object.entries(dims))
      values.forEach((value, d) => {
        own[`${name}.${d}`] = value
      })
    const place = (name: string, { strides }: PlacedOperand): void =>
      strides.forEach((stride, d) => {
        own[`${name}.${d}`] = stride
      })
    place("a", a)
    place("b", b)
    results.forEach((name, k) => {
      place(name, k === 0 ? out : operands[k + 1])
    })
    const taps = countOf((pass === "weight" ? out : a).sizes.slice(2))
    const aligned: Aligned = (count) => ({
      a: pass === "forward" && isAligned(a, 1, count),
      b: false,
      out: (pass === "forward" && isAligned(out, 2, count)) || (pass === "weight" && isAligned(out, 1, count)),
    })
    const scalarsOfEpilogue = scalars.slice(3 * spatial + 1)
    return program.plan(product, reading(taps), aligned, { ...launch, scalars: scalarsOfEpilogue }, own, 1)
  }
  return { plan, modules: () => program.commonModules([reading(2)]) }
}
