/** Rearranging copies: repeat, tile, flip, roll, rot90. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireIndex, requireInteger, requireSameDevice } from "../checks.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { where } from "../expr.ts"
import { copied, ints, type Movement, pullRaw } from "../movement.ts"
import { contiguousStrides, normalizeDim, normalizeDims, type Sizes } from "../shape.ts"
import { allocate, isTensor, Tensor, track } from "../tensor.ts"
import type {
  Flip,
  OfMatrices,
  Repeat,
  RepeatInterleave,
  RepeatInterleaveSync,
  RollSignature,
  Rot90,
  Tile,
} from "../types/rearranging-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { clone, writeInto } from "./copying.ts"
import { indexSelect } from "./gathering.ts"
import { data, dataSync, fromBits, type HostArray } from "./host.ts"
import { sum } from "./reduction.ts"
import { expand, flatten, reshape, unsqueeze } from "./views.ts"

export interface RepeatingOps {
  /** The tensor repeated along each dim (more counts than dims: new dims in front), copied. */
  repeat: Repeat
  /** As `repeat`, but fewer counts than dims are meant for the last ones. */
  tile: Tile
  /** The order along these dims reversed, copied. */
  flip: Flip
  /** Dim 1 reversed. */
  fliplr: OfMatrices<"fliplr">
  /** Dim 0 reversed. */
  flipud: OfMatrices<"flipud">
  /** Elements moved on by `shifts` along `dims`, what falls off coming in at the other end; without dims, of the flattened tensor. */
  roll: RollSignature
  /** Turned by 90° `k` times in the plane of two dims, from the first towards the second. */
  rot90: Rot90
  /** Each element (slice of `dim`) repeated in place; without `dim`, of the flattened tensor. Counts in a tensor: awaited. */
  repeatInterleave: RepeatInterleave
  repeatInterleaveSync: RepeatInterleaveSync
}

export interface RepeatingMethods extends MethodsOf<RepeatingOps> {}

// ---- repeat ----

interface RepeatContext {
  /** The input's shape, dims of size 1 in front as far as the counts go. */
  readonly own: Sizes
  readonly shape: Sizes
  readonly repeats: readonly number[]
}

/** [r0, s0, r1, s1, ...]: the result with each count before its dim. */
const interleaved = (repeats: readonly number[], own: Sizes): number[] => own.flatMap((s, d) => [repeats[d]!, s])

const REPEAT: Rule = {
  name: "RepeatBackward0",
  backward: (node, g) => {
    const { own, shape, repeats } = node.context as RepeatContext
    if (own.length === 0) return [g]
    return [
      reshape(
        sum(
          reshape(g, interleaved(repeats, own)),
          own.map((_, d) => 2 * d),
        ),
        shape,
      ),
    ]
  },
}

function repeated(name: string, x: Tensor, repeats: readonly number[]): Tensor {
  if (!Array.isArray(repeats) || repeats.some((r) => !Number.isInteger(r) || r < 0))
    throw new RangeError(
      `${name}: counts must be non-negative integers, got ${Array.isArray(repeats) ? shapeText(repeats) : valueText(repeats)}`,
    )
  const missing = repeats.length - x.ndim
  if (missing < 0)
    throw new RangeError(
      `${name}: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: ${shapeText(repeats)} for ${sizesText(x)}`,
    )
  const own = [...new Array<number>(missing).fill(1), ...x.shape]
  const shape = own.map((s, d) => s * repeats[d]!)
  const out = allocate(x.device, shape, contiguousStrides(shape), x.dtype)
  const blocks = interleaved(repeats, own)
  const strides = own.flatMap((_, d) => [0, d < missing ? 0 : x.strides[d - missing]!])
  writeInto(
    new Tensor(out.storage, blocks, contiguousStrides(blocks), 0, x.dtype),
    new Tensor(x.storage, blocks, strides, x.offset, x.dtype),
  )
  return track(REPEAT, out, [x], [], { own, shape: x.shape, repeats } satisfies RepeatContext)
}

export const repeat: FunctionOf<RepeatingOps["repeat"]> = op(
  "repeat(input, ...repeats)",
  (x: Tensor, repeats: number[]) => repeated("repeat", x, repeats),
)

export const tile: FunctionOf<RepeatingOps["tile"]> = op("tile(input, ...dims)", (x: Tensor, dims: number[]) =>
  repeated(
    "tile",
    x,
    Array.isArray(dims) ? [...new Array<number>(Math.max(x.ndim - dims.length, 0)).fill(1), ...dims] : dims,
  ),
)

// ---- flip, roll, rot90 ----

/** `x` seen with some dims in reverse, outside of the graph. */
function reversed(x: Tensor, dims: readonly number[]): Tensor {
  if (x.numel() === 0) return x
  const offset = dims.reduce((at, d) => at + (x.shape[d]! - 1) * x.strides[d]!, x.offset)
  return new Tensor(
    x.storage,
    x.shape,
    x.strides.map((s, d) => (dims.includes(d) ? -s : s)),
    offset,
    x.dtype,
  )
}

const FLIP: Rule = { name: "FlipBackward0", backward: (node, g) => [flip(g, node.context as number[])] }

export const flip: FunctionOf<RepeatingOps["flip"]> = op(
  "flip(input, ...dims)",
  (x: Tensor, given: number | readonly number[]) => {
    const dims = normalizeDims("flip", [given].flat() as number[], x.ndim)
    return track(FLIP, copied(x.ndim ? reversed(x, dims) : x), [x], [], dims)
  },
)

export const fliplr: FunctionOf<RepeatingOps["fliplr"]> = op("fliplr(input)", (x: Tensor) => {
  if (x.ndim < 2) throw new RangeError(`fliplr: Input must be >= 2-d, got ${sizesText(x)}`)
  return flip(x, [1])
})
export const flipud: FunctionOf<RepeatingOps["flipud"]> = op("flipud(input)", (x: Tensor) => {
  if (x.ndim < 1) throw new RangeError(`flipud: Input must be >= 1-d, got ${sizesText(x)}`)
  return flip(x, [0])
})

interface RollContext {
  readonly shifts: readonly number[]
  readonly dims: readonly number[]
}

const ROLL: Rule = {
  name: "RollBackward0",
  backward: (node, g) => {
    const { shifts, dims } = node.context as RollContext
    return [
      roll(
        g,
        shifts.map((s) => -s),
        [...dims],
      ),
    ]
  },
}

export const roll: FunctionOf<RepeatingOps["roll"]> = op(
  "roll(input, shifts, dims?)",
  (x: Tensor, givenShifts: number | readonly number[], givenDims: number | readonly number[] = []) => {
    const shifts = [givenShifts].flat() as number[]
    const dims = ([givenDims].flat() as number[]).map((d) => normalizeDim("roll", d, x.ndim))
    if (shifts.length === 0 || shifts.some((s) => !Number.isInteger(s)))
      throw new TypeError(`roll: shifts must be one or more integers, got ${valueText(givenShifts)} (${shifts})`)
    if (dims.length !== (dims.length === 0 ? 0 : shifts.length) || (dims.length === 0 && shifts.length !== 1))
      throw new RangeError(`roll: shifts and dimensions must align. shifts: ${shifts.length}, dims:${dims.length}`)
    const along = dims.length ? dims : [0]
    const from = dims.length ? x.shape : [x.numel()]
    const moved = from.map((size, d) => {
      const total = along.reduce((n, at, i) => (at === d ? n + shifts[i]! : n), 0)
      return size ? ((total % size) + size) % size : 0
    })
    const m: Movement = {
      op: "roll",
      key: `roll ${from.length}`,
      shape: x.shape,
      from,
      result: x.shape,
      to: from,
      scalars: ints([...moved, ...from]),
      terms: [
        ({ at, scalars }) => ({
          coordinates: at.map((i, d) =>
            where(i.lt(scalars[d]!), i.sub(scalars[d]!).add(scalars[from.length + d]!), i.sub(scalars[d]!)),
          ),
        }),
      ],
    }
    return track(ROLL, pullRaw(x, m), [x], [], { shifts, dims } satisfies RollContext)
  },
)

const ROT90: Rule = {
  name: "Rot90Backward0",
  backward: (node, g) => {
    const { k, dims } = node.context as { k: number; dims: number[] }
    return [rot90(g, -k, dims)]
  },
}

export const rot90: FunctionOf<RepeatingOps["rot90"]> = op(
  "rot90(input, k?, dims?)",
  (x: Tensor, k = 1, given: readonly number[] = [0, 1]) => {
    if (!Array.isArray(given) || given.length !== 2)
      throw new RangeError(`rot90: expected total rotation dims == 2, but got dims ${valueText(given)}`)
    if (x.ndim < 2) throw new RangeError(`rot90: expected total dims >= 2, but got ${sizesText(x)}`)
    requireInteger("rot90", "k", k)
    const dims = normalizeDims("rot90", given, x.ndim)
    const [a, b] = dims as [number, number]
    const turns = ((k % 4) + 4) % 4
    const flipped = reversed(x, turns === 0 ? [] : turns === 1 ? [b] : turns === 2 ? [a, b] : [a])
    const order = x.shape.map((_, d) => (turns % 2 === 0 ? d : d === a ? b : d === b ? a : d))
    const turned = new Tensor(
      x.storage,
      order.map((d) => flipped.shape[d]!),
      order.map((d) => flipped.strides[d]!),
      flipped.offset,
      x.dtype,
    )
    return track(ROT90, copied(turned), [x], [], { k: turns, dims })
  },
)

// ---- repeatInterleave ----

/** Where each element comes from, given how often each is repeated. */
function sources(
  name: string,
  counts: ArrayLike<number | bigint>,
  size: number,
  outputSize: number | undefined,
): Int32Array {
  const count = (i: number): number => Number(counts[counts.length === 1 ? 0 : i]!)
  let total = 0
  for (let i = 0; i < size; i++) {
    if (count(i) < 0) throw new RangeError(`${name}: repeats can not be negative, got ${count(i)}`)
    total += count(i)
  }
  if (outputSize !== undefined && outputSize !== total)
    throw new RangeError(`${name}: outputSize is ${outputSize} but repeats add up to ${total}`)
  const at = new Int32Array(total)
  let next = 0
  for (let i = 0; i < size; i++) {
    at.fill(i, next, next + count(i))
    next += count(i)
  }
  return at
}

/** The input with a dim to repeat along, and that dim. */
function arrangement(name: string, x: Tensor, dim: number | undefined | null): [Tensor, number] {
  if (dim === undefined || dim === null) return [flatten(x), 0]
  return [x.ndim ? x : reshape(x, [1]), normalizeDim(name, dim, x.ndim)]
}

function byNumber(
  name: string,
  input: Tensor,
  repeats: number,
  dim: number | undefined | null,
  outputSize: number | undefined,
): Tensor {
  if (!Number.isInteger(repeats))
    throw new TypeError(`${name}: repeats must be an integer or a tensor of integers, got ${valueText(repeats)}`)
  if (repeats < 0) throw new RangeError(`${name}: repeats can not be negative, got ${repeats}`)
  const [x, d] = arrangement(name, input, dim)
  if (outputSize !== undefined && outputSize !== x.shape[d]! * repeats)
    throw new RangeError(`${name}: outputSize is ${outputSize} but repeats add up to ${x.shape[d]! * repeats}`)
  const wide = expand(unsqueeze(x, d + 1), x.shape.toSpliced(d + 1, 0, repeats))
  return flatten(clone(wide, { memoryFormat: "contiguous" }), d, d + 1)
}

function checkRepeats(name: string, x: Tensor, d: number, repeats: Tensor): void {
  requireIndex(name, "repeats", repeats)
  requireSameDevice(name, x, repeats)
  if (repeats.ndim > 1 || (repeats.numel() !== 1 && repeats.numel() !== x.shape[d]!))
    throw new RangeError(
      `${name}: repeats must have the same size as input along dim, but got repeats ${tensorText(repeats)} and ${x.shape[d]} along dim ${d} of ${tensorText(x)}`,
    )
}

function byCounts(name: string, x: Tensor, d: number, counts: HostArray, outputSize: number | undefined): Tensor {
  const at = sources(name, counts, x.shape[d]!, outputSize)
  return indexSelect(x, d, fromBits(x.device, at, [at.length], "int32"))
}

/** See the method. Counts in a tensor decide the result's shape, so they are read and the result is awaited. */
export const repeatInterleave = op<(input: Tensor, ...args: unknown[]) => Tensor | Promise<Tensor>>(
  "repeatInterleave(input, repeats, dim?, *, outputSize?)",
  (input: Tensor, repeats: Tensor | number, dim?: number | null, outputSize?: number) => {
    if (!isTensor(repeats)) return byNumber("repeatInterleave", input, repeats, dim, outputSize)
    const [x, d] = arrangement("repeatInterleave", input, dim)
    checkRepeats("repeatInterleave", x, d, repeats)
    return data(repeats).then((counts) => byCounts("repeatInterleave", x, d, counts, outputSize))
  },
) as FunctionOf<RepeatingOps["repeatInterleave"]>

/** `repeatInterleave` where the device reads synchronously. */
export const repeatInterleaveSync: FunctionOf<RepeatingOps["repeatInterleaveSync"]> = op(
  "repeatInterleaveSync(input, repeats, dim?, *, outputSize?)",
  (input: Tensor, repeats: Tensor | number, dim?: number | null, outputSize?: number) => {
    const name = "repeatInterleaveSync"
    if (!isTensor(repeats)) return byNumber(name, input, repeats, dim, outputSize)
    const [x, d] = arrangement(name, input, dim)
    checkRepeats(name, x, d, repeats)
    return byCounts(name, x, d, dataSync(repeats, name), outputSize)
  },
)

export const repeatingMethods: Family = {
  repeat,
  tile,
  flip,
  fliplr,
  flipud,
  roll,
  rot90,
  repeatInterleave,
  repeatInterleaveSync,
}
