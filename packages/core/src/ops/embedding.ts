/** Embeddings and one-hot. */
import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { requireIndex, requireSameDevice, requireTensor } from "../checks.ts"
import { computeType, DEFAULT_INT, type DType } from "../dtype.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { type Expr, where } from "../expr.ts"
import { withIndexErrors } from "../faults.ts"
import { type Argument, int, runMap, runReduce, runScatter } from "../kernels.ts"
import { maxMonoid, sumMonoid } from "../monoids.ts"
import { type Movement, pullRaw, push, pushInto, reshaped } from "../movement.ts"
import type { Sizes } from "../shape.ts"
import { allocate, type Tensor, track } from "../tensor.ts"
import type { EmbeddingSignature, OneHot } from "../types/layer-signatures.ts"
import { div } from "./arithmetic.ts"
import { filled } from "./creation.ts"
import { itemSync } from "./host.ts"

/** Row `input[..]` of `weight` for every index; gradients leave the row `padding` (-1: none) alone. */
function rows(name: string, input: Tensor, weight: Tensor, padding: number): Movement {
  const forward: Movement = {
    op: name,
    key: "rows",
    shape: weight.shape,
    result: [...input.shape, weight.shape[1]!],
    indices: [reshaped(input, [...input.shape, 1])],
    shown: [input],
    bounds: "fault",
    terms: [({ at, indices: [i] }) => ({ coordinates: [i!, at[at.length - 1]!] })],
  }
  if (padding < 0) return forward
  return {
    ...forward,
    gradient: {
      ...forward,
      key: "rows but one",
      bounds: "zero",
      scalars: [int(padding)],
      terms: [
        ({ at, indices: [i], scalars: [p] }) => ({ coordinates: [where(i!.eq(p!), -1, i!), at[at.length - 1]!] }),
      ],
    },
  }
}

interface EmbeddingContext {
  readonly movement: Movement
  readonly scale: boolean
}

const EMBEDDING: Rule = {
  name: "EmbeddingBackward0",
  backward: (node, g) => {
    const { movement, scale } = node.context as EmbeddingContext
    const index = node.get(0)
    const m = movement.gradient ?? movement
    return [push(scale ? div(g, reshaped(frequencies(index, movement.shape[0]!, g.dtype), [...index.shape, 1])) : g, m)]
  },
}

/** How often the index at each place occurs in all of `index`. */
function frequencies(index: Tensor, size: number, dtype: DType): Tensor {
  const place: Movement = {
    op: "embedding",
    key: "frequency",
    shape: [size],
    result: index.shape,
    indices: [index],
    terms: [({ indices: [i] }) => ({ coordinates: [i!] })],
  }
  const count = filled(index.device, [size], 0, computeType(dtype))
  pushInto(count, 1, place, "add")
  return pullRaw(count, place)
}

/** Scales the rows that are used down to `maxNorm` in the norm `p`, in place and outside of the graph, as PyTorch does. */
function renormalise(weight: Tensor, index: Tensor, maxNorm: number, p: number): void {
  const type = computeType(weight.dtype)
  const size = weight.shape[0]!
  const mark: Movement = {
    op: "embedding",
    key: "rows used",
    shape: [size],
    result: index.shape,
    indices: [index],
    terms: [({ indices: [i] }) => ({ coordinates: [i!] })],
  }
  const usedRows = filled(weight.device, [size], 0, "int32")
  pushInto(usedRows, 1, mark, "set", "fault")
  const norm = allocate(weight.device, [size], [1], type)
  const power: Argument = { value: p, dtype: type }
  const infinite = p === Number.POSITIVE_INFINITY
  runReduce(
    [norm],
    weight.shape,
    1,
    infinite ? maxMonoid(type) : sumMonoid(type),
    { key: infinite ? "norm inf" : "norm p", inputs: [weight], scalars: [power] },
    ({ inputs: [x], scalars: [n] }) => [infinite ? x!.abs() : x!.abs().pow(n!)],
    ([n]) => [infinite ? sumMonoid.total(type) : sumMonoid.total(type).pow(n!.reciprocal())],
  )
  const limit: Argument = { value: maxNorm, dtype: type }
  const columns = (t: Tensor): Tensor => reshaped(t, [size, 1])
  runMap(
    [weight],
    { key: "renormalise", inputs: [weight, columns(usedRows), columns(norm)], scalars: [limit], aliases: 0 },
    ({ inputs: [w, used, n], scalars: [m] }) =>
      where(
        used!
          .eq(0)
          .not()
          .and((n as Expr).gt(m!)),
        w!.mul(m!.div(n!.add(1e-7))),
        w!,
      ),
  )
  weight.storage.version++
}

/**
 * The rows of `weight` [entries, width] that `input` (int32 or int64, any shape) names: shape [...input, width].
 * `paddingIdx`: the row that gets no gradient. `maxNorm`: rows that are used are first scaled down to that norm of kind
 * `normType`, in place. `scaleGradByFreq`: gradients are divided by how often their row is used. Throws a RangeError for an
 * index out of range.
 */
export const embedding: EmbeddingSignature = op(
  "embedding(input, weight, paddingIdx?, maxNorm?, normType?, scaleGradByFreq?)",
  (
    input: Tensor,
    weight: Tensor,
    paddingIdx: number | null = null,
    maxNorm: number | null = null,
    normType = 2,
    scale = false,
  ) => {
    requireTensor("embedding", "weight", weight)
    requireIndex("embedding", "input", input)
    requireSameDevice("embedding", input, weight)
    if (weight.ndim !== 2) throw new RangeError(`embedding: 'weight' must be 2-D, got ${sizesText(weight)}`)
    const size = weight.shape[0]!
    if (paddingIdx !== null && (!Number.isInteger(paddingIdx) || paddingIdx < -size || paddingIdx >= size))
      throw new RangeError(`embedding: paddingIdx must be within the ${size} rows of weight, got ${paddingIdx}`)
    const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? paddingIdx + size : paddingIdx
    if (maxNorm !== null) raw(() => renormalise(weight, input, maxNorm, normType))
    const movement = rows("embedding", input, weight, padding)
    return track(EMBEDDING, pullRaw(weight, movement), [weight], [input], {
      movement,
      scale,
    } satisfies EmbeddingContext)
  },
)

/**
 * For each class number (int32 or int64) a row of zeros with a one in its place: int32 of shape [...input, numClasses].
 * Without `numClasses` it is one more than the greatest number, which is read: where the device cannot do that at once, say
 * it. Throws a RangeError for a number out of range.
 */
export const oneHot: OneHot = op("oneHot(input, numClasses?)", (x: Tensor, numClasses = -1) => {
  requireIndex("oneHot", "input", x)
  if (!Number.isInteger(numClasses) || numClasses === 0 || numClasses < -1)
    throw new RangeError(`oneHot: numClasses must be a positive integer, got ${valueText(numClasses)}`)
  const classes = numClasses === -1 ? countClasses(x) : numClasses
  const shape: Sizes = [...x.shape, classes]
  const out = filled(x.device, shape, 0, DEFAULT_INT)
  withIndexErrors(
    "oneHot",
    () => `class numbers ${tensorText(x)} must lie within ${classes} classes`,
    () =>
      runScatter(out, x.shape, "set", { inputs: [x], bounds: "fault" }, ({ inputs: [i], at }) => ({
        value: i!.eq(i!).cast("int32"),
        coordinates: [...at, i!.cast("int32")],
      })),
  )
  return out
})

function countClasses(x: Tensor): number {
  if (x.numel() === 0)
    throw new RangeError(`oneHot: cannot infer numClasses from an empty tensor ${shapeText(x.shape)}; give it`)
  const { backend } = x.device
  if (!backend.readSync)
    throw new Error(
      `oneHot: backend ${backend.name} cannot read the greatest class number synchronously; give numClasses`,
    )
  const greatest = allocate(x.device, [], [], "int32")
  runReduce(
    [greatest],
    x.shape.length ? x.shape : [1],
    Math.max(x.ndim, 1),
    maxMonoid("int32"),
    { key: "greatest", inputs: [reshaped(x, x.ndim ? x.shape : [1])] },
    ({ inputs: [i] }) => [i!.cast("int32")],
    () => [sumMonoid.total("int32")],
  )
  return Number(itemSync(greatest)) + 1
}
