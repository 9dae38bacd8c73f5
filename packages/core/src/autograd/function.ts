/** Operations of one's own with a gradient of one's own: `class Exp extends autograd.Function { static forward ...; static backward ... }`. */
import { valueText } from "../errors.ts"
import { zeros } from "../ops/creation.ts"
import { alias, detached } from "../ops/views.ts"
import { isTensor, needsGrad, type Tensor } from "../tensor.ts"
import { recordInPlace } from "./inplace.ts"
import { anomalyEnabled, raw } from "./mode.ts"
import { changedError, edgeOf, GradNode, type OutputInfo, SECOND_TIME } from "./node.ts"
import { CUSTOM } from "./refusals.ts"

/** What `forward` and `backward` share. Any further field may be set on it. */
export class FunctionContext {
  // biome-ignore lint/suspicious/noExplicitAny: users keep what they like on the context
  [field: string]: any
  /** Which arguments of `apply` want a gradient, by position. */
  needsInputGrad: readonly boolean[] = []
  /** Where the function stands in the graph; null where nothing is recorded. */
  node: GradNode | null = null
  private saved: readonly (Tensor | null)[] = []
  private versions: readonly number[] = []
  private released = false
  readonly dirty = new Set<Tensor>()
  readonly nonDifferentiable = new Set<Tensor>()
  materialize = true

  /** Keeps tensors (inputs or outputs) for `backward`, checked there against changes in place. */
  saveForBackward(...tensors: readonly (Tensor | null)[]): void {
    for (const t of tensors)
      if (t !== null && !isTensor(t))
        throw new TypeError(
          `saveForBackward: can only save tensors and null, got ${valueText(t)}; keep other values as fields of ctx`,
        )
    this.saved = tensors
    this.versions = tensors.map((t) => t?.storage.version ?? 0)
  }

  /** What was saved. Throws when it was changed in place since, or when the graph has let go of it. */
  get savedTensors(): readonly Tensor[] {
    if (this.released) throw new Error(SECOND_TIME)
    this.saved.forEach((t, i) => {
      if (t && this.node && t.storage.version !== this.versions[i]) throw changedError(this.node, t, this.versions[i]!)
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

class CustomNode extends GradNode {
  private readonly title: string
  private readonly context: FunctionContext
  private readonly rule: Backward

  constructor(title: string, context: FunctionContext, rule: Backward, args: readonly unknown[]) {
    super()
    this.title = title
    this.context = context
    this.rule = rule
    this.next = args.map((a) => (isTensor(a) ? edgeOf(a) : null))
    this.nextOutputs = args.map((a) => (isTensor(a) ? a.outputNr : 0))
    if (anomalyEnabled()) this.trace = new Error().stack ?? null
  }

  name(): string {
    return `${this.title}Backward`
  }

  /** A function may give what it keeps, or what others see. */
  override mayHold(): boolean {
    return true
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const given = this.context.materialize
      ? this.outputs.map((o, i) => grads[i] ?? zeros(o.shape, { dtype: o.dtype, device: o.device }))
      : grads
    const returned = this.rule(this.context, ...(given as Tensor[]))
    const list: readonly (Tensor | null)[] = Array.isArray(returned) ? returned : [returned as Tensor | null]
    const count = this.next.length
    if (list.length < count || list.slice(count).some((g) => g !== null && g !== undefined))
      throw new RangeError(
        `function ${this.name()} returned an incorrect number of gradients (expected ${count}, got ${list.length})`,
      )
    return this.next.map((next, i) => {
      const grad = list[i] ?? null
      if (grad !== null && !isTensor(grad))
        throw new TypeError(
          `function ${this.name()} returned an invalid gradient at index ${i}: expected a tensor or null, got ${valueText(grad)}`,
        )
      return next && grad
    })
  }

  override release(): void {
    this.context.release()
  }
}

/**
 * The base of custom functions. `forward(ctx, ...args)` computes without recording; `backward(ctx, ...grads)` gives one
 * gradient per argument (null for those without), or a lone tensor for one argument. Where a class has
 * `setupContext(ctx, inputs, output)`, `forward` takes the arguments alone. Call it by `apply`.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: PyTorch's shape: subclasses override the static methods
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name
export class Function {
  // biome-ignore lint/suspicious/noExplicitAny: subclasses say what they take and give
  static forward(..._args: any[]): unknown {
    throw new TypeError("You must implement static forward(ctx, ...args) for your custom autograd.Function.")
  }

  // biome-ignore lint/suspicious/noExplicitAny: subclasses say what they give
  static backward(_ctx: FunctionContext, ..._grads: any[]): Tensor | null | readonly (Tensor | null)[] {
    throw new TypeError(
      "You must implement static backward(ctx, ...grads) for your custom autograd.Function to use it with backward.",
    )
  }

  /** Keeps what `backward` needs; what is saved with `ctx.saveForBackward` may be inputs or outputs. */
  // biome-ignore lint/suspicious/noExplicitAny: as forward
  static setupContext?(ctx: FunctionContext, inputs: any[], output: any): void

  // biome-ignore lint/suspicious/noExplicitAny: the result is what the subclass's forward gives
  static apply(this: typeof Function, ...args: any[]): any {
    // biome-ignore lint/complexity/noThisInStatic: the class that apply was called on
    return applyFunction(this, args)
  }
}

function applyFunction(fn: typeof Function, args: readonly unknown[]): unknown {
  const ctx = new FunctionContext()
  const tensors = args.filter(isTensor)
  ctx.needsInputGrad = args.map((a) => isTensor(a) && a.requiresGrad)
  // Edges first: an input changed in place by `forward` still belongs to what made it.
  const node = needsGrad(tensors) ? new CustomNode(fn.name, ctx, (c, ...grads) => fn.backward(c, ...grads), args) : null
  ctx.node = node
  const result = raw(() => {
    if (!fn.setupContext) return fn.forward(ctx, ...args)
    const output = fn.forward(...args)
    fn.setupContext(ctx, [...args], output)
    return output
  })
  const many = Array.isArray(result)
  if (!many && !isTensor(result))
    throw new TypeError(`${fn.name}: forward must return a tensor or an array with tensors, got ${valueText(result)}`)
  const infos: OutputInfo[] = []
  const finished = (many ? (result as unknown[]) : [result]).map((out) => {
    if (!isTensor(out)) return out
    const i = infos.push({ shape: out.shape, dtype: out.dtype, device: out.device }) - 1
    return attach(fn.name, ctx, node, out, i, tensors)
  })
  if (node) node.outputs = infos
  return many ? finished : finished[0]
}

/** Output `i` in the graph: made by `node`, whatever `forward` did to get it. */
function attach(
  name: string,
  ctx: FunctionContext,
  node: CustomNode | null,
  out: Tensor,
  i: number,
  inputs: readonly Tensor[],
): Tensor {
  if (ctx.dirty.has(out)) {
    if (node && out.isLeaf && out.requiresGrad)
      throw new Error(`${name}: a leaf Variable that requires grad has been used in an in-place operation.`)
    recordInPlace(out, node, i)
    return out
  }
  const differentiable = node !== null && !ctx.nonDifferentiable.has(out) && out.isFloatingPoint()
  // An input returned as it is becomes another tensor, so that it keeps its own place in the graph.
  const fresh = inputs.includes(out) ? raw(() => (differentiable ? alias(out) : detached(out))) : out
  if (!differentiable) {
    fresh.view_ = null
    return fresh
  }
  if (fresh.view_) fresh.view_ = { ...fresh.view_, refuses: CUSTOM }
  fresh.leafRequiresGrad = false
  fresh.setHistory(node, i)
  return fresh
}
