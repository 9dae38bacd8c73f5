/**
 * The backward pass: visits the nodes from the roots to the leaves, nearest first, without recursion.
 */
import { DTYPES } from "../dtype.ts"
import { shapeText } from "../errors.ts"
import { add } from "../ops/arithmetic.ts"
import { ones, zeros } from "../ops/creation.ts"
import { to } from "../ops/conversion.ts"
import { clone } from "../ops/copying.ts"
import { isContiguous, sameSizes } from "../shape.ts"
import type { Storage } from "../storage.ts"
import { Tensor } from "../tensor.ts"
import { isnanAnySync } from "../ops/anomaly.ts"
import { anomalyEnabled, raw, recording } from "./mode.ts"
import { AccumulateGrad, edgeOf, type GradNode } from "./node.ts"

export interface BackwardOptions {
  /** The gradient of the tensor itself; 1 by default, for a tensor of one element. */
  gradient?: Tensor | null
  /** Keeps what the graph saved, for another pass; by default as `createGraph`. */
  retainGraph?: boolean
  /** Records the backward pass itself, for higher derivatives. */
  createGraph?: boolean
  /** Accumulates into these only; by default into every leaf. */
  inputs?: Tensor | readonly Tensor[] | null
}

/** Where a gradient is wanted instead of being accumulated. */
interface Capture {
  readonly node: GradNode
  readonly output: number
}

interface Pass {
  readonly roots: readonly { node: GradNode; output: number; grad: Tensor }[]
  readonly keep: boolean
  readonly create: boolean
  /** Null: accumulate in every leaf. */
  readonly captures: readonly Capture[] | null
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

/** Among `nodes`, those from which a captured node can be reached. */
function leadingTo(nodes: Iterable<GradNode>, captures: readonly Capture[]): Set<GradNode> {
  const wanted = new Set(captures.map((c) => c.node))
  // A node is older than those that use it, except for the sinks of leaves, which have no next.
  const ascending = [...nodes].sort((a, b) => rankOf(a) - rankOf(b))
  for (const node of ascending) if (node.next.some((n) => n && wanted.has(n))) wanted.add(node)
  return wanted
}

const rankOf = (node: GradNode): number => (node instanceof AccumulateGrad ? -1 : node.sequence)

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
  const wanted = pass.captures ? leadingTo(incoming.keys(), pass.captures) : null
  const captured: (Tensor | null)[] = pass.captures ? pass.captures.map(() => null) : []
  const pending = new Map<GradNode, (Tensor | null)[]>()
  /** Memory that more than one gradient may see: a leaf must not keep it. */
  const shared = new Set<Storage>()
  const ready = new ReadyQueue()

  const receive = (node: GradNode, output: number, grad: Tensor): void => {
    let slots = pending.get(node)
    if (!slots) pending.set(node, (slots = new Array<Tensor | null>(Math.max(node.outputs.length, 1)).fill(null)))
    const before = slots[output] ?? null
    slots[output] = before ? add(before, grad) : grad
  }

  for (const { node, output, grad } of pass.roots) {
    shared.add(grad.storage)
    receive(node, output, grad)
  }
  for (const [node, count] of incoming) if (count === 0) ready.push(node)

  for (let node = ready.pop(); node; node = ready.pop()) {
    const slots = pending.get(node)
    pending.delete(node)
    const active = slots !== undefined && (!wanted || wanted.has(node))
    let grads: readonly (Tensor | null)[] = slots ?? []
    let results: readonly (Tensor | null)[] = []
    if (active) {
      grads = beforeNode(node, grads)
      pass.captures?.forEach((c, i) => {
        if (c.node === node) captured[i] = grads[c.output] ?? null
      })
      if (node instanceof AccumulateGrad) {
        const grad = grads[0]
        if (!pass.captures && grad) accumulate(node, grad, pass.create, shared)
      } else if (!wanted || node.next.some((n) => n && wanted.has(n))) {
        results = applyNode(node, grads, shared)
        if (!pass.keep) node.release()
      }
    }
    for (let i = 0; i < node.next.length; i++) {
      const next = node.next[i]
      if (!next) continue
      const grad = results[i]
      if (grad) receive(next, node.nextOutputs[i]!, grad)
      const left = incoming.get(next)! - 1
      incoming.set(next, left)
      if (left === 0) ready.push(next)
    }
  }
  return captured
}

/** Hooks on the outputs, then the tensors that retain their gradient. */
function beforeNode(node: GradNode, grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
  if (!node.tensorHooks && !node.preHooks && !node.retained) return grads
  let result = grads.slice()
  if (node.tensorHooks)
    for (const [output, hooks] of node.tensorHooks)
      for (const { hook } of hooks) {
        const grad = result[output]
        if (grad) result[output] = hook(grad) ?? grad
      }
  if (node.preHooks) for (const { hook } of node.preHooks) result = (hook(result) ?? result).slice()
  if (node.retained)
    for (const [output, tensor] of node.retained) {
      const grad = result[output]
      if (grad) tensor.grad = tensor.grad ? add(tensor.grad, grad) : grad
    }
  return result
}

function applyNode(node: GradNode, grads: readonly (Tensor | null)[], shared: Set<Storage>): readonly (Tensor | null)[] {
  let results: readonly (Tensor | null)[]
  try {
    results = node.apply(grads)
  } catch (error) {
    if (node.trace && error instanceof Error && !error.message.includes(node.trace))
      error.message += `\nThe forward call of ${node.name()} was here:\n${node.trace}`
    throw error
  }
  if (node.postHooks) for (const { hook } of node.postHooks) results = hook(results, grads) ?? results
  if (anomalyEnabled()) refuseNaN(node, results)
  for (let i = 0; i < results.length; i++) {
    const r = results[i]
    if (!r) continue
    if (node.foreign || grads.some((g) => g?.storage === r.storage) || results.some((o, j) => j !== i && o?.storage === r.storage))
      shared.add(r.storage)
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

/** Adds to the leaf's gradient. A gradient that nobody else can see is kept as it is. */
function accumulate(node: AccumulateGrad, grad: Tensor, create: boolean, shared: ReadonlySet<Storage>): void {
  const leaf = node.variable
  if (leaf.grad) {
    if (create) leaf.grad = add(leaf.grad, grad)
    else raw(() => leaf.grad!.add_(grad))
  } else if (create) leaf.grad = shared.has(grad.storage) ? clone(grad) : grad
  else {
    const own = !shared.has(grad.storage) && isContiguous(grad.shape, grad.strides) && grad.numel() === grad.storage.length
    leaf.grad = own ? grad : raw(() => clone(grad, { memoryFormat: "contiguous" }))
  }
  if (node.postAccumulateHooks) for (const { hook } of node.postAccumulateHooks) hook(leaf)
}

/** The gradient to begin with at a root, checked. */
function rootGradient(op: string, t: Tensor, given: Tensor | null | undefined): Tensor {
  if (!t.requiresGrad)
    throw new Error(`${op}: element 0 of tensors does not require grad and does not have a grad_fn`)
  if (!given) {
    if (t.numel() !== 1)
      throw new Error(
        `${op}: grad can be implicitly created only for scalar outputs, and this tensor has shape ${shapeText(t.shape)}; pass { gradient }`,
      )
    return ones(t.shape, { dtype: t.dtype, device: t.device })
  }
  if (!sameSizes(given.shape, t.shape))
    throw new RangeError(
      `${op}: Mismatch in shape: grad_output[0] has a shape of ${shapeText(given.shape)} and output[0] has a shape of ${shapeText(t.shape)}.`,
    )
  if (given.device !== t.device) throw new TypeError(`${op}: the gradient is on ${given.device}, the tensor on ${t.device}`)
  return given
}

const list = (t: Tensor | readonly Tensor[]): readonly Tensor[] => (t instanceof Tensor ? [t] : t)

function captureOf(op: string, t: Tensor): Capture {
  const node = edgeOf(t)
  if (!node) throw new Error(`${op}: One of the differentiated Tensors does not require grad`)
  return { node, output: t.outputNr }
}

/**
 * Computes the gradients of `tensors` and adds them to the leaves' `grad` (PyTorch's `torch.autograd.backward`).
 * `gradTensors`: the gradient of each, null for 1 where it has one element.
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  gradTensors: Tensor | null | readonly (Tensor | null)[] = null,
  options: Omit<BackwardOptions, "gradient"> = {},
): void {
  const roots = list(tensors)
  const given = gradTensors === null || gradTensors instanceof Tensor ? [gradTensors] : gradTensors
  const create = options.createGraph ?? false
  const keep = options.retainGraph ?? create
  const inputs = options.inputs ? list(options.inputs) : null
  if (inputs && inputs.length === 0) throw new RangeError("backward: inputs must not be empty")
  recording(create, () => {
    const starts = roots.map((t, i) => ({ node: edgeOf(t)!, output: t.outputNr, grad: rootGradient("backward", t, given[i]) }))
    if (!inputs) {
      run({ roots: starts, keep, create, captures: null })
      return
    }
    const captures = inputs.map((t) => captureOf("backward", t))
    run({ roots: starts, keep, create, captures }).forEach((grad, i) => {
      const t = inputs[i]!
      if (grad) t.grad = t.grad ? add(t.grad, grad) : clone(grad)
    })
  })
}

export interface GradOptions {
  gradOutputs?: Tensor | null | readonly (Tensor | null)[]
  retainGraph?: boolean
  createGraph?: boolean
  /** Gives null for an input that the outputs do not depend on, instead of throwing. */
  allowUnused?: boolean
  /** Gives zeros for such an input. */
  materializeGrads?: boolean
}

/**
 * The gradients of the outputs with respect to the inputs, without touching any `grad` (PyTorch's `torch.autograd.grad`):
 * an array in the inputs' order. Throws when an input was not used, unless `allowUnused` or `materializeGrads`.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): Tensor[] {
  const roots = list(outputs)
  const wanted = list(inputs)
  const given = options.gradOutputs
  const gradients = given === undefined || given === null ? [] : given instanceof Tensor ? [given] : given
  const create = options.createGraph ?? false
  const keep = options.retainGraph ?? create
  return recording(create, () => {
    const starts = roots.map((t, i) => ({ node: edgeOf(t)!, output: t.outputNr, grad: rootGradient("grad", t, gradients[i]) }))
    const captures = wanted.map((t) => captureOf("grad", t))
    return run({ roots: starts, keep, create, captures }).map((g, i) => {
      if (g) return g
      if (options.materializeGrads) return zeros(wanted[i]!.shape, { dtype: wanted[i]!.dtype, device: wanted[i]!.device })
      if (!options.allowUnused)
        throw new Error(
          "One of the differentiated Tensors appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.",
        )
      return null as unknown as Tensor
    })
  })
}

/** Converts a gradient that a custom function returned to what the input is, or throws. */
export function validateGradient(op: string, grad: Tensor, shape: readonly number[], dtype: keyof typeof DTYPES): Tensor {
  if (!sameSizes(grad.shape, shape))
    throw new RangeError(
      `Function ${op} returned an invalid gradient: got ${shapeText(grad.shape)} but expected shape compatible with ${shapeText(shape)}`,
    )
  return grad.dtype === dtype ? grad : to(grad, dtype)
}
