/**
 * Which order a convolution's indices have, what of its operands is read several elements at a time, and which operands are copied
 * first so that it can be.
 */
import type { ConvKernel } from "@taeda/core"
import { type CopiedType, type Copies, copiesOf, copyOf, isCopied } from "./channels-innermost.ts"
import type { Reading } from "./contraction.ts"
import { type Aligned, ContractionProgram, FEW_ROWS } from "./contraction-plan.ts"
import { type ConvSizes, type Options, type Order, PASSES } from "./conv-geometry.ts"
import { countOf, type Launch } from "./launch.ts"
import { libraryConvolutionOf } from "./library-convolution.ts"
import type { NativeLibraries } from "./native-libraries.ts"
import type { Planner } from "./planner.ts"
import type { BufferRef, DeviceLimits, PlacedOperand, Plan } from "./program.ts"

/** A convolution of given sizes. Of the operands, a is the weights or the gradient of the result; b is read at windows. */
interface Given {
  readonly sizes: ConvSizes
  readonly options: Options
  /** The numbers of a geometry, but for the operands' strides. */
  readonly own: Readonly<Record<string, number>>
  readonly a: PlacedOperand
  readonly b: PlacedOperand
  readonly out: PlacedOperand
  /** Of the window. */
  readonly taps: number
}

/** Whether so many neighbours along dims of an operand, taken as one, always lie side by side, aligned. `length`: of a group. */
function isRun(
  { sizes, strides, offset }: PlacedOperand,
  dims: readonly number[],
  count: number,
  length?: number,
): boolean {
  let step = 1
  for (const d of dims.toReversed()) {
    if (sizes[d] !== 1 && strides[d] !== step) return false
    step *= sizes[d]
  }
  const isWhole = (x: number): boolean => x % count === 0
  const others = strides.every((stride, d) => dims.includes(d) || sizes[d] === 1 || isWhole(stride))
  return isWhole(length ?? step) && isWhole(offset) && others
}

const dimsFrom = (first: number, { sizes }: PlacedOperand): number[] =>
  Array.from({ length: sizes.length - first }, (_, d) => first + d)

/** Whether windows are single positions, at all of them. */
const isPointwise = ({ taps, options: { stride, padding } }: Given): boolean =>
  taps === 1 && stride.every((s) => s === 1) && padding.every((p) => p === 0)

/** A way to read a side: along which index neighbours lie, where they do. */
interface Way<Along> {
  readonly along: Along
  readonly lies: (given: Given, count: number) => boolean
}
interface Ways {
  /** The best first. */
  readonly a: readonly Way<Reading["a"]>[]
  readonly b: readonly Way<Reading["b"]>[]
  /** Whether columns of the output lie side by side. */
  readonly out: (given: Given, count: number) => boolean
}

const positionsOfOut: Ways["out"] = ({ out }, count) => isRun(out, dimsFrom(2, out), count)
const never = (): boolean => false

const WAYS: Readonly<Record<ConvKernel["pass"], Readonly<Record<Order, Ways>>>> = {
  forward: {
    taps: {
      a: [{ along: "depth", lies: ({ a }, count) => isRun(a, dimsFrom(1, a), count) }],
      b: [
        { along: "column", lies: (given, count) => isPointwise(given) && isRun(given.b, dimsFrom(2, given.b), count) },
      ],
      out: positionsOfOut,
    },
    channels: {
      a: [{ along: "depth", lies: ({ a }, count) => isRun(a, [1], count) }],
      b: [{ along: "depth", lies: ({ b, sizes }, count) => isRun(b, [1], count, sizes.channels) }],
      out: positionsOfOut,
    },
  },
  input: {
    taps: {
      a: [
        { along: "row", lies: ({ a }, count) => isRun(a, [1], count) },
        { along: "depth", lies: never },
      ],
      b: [
        { along: "column", lies: (given, count) => isPointwise(given) && isRun(given.b, dimsFrom(2, given.b), count) },
      ],
      out: (given, count) => given.options.stride.every((s) => s === 1) && positionsOfOut(given, count),
    },
    channels: {
      a: [
        { along: "depth", lies: ({ a, sizes }, count) => isRun(a, [0], count, sizes.channels) },
        { along: "row", lies: ({ a }, count) => isRun(a, [1], count) },
      ],
      b: [{ along: "depth", lies: ({ b, sizes }, count) => isRun(b, [1], count, sizes.channels) }],
      out: (given, count) => given.options.stride.every((s) => s === 1) && positionsOfOut(given, count),
    },
  },
  weight: {
    taps: {
      a: [{ along: "depth", lies: ({ a }, count) => isRun(a, dimsFrom(2, a), count) }],
      b: [
        { along: "depth", lies: (given, count) => isPointwise(given) && isRun(given.b, dimsFrom(2, given.b), count) },
      ],
      out: ({ out }, count) => isRun(out, dimsFrom(1, out), count),
    },
    channels: {
      a: [
        { along: "row", lies: ({ a, sizes }, count) => isRun(a, [1], count, sizes.rows) },
        { along: "depth", lies: ({ a }, count) => isRun(a, dimsFrom(2, a), count) },
      ],
      b: [{ along: "column", lies: ({ b, sizes }, count) => isRun(b, [1], count, sizes.channels) }],
      out: ({ out }, count) => isRun(out, [1], count),
    },
  },
}

/** The way to read a side so many elements at once; else the first along which its elements are neighbours, else the last. */
function choose<Along>(ways: readonly Way<Along>[], given: Given, count: number): Along {
  const found = [count, 1].map((c) => ways.find(({ lies }) => lies(given, c))).find((way) => way !== undefined)
  return (found ?? ways[ways.length - 1]).along
}

/** So many neighbours are in one line of positions at least: of columns, for the weights' gradient of the depth. */
function lineOf({ own, options }: Given): 2 | 4 | 8 | undefined {
  return ([8, 4, 2] as const).find((count) => own[`position.${options.stride.length - 1}`] % count === 0)
}

/** A way of reading that suits the operands. */
interface Arrangement {
  readonly order: Order
  readonly reading: Reading
  readonly aligned: Aligned
}

function arrange(pass: ConvKernel["pass"], given: Given, count: number): Arrangement {
  const lie = <Along>(ways: readonly Way<Along>[], c: number, along?: Along): boolean =>
    ways.some((way) => (along === undefined || way.along === along) && way.lies(given, c))
  const order = lie(WAYS[pass].channels.b, count) ? "channels" : "taps"
  const { a, b, out } = WAYS[pass][order]
  const reading: Reading = { a: choose(a, given, count), b: choose(b, given, count) }
  return {
    order,
    reading,
    aligned: (c) => ({
      a: lie(a, c, reading.a),
      b: lie(b, c, reading.b),
      out: out(given, c),
      line: order === "taps" ? lineOf(given) : undefined,
    }),
  }
}

/** The dim of a that channels are the innermost of a copy by: those that the depth has; for the weights' gradient, those of the rows. */
const INNER_OF_A: Readonly<Record<ConvKernel["pass"], 0 | 1>> = { forward: 1, input: 0, weight: 1 }

/**
 * How often an element of b is multiplied at least where it is copied first: in tensor cores, which copies keep from waiting for single
 * elements, and without.
 */
const LEAST_USES = { inTensorCores: 256, without: 1024 }
/** Products for each multiprocessor from which on copies are made: two short kernels more must not matter. */
const LEAST_PRODUCTS = 1 << 22

/** Which operands are copied so that both sides are read several elements at once. */
function copiedSides(
  { pass, dtype }: ConvKernel,
  given: Given,
  program: ContractionProgram,
  { tuning, multiprocessors }: DeviceLimits,
): readonly ("a" | "b")[] {
  const { sizes, taps } = given
  const { together } = program
  const { a, b } = arrange(pass, given, together).aligned(together)
  const { batches, rows, columns, depth, channels } = sizes
  if ((a && b) || rows <= FEW_ROWS || channels % together !== 0 || tuning?.copies === "never") return []
  if (!isCopied(dtype) || batches * rows * columns * depth === 0) return []
  const ways = WAYS[pass].channels
  const lies = {
    a: ways.a.some(({ lies }) => lies(given, together)),
    b: ways.b.some(({ lies }) => lies(given, together)),
  }
  // Rows of the weights' gradient are the innermost dim of what would be copied.
  if (!lies.a && pass === "weight" && rows % together !== 0) return []
  const isUsed = rows * taps >= LEAST_USES[program.inTensorCores ? "inTensorCores" : "without"]
  const isLarge = batches * rows * columns * depth >= LEAST_PRODUCTS * multiprocessors
  if (tuning?.copies !== "always" && !(isLarge && (lies.b || isUsed))) return []
  return (["b", "a"] as const).filter((side) => !lies[side])
}

/** The plan of what reads copies of some operands, and the copies, which are its first launches. */
function withCopies(
  copies: Copies,
  dtype: CopiedType,
  operands: readonly { readonly number: number; readonly view: PlacedOperand; readonly inner: 0 | 1 }[],
  planOf: (views: ReadonlyMap<number, PlacedOperand>) => Plan,
): Plan {
  const made = operands.map(({ number, view, inner }) => ({ number, ...copyOf(copies, dtype, view, inner) }))
  const { launches, temporaries } = planOf(new Map(made.map(({ number, view }) => [number, view])))
  const temporaryOf = new Map(made.map(({ number }, i) => [number, { temporary: temporaries.length + i }]))
  const placed = (ref: BufferRef): BufferRef => ("operand" in ref && temporaryOf.get(ref.operand)) || ref
  return {
    launches: [
      ...made.map(({ number, launch }) => ({ ...launch, buffers: [{ operand: number }, temporaryOf.get(number)!] })),
      ...launches.map((launch) => ("module" in launch ? { ...launch, buffers: launch.buffers.map(placed) } : launch)),
    ],
    temporaries: [...temporaries, ...made.map(({ bytes }) => bytes)],
  }
}

/** Of operands 0 and 1. */
const NUMBER_OF_SIDE = { a: 1, b: 0 } as const

/** Two operands, the epilogue's inputs, the result; scalars: the options, then the epilogue's. */
export function convPlanner(kernel: ConvKernel, limits: DeviceLimits, libraries?: NativeLibraries): Planner {
  const { pass, spatial, epilogue, dtype } = kernel
  const { describe, sizes: sizesOf, perDim } = PASSES[pass]
  const results = ["out", ...(epilogue?.inputs ?? []).map((_, k) => `input${k}`)]
  // Sums of the largest tiles leave few registers, of which each dim takes some, and most of all in the input's gradient.
  const huge = pass === "input" || spatial === 3 ? [] : (["wgmma"] as const)
  const programOf = (order: Order): ContractionProgram =>
    new ContractionProgram(kernel, (w) => describe({ w, spatial, results, order }), limits, huge)
  const programs: Readonly<Record<Order, ContractionProgram>> = {
    taps: programOf("taps"),
    channels: programOf("channels"),
  }
  const copies = isCopied(dtype) ? copiesOf(dtype) : null
  const theirs = libraries && libraryConvolutionOf(kernel, limits, libraries)

  const givenOf = ({ operands, scalars }: Launch): Given => {
    const option = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
    const [stride, padding, dilation] = [option(0), option(1), option(2)]
    const options: Options = { stride, padding, dilation, groups: Number(scalars[3 * spatial]) }
    const [b, a] = operands
    const out = operands[operands.length - 1]
    const sizes = sizesOf(a.sizes, b.sizes, out.sizes, options)
    const own: Record<string, number> = { depth: sizes.depth, channels: sizes.channels }
    const dims = { stride, padding, dilation, ...perDim(a.sizes, b.sizes, out.sizes, options) }
    for (const [name, values] of Object.entries(dims))
      values.forEach((value, d) => {
        own[`${name}.${d}`] = value
      })
    const taps = countOf((pass === "weight" ? out : a).sizes.slice(2))
    return { sizes, options, own, a, b, out, taps }
  }

  const planOf = (launch: Launch, given: Given): Plan => {
    const { operands, scalars } = launch
    const { order, reading, aligned } = arrange(pass, given, programs.taps.together)
    const own: Record<string, number> = { ...given.own }
    const place = (name: string, { strides }: PlacedOperand): void =>
      strides.forEach((stride, d) => {
        own[`${name}.${d}`] = stride
      })
    place("a", given.a)
    place("b", given.b)
    results.forEach((name, k) => {
      place(name, k === 0 ? given.out : operands[k + 1])
    })
    const ofEpilogue = { ...launch, scalars: scalars.slice(3 * spatial + 1) }
    return programs[order].plan(given.sizes, reading, aligned, ofEpilogue, own, 1)
  }

  const plan: Planner["plan"] = (launch) => {
    const byLibrary = theirs?.plan(launch)
    if (byLibrary) return byLibrary
    const given = givenOf(launch)
    const sides = copiedSides(kernel, given, programs.taps, limits)
    if (!copies || !isCopied(dtype) || sides.length === 0) return planOf(launch, given)
    const copied = sides.map((side) => ({
      number: NUMBER_OF_SIDE[side],
      view: given[side],
      inner: side === "a" ? INNER_OF_A[pass] : (1 as const),
    }))
    return withCopies(copies, dtype, copied, (views) => {
      const [b, a] = [views.get(0) ?? given.b, views.get(1) ?? given.a]
      const operands = [b, a, ...launch.operands.slice(2)]
      return planOf({ ...launch, operands }, { ...given, a, b })
    })
  }
  return { plan, modules: () => programs.taps.commonModules([READ_BY_ONE[pass]], BY_ONE) }
}

/** What is most often at hand: a window of several taps, channels outermost, sizes that are no multiples of anything. */
const BY_ONE = { a: false, b: false, out: false }
const READ_BY_ONE: Readonly<Record<ConvKernel["pass"], Reading>> = {
  forward: { a: "depth", b: "column" },
  input: { a: "depth", b: "column" },
  weight: { a: "depth", b: "depth" },
}
