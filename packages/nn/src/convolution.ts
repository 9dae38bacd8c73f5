/** Convolutions and their transposes in one, two and three dims. */
import {
  type Args,
  bind,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type PadMode,
  type Parameter,
  pad,
  parseSignature,
  type Signature,
  type Tensor,
  valueText,
} from "@taeda/core"
import { checkSizes } from "./layer.ts"
import { resetWeights } from "./linear.ts"
import { Module as Members } from "./members.ts"
import { emptyParameter, type Placement } from "./placement.ts"
import { python } from "./repr.ts"
import { each, type Size } from "./sizes.ts"
import type { Layer, Open, OwnInput, Rule } from "./types/layer.ts"
import type { ConvRule, ConvTransposeRule } from "./types/rules.ts"
import type { Spelt } from "./types/settings.ts"
import type { Transposed } from "./types/transposed.ts"

/** What lies around the input: zeros, the input mirrored, its edge repeated, or the input again. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular"

const MODES: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"]

export interface Geometry {
  kernelSize: Size
  stride: Size
  dilation: Size
  groups: number
  bias: boolean
  /** What lies around the input: zeros, or the input reflected, its edge replicated, or the input again. */
  paddingMode: PaddingMode
}
/** What a convolution can be given by name. */
export interface ConvOptions extends Geometry, Placement {
  inChannels: number
  outChannels: number
  /** Elements added on each side; "same" keeps the size, "valid" adds none. */
  padding: Size | "same" | "valid"
}
/** What a transposed convolution can be given by name. */
export interface ConvTransposeOptions extends Geometry, Placement {
  inChannels: number
  outChannels: number
  padding: Size
  /** Elements added on one side of the result. */
  outputPadding: Size
}

type Channels = [["inChannels", number], ["outChannels", number], ["kernelSize", Size], ["stride", Size]]
type ConvArgs = Args<
  [
    ...Channels,
    ["padding", Size | "same" | "valid"],
    ["dilation", Size],
    ["groups", number],
    ["bias", boolean],
    ["paddingMode", PaddingMode],
  ],
  Partial<ConvOptions>
>
type ConvTransposeArgs = Args<
  [
    ...Channels,
    ["padding", Size],
    ["outputPadding", Size],
    ["groups", number],
    ["bias", boolean],
    ["dilation", Size],
    ["paddingMode", PaddingMode],
  ],
  Partial<ConvTransposeOptions>
>

/** What convolutions and their transposes have in common. */
export abstract class Convolution extends Members {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[] | "same" | "valid"
  readonly dilation: readonly number[]
  readonly outputPadding: readonly number[]
  readonly groups: number
  readonly paddingMode: PaddingMode
  declare weight: Parameter
  declare bias: Parameter | null

  protected constructor(signature: Signature, rank: number, transposed: boolean, args: readonly unknown[]) {
    super()
    const { name } = signature
    const values = bind(signature, args)
    const given = Object.fromEntries(signature.names.map((key, i) => [key, values[i]]))
    const {
      inChannels,
      outChannels,
      groups = 1,
      bias = true,
      paddingMode = "zeros",
      device,
      dtype,
    } = given as Partial<ConvOptions>
    checkSizes(name, { inChannels, outChannels, groups }, 1)
    if (inChannels! % groups !== 0)
      throw new RangeError(`${name}: inChannels must be divisible by groups, got ${inChannels} and ${groups}`)
    if (outChannels! % groups !== 0)
      throw new RangeError(`${name}: outChannels must be divisible by groups, got ${outChannels} and ${groups}`)
    if (!MODES.includes(paddingMode) || (transposed && paddingMode !== "zeros"))
      throw new RangeError(
        `${name}: paddingMode must be ${transposed ? '"zeros"' : `one of ${MODES.join(", ")}`}, got ${valueText(paddingMode)}`,
      )
    this.inChannels = inChannels!
    this.outChannels = outChannels!
    this.kernelSize = each(name, "kernelSize", given.kernelSize, rank, 1)
    this.stride = each(name, "stride", given.stride ?? 1, rank, 1)
    this.padding = paddingOf(name, given.padding ?? 0, rank, transposed, this.stride)
    this.dilation = each(name, "dilation", given.dilation ?? 1, rank, 1)
    this.outputPadding = each(name, "outputPadding", given.outputPadding ?? 0, rank, 0)
    this.groups = groups
    this.paddingMode = paddingMode
    const [first, second] = transposed ? [inChannels!, outChannels!] : [outChannels!, inChannels!]
    this.weight = emptyParameter([first, second / groups, ...this.kernelSize], { device, dtype })
    this.registerParameter("bias", bias ? emptyParameter([outChannels!], { device, dtype }) : null)
    this.resetParameters()
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    resetWeights(this.weight, this.bias)
  }

  override extraRepr(): string {
    const { padding, dilation, outputPadding, groups, paddingMode } = this
    const parts = [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}`,
    ]
    if (typeof padding === "string") parts.push(`padding=${padding}`)
    else if (padding.some((p) => p !== 0)) parts.push(`padding=${python(padding)}`)
    if (dilation.some((d) => d !== 1)) parts.push(`dilation=${python(dilation)}`)
    if (outputPadding.some((p) => p !== 0)) parts.push(`output_padding=${python(outputPadding)}`)
    if (groups !== 1) parts.push(`groups=${groups}`)
    if (this.bias === null) parts.push("bias=False")
    if (paddingMode !== "zeros") parts.push(`padding_mode=${paddingMode}`)
    return parts.join(", ")
  }
}

function paddingOf(
  name: string,
  padding: unknown,
  rank: number,
  transposed: boolean,
  stride: readonly number[],
): number[] | "same" | "valid" {
  if (transposed || typeof padding !== "string") return each(name, "padding", padding, rank, 0)
  if (padding !== "same" && padding !== "valid")
    throw new RangeError(`${name}: invalid padding string ${JSON.stringify(padding)}, should be "same" or "valid"`)
  if (padding === "same" && stride.some((s) => s !== 1))
    throw new RangeError(`${name}: padding "same" is not supported for strided convolutions (stride ${python(stride)})`)
  return padding
}

/** What convolutions have besides what all modules have. */
type OwnMembers = Omit<Convolution, keyof Members>
/** A convolution knows its arguments, and by the rule what comes out. */
interface ConvClass<R extends Rule> {
  new <const A extends ConvArgs>(...args: Spelt<A, ConvArgs>): Layer<R, A> & OwnMembers
}
/** The function of a convolution, whatever its number of dims. */
// biome-ignore lint/suspicious/noExplicitAny: its other arguments differ
type Compute = (input: Tensor, ...args: any[]) => Tensor
interface ConvTransposeClass<R extends Rule> {
  new <const A extends ConvTransposeArgs>(...args: Spelt<A, ConvTransposeArgs>): Transposed<R, A> & OwnMembers
}

function convolution<R extends Rule>(name: string, rank: number, compute: Compute): ConvClass<R> {
  const signature = parseSignature(
    `${name}(inChannels, outChannels, kernelSize, stride?, padding?, dilation?, groups?, bias?, paddingMode?, device?, dtype?)`,
  )
  class Forwards extends Convolution {
    static readonly keepsNothing: unknown = Forwards.prototype.forward
    static readonly endsInProduct = true

    constructor(...args: ConvArgs) {
      super(signature, rank, false, args)
    }

    override forward(input: OwnInput): Tensor {
      const { weight, bias, stride, padding, dilation, groups, paddingMode } = this
      if (paddingMode === "zeros") return compute(input, weight, bias, stride, padding, dilation, groups)
      const around = pad(input, this.border(), paddingMode as PadMode)
      return compute(around, weight, bias, stride, 0, dilation, groups)
    }

    /** Padding before and after each dim, the last dim first, as `pad` takes it. */
    private border(): number[] {
      const { padding, dilation, kernelSize } = this
      return kernelSize.flatMap((_, i) => {
        const d = kernelSize.length - 1 - i
        if (padding === "valid") return [0, 0]
        if (padding !== "same") return [padding[d], padding[d]]
        const total = dilation[d] * (kernelSize[d] - 1)
        return [Math.floor(total / 2), Math.ceil(total / 2)]
      })
    }
  }
  return Forwards as unknown as ConvClass<R>
}

function transposedConvolution<R extends Rule>(name: string, rank: number, compute: Compute): ConvTransposeClass<R> {
  const signature = parseSignature(
    `${name}(inChannels, outChannels, kernelSize, stride?, padding?, outputPadding?, groups?, bias?, dilation?, paddingMode?, device?, dtype?)`,
  )
  class Backwards extends Convolution {
    static readonly keepsNothing: unknown = Backwards.prototype.forward

    constructor(...args: ConvTransposeArgs) {
      super(signature, rank, true, args)
    }

    override forward(input: OwnInput, outputSize: readonly number[] | null = null): Tensor {
      const { weight, bias, stride, padding, dilation, groups } = this
      const more = outputSize ? this.paddingFor(input, outputSize) : this.outputPadding
      return compute(input, weight, bias, stride, padding as number[], more, groups, dilation)
    }

    /** The output padding that gives this size. */
    private paddingFor(input: Tensor, wanted: readonly number[]): number[] {
      const { kernelSize, stride, dilation } = this
      const padding = this.padding as readonly number[]
      const sizes = wanted.slice(-rank)
      if (wanted.length < rank || wanted.length > rank + 2)
        throw new RangeError(`${name}: outputSize must have ${rank} elements, got [${wanted.join(", ")}]`)
      const spatial = input.shape.slice(-rank)
      const least = spatial.map((n, d) => (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernelSize[d] - 1) + 1)
      sizes.forEach((size, d) => {
        if (size < least[d] || size > least[d] + stride[d] - 1)
          throw new RangeError(
            `${name}: requested an output size of [${sizes.join(", ")}], but valid sizes range from [${least.join(", ")}] to [${least.map((n, k) => n + stride[k] - 1).join(", ")}] (for an input of [${spatial.join(", ")}])`,
          )
      })
      return sizes.map((size, d) => size - least[d])
    }
  }
  return Backwards as unknown as ConvTransposeClass<R>
}

/** Convolution over [N, C, L] or [C, L]. */
export class Conv1d<const A extends ConvArgs = Open> extends convolution<ConvRule<"conv1d", 1>>(
  "Conv1d",
  1,
  conv1d,
)<A> {}
/** Convolution over [N, C, H, W] or [C, H, W]. */
export class Conv2d<const A extends ConvArgs = Open> extends convolution<ConvRule<"conv2d", 2>>(
  "Conv2d",
  2,
  conv2d,
)<A> {}
/** Convolution over [N, C, D, H, W] or [C, D, H, W]. */
export class Conv3d<const A extends ConvArgs = Open> extends convolution<ConvRule<"conv3d", 3>>(
  "Conv3d",
  3,
  conv3d,
)<A> {}
/** The transpose of Conv1d: its gradient as a map. `call(input, outputSize?)`. */
export class ConvTranspose1d<const A extends ConvTransposeArgs = Open> extends transposedConvolution<
  ConvTransposeRule<"convTranspose1d", 1>
>("ConvTranspose1d", 1, convTranspose1d)<A> {}
/** The transpose of Conv2d. */
export class ConvTranspose2d<const A extends ConvTransposeArgs = Open> extends transposedConvolution<
  ConvTransposeRule<"convTranspose2d", 2>
>("ConvTranspose2d", 2, convTranspose2d)<A> {}
/** The transpose of Conv3d. */
export class ConvTranspose3d<const A extends ConvTransposeArgs = Open> extends transposedConvolution<
  ConvTransposeRule<"convTranspose3d", 3>
>("ConvTranspose3d", 3, convTranspose3d)<A> {}
