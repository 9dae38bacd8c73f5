/** Operations of one's own with a gradient of one's own: `class Exp extends autograd.Function { static forward ...; static backward ... }`. */
import { shapeText, valueText } from "../errors.ts"
import { sameSizes, type Sizes } from "../shape.ts"
import { alias } from "../ops/views.ts"
import { zeros } from "../ops/creation.ts"
import { isTensor, needsGrad, type Tensor } from "../tensor.ts"
import { recordInPlace } from "./inplace.ts"
import { anomalyEnabled, raw } from "./mode.ts"
import { edgeOf, GradNode, SECOND_TIME } from "./node.ts"
import { to } from "../ops/conversion.ts"

/** What `forward` and `backward` share. Any further field may be set on it. */
export class FunctionContext {
  // biome-ignore lint/suspicious/noExplicitAny: users keep what they like on the context
  [field: string]: any
  /** Which arguments of `apply` want a gradient, by position. */
  needsInputGrad: readonly boolean[] = []
  private saved: readonly (Tensor | null)[] = []
  private versions: readonly number[] = []
  private released = false
  readonly dirty = new Set<Tensor>()
  readonly nonDifferentiable = new Set<Tensor>()
  materialize = true

  /** Keeps tensors (inputs or outputs) for `backward`, checked there against changes in place. */
  saveForBackward(...tensors: readonly (Tensor | null)[]): void {
    this.saved = tensors
    this.versions = tensors.map((t) => t?.storage.version ?? 0)
  }

  /** What was saved. Throws when it was changed in place since, or when the graph has let go of it. */
  get savedTensors(): readonly Tensor[] {
    if (this.released) throw new Error(SECOND_TIME)
    this.saved.forEach((t, i) => {
      if (t && t.storage.version !== this.versions[i])
        throw new Error(
          `one of the variables needed for gradient computation has been modified by an inplace operation: ${t.dtype}${shapeText(t.shape)} is at version ${t.storage.version}; expected version ${this.versions[i]} instead`,
        )
    })
    return this.saved as readonly Tensor[]
  }

  /** Says which inputs `forward` changed in place; they must be returned. */
  markDirty(...tensors: readonly Tensor[]): void {
    for (const t of tensors) this.dirty.add(t)
  }

  /** Says which outputs never get a gradient. */
  markNonDifferentiable(...tensors: readonly Tensor[]): void {
    for (const t of tensors) this.nonDifferentiable.add(t)
  }

  /** Whether `backward` sees zeros (default) or null for outputs that no gradient came to. */
  setMaterializeGrads(on: boolean): void {
    this.materialize = on
  }

  release(): void {
    this.released = true
    this.saved = []
  }
}

type Backward = (ctx: FunctionContext, ...grads: Tensor[]) => Tensor | null | readonly (Tensor | null)[]

interface InputInfo {
  readonly shape: Sizes
  readonly dtype: string
}

class CustomNode extends GradNode {
  private readonly title: string
  private readonly context: FunctionContext
  private readonly rule: Backward
  /** By argument of `apply`; null where it is no tensor. */
  private readonly inputs: readonly (InputInfo | null)[]

  constructor(title: string, context: FunctionContext, rule: Backward, args: readonly unknown[]) {
    super()
    this.title = title
    this.context = context
    this.rule = rule
    this.inputs = args.map((a) => (isTensor(a) ? { shape: a.shape, dtype: a.dtype } : null))
    this.next = args.map((a) => (isTensor(a) ? edgeOf(a) : null))
    this.nextOutputs = args.map((a) => (isTensor(a) ? a.outputNr : 0))
    if (anomalyEnabled()) this.trace = new Error().stack ?? null
  }

  name(): string {
    return `${this.title}Backward`
  }

  override get foreign(): boolean {
    return true
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const given = this.context.materialize
      ? this.outputs.map((o, i) => grads[i] ?? zeros(o.shape, { dtype: o.dtype, device: o.device }))
      : grads
    const returned = this.rule(this.context, ...(given as Tensor[]))
    const list: readonly (Tensor | null)[] = Array.isArray(returned) ? returned : [returned as Tensor | null]
    if (list.length > this.inputs.length && list.slice(this.inputs.length).some((g) => g !== null && g !== undefined))
      throw new Error(`${this.name()}: function ${this.name()} returned an incorrect number of gradients (expected ${this.inputs.length}, got ${list.length})`)
    if (list.length < this.inputs.length)
      throw new Error(`${this.name()}: function ${this.name()} returned an incorrect number of gradients (expected ${this.inputs.length}, got ${list.length})`)
    return this.inputs.map((info, i) => this.checked(info, list[i] ?? null, i))
  }

  private checked(info: InputInfo | null, grad: Tensor | null, i: number): Tensor | null {
    if (!grad || !this.next[i]) return null
    if (!isTensor(grad)) throw new TypeError(`${this.name()}: expected a tensor or null as gradient of argument ${i}, got ${valueText(grad)}`)
    if (!info || !sameSizes(grad.shape, info.shape))
      throw new RangeError(`Function ${this.name()} returned an invalid gradient at index ${i} - got ${shapeText(grad.shape)} but expected shape compatible with ${shapeText(info?.shape ?? [])}`)
    return grad.dtype === info.dtype ? grad : to(grad, info.dtype)
  }

  override release(): void {
    this.context.release()
  }
}

/**
 * The base of custom functions. `forward(ctx, ...args)` computes without recording; `backward(ctx, ...grads)` gives one
 * gradient per argument (null for those without), or a lone tensor for one argument. Call it by `apply`.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: PyTorch's shape: subclasses override the static methods
export class Function {
  // biome-ignore lint/suspicious/noExplicitAny: subclasses say what they take
  static forward(_ctx: FunctionContext, ..._args: any[]): Tensor | readonly Tensor[] {
    throw new TypeError("autograd.Function: a subclass must define static forward(ctx, ...args)")
  }

  // biome-ignore lint/suspicious/noExplicitAny: subclasses say what they give
  static backward(_ctx: FunctionContext, ..._grads: any[]): Tensor | null | readonly (Tensor | null)[] {
    throw new TypeError("autograd.Function: a subclass must define static backward(ctx, ...grads) to be differentiated")
  }

  // biome-ignore lint/suspicious/noExplicitAny: the result is what the subclass's forward gives
  static apply(this: typeof Function, ...args: any[]): any {
    const ctx = new FunctionContext()
    const tensors = args.filter(isTensor)
    const recorded = needsGrad(tensors)
    ctx.needsInputGrad = args.map((a) => isTensor(a) && a.requiresGrad)
    // Edges first: an input changed in place by `forward` still belongs to what made it.
    const node = recorded ? new CustomNode(this.name, ctx, (c, ...grads) => this.backward(c, ...grads), args) : null
    const result = raw(() => this.forward(ctx, ...args))
    const many = Array.isArray(result)
    const outs = (many ? result : [result]) as readonly Tensor[]
    for (const out of outs) if (!isTensor(out)) throw new TypeError(`${this.name}: forward must return tensors, got ${valueText(out)}`)
    const finished = outs.map((out, i) => this.attach(ctx, node, out, i, tensors))
    if (node) node.outputs = finished.map((o) => ({ shape: o.shape, dtype: o.dtype, device: o.device }))
    return many ? finished : finished[0]
  }

  private static attach(ctx: FunctionContext, node: CustomNode | null, out: Tensor, i: number, inputs: readonly Tensor[]): Tensor {
    if (ctx.dirty.has(out)) {
      if (node && out.leafRequiresGrad) throw new Error(`${this.name}: a leaf Variable that requires grad is being used in an in-place operation.`)
      recordInPlace(out, null)
      if (node) out.setHistory(node, i)
      return out
    }
    if (!node || ctx.nonDifferentiable.has(out) || !out.isFloatingPoint()) return out
    // An input returned as it is becomes another tensor, so that it keeps its own place in the graph.
    const fresh = inputs.includes(out) ? raw(() => alias(out)) : out
    if (fresh.view_) fresh.view_ = { ...fresh.view_, kind: "custom" }
    fresh.leafRequiresGrad = false
    fresh.setHistory(node, i)
    return fresh
  }
}
