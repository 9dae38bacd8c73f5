/**
 * Movements: linear maps that carry elements to other places, described once. `pull` reads along one (gather, indexing,
 * padding, resampling), `push` adds the other way (the gradient of `pull`), `pushInto` writes the other way (scatter).
 * Each of pull and push is the gradient of the other, so derivatives of any order follow.
 */
import type { OpNode, Rule } from "./autograd/node.ts"
import { computeType, type DType } from "./dtype.ts"
import { tensorText } from "./errors.ts"
import { type Bounds, type Expr, where } from "./expr.ts"
import { withIndexErrors } from "./faults.ts"
import type { ScatterKernel } from "./kernel.ts"
import { type Argument, int, runMap, runReduce, runScatter } from "./kernels.ts"
import { maxMonoid, sumMonoid } from "./monoids.ts"
import { writeInto } from "./ops/copying.ts"
import { filled } from "./ops/creation.ts"
import { toScalar } from "./promotion.ts"
import { contiguousStrides, isContiguous, type Sizes, sameSizes, viewStrides } from "./shape.ts"
import { allocate, isTensor, Tensor, track } from "./tensor.ts"

/** What a term may use: coordinates in `to`, the movement's indices (int32, clamped) at them, its scalars. */
export interface MovementScope {
  readonly at: readonly Expr[]
  readonly indices: readonly Expr[]
  readonly scalars: readonly Expr[]
  /** What is computed in. */
  readonly type: DType
}

/** One place that an element is read from, times a weight of the scope's type. */
export interface Term {
  readonly coordinates: readonly Expr[]
  readonly weight?: Expr
}

/** result[i] = Σ over terms of weight(i) · x[coordinates(i)]. */
export interface Movement {
  readonly op: string
  /** Stands for `terms`, together with the ranks and dtypes. */
  readonly key: string
  /** The shape of x, and in what shape it is looked at (by default, the same). */
  readonly shape: Sizes
  readonly from?: Sizes
  /** The shape of the result, and in what shape it is iterated over. */
  readonly result: Sizes
  readonly to?: Sizes
  /** Integer tensors that broadcast to the iteration. */
  readonly indices?: readonly Tensor[]
  /** The same as they were given, for errors. */
  readonly shown?: readonly Tensor[]
  /** The dim of x that each index is a coordinate along, where that is so. */
  readonly along?: readonly number[]
  /** Whether negative indices count from the end. */
  readonly wraps?: boolean
  readonly scalars?: readonly Argument[]
  /** "fault": a place outside of x is an index error; by default 0 is read there and nothing written. */
  readonly bounds?: Bounds
  readonly terms: readonly ((scope: MovementScope) => Term)[]
  /** What gradients move along, where that is not the same. */
  readonly gradient?: Movement
}

const NO_TENSORS: readonly Tensor[] = []
const INT32_MAX = 2 ** 31 - 1

/** An index as int32; int64 values beyond that stay out of range. */
const narrowIndex = (e: Expr): Expr =>
  e.dtype === "int64" ? e.min(INT32_MAX).max(-INT32_MAX).cast("int32") : e.cast("int32")

/** A negative index counted from the end of `size`; what is out of range stays as it is. */
export const fromEnd = (i: Expr, size: Expr): Expr => where(i.lt(0).and(i.add(size).ge(0)), i.add(size), i)

/** Outside of the graph: `t` in another shape, copied only where the strides leave no other way. */
export function reshaped(t: Tensor, shape: Sizes): Tensor {
  if (sameSizes(t.shape, shape)) return t
  const strides = viewStrides(t.shape, t.strides, shape)
  if (strides) return new Tensor(t.storage, shape, strides, t.offset, t.dtype)
  const copy = writeInto(allocate(t.device, t.shape, contiguousStrides(t.shape), t.dtype), t)
  return new Tensor(copy.storage, shape, contiguousStrides(shape), 0, t.dtype)
}

/** A new row-major tensor with the elements of `t`, converted. Nothing is recorded. */
export const copied = (t: Tensor, dtype: DType = t.dtype): Tensor =>
  writeInto(allocate(t.device, t.shape, contiguousStrides(t.shape), dtype), t)

const scopeFor = (
  at: readonly Expr[],
  inputs: readonly Expr[],
  scalars: readonly Expr[],
  type: DType,
): MovementScope => ({
  at,
  indices: inputs.map(narrowIndex),
  scalars,
  type,
})

const operandsText = (x: Tensor, m: Movement): string =>
  [x, ...(m.shown ?? m.indices ?? NO_TENSORS)].map(tensorText).join(", ")

/** The elements of `x` along the movement; nothing is recorded. */
export function pullRaw(x: Tensor, m: Movement): Tensor {
  const { indices = NO_TENSORS, scalars, terms, bounds } = m
  const to = m.to ?? m.result
  const out = allocate(x.device, to, contiguousStrides(to), x.dtype)
  const type = computeType(x.dtype)
  withIndexErrors(
    m.op,
    () => operandsText(x, m),
    () =>
      runMap(
        [out],
        {
          key: `pull ${m.key} ${terms.length} ${bounds ?? ""}`,
          inputs: indices,
          loads: [reshaped(x, m.from ?? m.shape)],
          ...(scalars && { scalars }),
          coordinates: true,
        },
        ({ at, inputs, scalars: s, load }) =>
          terms
            .map((term) => {
              const { coordinates, weight } = term(scopeFor(at, inputs, s, type))
              const element = load(0, coordinates, bounds)
              return weight ? element.mul(weight) : element
            })
            .reduce((a, b) => a.add(b)),
      ),
  )
  return reshaped(out, m.result)
}

/**
 * target[coordinates] ⊕= weight · value for every place of the iteration. `value` is a number or broadcasts to it. An
 * index error may leave `target` half-changed: give it a copy.
 */
export function pushInto(
  target: Tensor,
  value: Tensor | number | bigint | boolean,
  m: Movement,
  combine: ScatterKernel["combine"],
  bounds: Bounds = "zero",
): void {
  const { indices = NO_TENSORS, scalars = [], terms } = m
  const to = m.to ?? m.result
  const type = computeType(target.dtype)
  const number = isTensor(value) ? [] : [{ value: toScalar(value, type), dtype: type }]
  const seen = reshaped(target, m.from ?? m.shape)
  withIndexErrors(
    m.op,
    () => operandsText(target, m),
    () => {
      for (const term of terms)
        runScatter(
          seen,
          to,
          combine,
          {
            inputs: isTensor(value) ? [value, ...indices] : indices,
            scalars: [...scalars, ...number],
            bounds,
          },
          ({ at, inputs, scalars: s }) => {
            const { coordinates, weight } = term(scopeFor(at, isTensor(value) ? inputs.slice(1) : inputs, s, type))
            const element = (isTensor(value) ? inputs[0]! : s[scalars.length]!).cast(type)
            return { value: weight ? element.mul(weight) : element, coordinates }
          },
        )
    },
  )
}

/**
 * Whether `pushInto` may write into `target` itself once `checkPlaces` has passed: it is seen there as it lies in memory,
 * and none of `others` is that memory.
 */
export const mayPushInPlace = (target: Tensor, m: Movement, others: readonly Tensor[]): boolean =>
  m.along !== undefined &&
  (sameSizes(target.shape, m.from ?? m.shape) || isContiguous(target.shape, target.strides)) &&
  ![...others, ...(m.indices ?? NO_TENSORS)].some((t) => t.storage === target.storage)

/** Throws the index error of a write along `m`, where reads are synchronous, before anything is written. */
export function checkPlaces(target: Tensor, m: Movement): void {
  const seen = reshaped(target, m.from ?? m.shape)
  m.along?.forEach((d, k) => {
    const index = m.indices![k]!
    if (index.numel() === 0) return
    const line = new Tensor(seen.storage, [seen.shape[d]!], [seen.strides[d]!], seen.offset, seen.dtype)
    const ignored = allocate(target.device, [], [], "int32")
    const work = {
      key: `check places ${m.wraps}`,
      inputs: [reshaped(index, [index.numel()])],
      loads: [line],
      scalars: [int(seen.shape[d]!)],
    }
    withIndexErrors(
      m.op,
      () => operandsText(target, m),
      () =>
        runReduce(
          [ignored],
          [index.numel()],
          1,
          maxMonoid("int32"),
          work,
          ({ inputs: [i], scalars: [n], load }) => {
            const at = narrowIndex(i!)
            return [
              load(0, [m.wraps ? fromEnd(at, n!) : at], "fault")
                .cast("bool")
                .cast("int32"),
            ]
          },
          () => [sumMonoid.total("int32")],
        ),
      d,
    )
  })
}

/** The saved indices must not have changed since. */
function movementOf(node: OpNode): Movement {
  const m = node.context as Movement
  m.indices?.forEach((_, i) => node.get(i))
  return m
}

/** The rule of an op whose forward pass is `pull`, by the name of its node. */
export const pullRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const m = movementOf(node)
    return [push(g, m.gradient ?? m)]
  },
})

const PULL = pullRule("IndexBackward0")
const PUSH: Rule = { name: "IndexPutBackward0", backward: (node, g) => [pull(g, movementOf(node))] }
const ERASE: Rule = { name: "IndexPutBackward0", backward: (node, g) => [erase(g, movementOf(node))] }

/** What the gradient of a pull reads: all tensors that a node's context mentions are also saved. */
const savedOf = ({ indices, gradient }: Movement): readonly Tensor[] | undefined =>
  gradient?.indices ? [...(indices ?? []), ...gradient.indices] : indices

/** As `pullRaw`, recorded. */
export const pull = (x: Tensor, m: Movement, rule: Rule = PULL): Tensor =>
  track(rule, pullRaw(x, m), [x], savedOf(m), m)

/** As `push`; nothing is recorded. */
export function pushRaw(g: Tensor, m: Movement): Tensor {
  const total = filled(g.device, m.shape, 0, computeType(g.dtype))
  pushInto(total, reshaped(g, m.to ?? m.result), m, "add")
  return total.dtype === g.dtype ? total : copied(total, g.dtype)
}

/** The transpose of `pull`: zeros in the shape of x, with the elements of `g` added where they came from. */
export const push = (g: Tensor, m: Movement): Tensor => track(PUSH, pushRaw(g, m), [g], m.indices, m)

/** A copy of `x` with 0 in all places of the movement. */
export function erase(x: Tensor, m: Movement): Tensor {
  const out = copied(x)
  pushInto(out, 0, m, "set")
  return track(ERASE, out, [x], m.indices, m)
}

/** Sizes as launch arguments. */
export const ints = (sizes: Sizes): Argument[] => sizes.map(int)
