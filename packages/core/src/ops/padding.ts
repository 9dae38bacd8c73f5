/** Padding. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { computeType, DTYPES } from "../dtype.ts"
import { didYouMean, shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { type Expr, where } from "../expr.ts"
import { runMap } from "../kernels.ts"
import { ints, type Movement, pull, pullRule } from "../movement.ts"
import { toScalar } from "../promotion.ts"
import { contiguousStrides, type Sizes } from "../shape.ts"
import { allocate, type Tensor, track } from "../tensor.ts"
import type { PadSignature } from "../types/window-signatures.ts"

export type PadMode = "constant" | "reflect" | "replicate" | "circular"

/** Elements before and after each dim; the list that people give begins with the last dim. */
interface Edges {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

function edgesOf(x: Tensor, pad: readonly number[]): Edges {
  const before = x.shape.map(() => 0)
  const after = x.shape.map(() => 0)
  for (let i = 0; i < pad.length / 2; i++) {
    before[x.ndim - 1 - i] = pad[2 * i]!
    after[x.ndim - 1 - i] = pad[2 * i + 1]!
  }
  return { before, after }
}

const grown = (name: string, x: Tensor, { before, after }: Edges): number[] => {
  const shape = x.shape.map((s: number, d: number) => s + before[d]! + after[d]!)
  const bad = shape.findIndex((s: number) => s < 0)
  if (bad >= 0)
    throw new RangeError(
      `${name}: the input size ${x.shape[bad]}, plus negative padding ${before[bad]} and ${after[bad]}, resulted in a negative output size at dim ${bad} of ${sizesText(x)}`,
    )
  return shape
}

interface ConstantContext {
  readonly edges: Edges
}

const CONSTANT: Rule = {
  name: "ConstantPadNdBackward0",
  backward: (node, g) => {
    const { before, after } = (node.context as ConstantContext).edges
    return [constantPad(g, { before: before.map((p) => -p), after: after.map((p) => -p) }, 0)]
  },
}

/** `value` around the input; a negative edge cuts off. */
function constantPad(x: Tensor, edges: Edges, value: number | bigint | boolean): Tensor {
  const shape = grown("pad", x, edges)
  const out = allocate(x.device, shape, contiguousStrides(shape), x.dtype)
  const type = computeType(x.dtype)
  const rank = x.ndim
  const fill = DTYPES[x.dtype as keyof typeof DTYPES].kind === "bool" ? Number(Boolean(value)) : toScalar(value, type)
  runMap(
    [out],
    {
      key: `constant pad ${rank}`,
      loads: [x],
      scalars: [{ value: fill, dtype: type }, ...ints(edges.before), ...ints(x.shape)],
      coordinates: true,
    },
    ({ at, scalars: [v, ...sizes], load }) => {
      const from = at.map((i, d) => i.sub(sizes[d]!))
      const inside = from.map((c, d) => c.ge(0).and(c.lt(sizes[rank + d]!)))
      return rank === 0
        ? load(0, [])
        : where(
            inside.reduce((a, b) => a.and(b)),
            load(0, from),
            v!,
          )
    },
  )
  return track(CONSTANT, out, [x], [], { edges } satisfies ConstantContext)
}

/** From a coordinate that may lie outside to one within `size`. */
type Fold = (c: Expr, size: Expr) => Expr

interface Folding {
  readonly fold: Fold
  readonly rules: readonly (Rule | undefined)[]
  /** Why these edges are impossible for a dim of that size, or null. */
  refuse(before: number, after: number, size: number): string | null
}

const byDims = (name: string): Rule[] => [1, 2, 3].map((n) => pullRule(`${name}Pad${n}DBackward0`))

const FOLDINGS: Readonly<Record<Exclude<PadMode, "constant">, Folding>> = {
  reflect: {
    fold: (c, size) => {
      const positive = where(c.lt(0), c.neg(), c)
      return where(positive.ge(size), size.sub(1).mul(2).sub(positive), positive)
    },
    rules: byDims("Reflection"),
    refuse: (before, after, size) =>
      before >= size || after >= size
        ? `Padding size should be less than the corresponding input dimension, but got: padding (${before}, ${after}) for size ${size}`
        : null,
  },
  replicate: {
    fold: (c, size) => c.max(0).min(size.sub(1)),
    rules: byDims("Replication"),
    refuse: (_before, _after, size) => (size === 0 ? "expected a non-empty dim" : null),
  },
  circular: {
    fold: (c, size) => where(c.lt(0), c.add(size), where(c.ge(size), c.sub(size), c)),
    rules: [1, 2, 3].map(() => pullRule("CopySlices")),
    refuse: (before, after, size) =>
      before > size || after > size
        ? `Padding value causes wrapping around more than once: padding (${before}, ${after}) for size ${size}`
        : null,
  },
}

function foldedPad(x: Tensor, edges: Edges, mode: Exclude<PadMode, "constant">, dims: number): Tensor {
  const { fold, rules, refuse } = FOLDINGS[mode]
  const first = x.ndim - dims
  const padded = x.shape.map((_, d) => d).filter((d) => d >= first)
  for (const d of padded) {
    const reason = refuse(edges.before[d]!, edges.after[d]!, x.shape[d]!)
    if (reason) throw new RangeError(`pad: ${mode}: ${reason} at dimension ${d} of input ${shapeText(x.shape)}`)
  }
  const result: Sizes = grown("pad", x, edges)
  // What goes round in circles is what negative edges leave of the input.
  const cut = (edge: number): number => (mode === "circular" ? Math.max(-edge, 0) : 0)
  const start = padded.map((d) => cut(edges.before[d]!))
  const m: Movement = {
    op: "pad",
    key: `${mode} pad ${x.ndim}/${dims}`,
    shape: x.shape,
    result,
    scalars: ints([
      ...padded.map((d, k) => edges.before[d]! + start[k]!),
      ...padded.map((d, k) => x.shape[d]! - start[k]! - cut(edges.after[d]!)),
      ...start,
    ]),
    terms: [
      ({ at, scalars }) => ({
        coordinates: at.map((i, d) => {
          const k = d - first
          return k < 0 ? i : fold(i.sub(scalars[k]!), scalars[dims + k]!).add(scalars[2 * dims + k]!)
        }),
      }),
    ],
  }
  return pull(x, m, rules[dims - 1]!)
}

const MODES: readonly string[] = ["constant", ...Object.keys(FOLDINGS)]

/**
 * Pads the last dims: `pad` holds elements before and after the last dim, then those of the one before it, and so on;
 * negative ones cut off. Modes: "constant" (any dims, filled with `value`), "reflect" (mirrored, the edge not repeated),
 * "replicate" (the edge repeated) and "circular", these three for the last 1, 2 or 3 dims of an input with one or two more.
 */
export const pad: PadSignature = op(
  "pad(input, pad, mode?, value?)",
  (x: Tensor, given: readonly number[], mode: PadMode = "constant", value: number | null = null) => {
    if (!Array.isArray(given) || given.some((p) => !Number.isInteger(p)))
      throw new TypeError(`pad: pad must be an array of integers, got ${valueText(given)}`)
    if (given.length % 2) throw new RangeError(`pad: Padding length must be divisible by 2, got ${shapeText(given)}`)
    if (given.length > 2 * x.ndim)
      throw new RangeError(
        `pad: Padding length should be less than or equal to two times the input dimension but got padding length ${given.length} and input of dimension ${x.ndim}`,
      )
    if (!MODES.includes(mode))
      throw new RangeError(`pad: unrecognised padding mode ${valueText(mode)}${didYouMean(String(mode), MODES)}`)
    const edges = edgesOf(x, given)
    if (mode === "constant") return constantPad(x, edges, value ?? 0)
    if (value) throw new RangeError(`pad: Padding mode "${mode}" doesn't take in value argument, got ${value}`)
    const dims = given.length / 2
    if (dims < 1 || dims > 3 || (x.ndim !== dims + 1 && x.ndim !== dims + 2))
      throw new RangeError(
        `pad: mode "${mode}" pads the last 1, 2 or 3 dims of a tensor with one or two more dims, but got padding ${shapeText(given)} for ${tensorText(x)}`,
      )
    return foldedPad(x, edges, mode, dims)
  },
)
