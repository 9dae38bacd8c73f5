/** Pooling: the maximum or the mean over windows of the spatial dims. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { noBool, requireDtypes, requireFlag, requireFloating, requireNumbers } from "../checks.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { type Results, results } from "../results.ts"
import { numelOf, type Sizes } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import type {
  AdaptiveAvgPoolSignature,
  AdaptiveMaxPoolSignature,
  AvgPoolSignature,
  LpPoolSignature,
  MaxPoolSignature,
} from "../types/window-signatures.ts"
import { relu } from "./activation.ts"
import { mul } from "./arithmetic.ts"
import { meanRule, means } from "./average-pooling.ts"
import { pow } from "./math.ts"
import { maximum, maxRule } from "./max-pooling.ts"
import { type PerDim, perDim } from "./per-dim.ts"
import { adaptiveWindows, fixedWindows, type Pooling } from "./pooling-windows.ts"
import { mean } from "./reduction.ts"
import { abs, neg, sign } from "./unary.ts"
import { squeeze, unsqueeze } from "./views.ts"

// ---- arguments ----

function checkInput(name: string, x: Tensor, spatial: number): void {
  if (x.ndim !== spatial + 1 && x.ndim !== spatial + 2)
    throw new RangeError(
      `${name}: expected a ${spatial + 1}D (unbatched) or ${spatial + 2}D (batched) input, got ${sizesText(x)}`,
    )
  if (x.shape.slice(x.ndim - spatial - 1).includes(0))
    throw new RangeError(
      `${name}: expected an input whose dims other than the batch are not empty, got ${tensorText(x)}`,
    )
  requireDtypes(name, [x], noBool)
}

interface FixedArguments {
  readonly kernelSize: PerDim
  readonly stride: PerDim | null
  readonly padding: PerDim
  readonly dilation: PerDim
  readonly ceilMode: boolean
}

function fixedPooling(
  name: string,
  x: Tensor,
  spatial: number,
  a: FixedArguments,
  includePad = true,
  divisor: number | null = null,
): Pooling {
  checkInput(name, x, spatial)
  requireFlag(name, "ceilMode", a.ceilMode)
  const kernel = perDim(name, "kernelSize", a.kernelSize, spatial, 1)
  const stride = perDim(name, "stride", a.stride ?? kernel, spatial, 1)
  const padding = perDim(name, "padding", a.padding, spatial, 0)
  const dilation = perDim(name, "dilation", a.dilation, spatial, 1)
  if (kernel.some((k, d) => padding[d]! * 2 > dilation[d]! * (k - 1) + 1))
    throw new RangeError(
      `${name}: padding should be at most half of the effective kernel size, but got padding ${shapeText(padding)}, kernelSize ${shapeText(kernel)} and dilation ${shapeText(dilation)}`,
    )
  const sizes = x.shape.slice(x.ndim - spatial)
  const windows = sizes.map((n, d) => fixedWindows(n, kernel[d]!, stride[d]!, padding[d]!, dilation[d]!, a.ceilMode))
  const out = windows.map((w) => w.outSize)
  if (out.some((n) => n < 1))
    throw new RangeError(
      `${name}: given input ${shapeText(x.shape)} and kernelSize ${shapeText(kernel)}, the calculated output size is too small: ${shapeText(out)}`,
    )
  return { windows, inShape: x.shape, outShape: [...x.shape.slice(0, x.ndim - spatial), ...out], includePad, divisor }
}

type OutputSize = number | null | readonly (number | null)[]

function adaptivePooling(name: string, x: Tensor, spatial: number, outputSize: OutputSize): Pooling {
  checkInput(name, x, spatial)
  const sizes = x.shape.slice(x.ndim - spatial)
  const list = Array.isArray(outputSize)
    ? (outputSize as readonly (number | null)[])
    : new Array<number | null>(spatial).fill(outputSize as number | null)
  if (list.length !== spatial)
    throw new RangeError(
      `${name}: outputSize must be a number or a list of ${spatial}, got ${shapeText(list as number[])}`,
    )
  const out = list.map((n, d) => n ?? sizes[d]!)
  if (out.some((n) => !Number.isInteger(n) || n < 0))
    throw new RangeError(
      `${name}: outputSize must consist of non-negative integers, or null to keep a size, got ${shapeText(out)}`,
    )
  const windows = sizes.map((n, d) => adaptiveWindows(n, out[d]!))
  return {
    windows,
    inShape: x.shape,
    outShape: [...x.shape.slice(0, x.ndim - spatial), ...out],
    includePad: true,
    divisor: null,
  }
}

// ---- functions ----

type WithIndices = Results<["output", "indices"], Tensor>

const MAX_RULES: Readonly<Record<number, Rule>> = {
  2: maxRule("MaxPool2DWithIndicesBackward0"),
  3: maxRule("MaxPool3DWithIndicesBackward0"),
}
const ADAPTIVE_MAX_RULES: Readonly<Record<number, Rule>> = {
  2: maxRule("AdaptiveMaxPool2DBackward0"),
  3: maxRule("AdaptiveMaxPool3DBackward0"),
}
const AVG_RULES: Readonly<Record<number, Rule>> = {
  2: meanRule("AvgPool2DBackward0"),
  3: meanRule("AvgPool3DBackward0"),
}
const ADAPTIVE_AVG_RULES: Readonly<Record<number, Rule>> = {
  2: meanRule("AdaptiveAvgPool2DBackward0"),
  3: meanRule("AdaptiveAvgPool3DBackward0"),
}

/** Pools over two dims where there is one, the first of size 1, as PyTorch does. */
function overTwoDims(x: Tensor, p: Pooling, run: (x: Tensor, p: Pooling) => Tensor[]): Tensor[] {
  if (p.windows.length > 1) return run(x, p)
  const withRow = (shape: Sizes): Sizes => shape.toSpliced(-1, 0, 1)
  const wide: Pooling = {
    ...p,
    windows: [fixedWindows(1, 1, 1, 0, 1, false), ...p.windows],
    inShape: withRow(p.inShape),
    outShape: withRow(p.outShape),
  }
  return run(unsqueeze(x, -2), wide).map((t) => squeeze(t, -2))
}

function maxOver(x: Tensor, p: Pooling, rules: Readonly<Record<number, Rule>>, indices: boolean): Tensor | WithIndices {
  const [y, at] = overTwoDims(x, p, (wide, q) => maximum(wide, q, rules[q.windows.length]!, indices))
  return at ? results(["output", "indices"], [y!, at]) : y!
}

const meanOver = (x: Tensor, p: Pooling, rules: Readonly<Record<number, Rule>>): Tensor =>
  overTwoDims(x, p, (wide, q) => [means(wide, q, rules[q.windows.length]!)])[0]!

const maxPool = <N extends 1 | 2 | 3>(spatial: N): MaxPoolSignature<N> => {
  const name = `maxPool${spatial}d`
  return op(
    `${name}(input, kernelSize, stride?, padding?, dilation?, ceilMode?, returnIndices?)`,
    (
      x: Tensor,
      kernelSize: PerDim,
      stride: PerDim | null = null,
      padding: PerDim = 0,
      dilation: PerDim = 1,
      ceilMode = false,
      returnIndices = false,
    ): never => {
      requireFlag(name, "returnIndices", returnIndices)
      const p = fixedPooling(name, x, spatial, { kernelSize, stride, padding, dilation, ceilMode })
      return maxOver(x, p, MAX_RULES, returnIndices) as never
    },
  ) as unknown as MaxPoolSignature<N>
}

/**
 * The greatest element of every window: input [N, C, L] or [C, L] → [.., L'], L' = ⌊(L + 2·padding − dilation·(kernelSize
 * − 1) − 1) / stride⌋ + 1, rounded up with `ceilMode`. `stride` is `kernelSize` unless given; padding counts as −infinity.
 * With `returnIndices` also the positions (int32), each within its channel.
 */
export const maxPool1d: MaxPoolSignature<1> = maxPool(1)
/** As `maxPool1d` over two spatial dims; positions are h·W + w. */
export const maxPool2d: MaxPoolSignature<2> = maxPool(2)
/** As `maxPool1d` over three spatial dims. */
export const maxPool3d: MaxPoolSignature<3> = maxPool(3)

const avgPool = <N extends 1 | 2 | 3>(spatial: N): AvgPoolSignature<N> => {
  const name = `avgPool${spatial}d`
  return op(
    `${name}(input, kernelSize, stride?, padding?, ceilMode?, countIncludePad?${spatial > 1 ? ", divisorOverride?" : ""})`,
    (
      x: Tensor,
      kernelSize: PerDim,
      stride: PerDim | null = null,
      padding: PerDim = 0,
      ceilMode = false,
      countIncludePad = true,
      divisorOverride: number | null = null,
    ) => {
      requireFloating(name, x)
      requireFlag(name, "countIncludePad", countIncludePad)
      if (divisorOverride !== null && (!Number.isInteger(divisorOverride) || divisorOverride === 0))
        throw new RangeError(
          `${name}: divisorOverride must be an integer other than zero, got ${valueText(divisorOverride)}`,
        )
      const a: FixedArguments = { kernelSize, stride, padding, dilation: 1, ceilMode }
      return meanOver(x, fixedPooling(name, x, spatial, a, countIncludePad, divisorOverride), AVG_RULES)
    },
  )
}

/**
 * The mean of every window: input [N, C, L] or [C, L], floating. Sizes as in `maxPool1d`; padding counts as zeros, which
 * `countIncludePad: false` leaves out of the number divided by.
 */
export const avgPool1d: AvgPoolSignature<1> = avgPool(1)
/** As `avgPool1d` over two spatial dims; `divisorOverride` replaces the number divided by. */
export const avgPool2d: AvgPoolSignature<2> = avgPool(2)
/** As `avgPool2d` over three spatial dims. */
export const avgPool3d: AvgPoolSignature<3> = avgPool(3)

const adaptiveAvgPool = <N extends 1 | 2 | 3>(spatial: N): AdaptiveAvgPoolSignature<N> => {
  const name = `adaptiveAvgPool${spatial}d`
  return op(`${name}(input, outputSize)`, (x: Tensor, outputSize: OutputSize) => {
    requireFloating(name, x)
    const p = adaptivePooling(name, x, spatial, outputSize)
    // One window over everything is PyTorch's plain mean.
    if (p.outShape.slice(x.ndim - spatial).some((n) => n !== 1)) return meanOver(x, p, ADAPTIVE_AVG_RULES)
    return overTwoDims(x, p, (wide, { windows }) => [
      mean(
        wide,
        windows.map((_, d) => d - windows.length),
        true,
      ),
    ])[0]!
  })
}

/**
 * Means over `outputSize` windows that cover the input evenly: input [N, C, L] or [C, L], floating → [.., outputSize].
 * Window o is [⌊o·L/outputSize⌋, ⌈(o + 1)·L/outputSize⌉); null keeps a size.
 */
export const adaptiveAvgPool1d: AdaptiveAvgPoolSignature<1> = adaptiveAvgPool(1)
/** As `adaptiveAvgPool1d` over two spatial dims. */
export const adaptiveAvgPool2d: AdaptiveAvgPoolSignature<2> = adaptiveAvgPool(2)
/** As `adaptiveAvgPool1d` over three spatial dims. */
export const adaptiveAvgPool3d: AdaptiveAvgPoolSignature<3> = adaptiveAvgPool(3)

const adaptiveMaxPool = <N extends 1 | 2 | 3>(spatial: N): AdaptiveMaxPoolSignature<N> => {
  const name = `adaptiveMaxPool${spatial}d`
  return op(
    `${name}(input, outputSize, returnIndices?)`,
    (x: Tensor, outputSize: OutputSize, returnIndices = false): never => {
      requireFlag(name, "returnIndices", returnIndices)
      return maxOver(x, adaptivePooling(name, x, spatial, outputSize), ADAPTIVE_MAX_RULES, returnIndices) as never
    },
  ) as unknown as AdaptiveMaxPoolSignature<N>
}

/** The greatest element of every window; the windows are those of `adaptiveAvgPool1d`. */
export const adaptiveMaxPool1d: AdaptiveMaxPoolSignature<1> = adaptiveMaxPool(1)
/** As `adaptiveMaxPool1d` over two spatial dims; positions are h·W + w. */
export const adaptiveMaxPool2d: AdaptiveMaxPoolSignature<2> = adaptiveMaxPool(2)
/** As `adaptiveMaxPool1d` over three spatial dims. */
export const adaptiveMaxPool3d: AdaptiveMaxPoolSignature<3> = adaptiveMaxPool(3)

/** Pooling as other poolings are called inside. */
type Plain = (input: Tensor, ...args: unknown[]) => Tensor

const lpPool = <N extends 1 | 2 | 3>(spatial: N): LpPoolSignature<N> => {
  const name = `lpPool${spatial}d`
  const pools = [
    [maxPool1d, maxPool2d, maxPool3d][spatial - 1]!,
    [avgPool1d, avgPool2d, avgPool3d][spatial - 1]!,
  ] as unknown as readonly [Plain, Plain]
  return op(
    `${name}(input, normType, kernelSize, stride?, ceilMode?)`,
    (x: Tensor, normType: number, kernelSize: PerDim, stride: PerDim | null = null, ceilMode = false) => {
      requireNumbers(name, { normType })
      const [greatest, average] = pools
      if (normType === Number.POSITIVE_INFINITY) return greatest(abs(x), kernelSize, stride, 0, 1, ceilMode)
      if (normType === Number.NEGATIVE_INFINITY) return neg(greatest(neg(abs(x)), kernelSize, stride, 0, 1, ceilMode))
      const count = numelOf(perDim(name, "kernelSize", kernelSize, spatial, 1))
      const y = average(pow(x, normType), kernelSize, stride, 0, ceilMode)
      return pow(mul(mul(sign(y), relu(abs(y))), count), 1 / normType)
    },
  )
}

/** (Σ input^p)^(1/p) over every window, p being `normType`: input [N, C, L] or [C, L]; ±Infinity takes the greatest or least |input|. */
export const lpPool1d: LpPoolSignature<1> = lpPool(1)
/** As `lpPool1d` over two spatial dims. */
export const lpPool2d: LpPoolSignature<2> = lpPool(2)
/** As `lpPool1d` over three spatial dims. */
export const lpPool3d: LpPoolSignature<3> = lpPool(3)
