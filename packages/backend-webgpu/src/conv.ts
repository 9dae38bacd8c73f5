/**
 * Convolutions and their gradients as contractions, without an unfolded copy of their input: one operand is read where the indices of
 * a column and of the depth meet. Columns are what lies side by side in the result: positions, for the weights' gradient taps.
 */
import type { ConvKernel } from "@taeda/core"
import { type Body, type ContractionText, type Numbers, type Reading, unravel } from "./contraction.ts"
import { ContractionProgram, type ContractionSizes } from "./contraction-plan.ts"
import { countOf } from "./launch.ts"
import type { Planner } from "./planner.ts"
import type { GpuLimits, PlacedOperand } from "./program.ts"

/** What texts say of `stride.0`, `padding.0`, `dilation.0`, ...; operands are `a`, `b` and results, with strides `a.0`, `a.1`, ... */
interface Texts {
  readonly p: Numbers
  readonly spatial: number
  /** The output, then the epilogue's inputs. */
  readonly results: readonly string[]
}

interface Geometry {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
}

type Sizes = readonly number[]

interface ConvSizes extends ContractionSizes {
  /** Of a group, along b's dim of channels. */
  readonly channels: number
}

/** One of the three convolutions. */
interface Pass {
  readonly describe: (texts: Texts) => ContractionText
  readonly sizes: (a: Sizes, b: Sizes, out: Sizes, g: Geometry) => ConvSizes
  /** The numbers that it has for each spatial dim, besides the geometry. */
  readonly perDim: (a: Sizes, b: Sizes, out: Sizes, g: Geometry) => Readonly<Record<string, Sizes>>
  readonly reading: (taps: number) => Reading
}

const list = (count: number, item: (d: number) => string): string[] => Array.from({ length: count }, (_, d) => item(d))
const sum = (...terms: readonly string[]): string => terms.join(" + ")

/** Σ of names times the spatial strides of an operand. */
const spatialTerms = (p: Numbers, operand: string, names: readonly string[]): string[] =>
  names.map((name, d) => `${name} * ${p.i32(`${operand}.${d + 2}`)}`)

const forward: Pass = {
  describe({ p, spatial, results }) {
    const dims = (name: string): string[] => list(spatial, (d) => p.u32(`${name}.${d}`))
    const [taps, positions] = [list(spatial, (d) => `t${d}`), list(spatial, (d) => `o${d}`)]
    const inKernel = taps.map((t, d) => `${t} * ${p.i32(`dilation.${d}`)}`)
    const atWindow = positions.map((o, d) => `(${o} * ${p.i32(`stride.${d}`)} - ${p.i32(`padding.${d}`)})`)
    return {
      batchFields: [],
      batch: {
        statements: "",
        values: [
          p.i32("depth"),
          `${p.i32("a.offset")} + z * ${p.i32("rows")} * ${p.i32("a.0")}`,
          `${p.i32("b.offset")} + z * ${p.i32("channels")} * ${p.i32("b.1")}`,
          ...results.map((of) => `${p.i32(`${of}.offset`)} + z * ${p.i32("rows")} * ${p.i32(`${of}.1`)}`),
        ],
      },
      row: { statements: "", values: [`m * ${p.i32("a.0")}`] },
      column: {
        statements: unravel("n", ["image", ...positions], dims("position")),
        values: [sum(`image * ${p.i32("b.0")}`, ...spatialTerms(p, "b", atWindow)), ...atWindow],
      },
      depth: {
        names: ["channel", ...taps],
        sizes: dims("tap"),
        values: [
          sum(`channel * ${p.i32("a.1")}`, ...spatialTerms(p, "a", taps)),
          sum(
            `channel * ${p.i32("b.1")}`,
            ...spatialTerms(
              p,
              "b",
              inKernel.map((x) => `(${x})`),
            ),
          ),
          ...inKernel,
        ],
      },
      rowPlace: { statements: "", values: results.map((of) => `m * ${p.i32(`${of}.1`)}`) },
      columnPlace: {
        statements: unravel("n", ["image", ...positions], dims("position")),
        values: [
          `n < ${p.i32("columns")}`,
          ...results.map((of) => sum(`image * ${p.i32(`${of}.0`)}`, ...spatialTerms(p, of, positions))),
        ],
      },
      checkedSizes: dims("source"),
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
 * The gradient of the input: per dim, a coordinate s of it has the residue of s by the stride, and only every so many taps meet it.
 * Residues are batches, so that all columns of a batch have the same taps; those that no tap meets have no depth.
 */
const input: Pass = {
  describe({ p, spatial, results }) {
    const dims = (name: string): string[] => list(spatial, (d) => p.u32(`${name}.${d}`))
    const [steps, positions, residues] = ["j", "q", "r"].map((name) => list(spatial, (d) => `${name}${d}`))
    const i = (name: string, d: number): string => p.i32(`${name}.${d}`)
    const firstTaps = residues.map(
      (r, d) => `  var f${d} = 0;
  while (f${d} < ${i("tap", d)} && (${r} + ${i("padding", d)} - f${d} * ${i("dilation", d)}) % ${i("stride", d)} != 0) { f${d}++; }
  let u${d} = (${i("tap", d)} - f${d} + ${i("tapStep", d)} - 1) / ${i("tapStep", d)};
  let g${d} = (${r} + ${i("padding", d)} - f${d} * ${i("dilation", d)}) / ${i("stride", d)};`,
    )
    const field = (name: string): string[] => list(spatial, (d) => `batch.${name}${d}`)
    const taps = steps.map((j, d) => `(batch.f${d} + ${j} * ${i("tapStep", d)})`)
    const source = positions.map((q, d) => `(${q} + batch.g${d})`)
    const back = steps.map((j, d) => `(-${j} * ${i("sourceStep", d)})`)
    const coordinates = positions.map((q, d) => `(${q} * ${i("stride", d)} + batch.r${d})`)
    const inside = coordinates.map((s, d) => `${s} < ${i("extent", d)}`)
    const ofGroup = (count: string, step: string): string => `group * ${p.i32(count)} * ${p.i32(step)}`
    return {
      batchFields: ["f", "u", "g", "r"].flatMap((name) => list(spatial, (d) => `${name}${d}`)),
      batch: {
        statements: `${unravel("z", ["group", ...residues], dims("stride"))}\n${firstTaps.join("\n")}`,
        values: [
          [p.i32("channels"), ...list(spatial, (d) => `u${d}`)].join(" * "),
          `${p.i32("a.offset")} + ${ofGroup("channels", "a.0")}`,
          `${p.i32("b.offset")} + ${ofGroup("channels", "b.1")}`,
          ...["f", "u", "g", "r"].flatMap((name) => list(spatial, (d) => `${name}${d}`)),
          ...results.map((of) => `${p.i32(`${of}.offset`)} + ${ofGroup("rows", `${of}.1`)}`),
        ],
      },
      row: { statements: "", values: [`m * ${p.i32("a.1")}`] },
      column: {
        statements: unravel("n", ["image", ...positions], dims("position")),
        values: [sum(`image * ${p.i32("b.0")}`, ...spatialTerms(p, "b", source)), ...source],
      },
      depth: {
        names: ["channel", ...steps],
        sizes: field("u").map((u) => `u32(${u})`),
        values: [
          sum(`channel * ${p.i32("a.0")}`, ...spatialTerms(p, "a", taps)),
          sum(`channel * ${p.i32("b.1")}`, ...spatialTerms(p, "b", back)),
          ...back,
        ],
      },
      rowPlace: { statements: "", values: results.map((of) => `m * ${p.i32(`${of}.1`)}`) },
      columnPlace: {
        statements: unravel("n", ["image", ...positions], dims("position")),
        values: [
          [`n < ${p.i32("columns")}`, ...inside].join(" && "),
          ...results.map((of) => sum(`image * ${p.i32(`${of}.0`)}`, ...spatialTerms(p, of, coordinates))),
        ],
      },
      checkedSizes: dims("source"),
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

/** How far apart the taps are that meet one coordinate. */
const tapStep = (stride: number, dilation: number): number => stride / greatestDivisor(stride, dilation)

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

const weight: Pass = {
  describe({ p, spatial, results }) {
    const dims = (name: string): string[] => list(spatial, (d) => p.u32(`${name}.${d}`))
    const [taps, positions] = [list(spatial, (d) => `t${d}`), list(spatial, (d) => `o${d}`)]
    const inKernel = taps.map((t, d) => `(${t} * ${p.i32(`dilation.${d}`)} - ${p.i32(`padding.${d}`)})`)
    const atWindow = positions.map((o, d) => `(${o} * ${p.i32(`stride.${d}`)})`)
    const column = unravel("n", ["channel", ...taps], dims("tap"))
    const value = (...values: string[]): Body => ({ statements: "", values })
    return {
      batchFields: [],
      batch: value(
        p.i32("depth"),
        `${p.i32("a.offset")} + z * ${p.i32("rows")} * ${p.i32("a.1")}`,
        `${p.i32("b.offset")} + z * ${p.i32("channels")} * ${p.i32("b.1")}`,
        ...results.map((of) => `${p.i32(`${of}.offset`)} + z * ${p.i32("rows")} * ${p.i32(`${of}.0`)}`),
      ),
      row: value(`m * ${p.i32("a.1")}`),
      column: {
        statements: column,
        values: [sum(`channel * ${p.i32("b.1")}`, ...spatialTerms(p, "b", inKernel)), ...inKernel],
      },
      depth: {
        names: ["image", ...positions],
        sizes: dims("position"),
        values: [
          sum(`image * ${p.i32("a.0")}`, ...spatialTerms(p, "a", positions)),
          sum(`image * ${p.i32("b.0")}`, ...spatialTerms(p, "b", atWindow)),
          ...atWindow,
        ],
      },
      rowPlace: value(...results.map((of) => `m * ${p.i32(`${of}.0`)}`)),
      columnPlace: {
        statements: column,
        values: [
          `n < ${p.i32("columns")}`,
          ...results.map((of) => sum(`channel * ${p.i32(`${of}.1`)}`, ...spatialTerms(p, of, taps))),
        ],
      },
      checkedSizes: dims("source"),
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

/** Two operands, the epilogue's inputs, the result; scalars: the geometry's, then the epilogue's. */
export function convPlanner(kernel: ConvKernel, limits: GpuLimits): Planner {
  const { pass, spatial, dtype, epilogue } = kernel
  const { describe, sizes: sizesOf, perDim, reading } = PASSES[pass]
  const results = ["out", ...(epilogue?.inputs ?? []).map((_, k) => `input${k}`)]
  const program = new ContractionProgram(
    { dtype, epilogue, describe: (p) => describe({ p, spatial, results }) },
    limits,
  )
  const plan: Planner["plan"] = ({ sizes, operands, scalars }) => {
    const given = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
    const [stride, padding, dilation] = [given(0), given(1), given(2)]
    const geometry: Geometry = { stride, padding, dilation, groups: Number(scalars[3 * spatial]) }
    // The second operand is the contraction's a: weights, or the gradient of the result. The first one is read at windows.
    const [b, a] = operands
    const out = operands[operands.length - 1]
    const { channels, ...product } = sizesOf(a.sizes, b.sizes, out.sizes, geometry)
    const numbers: Record<string, number> = { depth: product.depth, channels }
    const dims = { stride, padding, dilation, ...perDim(a.sizes, b.sizes, out.sizes, geometry) }
    for (const [name, values] of Object.entries(dims)) values.forEach((value, d) => (numbers[`${name}.${d}`] = value))
    const place = (name: string, { offset, strides }: PlacedOperand): void => {
      numbers[`${name}.offset`] = offset
      strides.forEach((stride, d) => (numbers[`${name}.${d}`] = stride))
    }
    place("a", a)
    place("b", b)
    results.forEach((name, k) => place(name, k === 0 ? out : operands[k + 1]))
    const taps = countOf((pass === "weight" ? out : a).sizes.slice(2))
    const launch = { sizes, operands, scalars: scalars.slice(3 * spatial + 1) }
    return program.plan(product, reading(taps), launch, numbers, 1)
  }
  return { plan, shaders: () => program.commonShaders([reading(2), reading(1)]) }
}
