/** In-place changes: when they are allowed, and how the graph is told. */
import type { Tensor } from "../tensor.ts"
import { onStaleView } from "../tensor.ts"
import { asStrided } from "../ops/views.ts"
import { clone } from "../ops/copying.ts"
import { zeros, emptyStrided } from "../ops/creation.ts"
import { copyInto } from "../ops/copying.ts"
import { denseStrides } from "../layout.ts"
import type { Sizes } from "../shape.ts"
import { gradEnabled, inferenceEnabled } from "./mode.ts"
import { edgeOf, GradNode, OpNode, type Rule } from "./node.ts"

/** Throws, in PyTorch's words, where an in-place change would spoil the graph. Call before anything is changed. */
export function checkInPlace(op: string, t: Tensor): void {
  if (t.isInference && !inferenceEnabled())
    throw new Error(`${op}_: Inplace update to inference tensor outside InferenceMode is not allowed. Make a clone first.`)
  if (!gradEnabled() || !t.requiresGrad) return
  const view = t.view_
  if (t.leafRequiresGrad && !t.gradFn) throw new Error(`${op}_: a leaf Variable that requires grad is being used in an in-place operation.`)
  if (!view) return
  if (view.kind === "multiple")
    throw new Error(
      `${op}_: Output ${t.outputNr} of ${t.gradFn?.name() ?? "the op"} is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.`,
    )
  if (view.kind === "noGrad")
    throw new Error(
      `${op}_: A view was created in noGrad mode and is being modified inplace with grad mode enabled. Make the view outside of noGrad, or change it inside.`,
    )
  if (view.kind === "custom")
    throw new Error(
      `${op}_: Output ${t.outputNr} of a custom Function is a view and is being modified inplace, which would overwrite the custom backward. Clone the output first.`,
    )
  if (view.base.leafRequiresGrad && !view.base.gradFn)
    throw new Error(`${op}_: a view of a leaf Variable that requires grad is being used in an in-place operation.`)
}

/** What a view sees of its base. */
interface Geometry {
  readonly base: { readonly shape: Sizes; readonly strides: Sizes; readonly offset: number }
  readonly shape: Sizes
  readonly strides: Sizes
  readonly offset: number
}

const geometryOf = (base: Tensor, view: Tensor): Geometry => ({
  base: { shape: base.shape, strides: base.strides, offset: base.offset },
  shape: view.shape,
  strides: view.strides,
  offset: view.offset,
})

/** Whether a layout is one that a gradient's own memory can have. */
const dense = (g: Geometry["base"]): boolean => {
  const strides = denseStrides(g.shape, g.strides)
  return g.shape.every((size, d) => size <= 1 || strides[d] === g.strides[d])
}

/** The gradient of a base, in memory laid out as the base, and the part of it that the view sees. */
function sliceOf(g: Tensor, geometry: Geometry): { whole: Tensor; part: Tensor } {
  if (!dense(geometry.base))
    throw new Error("in-place change of a view whose base has gaps or overlaps in memory: clone the base first")
  const whole = copyInto(emptyStrided(geometry.base.shape, geometry.base.strides, { dtype: g.dtype, device: g.device }), g)
  return { whole, part: asStrided(whole, geometry.shape, geometry.strides, geometry.offset - geometry.base.offset) }
}

const AS_STRIDED: Rule = {
  name: "AsStridedBackward0",
  backward: (node, g) => {
    const geometry = node.context as Geometry
    if (!dense(geometry.base)) throw new Error("gradient of a view whose base has gaps or overlaps in memory: clone the base first")
    const whole = zeros(numelOfBase(geometry), { dtype: g.dtype, device: g.device })
    const base = asStrided(whole, geometry.base.shape, geometry.base.strides, 0)
    copyInto(asStrided(whole, geometry.shape, geometry.strides, geometry.offset - geometry.base.offset), g)
    return [base]
  },
}

const numelOfBase = (g: Geometry): number[] => [g.base.shape.reduce((n, s) => n * s, 1)]

/** The base after one of its views was changed: gradients of that part go through the change. */
class CopySlices extends GradNode {
  private readonly geometry: Geometry
  private readonly change: GradNode

  constructor(base: Tensor, view: Tensor, change: GradNode) {
    super()
    this.geometry = geometryOf(base, view)
    this.change = change
    this.next = [edgeOf(base), ...change.next.slice(1)]
    this.nextOutputs = [base.outputNr, ...change.nextOutputs.slice(1)]
    this.outputs = [{ shape: base.shape, dtype: base.dtype, device: base.device }]
    this.trace = change.trace
  }

  name(): string {
    return "CopySlices"
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const { whole, part } = sliceOf(grads[0]!, this.geometry)
    const [own, ...others] = this.change.apply([clone(part)])
    if (own) copyInto(part, own)
    else part.zero_()
    return [whole, ...others]
  }

  override release(): void {
    this.change.release()
  }
}

/** Notes that `t` was changed: its version, and the node that made its new value (null: nothing to record). */
export function recordInPlace(t: Tensor, node: OpNode | null): void {
  t.storage.version++
  const view = t.view_
  if (!node) {
    if (view) void t.gradFn
    return
  }
  if (!view) {
    t.leafRequiresGrad = false
    t.setHistory(node)
    return
  }
  const { base } = view
  const slices = new CopySlices(base, t, node)
  base.leafRequiresGrad = false
  base.setHistory(slices)
  view.version = t.storage.version
  t.setHistory(reconnect(base, t))
}

function reconnect(base: Tensor, view: Tensor): GradNode {
  const node = new OpNode(AS_STRIDED, [base], [], geometryOf(base, view))
  node.outputs = [{ shape: view.shape, dtype: view.dtype, device: view.device }]
  return node
}

onStaleView(reconnect)
