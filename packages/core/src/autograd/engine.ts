/**
 * The backward pass: visits the nodes from the roots to the leaves, nearest first, without recursion.
 */
import { type Args, bind, parseSignature } from "../args.ts"
import type { DType } from "../dtype.ts"
import { shapeText, valueText } from "../errors.ts"
import { denseStrides } from "../layout.ts"
import { isnanAnySync } from "../ops/anomaly.ts"
import { add, add_ } from "../ops/arithmetic.ts"
import { to } from "../ops/conversion.ts"
import { copyInto } from "../ops/copying.ts"
import { emptyStrided, ones, zeros } from "../ops/creation.ts"
import { sumToSize } from "../ops/sum-to-size.ts"
import { visible } from "../regions.ts"
import { type Sizes, sameSizes } from "../shape.ts"
import { outlive } from "../storage.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { GradientsOf, Root } from "../types/reading.ts"
import type { Arg } from "../types/shape.ts"
import { Flow } from "./flow.ts"
import { anomalyEnabled, raw, recording } from "./mode.ts"
import { AccumulateGrad, edgeOf, type GradNode, type OutputInfo } from "./node.ts"

/** What `backward` can be given by name. */
export interface BackwardOptions {
  /** The gradient of the tensor itself; 1 by default, for a tensor of one element. */
  gradient?: Tensor | null
  /** Keeps what the graph saved, for another pass; by default as `createGraph`. */
  retainGraph?: boolean | null
  /** Records the backward pass itself, for higher derivatives. */
  createGraph?: boolean
  /** Accumulates into these only; by default into every leaf. */
  inputs?: Tensor | readonly Tensor[] | null
}

/** Where a gradient is wanted. */
interface Target {
  readonly node: GradNode
  readonly output: number
}

interface Pass {
  readonly roots: readonly { node: GradNode; output: number; grad: Tensor; given: boolean }[]
  readonly keep: boolean
  readonly create: boolean
  /** The only places whose gradients are wanted; null: every leaf. */
  readonly targets: readonly Target[] | null
  /** Whether gradients are added to the leaves or given to the caller. */
  readonly accumulate: boolean
}

/** The nodes that can be reached from the roots, and how many edges lead to each. */
function reach(roots: readonly GradNode[]): Map<GradNode, number> {
  const incoming = new Map<GradNode, number>()
  const stack: GradNode[] = []
  const visit = (node: GradNode, count: number): void => {
    const before = incoming.get(node)
    incoming.set(node, (before ?? 0) + count)
    if (before === undefined) stack.push(node)
  }
  for (const root of roots) visit(root, 0)
  while (stack.length) {
    const node = stack.pop()!
    for (const next of node.next) if (next) visit(next, 1)
  }
  return incoming
}

/** Among `nodes`, those from which a target can be reached. */
function leadingTo(nodes: Iterable<GradNode>, targets: readonly Target[]): Set<GradNode> {
  const users = new Map<GradNode, GradNode[]>()
  for (const node of nodes)
    for (const next of node.next)
      if (next) {
        const list = users.get(next)
        if (list) list.push(node)
        else users.set(next, [node])
      }
  const wanted = new Set(targets.map((c) => c.node))
  const stack = [...wanted]
  for (let node = stack.pop(); node; node = stack.pop())
    for (const user of users.get(node) ?? [])
      if (!wanted.has(user)) {
        wanted.add(user)
        stack.push(user)
      }
  return wanted
}

/** A heap of nodes, the youngest on top: an order in which every node comes after those that use it. */
class ReadyQueue {
  private readonly heap: GradNode[] = []

  push(node: GradNode): void {
    const h = this.heap
    let i = h.push(node) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (h[parent]!.sequence >= node.sequence) break
      h[i] = h[parent]!
      i = parent
    }
    h[i] = node
  }

  pop(): GradNode | undefined {
    const h = this.heap
    const top = h[0]
    const last = h.pop()
    if (top === undefined || last === undefined || h.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= h.length) break
      if (child + 1 < h.length && h[child + 1]!.sequence > h[child]!.sequence) child++
      if (last.sequence >= h[child]!.sequence) break
      h[i] = h[child]!
      i = child
    }
    h[i] = last
    return top
  }
}

function run(pass: Pass): (Tensor | null)[] {
  const incoming = reach(pass.roots.map((r) => r.node))
  const { targets } = pass
  const wanted = targets ? leadingTo(incoming.keys(), targets) : null
  const captured: (Tensor | null)[] = targets ? targets.map(() => null) : []
  const pending = new Map<GradNode, (Tensor | null)[]>()
  const flow = new Flow(pass.create)
  const ready = new ReadyQueue()

  const receive = (node: GradNode, output: number, grad: Tensor): void => {
    let slots = pending.get(node)
    if (!slots) pending.set(node, (slots = new Array<Tensor | null>(Math.max(node.outputs.length, 1)).fill(null)))
    const before = slots[output] ?? null
    const sum = before ? flow.make(() => add(before, grad)) : grad
    if (before) flow.drop(before)
    flow.hold(sum)
    slots[output] = sum
  }

  for (const { node, output, grad, given } of pass.roots) {
    if (given) flow.show(grad.storage)
    else flow.begin(grad)
    receive(node, output, grad)
  }
  for (const [node, count] of incoming) if (count === 0) ready.push(node)

  for (let node = ready.pop(); node; node = ready.pop()) {
    const slots = pending.get(node)
    pending.delete(node)
    let results: readonly (Tensor | null)[] = NOTHING
    if (slots && (!wanted || wanted.has(node))) {
      let grads: Grads = tensorHooks(node, slots, flow)
      targets?.forEach((t, i) => {
        if (t.node !== node) return
        const grad = grads[t.output] ?? null
        if (grad) flow.show(grad.storage)
        captured[i] = grad
      })
      if (node instanceof AccumulateGrad) {
        if (pass.accumulate) accumulate(node, preHooks(node, grads, flow), pass.create, flow)
      } else if (!wanted || node.next.some((n) => n && wanted.has(n))) {
        grads = preHooks(node, grads, flow)
        results = applyNode(node, grads, flow)
        if (!pass.keep) node.release()
      }
    }
    for (let i = 0; i < node.next.length; i++) {
      const next = node.next[i]
      if (!next) continue
      const grad = results[i]
      if (grad) {
        const output = node.nextOutputs[i]!
        receive(next, output, fitted(node, i, grad, next.outputs[output], flow))
      }
      const left = incoming.get(next)! - 1
      incoming.set(next, left)
      if (left === 0) ready.push(next)
    }
    if (slots) for (const grad of slots) if (grad) flow.drop(grad)
    flow.sweep()
  }
  return captured
}

const NOTHING: readonly (Tensor | null)[] = []

/** A gradient as its receiver wants it: summed where it was broadcast, in the receiver's dtype. */
function fitted(from: GradNode, i: number, grad: Tensor, wanted: OutputInfo | undefined, flow: Flow): Tensor {
  if (!wanted) return grad
  const g = grad
  if (g.device !== wanted.device)
    throw new TypeError(
      `Function ${from.name()} returned an invalid gradient at index ${i} - expected device ${wanted.device} but got ${g.device}`,
    )
  if (!sameSizes(g.shape, wanted.shape)) {
    if (!expandsTo(wanted.shape, g.shape))
      throw new RangeError(
        `Function ${from.name()} returned an invalid gradient at index ${i} - got ${shapeText(g.shape)} but expected shape compatible with ${shapeText(wanted.shape)}`,
      )
  } else if (g.dtype === wanted.dtype) return g
  return flow.make(() => to(sumToSize(g, wanted.shape), wanted.dtype))
}

function expandsTo(from: Sizes, sizes: Sizes): boolean {
  const shift = sizes.length - from.length
  return shift >= 0 && from.every((s, d) => s === 1 || s === sizes[d + shift])
}

/** What hooks saw may be kept by whoever wrote them. */
function show(grads: readonly (Tensor | null)[], flow: Flow): void {
  for (const g of grads) if (g) flow.show(g.storage)
}

/** Hooks on the outputs in the order of their registration, then the tensors that retain their gradient. */
function tensorHooks(node: GradNode, grads: readonly (Tensor | null)[], flow: Flow): readonly (Tensor | null)[] {
  if (!node.tensorHooks && !node.retained) return grads
  const result = grads.slice()
  for (const [output, hooks] of node.tensorHooks ?? [])
    for (const { hook } of hooks) {
      const grad = result[output]
      if (!grad) continue
      flow.show(grad.storage)
      result[output] = hookResult(hook(grad), grad, `hook of output ${output} of ${node.name()}`)
    }
  for (const [output, tensor] of node.retained ?? []) {
    const grad = result[output]
    if (grad) tensor.grad = tensor.grad ? add(tensor.grad, grad) : ownCopy(grad, tensor)
  }
  show(result, flow)
  return result
}

/** What a hook returned, checked; what it was given where it returned nothing. */
function hookResult(returned: unknown, given: Tensor, who: string): Tensor {
  if (returned === undefined || returned === null) return given
  if (!isTensor(returned))
    throw new TypeError(`${who}: expected a tensor, but the hook returned ${valueText(returned)}`)
  if (!sameSizes(returned.shape, given.shape))
    throw new RangeError(
      `${who} has changed the size of value: from ${shapeText(given.shape)} to ${shapeText(returned.shape)}`,
    )
  if (returned.dtype !== given.dtype)
    throw new TypeError(`${who} has changed the dtype of value: from ${given.dtype} to ${returned.dtype}`)
  return returned
}

type Grads = readonly (Tensor | null)[]

/** The gradients that a hook on a node returned, checked; those it was given where it returned nothing. */
function hookResults(returned: Grads | undefined | void, given: Grads, who: string): Grads {
  if (returned === undefined || returned === null) return given
  if (!Array.isArray(returned) || returned.length !== given.length)
    throw new TypeError(
      `${who} has returned an incorrect number of values (got ${Array.isArray(returned) ? returned.length : valueText(returned)}, but expected ${given.length})`,
    )
  return given.map((g, i) => (g ? hookResult(returned[i], g, who) : null))
}

function preHooks(node: GradNode, grads: Grads, flow: Flow): Grads {
  if (!node.preHooks) return grads
  let result = grads
  for (const { hook } of node.preHooks) {
    show(result, flow)
    result = hookResults(hook(result), result, `prehook of ${node.name()}`)
  }
  show(result, flow)
  return result
}

function postHooks(node: GradNode, results: Grads, grads: Grads, flow: Flow): Grads {
  if (!node.postHooks) return results
  show(grads, flow)
  let result = results
  for (const { hook } of node.postHooks) {
    show(result, flow)
    result = hookResults(hook(result, grads), result, `hook of ${node.name()}`)
  }
  show(result, flow)
  return result
}

function applyNode(node: GradNode, grads: Grads, flow: Flow): Grads {
  let results: Grads
  // What code of users is given, and gives, it may keep.
  if (!node.closed) show(grads, flow)
  try {
    results = node.closed ? flow.make(() => node.apply(grads)) : node.apply(grads)
  } catch (error) {
    if (node.trace && error instanceof Error && !error.message.includes(node.trace))
      error.message += `\nThe forward call of ${node.name()} was here:\n${node.trace}`
    throw error
  }
  results = postHooks(node, results, grads, flow)
  if (anomalyEnabled()) refuseNaN(node, results)
  for (let i = 0; i < results.length; i++) {
    const storage = results[i]?.storage
    if (!storage) continue
    if (node.mayHold(storage)) flow.show(storage)
    else if (results.some((o, j) => j !== i && o?.storage === storage)) flow.share(storage)
  }
  return results
}

function refuseNaN(node: GradNode, results: readonly (Tensor | null)[]): void {
  results.forEach((r, i) => {
    if (r?.isFloatingPoint() && isnanAnySync(r))
      throw new Error(
        `Function '${node.name()}' returned nan values in its ${i}th output.${node.trace ? ` The forward call was here:\n${node.trace}` : ""}`,
      )
  })
}

/** Adds to the leaf's gradient. A gradient that nobody else can see, laid out as it should be, is kept as it is. */
function accumulate(node: AccumulateGrad, grads: Grads, create: boolean, flow: Flow): void {
  const leaf = node.variable
  const grad = grads[0]
  if (grad) {
    const before = leaf.grad_
    if (before && create) leaf.grad = add(before, grad)
    else if (before) raw(() => add_(before, grad))
    else {
      const kept =
        create || flow.isShared(grad.storage) || !isLaidOutFor(grad, leaf) ? flow.make(() => ownCopy(grad, leaf)) : grad
      leaf.grad = kept
      flow.keep(kept.storage)
    }
    outlive(leaf.grad_!.storage, leaf.storage)
    if (node.postAccumulateHooks) for (const { hook } of node.postAccumulateHooks) hook(leaf)
  }
  postHooks(node, NOTHING, grads, flow)
}

/** PyTorch's rule: a gradient has its leaf's strides where those are dense, else row-major ones. */
const gradStrides = (leaf: Tensor): Sizes => denseStrides(leaf.shape, leaf.strides)

function isLaidOutFor(grad: Tensor, leaf: Tensor): boolean {
  if (grad.numel() !== grad.storage.length) return false
  const strides = gradStrides(leaf)
  return leaf.shape.every((size, d) => size <= 1 || grad.strides[d] === strides[d])
}

/** A copy in memory of its own; recorded, when the pass is. */
const ownCopy = (grad: Tensor, leaf: Tensor): Tensor =>
  copyInto(emptyStrided(leaf.shape, gradStrides(leaf), { dtype: grad.dtype, device: grad.device }), grad)

/** The gradient to begin with at a root, checked. */
function rootGradient(op: string, i: number, t: Tensor, given: Tensor | null | undefined): Tensor {
  if (!t.requiresGrad)
    throw new Error(`${op}: element ${i} of tensors does not require grad and does not have a grad_fn`)
  if (given === null || given === undefined) {
    if (t.numel() !== 1)
      throw new Error(
        `${op}: grad can be implicitly created only for scalar outputs, and this tensor has shape ${shapeText(t.shape)}; give its gradient`,
      )
    return ones(t.shape, { dtype: t.dtype, device: t.device })
  }
  if (!isTensor(given)) throw new TypeError(`${op}: gradients must be tensors or null, got ${valueText(given)}`)
  if (!sameSizes(given.shape, t.shape))
    throw new RangeError(
      `${op}: Mismatch in shape: grad_output[${i}] has a shape of ${shapeText(given.shape)} and output[${i}] has a shape of ${shapeText(t.shape)}.`,
    )
  if (given.device !== t.device)
    throw new TypeError(
      `${op}: the gradient is on ${given.device}, the tensor on ${t.device}; move it with x.to(device)`,
    )
  if (!given.isFloatingPoint())
    throw new TypeError(`${op}: the gradient must be floating, got ${given.dtype}; convert it with x.to("${t.dtype}")`)
  return to(given, t.dtype as DType)
}

function tensorsOf(op: string, what: string, given: unknown): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  for (const t of list) if (!isTensor(t)) throw new TypeError(`${op}: ${what} must be tensors, got ${valueText(t)}`)
  return list as readonly Tensor[]
}

function startsOf(op: string, roots: readonly Tensor[], given: unknown): Pass["roots"] {
  const gradients: readonly unknown[] = Array.isArray(given)
    ? given
    : given === null || given === undefined
      ? roots.map(() => null)
      : [given]
  if (gradients.length !== roots.length)
    throw new RangeError(`${op}: got ${roots.length} tensors and ${gradients.length} gradients`)
  return roots.map((t, i) => {
    const grad = rootGradient(op, i, t, gradients[i] as Tensor | null)
    return { node: edgeOf(t)!, output: t.outputNr, grad, given: Boolean(gradients[i]) }
  })
}

function targetOf(op: string, t: Tensor): Target {
  const node = edgeOf(t)
  if (!node) throw new Error(`${op}: One of the differentiated Tensors does not require grad`)
  return { node, output: t.outputNr }
}

/** Runs a pass, recorded or not, in no region: hooks and custom functions are code of users. */
const passing = <T>(create: boolean, body: () => T): T => visible(() => recording(create, body))

type Gradients = Tensor | null | readonly (Tensor | null)[]

const BACKWARD = parseSignature("backward(tensors, gradTensors?, retainGraph?, createGraph?, inputs?)")

/**
 * Computes the gradients of `tensors` and adds them to the leaves' `grad` (PyTorch's `torch.autograd.backward`).
 * `gradTensors`: the gradient of each, null for 1 where it has one element; the options as for `x.backward`.
 */
export function backward(
  ...args: Args<
    [
      ["tensors", Tensor | readonly Tensor[]],
      ["gradTensors", Gradients],
      ["retainGraph", boolean | null],
      ["createGraph", boolean],
      ["inputs", BackwardOptions["inputs"]],
    ]
  >
): void {
  const [tensors, gradTensors, retainGraph, createGraph, wanted] = bind(BACKWARD, args) as [
    unknown,
    unknown,
    boolean?,
    boolean?,
    unknown?,
  ]
  const create = createGraph ?? false
  const inputs = wanted === undefined || wanted === null ? null : tensorsOf("backward", "inputs", wanted)
  if (inputs?.length === 0) throw new RangeError("backward: inputs must not be empty")
  passing(create, () => {
    const roots = startsOf("backward", tensorsOf("backward", "tensors", tensors), gradTensors)
    const targets = inputs?.map((t) => targetOf("backward", t)) ?? null
    // As PyTorch does: what is no leaf collects its gradient by retaining it.
    for (const t of inputs ?? []) t.retainGrad()
    run({ roots, keep: retainGraph ?? create, create, targets, accumulate: true })
  })
}

/** The sentence of an output that needs a gradient to begin with, where none is given. */
type GradRoot<O, R extends readonly unknown[]> =
  O extends Tensor<infer S, infer D>
    ? Root<"grad", S, D, R[0] extends Gradients ? R[0] : R[0] extends { readonly gradOutputs: infer G } ? G : null>
    : []

/** What `grad` can be given by name. */
export interface GradOptions {
  gradOutputs?: Gradients
  retainGraph?: boolean | null
  createGraph?: boolean
  /** Gives null for an input that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean | null
  /** Gives zeros for such an input. */
  materializeGrads?: boolean
}

const GRAD = parseSignature(
  "grad(outputs, inputs, gradOutputs?, retainGraph?, createGraph?, allowUnused?, materializeGrads?)",
)

/**
 * The gradients of the outputs with respect to the inputs, without touching any `grad` (PyTorch's `torch.autograd.grad`):
 * an array in the inputs' order. Throws when an input was not used, unless `allowUnused` or `materializeGrads`.
 */
export function grad<
  O extends Tensor | readonly Tensor[],
  const I extends Tensor | readonly Tensor[],
  const R extends [options?: GradOptions] | [gradOutputs: Gradients, options?: GradOptions],
>(outputs: Arg<GradRoot<O, R>, O>, inputs: I, ...rest: R): GradientsOf<I>
export function grad(...args: unknown[]): Tensor[] {
  const [outputs, inputs, gradOutputs, retainGraph, createGraph, allowUnused, materialize] = bind(GRAD, args) as [
    unknown,
    unknown,
    unknown,
    boolean?,
    boolean?,
    boolean?,
    boolean?,
  ]
  const wanted = tensorsOf("grad", "inputs", inputs)
  if (materialize && allowUnused === false)
    throw new RangeError(
      "grad: Expected allowUnused to be true or not passed when materializeGrads: true, but got: allowUnused: false.",
    )
  const create = createGraph ?? false
  return passing(create, () => {
    const roots = startsOf("grad", tensorsOf("grad", "outputs", outputs), gradOutputs)
    const targets = wanted.map((t) => targetOf("grad", t))
    return run({ roots, keep: retainGraph ?? create, create, targets, accumulate: false }).map((g, i) => {
      if (g) return g
      if (materialize) return zeros(wanted[i]!.shape, { dtype: wanted[i]!.dtype, device: wanted[i]!.device })
      if (!allowUnused)
        throw new Error(
          `grad: The differentiated Tensor at index ${i} appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.`,
        )
      return null as unknown as Tensor
    })
  })
}
