/**
 * Searching: nonzero, unique, searchsorted, bincount. Where the shape of a result depends on values, the op reads its
 * input to the host: it is awaited, and has a `Sync` twin for backends that read synchronously.
 */
import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import { requireFloating, requireSameDevice, requireTensor } from "../checks.ts"
import { type DType, isIntegral } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { result, where } from "../expr.ts"
import { int, runMap, runScatter } from "../kernels.ts"
import { anyMonoid, sumMonoid } from "../monoids.ts"
import { type Operandish, resultType } from "../promotion.ts"
import { normalizeDim, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type {
  ArgWhere,
  ArgWhereSync,
  BinCount,
  BinCountSync,
  Bucketize,
  ConsecutiveOptions,
  Histogram,
  IsIn,
  Nonzero,
  NonzeroSync,
  SearchSorted,
  Unique,
  UniqueOptions,
  UniqueSync,
} from "../types/searching-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { fresh } from "./along.ts"
import { to } from "./conversion.ts"
import { tensor, toBits, zeros } from "./creation.ts"
import { aminmax } from "./extremes.ts"
import { gather } from "./gathering.ts"
import { data, dataSync, fromBits, type HostArray } from "./host.ts"
import { reduceInputs } from "./over-dims.ts"
import { detached, expand, movedim, reshape, unsqueeze } from "./views.ts"

export interface SearchingOps {
  /** The int32 coordinates of the elements that are not 0, [n, ndim]; with `asTuple` one vector per dim. */
  nonzero: Nonzero
  nonzeroSync: NonzeroSync
  /** As `nonzero`. */
  argwhere: ArgWhere
  argwhereSync: ArgWhereSync
  /** The distinct elements in ascending order, or the distinct slices along `dim`; each NaN counts by itself. */
  unique: Unique<UniqueOptions>
  uniqueSync: UniqueSync<UniqueOptions>
  /** The first of each run of equal elements, or of equal slices along `dim`. */
  uniqueConsecutive: Unique<ConsecutiveOptions>
  uniqueConsecutiveSync: UniqueSync<ConsecutiveOptions>
  /** How often each of 0, 1, 2, ... occurs in a vector of integers (int32), or the sum of the `weights` there. */
  bincount: BinCount
  bincountSync: BinCountSync
  /** How many elements lie in each of `bins` intervals of equal width from `min` to `max` (both 0: of the elements). */
  histc: Histogram
}

export interface SearchingMethods extends MethodsOf<SearchingOps> {}

/** Ops that have a twin. */
type Read = { [N in keyof SearchingOps]: `${N}Sync` extends keyof SearchingOps ? N : never }[keyof SearchingOps]

/**
 * An op that computes on the host from the elements of its input, awaited and not. `prepare` checks the arguments and
 * gives the tensors to read; `finish` gets their elements.
 */
function reading<N extends Read, A extends unknown[]>(
  name: N,
  parameters: string,
  prepare: (x: Tensor, ...args: A) => readonly Tensor[],
  finish: (elements: readonly HostArray[], x: Tensor, ...args: A) => unknown,
): [FunctionOf<SearchingOps[N]>, FunctionOf<SearchingOps[`${N}Sync`]>] {
  const later = op<FunctionOf<SearchingOps[N]>>(`${name}(${parameters})`, async (x: Tensor, ...args: A) => {
    const tensors = prepare(x, ...args)
    return finish(await Promise.all(tensors.map((t) => data(t))), x, ...args)
  })
  const now = op<FunctionOf<SearchingOps[`${N}Sync`]>>(`${name}Sync(${parameters})`, (x: Tensor, ...args: A) => {
    const tensors = prepare(x, ...args)
    return finish(
      tensors.map((t) => dataSync(t, `${name}Sync`)),
      x,
      ...args,
    )
  })
  return [later, now]
}

/** Host integers as an int32 tensor where `x` is. */
const indices = (x: Tensor, values: Int32Array, shape: Sizes = [values.length]): Tensor =>
  fromBits(x.device, values, shape, "int32")

// ---- nonzero ----

/** The flat places of the elements that are not 0. */
function places(elements: HostArray): number[] {
  const found: number[] = []
  for (let i = 0; i < elements.length; i++) if (Number(elements[i]) !== 0) found.push(i)
  return found
}

/** Coordinate `d` of each flat place. */
function coordinates(flat: readonly number[], shape: Sizes, d: number): Int32Array {
  const step = numelOf(shape.slice(d + 1))
  return Int32Array.from(flat, (i) => Math.floor(i / step) % shape[d]!)
}

function table(x: Tensor, flat: readonly number[]): Tensor {
  const rank = x.ndim
  const values = new Int32Array(flat.length * rank)
  for (let d = 0; d < rank; d++) coordinates(flat, x.shape, d).forEach((c, i) => (values[i * rank + d] = c))
  return indices(x, values, [flat.length, rank])
}

/** See the method. */
export const [nonzero, nonzeroSync] = reading(
  "nonzero",
  "input, *, asTuple?",
  (x) => [x],
  ([elements], x, asTuple?: boolean) => {
    const flat = places(elements!)
    if (!asTuple) return table(x, flat)
    // PyTorch sees a scalar as a vector of one element here.
    const shape = x.ndim ? x.shape : [1]
    return shape.map((_, d) => indices(x, coordinates(flat, shape, d)))
  },
)
export const [argwhere, argwhereSync] = reading(
  "argwhere",
  "input",
  (x) => [x],
  ([elements], x) => table(x, places(elements!)),
)

// ---- unique ----

/** Slices of the input along a dim (elements, where there is none), as rows of `width` elements. */
interface Slices {
  readonly elements: HostArray
  readonly count: number
  readonly width: number
}

/** Negative, 0 or positive as row i comes before, equals or comes after row j; a NaN comes last and equals nothing. */
function compareRows({ elements, width }: Slices, i: number, j: number): number {
  for (let k = 0; k < width; k++) {
    const [a, b] = [elements[i * width + k]!, elements[j * width + k]!]
    if (a === b) continue
    if (a !== a) return 1
    return b !== b || a < b ? -1 : 1
  }
  return 0
}

/** The input with the dim first, and its slices. */
const slicesFirst = (x: Tensor, d: number | null): Tensor =>
  raw(() => (d === null ? reshape(detached(x), [x.numel()]) : movedim(detached(x), d, 0)))

type UniqueArgs = [returnInverse?: boolean, returnCounts?: boolean, dim?: number | null]

function distinct(name: string, order: (s: Slices) => number[]) {
  const dimOf = (x: Tensor, dim?: number | null): number | null =>
    dim === undefined || dim === null || x.ndim === 0 ? null : normalizeDim(name, dim, x.ndim)
  const finish = (
    [elements]: readonly HostArray[],
    x: Tensor,
    ...[inverse, counts, dim]: UniqueArgs
  ): Tensor | Tensor[] => {
    const d = dimOf(x, dim)
    const count = d === null ? x.numel() : x.shape[d]!
    const width = d === null ? 1 : numelOf(x.shape.toSpliced(d, 1))
    const slices: Slices = { elements: elements!, count, width }
    const firsts: number[] = []
    const group = new Int32Array(count)
    const sizes: number[] = []
    let last = -1
    for (const i of order(slices)) {
      if (last < 0 || compareRows(slices, last, i) !== 0) {
        firsts.push(i)
        sizes.push(0)
      }
      group[i] = firsts.length - 1
      sizes[firsts.length - 1]!++
      last = i
    }
    const values = firsts.flatMap((i) =>
      Array.from(elements!.slice(i * width, (i + 1) * width) as ArrayLike<number | bigint>),
    )
    const rest = d === null ? [] : x.shape.toSpliced(d, 1)
    const rows = fromBits(x.device, toBits(values, x.dtype), [firsts.length, ...rest], x.dtype)
    const output = d === null ? rows : raw(() => detached(movedim(rows, 0, d)))
    if (!inverse && !counts) return output
    return [
      output,
      ...(inverse ? [indices(x, group, d === null ? x.shape : [count])] : []),
      ...(counts ? [indices(x, Int32Array.from(sizes))] : []),
    ]
  }
  return { prepare: (x: Tensor, ...[, , dim]: UniqueArgs) => [slicesFirst(x, dimOf(x, dim))], finish }
}

const inOrder = ({ count }: Slices): number[] => Array.from({ length: count }, (_, i) => i)
const UNIQUE = distinct("unique", (s) => inOrder(s).sort((i, j) => compareRows(s, i, j) || i - j))
const CONSECUTIVE = distinct("uniqueConsecutive", inOrder)

export const [unique, uniqueSync] = reading(
  "unique",
  "input, sorted?, returnInverse?, returnCounts?, dim?",
  (x, _sorted?: boolean, ...rest: UniqueArgs) => UNIQUE.prepare(x, ...rest),
  (elements, x, _sorted, ...rest) => UNIQUE.finish(elements, x, ...rest),
)

export const [uniqueConsecutive, uniqueConsecutiveSync] = reading(
  "uniqueConsecutive",
  "input, returnInverse?, returnCounts?, dim?",
  CONSECUTIVE.prepare,
  CONSECUTIVE.finish,
)

// ---- counting ----

function checkCounted(x: Tensor, weights?: Tensor | null, minlength = 0): readonly Tensor[] {
  if (!isIntegral(x.dtype) || x.ndim !== 1)
    throw new TypeError(`bincount: expected a vector of non-negative integers, got ${tensorText(x)}`)
  if (weights && !sameSizes(weights.shape, x.shape))
    throw new RangeError(
      `bincount: weights should have the same shape as input, got ${shapeText(weights.shape)} and ${shapeText(x.shape)}`,
    )
  if (!Number.isInteger(minlength) || minlength < 0)
    throw new RangeError(`bincount: minlength should be a non-negative integer, got ${minlength}`)
  return weights ? [x, weights] : [x]
}

export const [bincount, bincountSync] = reading(
  "bincount",
  "input, weights?, minlength?",
  checkCounted,
  ([elements, amounts], x, weights, minlength = 0) => {
    const bins = Array.from(elements as ArrayLike<number | bigint>, Number)
    const least = bins.find((b) => b < 0)
    if (least !== undefined) throw new RangeError(`bincount: input must not be negative, found ${least}`)
    const length = bins.reduce((n, b) => Math.max(n, b + 1), minlength)
    const totals = new Float64Array(length)
    bins.forEach((b, i) => (totals[b]! += amounts ? Number(amounts[i]) : 1))
    const dtype: DType = !weights ? "int32" : weights.dtype === "float32" ? "float32" : "float64"
    return fromBits(x.device, toBits(totals, dtype), [length], dtype)
  },
)

export const histc: FunctionOf<SearchingOps["histc"]> = op(
  "histc(input, bins?, min?, max?)",
  (input: Tensor, bins = 100, min = 0, max = 0) => {
    const x = detached(input)
    requireFloating("histc", x)
    if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`histc: bins must be a positive integer, got ${bins}`)
    if (!Number.isFinite(min) || !Number.isFinite(max) || min > max)
      throw new RangeError(`histc: range of [${min}, ${max}] is not finite or not in order`)
    const out = zeros([bins], { dtype: x.dtype, device: x.device })
    if (x.numel() === 0) return out
    const [low, high] = rangeOf(x, min, max)
    const work = { key: "histc", inputs: [x, low, high].map((t) => expand(t, x.shape)), scalars: [int(bins)] }
    runScatter(out, x.shape, "add", work, ({ inputs: [e, a, b], scalars: [n] }) => {
      const inside = a!.le(e!).and(e!.le(b!))
      const place = e!.sub(a!).mul(n!.cast(e!.dtype)).div(b!.sub(a!)).cast("int32").min(n!.sub(1))
      // Outside, a place that there is not.
      return { value: inside.cast(e!.dtype), coordinates: [inside.cast("int32").mul(place.add(1)).sub(1)] }
    })
    return out
  },
)

/** The ends of the range as scalars: as given, or of the elements, drawn apart where these are all equal. */
function rangeOf(x: Tensor, min: number, max: number): [Tensor, Tensor] {
  if (min < max) return [fullLikeScalar(x, min), fullLikeScalar(x, max)]
  const ends = raw(() => aminmax(x))
  return [-1, 1].map((side) => {
    const out = fresh(x, [], x.dtype)
    const own = side < 0 ? ends.min : ends.max
    runMap([out], { key: `histc end ${side}`, inputs: [own, ends.min, ends.max] }, ({ inputs: [e, a, b] }) =>
      where(a!.eq(b!), e!.add(side), e!),
    )
    return out
  }) as [Tensor, Tensor]
}

const fullLikeScalar = (x: Tensor, value: number): Tensor => tensor(value, { dtype: x.dtype, device: x.device })

// ---- searching in order ----

/** How many boundaries of each row come before each value, which have the rank of `values`. */
function countBefore(boundaries: Tensor, values: Tensor, right: boolean): Tensor {
  const shape = [...values.shape, boundaries.shape.at(-1)!]
  const r = { dims: [values.ndim], kept: [...values.shape, 1], shape: values.shape, count: shape.at(-1)! }
  const all = expand(unsqueeze(detached(values), -1), shape)
  const against = expand(boundaries.ndim === 1 ? detached(boundaries) : unsqueeze(detached(boundaries), -2), shape)
  const [out] = reduceInputs(
    `searchsorted ${right}`,
    [against, all],
    r,
    ["int32"],
    sumMonoid("int32"),
    // Negated, so that a NaN comes after everything.
    ({ inputs: [b, v] }) => [(right ? v!.lt(b!) : v!.le(b!)).not().cast("int32")],
    () => [sumMonoid.total("int32")],
  )
  return out!
}

function search(name: string, boundaries: Tensor, given: Operandish, right: boolean): Tensor {
  const device = boundaries.device
  const dtype = isTensor(given) ? resultType(boundaries, given) : boundaries.dtype
  const values = isTensor(given) ? given : tensor(given, { dtype, device })
  requireSameDevice(name, boundaries, values)
  return raw(() => countBefore(to(boundaries, dtype), to(values, dtype), right))
}

/**
 * For every value of `input` the int32 place in `sortedSequence` (ascending along its last dim) where it would be put: before the
 * elements equal to it, or with `right` after them. A vector serves all values; otherwise all dims but the last agree.
 */
export const searchsorted: SearchSorted = op(
  "searchsorted(sortedSequence, input, *, outInt32?, right?, side?, sorter?)",
  (
    sequence: Tensor,
    given: Operandish,
    _outInt32?: boolean,
    right = false,
    side?: "left" | "right" | null,
    sorter?: Tensor | null,
  ) => {
    requireTensor("searchsorted", "sortedSequence", sequence)
    if (sequence.ndim === 0) throw new RangeError("searchsorted: sortedSequence must have at least one dim")
    if (side !== undefined && side !== null && side !== "left" && side !== "right")
      throw new RangeError(`searchsorted: side can only be "left" or "right", got ${valueText(side)}`)
    if (side === "left" && right) throw new RangeError(`searchsorted: side "left" and right: true are opposites`)
    const shape = isTensor(given) ? given.shape : []
    if (sequence.ndim > 1 && !sameSizes(shape.slice(0, -1), sequence.shape.slice(0, -1)))
      throw new RangeError(
        `searchsorted: the sequence must be a vector, or agree with the values in all dims but the last, got ${shapeText(sequence.shape)} and ${shapeText(shape)}`,
      )
    if (sorter && !sameSizes(sorter.shape, sequence.shape))
      throw new RangeError(
        `searchsorted: sorter and sequence must have the same shape, got ${shapeText(sorter.shape)} and ${shapeText(sequence.shape)}`,
      )
    const ordered = sorter ? raw(() => gather(sequence, -1, sorter)) : sequence
    return search("searchsorted", ordered, given, right || side === "right")
  },
)

/** For every element of `input` the int32 place among the ascending `boundaries` (a vector), as `searchsorted`. */
export const bucketize: Bucketize = op(
  "bucketize(input, boundaries, *, outInt32?, right?)",
  (given: Operandish, boundaries: Tensor, _outInt32?: boolean, right = false) => {
    if (!isTensor(boundaries) || boundaries.ndim !== 1)
      throw new RangeError(`bucketize: boundaries must be a vector, got ${valueText(boundaries)}`)
    return search("bucketize", boundaries, given, right)
  },
)

// ---- membership ----

/** Whether each element is one of `testElements` (or, with `invert`, none): bool, of the shape of `elements`. */
export const isin: IsIn = op(
  "isin(elements, testElements, *, assumeUnique?, invert?)",
  (first: Operandish, second: Operandish, _unique?: boolean, invert = false) => {
    const model = isTensor(first) ? first : second
    if (!isTensor(model))
      throw new TypeError(`isin: expected at least one tensor, got ${valueText(first)} and ${valueText(second)}`)
    const dtype = resultType(first, second)
    const [all, tests] = raw(() =>
      [first, second].map((o) => to(isTensor(o) ? detached(o) : tensor(o, { device: model.device, dtype }), dtype)),
    ) as [Tensor, Tensor]
    const n = tests.numel()
    const shape = [...all.shape, n]
    const r = { dims: [all.ndim], kept: [...all.shape, 1], shape: all.shape, count: n }
    const [out] = reduceInputs(
      `isin ${invert}`,
      [
        expand(unsqueeze(all, -1), shape),
        expand(
          raw(() => reshape(tests, [n])),
          shape,
        ),
      ],
      r,
      ["bool"],
      anyMonoid,
      ({ inputs: [e, t] }) => [e!.eq(t!)],
      () => [invert ? result(0, "bool").not() : result(0, "bool")],
    )
    return out!
  },
)

export const searchingMethods: Family = {
  nonzero,
  nonzeroSync,
  argwhere,
  argwhereSync,
  unique,
  uniqueSync,
  uniqueConsecutive,
  uniqueConsecutiveSync,
  bincount,
  bincountSync,
  histc,
}
