/** Gradients held within bounds, and parameters as one vector. */
import {
  type Args,
  bind,
  cat,
  copy_,
  enclosed,
  isTensor,
  narrow,
  noGrad,
  Pointwise,
  parseSignature,
  reshape,
  stack,
  type Tensor,
  tensor,
  to,
  valueText,
  vectorNorm,
  view,
} from "@taeda/core"

type Parameters_ = Tensor | Iterable<Tensor>

const list = (parameters: Parameters_): Tensor[] => (isTensor(parameters) ? [parameters] : [...parameters])
/** Only looked at here, which `grad_` does not note. */
const gradientsOf = (parameters: Parameters_): Tensor[] => list(parameters).flatMap((p) => (p.grad_ ? [p.grad_] : []))

const TOTAL = parseSignature("getTotalNorm(tensors, normType?, errorIfNonfinite?)")
const NORM = parseSignature("clipGradNorm_(parameters, maxNorm, normType?, errorIfNonfinite?)")
const VALUE = parseSignature("clipGradValue_(parameters, clipValue)")

/** g·min(max/(norm + 1e-6), 1) */
const SHRINK = new Pointwise("clipGradNorm", (g, norm, max) => g.mul(max.div(norm.add(1e-6)).min(1)))
const CLAMP = new Pointwise("clipGradValue", (g, bound) => g.max(bound.neg()).min(bound))

const totalNorm = enclosed(
  (name: string, tensors: readonly Tensor[], normType: number, errorIfNonfinite: boolean): Tensor => {
    if (tensors.length === 0) return tensor(0)
    const norms = tensors.map((g) => vectorNorm(g, normType))
    const total = vectorNorm(stack(norms.map((n) => to(n, norms[0]!.device))), normType)
    if (errorIfNonfinite && !Number.isFinite(total.itemSync()))
      throw new Error(
        `${name}: the total norm of order ${normType} for gradients from parameters is non-finite, so it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set errorIfNonfinite: false`,
      )
    return total
  },
)

/** The norm of all tensors seen as one vector. */
export function getTotalNorm(
  tensors: Parameters_,
  ...args: Args<[["normType", number], ["errorIfNonfinite", boolean]]>
): Tensor {
  const [given, normType = 2, strict = false] = bind(TOTAL, [tensors, ...args]) as [Parameters_, number?, boolean?]
  return noGrad(() => totalNorm("getTotalNorm", list(given), normType, strict))
}

/**
 * Scales the gradients in place so that their norm, all seen as one vector, is at most `maxNorm`; returns the norm before.
 * `errorIfNonfinite` throws for a norm that is not finite, where the device can be read synchronously.
 */
export function clipGradNorm_(
  parameters: Parameters_,
  ...args: Args<[["maxNorm", number], ["normType", number], ["errorIfNonfinite", boolean]]>
): Tensor {
  const [given, maxNorm, normType = 2, strict = false] = bind(NORM, [parameters, ...args]) as [
    Parameters_,
    number,
    number?,
    boolean?,
  ]
  return noGrad(() => {
    const grads = gradientsOf(given)
    const total = totalNorm("clipGradNorm_", grads, normType, strict)
    for (const g of grads) SHRINK.callInPlace(g, to(total, g.device), maxNorm)
    return total
  })
}

/** Clamps the gradients in place to [−clipValue, clipValue]. */
export function clipGradValue_(parameters: Parameters_, ...args: Args<[["clipValue", number]]>): void {
  const [given, clipValue] = bind(VALUE, [parameters, ...args]) as [Parameters_, number]
  noGrad(() => {
    for (const g of gradientsOf(given)) CLAMP.callInPlace(g, clipValue)
  })
}

/** All parameters, flattened, as one vector; part of the graph. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  return cat(list(parameters).map((p) => reshape(p, -1)))
}

/** Copies the parts of a vector into the parameters, in order. Throws when the vector is too short or too long. */
export function vectorToParameters(vec: Tensor, parameters: Iterable<Tensor>): void {
  if (!isTensor(vec)) throw new TypeError(`vectorToParameters: expected a tensor, got ${valueText(vec)}`)
  const all = list(parameters)
  const total = all.reduce((n, p) => n + p.numel(), 0)
  if (vec.ndim !== 1 || vec.numel() !== total)
    throw new RangeError(`vectorToParameters: expected a vector of ${total} elements, got ${valueText(vec)}`)
  noGrad(() => {
    let at = 0
    for (const p of all) {
      copy_(p, view(narrow(vec, 0, at, p.numel()), p.shape))
      at += p.numel()
    }
  })
}
