import type { Rule } from "../autograd/node.ts"
import { valueText } from "../errors.ts"
import { constant, where } from "../expr.ts"
import type { ScatterKernel } from "../kernel.ts"
import { erase, pushInto } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { sameSizes } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import { div, mul } from "./arithmetic.ts"
import { to } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { filled } from "./creation.ts"
import { isFloat } from "./formulas.ts"
import { gather } from "./gathering.ts"
import { alongDim, checkSmaller } from "./places.ts"
import { type ScatterReduction, scatterAdd, scatterReduce } from "./scattering.ts"
import { checkSource, corner, padTo, type Update, used, type WriteContext } from "./writes.ts"

/** How a reduction combines, and what leaves it as it is. */
const REDUCTIONS: Readonly<
  Record<ScatterReduction, { readonly combine: ScatterKernel["combine"]; readonly identity: number }>
> = {
  sum: { combine: "add", identity: 0 },
  mean: { combine: "add", identity: 0 },
  prod: { combine: "mul", identity: 1 },
  amax: { combine: "max", identity: Number.NEGATIVE_INFINITY },
  amin: { combine: "min", identity: Number.POSITIVE_INFINITY },
}

const INTEGER_ENDS: Readonly<Record<string, readonly [number | bigint, number | bigint]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

const identityOf = (reduce: ScatterReduction, dtype: string): number | bigint => {
  const { identity } = REDUCTIONS[reduce]
  const ends = INTEGER_ENDS[dtype]
  return ends && !Number.isFinite(identity) ? ends[identity > 0 ? 1 : 0] : identity
}

/** The quotient rounded down, among integers. */
const AVERAGE = new Pointwise("div", (a, n) => {
  if (isFloat(a)) return a.div(n)
  const q = a.div(n)
  return where(a.mod(n).eq(0).not().and(a.lt(0)), q.sub(1), q)
})

interface ReduceContext extends WriteContext {
  readonly dim: number
  readonly reduce: ScatterReduction
  readonly includeSelf: boolean
}

/** 1 where the condition holds, else 0, in the dtype of the arguments; no gradient. */
const none = (): readonly null[] => [null, null]
const SAME = new Pointwise("eq", (a, b) => a.eq(b).cast(a.dtype), { gradient: none })
const KEEP_NONZERO = new Pointwise("where", (x, by) => where(x.eq(0), by, x), {
  gradient: (g, [x]) => [where(x!.eq(0), constant(0, g.dtype), g), null],
})
const PICK = new Pointwise("where", (c, a, b) => where(c, a, b), { slots: ["bool", "value", "value"] })

const SCATTER_REDUCE: Rule = {
  name: "ScatterReduceBackward0",
  backward: (node, g) => {
    const { dim, reduce, includeSelf, shape, movement } = node.context as ReduceContext
    const [x, index, source, result] = [0, 1, 2, 3].map((i) => node.get(i)) as [Tensor, Tensor, Tensor, Tensor]
    const src = sameSizes(source.shape, index.shape) ? source : corner(source, index.shape)
    const gradients = REDUCE_GRADIENTS[reduce]({
      g,
      x,
      index,
      src,
      result,
      dim,
      includeSelf,
      read: (t) => gather(t, dim, index),
    })
    const own = includeSelf ? gradients[0] : erase(gradients[0], movement)
    const whole = sameSizes(src.shape, shape!) ? gradients[1] : padTo(gradients[1], shape!)
    return [own, whole]
  },
}

interface ReduceParts {
  readonly g: Tensor
  readonly x: Tensor
  readonly index: Tensor
  readonly src: Tensor
  readonly result: Tensor
  readonly dim: number
  readonly includeSelf: boolean
  /** What stands at the indices. */
  read(t: Tensor): Tensor
}

const likeFilled = (t: Tensor, value: number): Tensor => filled(t.device, t.shape, value, t.dtype)

const extreme = ({ g, x, index, src, result, dim, read }: ReduceParts): [Tensor, Tensor] => {
  const own = SAME.call(x, result)
  const theirs = SAME.call(src, read(result))
  const each = div(g, KEEP_NONZERO.call(scatterAdd(own, dim, index, theirs), 1))
  return [mul(own, each), mul(theirs, read(each))]
}

/** The gradients of the input and of the source, PyTorch's formulas. */
const REDUCE_GRADIENTS: Readonly<Record<ScatterReduction, (p: ReduceParts) => [Tensor, Tensor]>> = {
  sum: ({ g, read }) => [g, read(g)],
  mean: ({ g, index, src, dim, includeSelf, read }) => {
    const count = KEEP_NONZERO.call(scatterAdd(likeFilled(g, includeSelf ? 1 : 0), dim, index, likeFilled(src, 1)), 1)
    return [div(g, count), div(read(g), read(count))]
  },
  prod: ({ g, x, index, src, result, dim, includeSelf, read }) => {
    const product = (t: Tensor, s: Tensor): Tensor => scatterReduce(t, dim, index, s, "prod", { includeSelf })
    const ownNonzero = KEEP_NONZERO.call(x, 1)
    const own = div(mul(g, product(ownNonzero, src)), ownNonzero)
    const zero = SAME.call(src, likeFilled(src, 0))
    const zeros = read(scatterAdd(likeFilled(g, 0), dim, index, zero))
    const single = to(mul(zero, SAME.call(zeros, likeFilled(zeros, 1))), "bool")
    const without = product(x, PICK.call(single, 1, src))
    return [own, PICK.call(single, read(mul(g, without)), div(read(mul(g, result)), KEEP_NONZERO.call(src, 1)))]
  },
  amax: extreme,
  amin: extreme,
}

export function combining(
  name: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): Update {
  if (!Object.hasOwn(REDUCTIONS, reduce))
    throw new RangeError(
      `${name}: reduce argument must be either sum, prod, mean, amax or amin, got ${valueText(reduce)}`,
    )
  const m = alongDim(name, x, dim, index)
  checkSource(name, x, "src", src)
  checkSmaller(name, x, dim, index, src)
  const part = used(src, m)
  return {
    rule: SCATTER_REDUCE,
    inputs: [x, src],
    saved: [x, index, src],
    savesResult: true,
    context: {
      movement: { ...m, indices: m.indices },
      shape: src.shape,
      dim,
      reduce,
      includeSelf,
    } satisfies ReduceContext,
    wide: true,
    apply: (copy: Tensor) => {
      if (!includeSelf) pushInto(copy, identityOf(reduce, copy.dtype), m, "set", "fault")
      pushInto(copy, part, m, REDUCTIONS[reduce].combine, "fault")
      if (reduce !== "mean") return
      const count = filled(copy.device, copy.shape, includeSelf ? 1 : 0, copy.dtype)
      pushInto(count, 1, m, "add")
      writeInto(copy, AVERAGE.call(copy, KEEP_NONZERO.call(count, 1)))
    },
  }
}
