/**
 * Everything a tensor can do: the methods of all families. A family is a file in `ops/`, which gives its interface and
 * its functions; a new family is added here, once in the type and once in the list.
 */
import type { ArithmeticMethods } from "./ops/arithmetic.ts"
import { arithmeticMethods } from "./ops/arithmetic.ts"
import type { AutogradMethods } from "./ops/autograd-methods.ts"
import { autogradMethods } from "./ops/autograd-methods.ts"
import type { ConversionMethods } from "./ops/conversion.ts"
import { conversionMethods } from "./ops/conversion.ts"
import type { CopyingMethods } from "./ops/copying.ts"
import { copyingMethods } from "./ops/copying.ts"
import type { CreationMethods } from "./ops/creation.ts"
import { creationMethods } from "./ops/creation.ts"
import type { HostMethods } from "./ops/host.ts"
import { hostMethods } from "./ops/host.ts"
import type { PrintingMethods } from "./ops/printing-methods.ts"
import { printingMethods, toTemplate, toText } from "./ops/printing-methods.ts"
import type { ReductionMethods } from "./ops/reduction.ts"
import { reductionMethods } from "./ops/reduction.ts"
import type { FillMethods } from "./ops/filling.ts"
import { fillMethods } from "./ops/filling.ts"
import type { ViewMethods } from "./ops/views.ts"
import { viewMethods } from "./ops/views.ts"
import { Tensor } from "./tensor.ts"

export interface Methods
  extends ArithmeticMethods,
    AutogradMethods,
    ConversionMethods,
    CopyingMethods,
    CreationMethods,
    FillMethods,
    HostMethods,
    PrintingMethods,
    ReductionMethods,
    ViewMethods {}

const FAMILIES = [
  arithmeticMethods,
  autogradMethods,
  conversionMethods,
  copyingMethods,
  creationMethods,
  fillMethods,
  hostMethods,
  printingMethods,
  reductionMethods,
  viewMethods,
]

// biome-ignore lint/suspicious/noExplicitAny: the interface above gives the types
type AnyOp = (input: Tensor, ...args: any[]) => unknown

for (const family of FAMILIES)
  for (const [name, fn] of Object.entries(family) as [string, AnyOp][])
    Object.defineProperty(Tensor.prototype, name, {
      // Two arguments are the common case; a rest array costs as much as a small op.
      value:
        fn.length === 3
          ? function (this: Tensor, a: unknown, b: unknown) {
              return fn(this, a, b)
            }
          : function (this: Tensor, ...args: unknown[]) {
              return fn(this, ...args)
            },
      writable: true,
      configurable: true,
    })

Object.defineProperties(Tensor.prototype, {
  toString: { value: function (this: Tensor) { return toText(this) }, writable: true, configurable: true },
  [Symbol.toPrimitive]: {
    value: function (this: Tensor, hint: string) {
      return hint === "number" ? this.itemSync() : toTemplate(this)
    },
  },
  // Node's console.log and REPL; the symbol is looked up by name so that nothing of Node is imported.
  [Symbol.for("nodejs.util.inspect.custom")]: { value: function (this: Tensor) { return toText(this) } },
  [Symbol.iterator]: { value: function (this: Tensor) { return this.unbind(0)[Symbol.iterator]() } },
  /** The dims in reverse order; of a matrix its transpose. */
  T: { get(this: Tensor) { return this.ndim === 2 ? this.t() : this.permute(this.shape.map((_, d) => this.ndim - 1 - d)) } },
  /** The last two dims swapped. */
  mT: { get(this: Tensor) { return this.transpose(-2, -1) } },
})
