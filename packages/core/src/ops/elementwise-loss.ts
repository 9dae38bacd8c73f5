/** Losses from their formula: what `loss.ts` and its relatives are made of. */
import type { OpNode, Rule } from "../autograd/node.ts"
import { onlyFloats, requireNumbers, requireTensors } from "../checks.ts"
import { differentiate } from "../derivative.ts"
import { computeType } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { withFaults } from "../faults.ts"
import { runReduce, type Scope } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { resultType } from "../promotion.ts"
import { broadcastSizes, numelOf, type Sizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { sumToSize } from "./sum-to-size.ts"

/** What becomes of the elements' losses. */
export type LossReduction = "none" | "mean" | "sum"

/** Throws a RangeError unless `reduction` is one of PyTorch's three, or of `more`. */
export function checkReduction(name: string, reduction: unknown, more: readonly string[] = []): void {
  const known = ["none", "mean", "sum", ...more]
  if (!known.includes(reduction as string))
    throw new RangeError(
      `${name}: ${valueText(reduction)} is not a valid value for reduction; expected ${known.map((r) => JSON.stringify(r)).join(", ")}`,
    )
}

/** What every loss checks first: its reduction, that the numbers are such, and tensors on one device. */
export function checkLoss(
  name: string,
  reduction: unknown,
  tensors: Readonly<Record<string, unknown>>,
  numbers: Readonly<Record<string, unknown>> = {},
): void {
  checkReduction(name, reduction)
  requireNumbers(name, numbers)
  requireTensors(name, tensors)
}

type LossFormula = (...args: Expr[]) => Expr

interface ElementwiseOptions {
  /** The nodes' names: without a reduction, of the mean, and of the sum. */
  readonly names: readonly [none: string, mean: string, sum: string]
  readonly gradient?: PointwiseOptions["gradient"]
  /** Where the input's gradient has another gradient than calculus gives it: of (g, scale, ...arguments). */
  readonly second?: PointwiseOptions["gradient"]
}

interface ElementwiseContext {
  readonly numbers: readonly number[]
  readonly shapes: readonly Sizes[]
  readonly scale: number
}

let losses = 0

/**
 * A loss that is a formula of corresponding elements and numbers, with its sum or mean in one reduction: the elements'
 * losses are never stored, and each gradient is one map.
 */
export class ElementwiseLoss {
  private readonly name: string
  private readonly formula: LossFormula
  /** Stands for the formula among kernels. */
  private readonly key: string
  private readonly elements: Pointwise
  private readonly gradients: readonly Pointwise[]
  private readonly rules: Readonly<Record<"mean" | "sum", Rule>>

  /** `tensors`: how many of the formula's arguments are tensors; the rest are numbers. */
  constructor(
    name: string,
    tensors: number,
    formula: LossFormula,
    { names, gradient, second }: ElementwiseOptions,
    arity = formula.length,
  ) {
    this.name = name
    this.key = `loss ${losses++}`
    this.formula = formula
    this.elements = new Pointwise(
      name,
      formula,
      { gradName: names[0], refuse: onlyFloats, ...(gradient && { gradient }) },
      arity,
    )
    const derived = (g: Expr, args: readonly Expr[], i: number): Expr => {
      const y = formula(...args)
      const all = gradient ? gradient(g, args, y) : differentiate(y, g, args.slice(0, tensors))
      return all[i] ?? constant(0, g.dtype)
    }
    this.gradients = Array.from(
      { length: tensors },
      (_, i) =>
        new Pointwise(
          `${name}Backward`,
          (g, scale, ...args) => derived(g.mul(scale!), args, i),
          i === 0 && second ? { gradient: second } : {},
          arity + 2,
        ),
    )
    const rule = (gradName: string): Rule => ({ name: gradName, backward: (node, g) => this.backward(node, g) })
    this.rules = { mean: rule(names[1]), sum: rule(names[2]) }
  }

  call(reduction: LossReduction, tensors: readonly Tensor[], ...numbers: number[]): Tensor {
    if (reduction === "none") return this.elements.call(...tensors, ...numbers)
    const shape = broadcastSizes(this.name, ...tensors.map((t) => t.shape))
    const dtype = resultType(...tensors)
    const refused = onlyFloats(dtype)
    if (refused) throw new TypeError(`${this.name}: ${refused} (${tensors.map(tensorText).join(", ")})`)
    const count = numelOf(shape)
    const type = computeType(dtype)
    const out = allocate(tensors[0]!.device, [], [], dtype)
    const mean = reduction === "mean"
    runReduce(
      [out],
      shape,
      shape.length,
      sumMonoid(type),
      {
        key: `${this.key} ${reduction}`,
        inputs: tensors,
        scalars: [...numbers, count].map((value) => ({ value, dtype: type })),
      },
      ({ inputs, scalars }) => [this.formula(...inputs.map((e) => e.cast(type)), ...scalars.slice(0, -1))],
      (scalars) => [mean ? sumMonoid.total(type).div(scalars.at(-1)!) : sumMonoid.total(type)],
    )
    const context: ElementwiseContext = { numbers, shapes: tensors.map((t) => t.shape), scale: mean ? 1 / count : 1 }
    return track(this.rules[reduction], out, tensors, tensors, context)
  }

  private backward(node: OpNode, g: Tensor): (Tensor | null)[] {
    const { numbers, shapes, scale } = node.context as ElementwiseContext
    return shapes.map((shape, i) => {
      if (!node.needs(i)) return null
      const tensors = shapes.map((_, k) => node.get(k))
      return sumToSize(this.gradients[i]!.run([g, scale, ...tensors, ...numbers], tensors[i]!.dtype, null), shape)
    })
  }
}

export interface Reduced {
  readonly reduction: LossReduction
}

/** Nodes of a loss that PyTorch composes of an elementwise op and `mean` or `sum`. */
export const composed = (name: string): ElementwiseOptions["names"] => [name, "MeanBackward0", "SumBackward0"]
export const own = (name: string): ElementwiseOptions["names"] => [name, name, name]

/**
 * Throws where some element does not satisfy `holds`: at once where the device reads synchronously, elsewhere the next
 * read rejects. `key` stands for the condition.
 */
export function requireAll(x: Tensor, key: string, holds: (e: Expr) => Expr, message: () => string): void {
  if (x.numel() === 0) return
  const out = allocate(x.device, [], [], "int32")
  const probe = new Tensor(x.storage, [1], [1], x.offset, x.dtype)
  const seen = ({ inputs, load }: Scope): Expr[] => [
    load(0, [where(holds(inputs[0]!), constant(0, "int32"), -1)], "fault")
      .cast("bool")
      .cast("int32"),
  ]
  withFaults(
    (fault) => `${message()} (${fault})`,
    () =>
      runReduce(
        [out],
        x.shape,
        x.ndim,
        sumMonoid("int32"),
        { key: `require ${key}`, inputs: [x], loads: [probe] },
        seen,
        () => [sumMonoid.total("int32")],
      ),
  )
}
