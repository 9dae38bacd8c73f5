/** The signatures of layers' functions, of losses and distances. Their shapes are worked out in `layer-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { LossReduction } from "../ops/elementwise-loss.ts"
import type { Tensor } from "../tensor.ts"
import type { Given, KnownOptions, Or, TensorOf } from "./arguments.ts"
import type { DefaultInt, OneDType, OnlyFloats, Promote, Promote3 } from "./dtype.ts"
import type { Einsum } from "./einsum-shapes.ts"
import type { DTypeOf as CommonDType, ShapesOf } from "./joining-signatures.ts"
import type {
  Bilinear,
  ClassLoss,
  ElementLoss,
  Embedded,
  Grouped,
  Linear,
  LossRules,
  LossShape,
  NormalisedOver,
  PairDistance,
  PerChannel,
  RowDistances,
  SameShape,
  SimilarityAlong,
  WithChannels,
} from "./layer-shapes.ts"
import type { DimsLike } from "./patterns.ts"
import type { Indexed } from "./reading-shapes.ts"
import type { Arg, IsAny, Ok, Shape, ShowTensor } from "./shape.ts"
import type { DTypeOf, ShapeOf } from "./signature.ts"

// ---- linear maps ----

interface LinearByName {
  weight?: Tensor
  bias?: Tensor | null
}
type LinearOf<S extends Shape, D, T> = OneDType<"linear", S, D, ShapeOf<T>, DTypeOf<T>, Linear<S, ShapeOf<T>>>
export type LinearSignature = <S extends Shape, D extends DType, W extends Tensor | LinearByName>(
  input: Tensor<S, D>,
  weight: Arg<LinearOf<S, D, TensorOf<W, "weight">>, W>,
  bias?: Tensor | null | LinearByName,
) => Tensor<Ok<LinearOf<S, D, TensorOf<W, "weight">>>, D>

interface BilinearByName {
  input2?: Tensor
  weight?: Tensor
  bias?: Tensor | null
}
type BilinearOf<S extends Shape, A, W> = Bilinear<S, ShapeOf<TensorOf<A, "input2">>, ShapeOf<TensorOf<W, "weight", A>>>
export type BilinearSignature = <
  S extends Shape,
  D extends DType,
  A extends Tensor | BilinearByName,
  W extends Tensor | BilinearByName | undefined = undefined,
>(
  input1: Tensor<S, D>,
  input2: Arg<BilinearOf<S, A, W>, A>,
  weight?: W,
  bias?: Tensor | null | BilinearByName,
) => Tensor<Ok<BilinearOf<S, A, W>>, D>

interface EmbeddingByName {
  weight?: Tensor
  paddingIdx?: number | null
  maxNorm?: number | null
  normType?: number
  scaleGradByFreq?: boolean
}
type EmbeddingOf<S extends Shape, T> = Embedded<S, ShapeOf<T>>
export type EmbeddingSignature = <S extends Shape, E extends DType, W extends Tensor | EmbeddingByName>(
  input: Arg<Indexed<"embedding", "input", S, E, []>, Tensor<S, E>>,
  weight: Arg<EmbeddingOf<S, TensorOf<W, "weight">>, W>,
  paddingIdx?: number | null | EmbeddingByName,
  maxNorm?: number | null | EmbeddingByName,
  normType?: number | EmbeddingByName,
  scaleGradByFreq?: boolean | EmbeddingByName,
) => Tensor<Ok<EmbeddingOf<S, TensorOf<W, "weight">>>, DTypeOf<TensorOf<W, "weight">>>

/** The number of classes; not known where it is read from the tensor. */
type Classes<N> = [N] extends [number] ? (N extends -1 ? number : N) : number
type WithClasses<S extends Shape, N> = number extends S["length"] ? any : [...S, Classes<N>]
export type OneHot = <
  S extends Shape,
  E extends DType,
  const N extends number | { numClasses?: number } | undefined = undefined,
>(
  input: Arg<Indexed<"oneHot", "input", S, E, []>, Tensor<S, E>>,
  numClasses?: N,
) => Tensor<WithClasses<S, Given<"numClasses", N>>, DefaultInt>

type Sublist = readonly (number | "...")[]
type EquationByName = { equation: string; operands: readonly Tensor[] }
/** The operands among the arguments: `L` after the equation, or those of `E`, which has both by name. */
type OperandsOf<E, L> = E extends { readonly operands: infer A extends readonly Tensor[] }
  ? A
  : L extends readonly Tensor[]
    ? L
    : L extends readonly [infer A extends readonly Tensor[]]
      ? A
      : Tensor[]
type EinsumOf<E, L> = E extends string
  ? EinsumOfAll<E, OperandsOf<E, L>>
  : E extends { readonly equation: infer Q extends string }
    ? EinsumOfAll<Q, OperandsOf<E, L>>
    : any
type EinsumOfAll<E extends string, L extends readonly Tensor[]> = OneDTypeOf<"einsum", L, Einsum<E, ShapesOf<L>>>
/** `R`, or the sentence of tensors that must be of one dtype and are not. */
type OneDTypeOf<Op extends string, L extends readonly Tensor[], R> = L extends readonly [
  Tensor<any, infer D>,
  ...infer T,
]
  ? Differs<D, T> extends true
    ? `${Op}: expected tensors of one dtype, but got ${ShowAll<L>}; convert with x.to(dtype)`
    : R
  : R
/** Whether one of the tensors is certain to have another dtype than D. */
type Differs<D, L extends readonly unknown[]> = L extends readonly [Tensor<any, infer E>, ...infer T]
  ? [D & E] extends [never]
    ? true
    : Differs<D, T>
  : false
type ShowAll<L extends readonly unknown[], Text extends string = ""> = L extends readonly [
  Tensor<infer S extends Shape, infer D>,
  ...infer T,
]
  ? ShowAll<T, `${Text}${Text extends "" ? "" : " and "}${ShowTensor<S, D>}`>
  : Text
/**
 * The equation as text, then the operands, one by one or as one array; both by name; or operands and lists of the numbers of their
 * subscripts in turn, at the end the list of the output.
 */
export type EinsumSignature = <
  const E extends string | Tensor | EquationByName,
  const L extends readonly (Tensor | (E extends string ? readonly Tensor[] : Sublist))[],
>(
  equation: Arg<EinsumOf<E, L>, E>,
  ...operands: L
) => Tensor<Ok<EinsumOf<E, L>>, CommonDType<OperandsOf<E, L>>>

// ---- normalisations: the input's shape and dtype stay ----

type Parameter = Tensor | null
type SizesArg = number | readonly number[]

export interface LayerNormByName {
  normalizedShape?: SizesArg
  weight?: Parameter
  bias?: Parameter
  eps?: number | null
}
/** `layerNorm` and `rmsNorm`; `Rest` are the parameters after the sizes. */
export type NormOverLast<Op extends string, Rest extends readonly unknown[]> = <
  S extends Shape,
  D extends DType,
  const N extends SizesArg | LayerNormByName,
>(
  input: Tensor<S, D>,
  normalizedShape: Arg<NormalisedOver<Op, S, Given<"normalizedShape", N>>, DimsLike<N>>,
  ...rest: Rest
) => Tensor<S, D>

interface GroupNormByName {
  numGroups?: number
  weight?: Parameter
  bias?: Parameter
  eps?: number
}
export type GroupNorm = <S extends Shape, D extends DType, const G extends number | GroupNormByName>(
  input: Tensor<S, D>,
  numGroups: Arg<Grouped<S, Given<"numGroups", G>>, G>,
  weight?: Parameter | GroupNormByName,
  bias?: Parameter | GroupNormByName,
  eps?: number | GroupNormByName,
) => Tensor<S, D>

interface ChannelNormByName {
  runningMean?: Parameter
  runningVar?: Parameter
  weight?: Parameter
  bias?: Parameter
  training?: boolean
  useInputStats?: boolean
  momentum?: number
  eps?: number
}
type Fitting<Op extends string, Name extends string, S extends Shape, P> =
  P extends Tensor<infer R, DType> ? PerChannel<Op, Name, S, R, []> : []
/** `batchNorm` and `instanceNorm`; statistics and parameters are per channel. */
export type ChannelNorm<Op extends string> = <
  S extends Shape,
  D extends DType,
  M extends Parameter | ChannelNormByName | undefined = undefined,
  V extends Parameter | ChannelNormByName | undefined = undefined,
  W extends Parameter | ChannelNormByName | undefined = undefined,
  B extends Parameter | ChannelNormByName | undefined = undefined,
>(
  input: Arg<WithChannels<Op, S>, Tensor<S, D>>,
  runningMean?: Arg<Fitting<Op, "runningMean", S, M>, M>,
  runningVar?: Arg<Fitting<Op, "runningVar", S, V>, V>,
  weight?: Arg<Fitting<Op, "weight", S, W>, W>,
  bias?: Arg<Fitting<Op, "bias", S, B>, B>,
  training?: boolean | ChannelNormByName,
  momentum?: number | ChannelNormByName,
  eps?: number | ChannelNormByName,
) => Tensor<S, D>

// ---- losses ----

/** The reduction named in one of the arguments. */
type ReductionOf<A> = A extends LossReduction
  ? A
  : A extends { readonly reduction?: infer R }
    ? unknown extends R
      ? IsAny<R> extends true
        ? any
        : never
      : R
    : never
type Reduced<A> = [ReductionOf<A>] extends [never] ? undefined : ReductionOf<A>

/** What elements' losses can be held to besides: that the shapes agree, and that the target has the input's dtype, or that it is of floats. */
interface Elements<Op extends string, S extends Shape, D, T extends Shape, E> {
  broadcast: ElementLoss<Op, S, T>
  alike: OneDType<Op, S, D, T, E, SameShape<Op, "target", S, T>>
  floats: OnlyFloats<Op, E, SameShape<Op, "target", S, T>>
}
type ElementRule = keyof Elements<string, [], unknown, [], unknown>
type LossOf<Op extends string, Rule extends ElementRule, S extends Shape, D, A> = Elements<
  Op,
  S,
  D,
  ShapeOf<TensorOf<A, "target">>,
  DTypeOf<TensorOf<A, "target">>
>[Rule]
type LossDType<S extends Shape, D, A> = Promote<S, D, ShapeOf<TensorOf<A, "target">>, DTypeOf<TensorOf<A, "target">>>

/** A loss of corresponding elements; `K` are the options, `Rest` what may stand between by position. */
export type ElementwiseLossSignature<
  Op extends string,
  K,
  Rest extends readonly unknown[] = [],
  Rule extends ElementRule = "broadcast",
> = <
  S extends Shape,
  D extends DType,
  const A extends Tensor | ({ target?: Tensor } & K),
  const B extends readonly [...Partial<Rest>, options?: K],
>(
  input: Tensor<S, D>,
  target: Arg<
    OnlyFloats<Op, LossDType<S, D, A>, KnownOptions<Op, A, keyof K | "target", LossOf<Op, Rule, S, D, A>>>,
    A
  >,
  ...rest: B
) => Tensor<LossShape<Reduced<A | B[number]>, Ok<LossOf<Op, Rule, S, D, A>>>, LossDType<S, D, A>>

/** The second and the third tensor; where that is a number or not given, one like the second. */
type Further<A extends readonly unknown[], Second extends string, Last extends string> =
  TensorOf<A[0], Second> extends infer T extends Tensor
    ? [T, Given<Last, A[1], A[0]> extends infer U extends Tensor ? U : T]
    : never
type ThreeShapes<Rule extends keyof LossRules<[], [], []>, S extends Shape, T extends readonly Tensor[]> = Ok<
  LossRules<S, ShapeOf<T[0]>, ShapeOf<T[1]>>[Rule]
>
type ThreeDTypes<S extends Shape, D, T extends readonly Tensor[]> =
  Promote3<S, D, ShapeOf<T[0]>, DTypeOf<T[0]>, ShapeOf<T[1]>, DTypeOf<T[1]>> extends infer E extends DType ? E : any

/** A loss of up to three tensors, the second and third of which are named `Second` and `Last`; `A` are the parameters after the first. */
export type LossOfTensors<
  Rule extends keyof LossRules<[], [], []>,
  Second extends string,
  Last extends string,
  A extends readonly unknown[],
> = <S extends Shape, D extends DType, const B extends A>(
  input: Tensor<S, D>,
  ...args: B
) => Tensor<
  LossShape<Reduced<B[number]>, ThreeShapes<Rule, S, Further<B, Second, Last>>>,
  ThreeDTypes<S, D, Further<B, Second, Last>>
>

interface ClassByName {
  target?: Tensor
  weight?: Parameter
  ignoreIndex?: number
  reduction?: LossReduction
  labelSmoothing?: number
}
type ClassLossOf<Op extends string, S extends Shape, A, P extends boolean> = ClassLoss<
  Op,
  S,
  ShapeOf<TensorOf<A, "target">>,
  DTypeOf<TensorOf<A, "target">>,
  P
>
/** A loss over classes; with `P` the target may hold probabilities. */
export type ClassLossSignature<Op extends string, P extends boolean> = <
  S extends Shape,
  D extends DType,
  const A extends Tensor | ClassByName,
  const B extends Parameter | ClassByName | undefined = undefined,
  const C extends ClassByName | undefined = undefined,
>(
  input: Arg<OnlyFloats<Op, D, []>, Tensor<S, D>>,
  target: Arg<KnownOptions<Op, A, keyof ClassByName, ClassLossOf<Op, S, A, P>>, A>,
  weight?: B,
  options?: C,
) => Tensor<LossShape<Reduced<A | B | C>, Ok<ClassLossOf<Op, S, A, P>>>, D>

// ---- distances ----

interface SimilarityByName {
  x2?: Tensor
  dim?: number
  eps?: number
}
type Similarity<S extends Shape, A, B> = SimilarityAlong<
  "cosineSimilarity",
  S,
  ShapeOf<TensorOf<A, "x2">>,
  Or<Given<"dim", B, A>, 1>
>
export type CosineSimilarity = <
  S extends Shape,
  D extends DType,
  A extends Tensor | SimilarityByName,
  const B extends number | SimilarityByName | undefined = undefined,
>(
  x1: Tensor<S, D>,
  x2: Arg<Similarity<S, A, B>, A>,
  dim?: B,
  eps?: number | SimilarityByName,
) => Tensor<Ok<Similarity<S, A, B>>, Promote<S, D, ShapeOf<TensorOf<A, "x2">>, DTypeOf<TensorOf<A, "x2">>>>

interface DistanceByName {
  x2?: Tensor
  p?: number
  eps?: number
  keepdim?: boolean
}
type Distance<S extends Shape, A, B, C, K> = PairDistance<
  "sub",
  S,
  ShapeOf<TensorOf<A, "x2">>,
  Given<"keepdim", K, A | B | C>
>
export type PairwiseDistance = <
  S extends Shape,
  D extends DType,
  A extends Tensor | DistanceByName,
  const B extends number | DistanceByName | undefined = undefined,
  const C extends number | DistanceByName | undefined = undefined,
  const K extends boolean | DistanceByName | undefined = undefined,
>(
  x1: Tensor<S, D>,
  x2: Arg<Distance<S, A, B, C, K>, A>,
  p?: B,
  eps?: C,
  keepdim?: K,
) => Tensor<Ok<Distance<S, A, B, C, K>>, Promote<S, D, ShapeOf<TensorOf<A, "x2">>, DTypeOf<TensorOf<A, "x2">>>>

export type CDist = <S extends Shape, D extends DType, A extends Tensor | { x2?: Tensor; p?: number }>(
  x1: Tensor<S, D>,
  x2: Arg<RowDistances<S, ShapeOf<TensorOf<A, "x2">>>, A>,
  p?: number | { p?: number },
) => Tensor<
  Ok<RowDistances<S, ShapeOf<TensorOf<A, "x2">>>>,
  Promote<S, D, ShapeOf<TensorOf<A, "x2">>, DTypeOf<TensorOf<A, "x2">>>
>
