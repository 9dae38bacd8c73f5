/**
 * Tensor: a strided view of a storage, with its place in the graph. This file holds the state; what can be done with a
 * tensor stands in `ops/` by family, and each family's methods are one interface that Tensor extends.
 */

import { gradEnabled, inferenceEnabled } from "./autograd/mode.ts"
import {
  type AccumulateGrad,
  addHook,
  edgeOf,
  type GradNode,
  OpNode,
  type RemovableHandle,
  type Rule,
  type TensorHook,
} from "./autograd/node.ts"
import { INFERENCE, MULTIPLE, NO_GRAD, type Refusal } from "./autograd/refusals.ts"
import type { Device } from "./device.ts"
import { DTYPES, type DType, isFloating } from "./dtype.ts"
import { shapeText, valueText } from "./errors.ts"
import type { EssentialMethods } from "./essential-methods.ts"
import { isContiguous, normalizeDim, numelOf, type Sizes, sameSizes } from "./shape.ts"
import { Storage } from "./storage.ts"
import type { CheckDim, SizeAt } from "./types/dims.ts"
import type { Arg, Shape } from "./types/shape.ts"

/** What a view remembers of the tensor it looks at. */
export interface ViewInfo {
  readonly base: Tensor
  /** Why it may not be changed in place where that is recorded; null where it may. */
  readonly refuses: Refusal | null
  /** The storage's version that `node` belongs to; a later one means that it must be made anew from the base. */
  version: number
}

/**
 * Elements of one dtype in a shape: a strided view of memory on one device, with its place in the graph.
 * @ts-expect-error TS2636: covariant by design, which the compiler cannot prove of `shape` */
// biome-ignore lint/suspicious/noExplicitAny: `any` says "unknown shape" and "unknown dtype", so that untyped code compiles
export interface Tensor<out S extends Shape = any, out D extends DType = any> extends EssentialMethods<D> {
  /** For the compiler alone: there is no such field. */
  readonly __types: [S, D]
}

/** @ts-expect-error TS2636: see above */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: methods are installed on the prototype by essential-methods.ts and methods.ts
// biome-ignore lint/suspicious/noExplicitAny: see above
export class Tensor<out S extends Shape = any, out D extends DType = any> {
  /** The memory that this tensor and its views share. */
  readonly storage: Storage
  /** The sizes of the dims. */
  readonly shape: 0 extends 1 & S ? readonly number[] : S
  /** The step along each dim, in elements. */
  readonly strides: readonly number[]
  /** The first element's place in the storage, in elements. */
  readonly offset: number
  /** The type of the elements, as a string: `"float32"` is `torch.float32`. */
  readonly dtype: D
  /** Which output of `gradFn` this is. */
  outputNr: number
  /** Whether this leaf was asked to collect a gradient. */
  leafRequiresGrad: boolean
  /** The node of the graph that adds to this leaf's gradient. */
  accumulator: AccumulateGrad | null
  /** Of what this is a view; null where it is none. */
  view_: ViewInfo | null
  /** What `gradFn` gives, but for a view that was overtaken by an in-place change. */
  node_: GradNode | null
  /** What `grad` gives, without noting that somebody saw it. */
  grad_: Tensor<S, D> | null

  /** For the library itself: people make tensors with `tensor`, `zeros` and the like. */
  constructor(storage: Storage, shape: Sizes, strides: Sizes, offset: number, dtype: DType) {
    if (!(storage instanceof Storage))
      throw new TypeError(
        "Tensor: make a tensor with tensor([[1, 2], [3, 4]]), zeros(2, 3) and the like, not with new Tensor",
      )
    this.storage = storage
    this.shape = shape as Tensor<S, D>["shape"]
    this.strides = strides
    this.offset = offset
    this.dtype = dtype as D
    this.outputNr = 0
    this.leafRequiresGrad = false
    this.accumulator = null
    this.view_ = null
    this.node_ = null
    this.grad_ = null
  }

  /** The accumulated gradient of a leaf (or of a tensor that retains it); null until there is one. */
  get grad(): Tensor<S, D> | null {
    const grad = this.grad_
    if (grad) grad.storage.internal = false
    return grad
  }

  /** Throws for what cannot be a gradient of this tensor: another shape, dtype or device. */
  set grad(grad: Tensor<S, D> | null) {
    if (grad !== null) checkGradient(this, grad)
    const before = this.grad_
    this.grad_ = grad
    // One that the backward pass made and nobody ever asked for.
    if (before && before !== grad && before.storage.internal) before.storage.discard()
  }

  /** Where it lies: the opened backend, with its name. */
  get device(): Device {
    return this.storage.device
  }

  /** Whether its memory was made in inference mode: never part of a graph. */
  get isInference(): boolean {
    return this.storage.inference
  }

  /** The number of dims. */
  get ndim(): S["length"] {
    return this.shape.length
  }

  /** The number of dims: `ndim` as a call. */
  dim(): S["length"] {
    return this.shape.length
  }

  /** The sizes, or the size of one dim. */
  size<R extends Shape, const N extends number = never>(
    this: Tensor<R>,
    dim?: Arg<CheckDim<"size", R, N>, N>,
  ): [N] extends [never] ? Tensor<R>["shape"] : SizeAt<R, N>
  size(dim?: unknown): unknown {
    return dim === undefined ? this.shape : this.shape[normalizeDim("size", dim as number, this.ndim)]
  }

  /** The strides in elements, or the stride of one dim. */
  stride(): readonly number[]
  stride(dim: number): number
  stride(dim?: number): number | readonly number[] {
    return dim === undefined ? this.strides : this.strides[normalizeDim("stride", dim, this.ndim)]!
  }

  /** The number of elements. */
  numel(): number {
    return numelOf(this.shape)
  }

  /** The bytes of its elements. */
  get nbytes(): number {
    return this.numel() * this.elementSize()
  }

  /** Bytes of one element. */
  elementSize(): number {
    return DTYPES[this.dtype as DType].bytes
  }

  /** The place of its first element in the storage, in elements. */
  storageOffset(): number {
    return this.offset
  }

  /** The length of the first dim, as Python's `len`. Throws a TypeError for a 0-d tensor. */
  get length(): number {
    if (this.ndim === 0) throw new TypeError("length of a 0-d tensor")
    return this.shape[0]!
  }

  /** Whether the elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isContiguous(this.shape, this.strides)
  }

  /** Whether its dtype is one of the floating ones. */
  isFloatingPoint(): boolean {
    return isFloating(this.dtype as DType)
  }

  /** How often the memory was changed in place. */
  get version(): number {
    return this.storage.version
  }

  /** Whether a gradient flows to or through this tensor. As in PyTorch, a view answers for its base as well. */
  get requiresGrad(): boolean {
    return this.leafRequiresGrad || this.node_ !== null || (this.view_?.base.requiresGrad ?? false)
  }

  set requiresGrad(on: boolean) {
    if (typeof on !== "boolean") throw new TypeError(`requiresGrad must be true or false, got ${valueText(on)}`)
    if (on && !this.isFloatingPoint())
      throw new TypeError(
        `only Tensors of floating point dtype can require gradients, got ${this.dtype}; convert with x.to("float32")`,
      )
    if (this.gradFn) {
      if (!on)
        throw new Error(
          "you can only change requiresGrad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use x.detach().",
        )
      return
    }
    if (on && this.isInference && !inferenceEnabled())
      throw new Error(
        "Setting requiresGrad: true on inference tensor outside InferenceMode is not allowed. Make a clone first.",
      )
    this.leafRequiresGrad = on
  }

  /** Says whether this leaf is to have a gradient, and returns it. */
  requiresGrad_(on = true): this {
    this.requiresGrad = on
    return this
  }

  /** Not made by a recorded op. */
  get isLeaf(): boolean {
    return this.gradFn === null
  }

  /** The node that made this tensor; null for a leaf. */
  get gradFn(): GradNode | null {
    const view = this.view_
    if (view !== null && view.version !== this.storage.version) refreshView(this, view)
    return this.node_
  }

  /** Puts the tensor at output `output` of `node`. */
  setHistory(node: GradNode | null, output = 0): void {
    this.node_ = node
    this.outputNr = output
  }

  /** Whether it shares its memory with the tensor that it was made of. */
  isView(): boolean {
    return this.view_ !== null
  }

  /** Whether `retainGrad` was called, so that it keeps its gradient without being a leaf. */
  get retainsGrad(): boolean {
    return this.node_?.retained?.get(this.outputNr) === this
  }

  /** Keeps the gradient of a tensor that is no leaf, in `grad`. Throws when it requires none. */
  retainGrad(): void {
    const node = this.gradFn
    if (!node) {
      if (!this.requiresGrad) throw new Error("can't retainGrad on Tensor that has requiresGrad: false")
      return
    }
    ;(node.retained ??= new Map()).set(this.outputNr, this)
  }

  /**
   * Calls `hook` with this tensor's gradient when it has been computed; what it returns replaces the gradient. Throws for
   * a tensor that requires none.
   */
  registerHook(hook: TensorHook): RemovableHandle {
    const node = edgeOf(this)
    if (!node) throw new Error("cannot register a hook on a tensor that doesn't require gradient")
    const hooks = (node.tensorHooks ??= new Map())
    let mine = hooks.get(this.outputNr)
    if (!mine) hooks.set(this.outputNr, (mine = new Set()))
    return addHook(mine, hook)
  }

  /** Calls `hook` with this leaf each time its gradient has been accumulated. */
  registerPostAccumulateGradHook(hook: (tensor: Tensor) => void): RemovableHandle {
    if (!this.requiresGrad) throw new Error("cannot register a hook on a tensor that doesn't require gradient")
    if (this.gradFn) throw new Error("post accumulate grad hooks cannot be registered on non-leaf tensors")
    const sink = edgeOf(this) as AccumulateGrad
    return addHook((sink.postAccumulateHooks ??= new Set()), hook)
  }
}

/** Whether a value is a tensor. */
export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor

/** A tensor that a module registers as a parameter when it is assigned to a field. Requires a gradient by default. */
// biome-ignore lint/suspicious/noExplicitAny: as for Tensor
export class Parameter<S extends Shape = any, D extends DType = any> extends Tensor<S, D> {
  constructor(data: Tensor<S, D>, requiresGrad = true) {
    if (!isTensor(data)) throw new TypeError(`Parameter: data must be a tensor, got ${valueText(data)}`)
    super(data.storage, data.shape, data.strides, data.offset, data.dtype)
    this.requiresGrad = requiresGrad
  }
}

/** Whether an op on these is recorded. */
export function needsGrad(inputs: readonly Tensor[]): boolean {
  if (!gradEnabled()) return false
  for (let i = 0; i < inputs.length; i++) if (inputs[i]!.requiresGrad) return true
  return false
}

/** A new tensor with memory of its own, contents undefined. */
export function allocate(device: Device, shape: Sizes, strides: Sizes, dtype: DType): Tensor {
  return new Tensor(new Storage(device, dtype, numelOf(shape)), shape, strides, 0, dtype)
}

/**
 * Records that `out` was made from `inputs`, when any of them requires a gradient. `saved` are the tensors that the rule
 * will read with `node.get(i)` (they may include `out`), `context` whatever else it needs.
 */
export function track(
  rule: Rule,
  out: Tensor,
  inputs: readonly Tensor[],
  saved: readonly Tensor[] = NONE,
  context: unknown = null,
): Tensor {
  if (!needsGrad(inputs) || !isFloating(out.dtype)) return out
  const node = new OpNode(rule, inputs, saved, context)
  node.outputs = [{ shape: out.shape, dtype: out.dtype, device: out.device }]
  out.setHistory(node)
  return out
}

const NONE: readonly Tensor[] = []

/** As `track` for several outputs; those that are not floating stay outside of the graph. */
export function trackAll(
  rule: Rule,
  outs: readonly Tensor[],
  inputs: readonly Tensor[],
  saved: readonly Tensor[] = NONE,
  context: unknown = null,
): void {
  if (!needsGrad(inputs)) return
  const node = new OpNode(rule, inputs, saved, context)
  node.outputs = outs.map((out) => ({ shape: out.shape, dtype: out.dtype, device: out.device }))
  outs.forEach((out, i) => isFloating(out.dtype) && out.setHistory(node, i))
}

/** A view of `x`: other sizes, strides and offset over the same memory, recorded with `rule`. */
export function viewOf(
  x: Tensor,
  shape: Sizes,
  strides: Sizes,
  offset: number,
  rule: Rule,
  context: unknown = null,
): Tensor {
  return track(rule, unrecordedView(x, shape, strides, offset, null), [x], NONE, context)
}

/** Where a view lies: its sizes, strides and offset. */
export interface Layout {
  readonly shape: Sizes
  readonly strides: Sizes
  readonly offset: number
}

/** Several views of `x` as the outputs of one node, none of which may be changed in place while it is recorded. */
export function viewsOf(x: Tensor, layouts: readonly Layout[], rule: Rule, context: unknown): Tensor[] {
  const outs = layouts.map((l) => unrecordedView(x, l.shape, l.strides, l.offset, MULTIPLE))
  trackAll(rule, outs, [x], NONE, context)
  return outs
}

function unrecordedView(x: Tensor, shape: Sizes, strides: Sizes, offset: number, refuses: Refusal | null): Tensor {
  const out = new Tensor(x.storage, shape, strides, offset, x.dtype)
  const base = x.view_ ? x.view_.base : x
  out.view_ = {
    base,
    refuses: gradEnabled() ? (refuses ?? x.view_?.refuses ?? null) : inferenceEnabled() ? INFERENCE : NO_GRAD,
    version: x.storage.version,
  }
  return out
}

type ViewRule = (view: Tensor, stale: GradNode | null) => GradNode
let viewRule: ViewRule | null = null

/** How a view that was overtaken by an in-place change is connected to its base again (set by autograd/inplace.ts at the first change). */
export function onStaleView(make: ViewRule): void {
  viewRule = make
}

function refreshView(t: Tensor, view: ViewInfo): void {
  if (!viewRule || !(t.node_ || view.base.requiresGrad)) return
  t.setHistory(viewRule(t, t.node_))
  view.version = t.storage.version
}

function checkGradient(t: Tensor, grad: unknown): void {
  if (!isTensor(grad)) throw new TypeError(`assigned grad expected to be a Tensor or null but got ${valueText(grad)}`)
  if (!sameSizes(grad.shape, t.shape))
    throw new RangeError(
      `attempting to assign a gradient of size '${shapeText(grad.shape)}' to a tensor of size '${shapeText(t.shape)}'. Please ensure that the gradient and the tensor are the same size`,
    )
  if (grad.dtype !== t.dtype)
    throw new TypeError(
      `attempting to assign a gradient with dtype ${grad.dtype} to a tensor of dtype ${t.dtype}; convert it with grad.to("${t.dtype}")`,
    )
  if (grad.device !== t.device)
    throw new TypeError(
      `attempting to assign a gradient on ${grad.device} to a tensor on ${t.device}; move it with grad.to("${t.device}")`,
    )
}
