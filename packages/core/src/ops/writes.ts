/** Writing at places of a tensor, as a copy and in place, and the gradients of that: what `scattering.ts` and `indexing.ts` are made of. */
import { op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { requireOneDtype, requireSameDevice, requireTensor } from "../checks.ts"
import { computeType } from "../dtype.ts"
import { checkPlaces, copied, erase, type Movement, mayPushInPlace, pull, reshaped } from "../movement.ts"
import { type Sizes, sameSizes } from "../shape.ts"
import { needsGrad, Tensor, track } from "../tensor.ts"
import { mul } from "./arithmetic.ts"
import { clone, copyInto, writeInto } from "./copying.ts"
import { zeros } from "./creation.ts"
import { atLeast1d } from "./places.ts"
import { reshape, sliced } from "./views.ts"
/** A write to places of `x`: how its new contents are made from a copy, and what its node keeps. */
export interface Update {
  readonly rule: Rule
  /** `x` first. */
  readonly inputs: readonly Tensor[]
  readonly saved?: readonly Tensor[]
  /** Whether the result is saved too, after the others. */
  readonly savesResult?: boolean
  readonly context: unknown
  /** Computes in the type that sums are made in. */
  readonly wide?: boolean
  /** Where `apply` writes, if it does so in one go: the place may then be the tensor itself. */
  readonly movement?: Movement
  /** Changes the copy. */
  apply(copy: Tensor): void
}

type Prepare = (name: string, x: Tensor, ...args: never[]) => Update

/** The new contents, in memory of their own. */
function contents(x: Tensor, u: Update): Tensor {
  const copy = copied(x, u.wide ? computeType(x.dtype) : x.dtype)
  u.apply(copy)
  return copy
}

/** A copy of `x` with the update, recorded. */
export function updated(x: Tensor, u: Update): Tensor {
  const wide = contents(x, u)
  const out = wide.dtype === x.dtype ? wide : copied(wide, x.dtype)
  return track(u.rule, out, u.inputs, u.savesResult ? [...(u.saved ?? []), out] : u.saved, u.context)
}

/** Makes the update in `x` itself; an index error leaves `x` as it was. `name` is the op's, without underscore. */
export function updateInPlace(name: string, x: Tensor, u: Update): Tensor {
  checkInPlace(name, x, u.inputs)
  const direct =
    u.movement !== undefined &&
    (!u.wide || computeType(x.dtype) === x.dtype) &&
    mayPushInPlace(x, u.movement, u.inputs.slice(1))
  if (direct) checkPlaces(x, u.movement!)
  const out = direct ? null : contents(x, u)
  const node = x.isFloatingPoint() && needsGrad(u.inputs) ? new OpNode(u.rule, u.inputs, NONE, u.context) : null
  const saved = node ? (u.saved ?? []).map((t) => (t.storage === x.storage ? clone(t) : t)) : NONE
  if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
  if (out) writeInto(x, out)
  else u.apply(x)
  recordInPlace(x, node)
  node?.save(u.savesResult ? [...saved, x] : saved)
  return x
}

/** Both forms of an op from the update it makes. */
export function both<Two extends readonly [unknown, unknown]>(name: string, parameters: string, prepare: Prepare): Two {
  const make = prepare as (name: string, x: Tensor, ...args: unknown[]) => Update
  const outOfPlace = op(`${name}(input, ${parameters})`, (x: Tensor, ...args: unknown[]) =>
    updated(x, make(name, x, ...args)),
  )
  const inPlace = op(`${name}_(input, ${parameters})`, (x: Tensor, ...args: unknown[]) =>
    updateInPlace(name, x, make(`${name}_`, x, ...args)),
  )
  return [outOfPlace, inPlace] as unknown as Two
}

const NONE: readonly Tensor[] = []

/** What the gradient of a write needs. */
export interface WriteContext {
  readonly movement: Movement
  readonly alpha?: number
  /** The shape of what was written; null for a number. */
  readonly shape: Sizes | null
}

/** The context of a write whose saved indices have not changed since. */
export const checked = (node: OpNode): WriteContext => {
  const c = node.context as WriteContext
  c.movement.indices?.forEach((_, i) => node.get(i))
  return c
}

/** What was read at the places, as the gradient of what was written there: 0 for the part that was not used. */
function taken(g: Tensor, { movement, shape }: WriteContext): Tensor {
  const part = pull(g, movement)
  if (!shape || sameSizes(part.shape, shape)) return part
  if (part.ndim !== shape.length) return reshape(part, shape)
  return padTo(part, shape)
}

/** Zeros with `part` at the beginning of all dims. */
export function padTo(part: Tensor, shape: Sizes): Tensor {
  const whole = zeros(shape, { dtype: part.dtype, device: part.device })
  copyInto(corner(whole, part.shape), part)
  return whole
}

/** The beginning of all dims. */
export const corner = (x: Tensor, shape: Sizes): Tensor => shape.reduce((t, size, d) => sliced(t, d, 0, size), x)

/** The gradient of an op that overwrites. */
export const overwriting = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const c = checked(node)
    return [node.needs(0) ? erase(g, c.movement) : null, c.shape && node.needs(1) ? taken(g, c) : null]
  },
})

/** The gradient of an op that adds. */
export const adding = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const c = checked(node)
    if (!node.needs(1)) return [g, null]
    const part = taken(g, c)
    return [g, c.alpha === undefined || c.alpha === 1 ? part : mul(part, c.alpha)]
  },
})

/** The part of `src` that `index` speaks of, outside of the graph. */
export const used = (src: Tensor, m: Movement): Tensor => {
  const to = m.to ?? m.result
  const from = reshaped(src, atLeast1d(src.shape))
  return new Tensor(from.storage, to, from.strides, from.offset, from.dtype)
}

/** What an update by one movement keeps. */
export const writes = (movement: Movement, src: Tensor | null): Pick<Update, "saved" | "context" | "movement"> => ({
  saved: movement.indices,
  movement,
  context: { movement, shape: src ? src.shape : null } satisfies WriteContext,
})

/** Throws unless `src` is a tensor of the dtype and on the device of `x`. */
export function checkSource(name: string, x: Tensor, what: string, src: unknown): asserts src is Tensor {
  requireTensor(name, what, src)
  requireSameDevice(name, x, src)
  requireOneDtype(name, x, src)
}
