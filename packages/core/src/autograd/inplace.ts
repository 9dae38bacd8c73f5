/** In-place changes: when they are allowed, and how the graph is told. */
import { tensorText } from "../errors.ts"
import { denseStrides } from "../layout.ts"
import { clone, copyInto } from "../ops/copying.ts"
import { emptyStrided, zeros } from "../ops/creation.ts"
import { sumToSize } from "../ops/sum-to-size.ts"
import { numelOf } from "../shape.ts"
import type { Storage } from "../storage.ts"
import { type Layout, needsGrad, onStaleView, type Tensor, viewOf } from "../tensor.ts"
import { inferenceEnabled } from "./mode.ts"
import { edgeOf, forwardName, GradNode, OpNode, type Rule } from "./node.ts"

/** The reason why `view` may not be changed in place, or null. `node`: its place in the graph before the change. */
function refusal(view: Tensor, node: GradNode | null, how: string): string | null {
  const who = node ? `Output ${view.outputNr} of ${forwardName(node)}` : "This tensor"
  return view.view_!.refuses?.(who, how) ?? null
}

/**
 * Throws, in PyTorch's words, where an in-place change would spoil the graph or the memory. Call before anything is
 * changed. `inputs`: all tensors that the op reads, the target among them, where it reads others.
 */
export function checkInPlace(op: string, t: Tensor, inputs: readonly Tensor[] = [t]): void {
  if (t.isInference && !inferenceEnabled())
    throw new Error(
      `${op}_: Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor before doing inplace update.`,
    )
  for (let d = 0; d < t.strides.length; d++)
    if (t.strides[d] === 0 && t.shape[d]! > 1)
      throw new Error(
        `${op}_: unsupported operation: more than one element of the written-to tensor refers to a single memory location (${tensorText(t)} is expanded along dim ${d}). Please clone() the tensor before performing the operation.`,
      )
  if (!needsGrad(inputs)) return
  const view = t.view_
  if (view) {
    const reason = refusal(t, t.gradFn, "is being")
    if (reason) throw new Error(`${op}_: ${reason}`)
    if (view.base.isLeaf && view.base.requiresGrad)
      throw new Error(`${op}_: a view of a leaf Variable that requires grad is being used in an in-place operation.`)
  }
  if (t.isLeaf && t.requiresGrad)
    throw new Error(`${op}_: a leaf Variable that requires grad is being used in an in-place operation.`)
}

/** What a view sees of its base. */
export interface Geometry extends Layout {
  readonly base: Layout
}

const layoutOf = ({ shape, strides, offset }: Layout): Layout => ({ shape, strides, offset })
const geometryOf = (base: Layout, view: Layout): Geometry => ({ base: layoutOf(base), ...layoutOf(view) })

/** Throws unless a layout is one that a gradient's own memory can have. */
function requireDense({ base }: Geometry): void {
  const strides = denseStrides(base.shape, base.strides)
  if (!base.shape.every((size, d) => size <= 1 || strides[d] === base.strides[d]))
    throw new Error("in-place change of a view whose base has gaps or overlaps in memory: clone the base first")
}

/** The part of a gradient, laid out as the base and beginning at 0, that the view sees. */
const partOf = (whole: Tensor, { base, shape, strides, offset }: Geometry): Tensor =>
  viewed(whole, { shape, strides, offset: offset - base.offset })

/** The gradient of the base where elements of the view may be the same memory; null where they are not. */
type OverlapSum = (g: Tensor, geometry: Geometry) => Tensor | null
let sumOverlaps: OverlapSum = () => null

/** Told by ops that make views whose elements overlap, but for repeated ones (stride 0), how their gradients add up. */
export function onOverlaps(sum: OverlapSum): void {
  sumOverlaps = sum
}

const AS_STRIDED: Rule = {
  name: "AsStridedBackward0",
  backward: (node, g) => {
    const geometry = node.context as Geometry
    const summed = sumOverlaps(g, geometry)
    if (summed) return [summed]
    requireDense(geometry)
    const { base, strides } = geometry
    const whole = zeros([numelOf(base.shape)], { dtype: g.dtype, device: g.device })
    const shape = geometry.shape.map((size, d) => (strides[d] === 0 ? 1 : size))
    copyInto(partOf(whole, { ...geometry, shape }), sumToSize(g, shape))
    return [viewed(whole, { ...base, offset: 0 })]
  },
}

const viewed = (x: Tensor, { shape, strides, offset }: Layout): Tensor =>
  viewOf(x, shape, strides, offset, AS_STRIDED, geometryOf(x, { shape, strides, offset }))

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
    const g = grads[0]!
    const { base } = this.geometry
    requireDense(this.geometry)
    const whole = copyInto(emptyStrided(base.shape, base.strides, { dtype: g.dtype, device: g.device }), g)
    const [own, ...others] = this.change.apply([clone(partOf(whole, this.geometry))])
    // A view anew: the one above may have been saved, and is older than this change.
    const part = partOf(whole, this.geometry)
    if (own) copyInto(part, own)
    else copyInto(part, zeros([], { dtype: g.dtype, device: g.device }))
    return [whole, ...others]
  }

  override mayHold(storage: Storage): boolean {
    return this.change.mayHold(storage)
  }

  override get closed(): boolean {
    return this.change.closed
  }

  override release(): void {
    this.change.release()
  }
}

/** Notes that `t` was changed: its version, and the node that made its new value (null: nothing to record). */
export function recordInPlace(t: Tensor, node: GradNode | null, output = 0): void {
  t.storage.version++
  onStaleView(renew)
  const view = t.view_
  if (!node) return
  if (!view) {
    rebase(t, node, output)
    return
  }
  const { base } = view
  rebase(base, new CopySlices(base, t, node))
  view.version = t.storage.version
  rebase(t, reconnect(base, t))
}

/** Puts `t` behind the change `node`. A gradient that it retains is that of its newest value. */
function rebase(t: Tensor, node: GradNode, output = 0): void {
  const retains = t.retainsGrad
  if (retains) t.node_!.retained!.delete(t.outputNr)
  t.leafRequiresGrad = false
  t.setHistory(node, output)
  if (retains) t.retainGrad()
}

function reconnect(base: Tensor, view: Tensor): GradNode {
  const node = new OpNode(AS_STRIDED, [base], [], geometryOf(base, view))
  node.outputs = [{ shape: view.shape, dtype: view.dtype, device: view.device }]
  return node
}

/** Of a view that is older than the change of its base. */
function renew(view: Tensor, stale: GradNode | null): GradNode {
  const reason = refusal(view, stale, "its base or another view of its base has been")
  if (reason) throw new Error(reason)
  return reconnect(view.view_!.base, view)
}
