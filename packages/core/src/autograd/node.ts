/**
 * Nodes of the recorded graph: one per operation that made a tensor which requires a gradient.
 *
 * A node knows the rule that turns the gradient of its outputs into those of its inputs, what the forward pass saved for
 * it, and for every input the node (and which output of it) that the gradient goes to next.
 */
import type { Device } from "../device.ts"
import type { DType } from "../dtype.ts"
import { DTYPES } from "../dtype.ts"
import { shapeText } from "../errors.ts"
import type { Sizes } from "../shape.ts"
import type { Storage } from "../storage.ts"
import type { Tensor } from "../tensor.ts"
import { anomalyEnabled } from "./mode.ts"

/** What an op does backward. Static: a call makes a node, never a closure. */
export interface Rule {
  /** As PyTorch prints it: "AddBackward0". */
  readonly name: string
  /**
   * Gradients of the inputs, in their order; null for an input that gets none. `g` is the gradient of output 0, `grads`
   * those of all outputs (null: nothing came). It keeps neither these nor what it makes: both are freed afterwards.
   */
  backward(node: OpNode, g: Tensor, grads: readonly (Tensor | null)[]): readonly (Tensor | null)[]
  /** It shows the gradients to code of users, who may keep them, or gives what they may hold: nothing of it is freed then. */
  readonly open?: true
}

export type BackwardHook = (
  gradInputs: readonly (Tensor | null)[],
  gradOutputs: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | undefined | void
export type PreHook = (gradOutputs: readonly (Tensor | null)[]) => readonly (Tensor | null)[] | undefined | void
export type TensorHook = (grad: Tensor) => Tensor | undefined | void

/** What a hook's registration returns. */
export interface RemovableHandle {
  remove(): void
}

/** Adds to an ordered set of hooks and gives the handle that takes it out again. */
export function addHook<H>(hooks: Set<{ hook: H }>, hook: H): RemovableHandle {
  const entry = { hook }
  hooks.add(entry)
  return { remove: () => void hooks.delete(entry) }
}

/** What is known of an output, to check its gradient and to stand in for one that did not come. */
export interface OutputInfo {
  readonly shape: Sizes
  readonly dtype: DType
  readonly device: Device
}

let sequence = 0

const NO_NODES: readonly (GradNode | null)[] = []

/** A step of the record: the rule by which gradients pass it, and the steps before it. */
export abstract class GradNode {
  /** Grows with creation: of the nodes that are ready, the newest goes first. */
  readonly sequence: number
  next: readonly (GradNode | null)[] = NO_NODES
  /** Which output of the next node each input was. */
  nextOutputs: readonly number[] = []
  outputs: OutputInfo[] = []
  /** The stack of the forward call, when anomalies are being looked for. */
  trace: string | null = null
  preHooks: Set<{ hook: PreHook }> | null = null
  postHooks: Set<{ hook: BackwardHook }> | null = null
  /** Hooks of the tensors that are outputs of this node, by output. */
  tensorHooks: Map<number, Set<{ hook: TensorHook }>> | null = null
  /** Tensors whose gradient is kept although they are no leaves, by output. */
  retained: Map<number, Tensor> | null = null

  constructor(order = sequence++) {
    this.sequence = order
  }

  abstract name(): string
  abstract apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[]
  /** Lets go of what was saved. */
  release(): void {}
  /** Whether what it returns may be memory that somebody else holds. */
  mayHold(_storage: Storage): boolean {
    return false
  }
  /** Whether the gradients that it is given end with it, but for what it returns: nobody else is shown them, or keeps them. */
  get closed(): boolean {
    return false
  }

  /** `[node, outputNumber]` per input, as PyTorch's `next_functions`. */
  get nextFunctions(): readonly (readonly [GradNode | null, number])[] {
    return this.next.map((n, i) => [n, this.nextOutputs[i] ?? 0] as const)
  }

  /** Called with the gradients of the inputs and of the outputs when they are known; may replace the former. */
  registerHook(hook: BackwardHook): RemovableHandle {
    return addHook((this.postHooks ??= new Set()), hook)
  }

  /** Called with the gradients of the outputs before the rule runs; may replace them. */
  registerPrehook(hook: PreHook): RemovableHandle {
    return addHook((this.preHooks ??= new Set()), hook)
  }

  toString(): string {
    return `<${this.name()}>`
  }
}

/** The sink of a leaf: adds to `tensor.grad`. */
export class AccumulateGrad extends GradNode {
  readonly variable: Tensor
  postAccumulateHooks: Set<{ hook: (tensor: Tensor) => void }> | null = null

  constructor(variable: Tensor) {
    // As soon as it is ready.
    super(Number.POSITIVE_INFINITY)
    this.variable = variable
    this.outputs = [variable]
  }

  name(): string {
    return "AccumulateGrad"
  }

  /** The engine itself accumulates: it knows whether the memory may be kept. */
  apply(): readonly null[] {
    return []
  }
}

/** The node that gradients of `t` go to, or null when it requires none. */
export function edgeOf(t: Tensor): GradNode | null {
  const node = t.gradFn
  if (node) return node
  return t.requiresGrad ? (t.accumulator ??= new AccumulateGrad(t)) : null
}

const RELEASED: readonly Tensor[] = []
const NO_VERSIONS: readonly number[] = []

export const SECOND_TIME =
  "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors after calling backward."

/** What an op is called where its gradient is not meant: "Exp" of ExpBackward0. */
export const forwardName = (node: GradNode): string => node.name().replace(/Backward\d*$/, "")

/** PyTorch's error for a tensor that `node` saved at version `expected` and that was changed in place since. */
export function changedError(node: GradNode, t: Tensor, expected: number): Error {
  // An output of `node` itself is changed by nodes whose first inputs lead back to it.
  let made = t.gradFn
  for (let n = made; n; n = n.next[0] ?? null) if (n === node) made = node
  const source = made ? `, which is output ${t.outputNr} of ${forwardName(made)},` : ""
  const hint = node.trace
    ? `the forward call of the operation that failed was here:\n${node.trace}`
    : "enable anomaly detection to find the operation that failed to compute its gradient, with autograd.detectAnomaly(() => ...)."
  return new Error(
    `one of the variables needed for gradient computation has been modified by an inplace operation: [torch.${DTYPES[t.dtype as DType].legacy}Tensor ${shapeText(t.shape)}]${source} is at version ${t.storage.version}; expected version ${expected} instead. Hint: ${hint}`,
  )
}

/** A node of a built-in op. */
export class OpNode extends GradNode {
  readonly rule: Rule
  private saved: readonly Tensor[]
  private versions: readonly number[]
  /** What the rule needs besides tensors: shapes, dims, numbers. Tensors that it mentions must be saved too. */
  readonly context: unknown

  constructor(rule: Rule, inputs: readonly Tensor[], saved: readonly Tensor[], context: unknown) {
    super()
    this.rule = rule
    const n = inputs.length
    const next = new Array<GradNode | null>(n)
    const outputs = new Array<number>(n)
    for (let i = 0; i < n; i++) {
      const t = inputs[i]!
      next[i] = edgeOf(t)
      outputs[i] = t.outputNr
    }
    this.next = next
    this.nextOutputs = outputs
    this.saved = saved
    this.versions = NO_VERSIONS
    if (saved.length) this.stamp()
    this.context = context
    if (anomalyEnabled()) this.trace = new Error().stack ?? null
  }

  /** Notes the versions that the saved tensors have now. */
  private stamp(): void {
    const versions = new Array<number>(this.saved.length)
    for (let i = 0; i < versions.length; i++) {
      const t = this.saved[i]!
      if (t.isInference)
        throw new Error(
          "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use noGrad instead of inferenceMode.",
        )
      versions[i] = t.storage.version
      t.storage.saves++
    }
    this.versions = versions
  }

  /** A node in the same place of the graph, with another rule and what that saves. */
  besides(rule: Rule, saved: readonly Tensor[]): OpNode {
    const node = new OpNode(rule, [], saved, this.context)
    node.next = this.next
    node.nextOutputs = this.nextOutputs
    node.outputs = this.outputs
    return node
  }

  /** Replaces what is saved: for an op that can only save its result once that exists. */
  save(saved: readonly Tensor[]): void {
    const before = this.saved
    this.saved = saved
    this.stamp()
    for (const t of before) t.storage.unsave()
  }

  name(): string {
    return this.rule.name
  }

  /** Whether input `i` wants a gradient. */
  needs(i: number): boolean {
    return this.next[i] !== null
  }

  /** Saved tensor `i`, checked against changes since. */
  get(i: number): Tensor {
    if (this.saved === RELEASED) throw new Error(SECOND_TIME)
    const t = this.saved[i]!
    const expected = this.versions[i]!
    if (t.storage.version !== expected) throw changedError(this, t, expected)
    return t
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    return this.rule.backward(this, grads[0] as Tensor, grads)
  }

  override mayHold(storage: Storage): boolean {
    if (this.rule.open) return true
    for (let i = 0; i < this.saved.length; i++) if (this.saved[i]!.storage === storage) return true
    return false
  }

  override get closed(): boolean {
    return !this.rule.open
  }

  override release(): void {
    const { saved } = this
    if (saved.length === 0) return
    this.saved = RELEASED
    for (let i = 0; i < saved.length; i++) saved[i]!.storage.unsave()
  }
}
