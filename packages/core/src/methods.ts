/**
 * Everything a tensor can do: the methods of all families. A family is a file in `ops/`, which gives its interface and
 * its functions; a new family is added here, once in the type and once in the list.
 *
 * Importing this module installs them, and tells the compiler of them: bundlers cannot leave out a method, so whoever
 * counts bytes does without and calls the functions.
 */

import type { DType } from "./dtype.ts"
import { shapeText } from "./errors.ts"
import { install } from "./essential-methods.ts"
import { type ActivationMethods, activationMethods } from "./ops/activation.ts"
import type { ArithmeticMethods } from "./ops/arithmetic.ts"
import { arithmeticMethods } from "./ops/arithmetic.ts"
import { type BitwiseMethods, bitwiseMethods } from "./ops/bitwise.ts"
import { type ComparisonMethods, comparisonMethods } from "./ops/comparison.ts"
import type { ConversionMethods } from "./ops/conversion.ts"
import { conversionMethods } from "./ops/conversion.ts"
import type { CopyingMethods } from "./ops/copying.ts"
import { copyingMethods } from "./ops/copying.ts"
import type { CreationMethods } from "./ops/creation.ts"
import { creationMethods } from "./ops/creation.ts"
import { type ExpectationMethods, expectationMethods } from "./ops/expectation.ts"
import { type ExtremesMethods, extremesMethods } from "./ops/extremes.ts"
import type { FillMethods } from "./ops/filling.ts"
import { fillMethods } from "./ops/filling.ts"
import { type GatheringMethods, gatheringMethods } from "./ops/gathering.ts"
import { type IndexingMethods, indexingMethods } from "./ops/indexing.ts"
import { type JoiningMethods, joiningMethods } from "./ops/joining.ts"
import { type LinearAlgebraMethods, linearAlgebraMethods } from "./ops/linear-algebra.ts"
import { type MathMethods, mathMethods } from "./ops/math.ts"
import { type MatmulMethods, matmulMethods } from "./ops/matmul.ts"
import type { PrintingMethods } from "./ops/printing-methods.ts"
import { printingMethods, toTemplate, toText } from "./ops/printing-methods.ts"
import { type RandomMethods, randomMethods } from "./ops/random.ts"
import type { ReductionMethods } from "./ops/reduction.ts"
import { reductionMethods } from "./ops/reduction.ts"
import { type RepeatingMethods, repeatingMethods } from "./ops/repeating.ts"
import { type ScanMethods, scanMethods } from "./ops/scan.ts"
import { type ScatteringMethods, scatteringMethods } from "./ops/scattering.ts"
import { type SearchingMethods, searchingMethods } from "./ops/searching.ts"
import { type SelectionMethods, selectionMethods } from "./ops/selection.ts"
import { type SoftmaxMethods, softmaxMethods } from "./ops/softmax.ts"
import { type SortingMethods, sortingMethods } from "./ops/sorting.ts"
import { type StatisticsMethods, statisticsMethods } from "./ops/statistics.ts"
import { type TriangularMethods, triangularMethods } from "./ops/triangular.ts"
import { type UnaryMethods, unaryMethods } from "./ops/unary.ts"
import type { ViewMethods } from "./ops/views.ts"
import { viewMethods } from "./ops/views.ts"
import { Tensor } from "./tensor.ts"
import type { Shape } from "./types/shape.ts"
import type { Reverse } from "./types/view-shapes.ts"

export interface Methods<S extends Shape, D extends DType>
  extends ArithmeticMethods,
    ConversionMethods,
    CopyingMethods,
    CreationMethods,
    FillMethods,
    PrintingMethods,
    ReductionMethods,
    ActivationMethods,
    BitwiseMethods,
    ComparisonMethods,
    ExpectationMethods,
    ExtremesMethods,
    GatheringMethods,
    IndexingMethods,
    JoiningMethods,
    LinearAlgebraMethods,
    MathMethods,
    MatmulMethods,
    RandomMethods,
    RepeatingMethods,
    ScanMethods,
    ScatteringMethods,
    SearchingMethods,
    SelectionMethods,
    SoftmaxMethods,
    SortingMethods,
    StatisticsMethods,
    TriangularMethods,
    UnaryMethods,
    ViewMethods {
  /** The dims in reverse order; of a matrix its transpose. */
  readonly T: Tensor<Reverse<S>, D>
  /** The last two dims swapped. */
  readonly mT: Tensor<LastTwoSwapped<S>, D>
  /** The slices along the first dim. */
  [Symbol.iterator](): IterableIterator<Tensor<Slice<S>, D>>
}

// biome-ignore-start lint/suspicious/noExplicitAny: what is not known to the compiler
type LastTwoSwapped<S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly [...infer B extends Shape, infer M extends number, infer N extends number]
    ? [...B, N, M]
    : any
type Slice<S extends Shape> = S extends readonly [number, ...infer T extends Shape] ? T : any
// biome-ignore-end lint/suspicious/noExplicitAny: as above

declare module "./tensor.ts" {
  /** @ts-expect-error TS2636: as in tensor.ts */
  // biome-ignore lint/suspicious/noExplicitAny: the parameters must be the class's own
  interface Tensor<out S extends Shape = any, out D extends DType = any> extends Methods<S, D> {}
}

const FAMILIES = [
  arithmeticMethods,
  conversionMethods,
  copyingMethods,
  creationMethods,
  fillMethods,
  printingMethods,
  reductionMethods,
  activationMethods,
  bitwiseMethods,
  comparisonMethods,
  expectationMethods,
  extremesMethods,
  gatheringMethods,
  indexingMethods,
  joiningMethods,
  linearAlgebraMethods,
  mathMethods,
  matmulMethods,
  randomMethods,
  repeatingMethods,
  scanMethods,
  scatteringMethods,
  searchingMethods,
  selectionMethods,
  softmaxMethods,
  sortingMethods,
  statisticsMethods,
  triangularMethods,
  unaryMethods,
  viewMethods,
]

for (const family of FAMILIES) install(family)

Object.defineProperties(Tensor.prototype, {
  toString: {
    value: function (this: Tensor) {
      return toText(this)
    },
    writable: true,
    configurable: true,
  },
  [Symbol.toPrimitive]: {
    value: function (this: Tensor, hint: string) {
      if (hint !== "number") return toTemplate(this)
      if (this.numel() !== 1)
        throw new TypeError(
          `JavaScript's operators cannot take a tensor of shape ${shapeText(this.shape)}; use its methods: x.add(y), x.mul(2), x.lt(0), x.neg()`,
        )
      return this.itemSync()
    },
  },
  // Node's console.log and REPL; the symbol is looked up by name so that nothing of Node is imported.
  [Symbol.for("nodejs.util.inspect.custom")]: {
    value: function (this: Tensor) {
      return toText(this)
    },
  },
  /** Nested arrays, for JSON.stringify, where the device reads synchronously. */
  toJSON: {
    value: function (this: Tensor) {
      return this.toArraySync()
    },
    writable: true,
    configurable: true,
  },
  [Symbol.iterator]: {
    value: function (this: Tensor) {
      if (this.ndim === 0) throw new TypeError("iteration over a 0-d tensor")
      return this.unbind(0)[Symbol.iterator]()
    },
  },
  /** The dims in reverse order; of a matrix its transpose. */
  T: {
    get(this: Tensor) {
      return this.permute(this.shape.map((_, d) => this.ndim - 1 - d))
    },
  },
  /** The last two dims swapped. */
  mT: {
    get(this: Tensor) {
      if (this.ndim < 2)
        throw new RangeError(
          `mT: only supported on matrices or batches of matrices (2 or more dims), got a ${this.ndim}-d tensor`,
        )
      return this.transpose(-2, -1)
    },
  },
})
