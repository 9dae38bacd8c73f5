/** Linear maps. */
import { type Args, bilinear, bind, linear, type Parameter, parseSignature, type Tensor } from "@taeda/core"
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "./init.ts"
import { checkSizes } from "./layer.ts"
import { Module as Members } from "./members.ts"
import { emptyParameter, type Placement } from "./placement.ts"
import { named } from "./repr.ts"
import { LayerBase, type Open, type OwnInput, type Passing } from "./types/layer.ts"
import type { BilinearRule, Pair } from "./types/pair.ts"
import type { LinearRule } from "./types/rules.ts"

type Place = [Placement["device"]?, Placement["dtype"]?]

/** PyTorch's first values of a weight and its bias: uniform, of variance 1/(3·fanIn). */
export function resetWeights(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, Math.sqrt(5))
  if (!bias) return
  const [fanIn] = calculateFanInAndFanOut(weight)
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
  uniform_(bias, -bound, bound)
}

const LINEAR = parseSignature("Linear(inFeatures, outFeatures, bias?, device?, dtype?)")

/** input·weightᵀ + bias, with a weight of shape [outFeatures, inFeatures]. Input [..., inFeatures], result [..., outFeatures]. */
export class Linear<const I extends number = Open, const O extends number = Open> extends LayerBase<LinearRule<I, O>> {
  static readonly keepsNothing: unknown = Linear.prototype.forward
  static readonly endsInProduct = true

  readonly inFeatures: I
  readonly outFeatures: O
  declare weight: Parameter
  declare bias: Parameter | null

  constructor(...args: Args<[["inFeatures", I], ["outFeatures", O], ["bias", boolean]], Partial<Placement>>) {
    super()
    const [inFeatures, outFeatures, bias = true, device, dtype] = bind(LINEAR, args) as [I, O, boolean?, ...Place]
    checkSizes("Linear", { inFeatures, outFeatures })
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.weight = emptyParameter([outFeatures, inFeatures], { device, dtype })
    this.registerParameter("bias", bias ? emptyParameter([outFeatures], { device, dtype }) : null)
    this.resetParameters()
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    resetWeights(this.weight, this.bias)
  }

  override forward(input: OwnInput): Tensor {
    return linear(input, this.weight, this.bias)
  }

  override extraRepr(): string {
    return named({ inFeatures: this.inFeatures, outFeatures: this.outFeatures, bias: this.bias !== null })
  }
}

const BILINEAR = parseSignature("Bilinear(in1Features, in2Features, outFeatures, bias?, device?, dtype?)")

const BilinearBase = Members as unknown as new <I, J, O>() => Pair<BilinearRule<I, J, O>>

/** input1ᵀ·weight·input2 + bias, with a weight of shape [outFeatures, in1Features, in2Features]. */
export class Bilinear<
  const I extends number = Open,
  const J extends number = Open,
  const O extends number = Open,
> extends BilinearBase<I, J, O> {
  readonly in1Features: I
  readonly in2Features: J
  readonly outFeatures: O
  declare weight: Parameter
  declare bias: Parameter | null

  constructor(
    ...args: Args<[["in1Features", I], ["in2Features", J], ["outFeatures", O], ["bias", boolean]], Partial<Placement>>
  ) {
    super()
    const [in1Features, in2Features, outFeatures, bias = true, device, dtype] = bind(BILINEAR, args) as [
      I,
      J,
      O,
      boolean?,
      ...Place,
    ]
    checkSizes("Bilinear", { in1Features }, 1)
    checkSizes("Bilinear", { in2Features, outFeatures })
    this.in1Features = in1Features
    this.in2Features = in2Features
    this.outFeatures = outFeatures
    this.weight = emptyParameter([outFeatures, in1Features, in2Features], { device, dtype })
    this.registerParameter("bias", bias ? emptyParameter([outFeatures], { device, dtype }) : null)
    this.resetParameters()
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features)
    uniform_(this.weight, -bound, bound)
    if (this.bias) uniform_(this.bias, -bound, bound)
  }

  override forward(input1: OwnInput, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias)
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures } = this
    return named({ in1Features, in2Features, outFeatures, bias: this.bias !== null })
  }
}

const IdentityBase = Members as unknown as new () => Passing

/** Gives back its input; whatever it is constructed with is ignored. */
export class Identity extends IdentityBase {
  static readonly keepsNothing: unknown = Identity.prototype.forward

  constructor(..._args: unknown[]) {
    super()
  }

  // biome-ignore lint/suspicious/noExplicitAny: it passes anything on
  override forward(input: Parameters<Passing["forward"]>[0]): any {
    return input
  }
}
