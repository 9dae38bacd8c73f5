/**
 * Pointwise operations from their formula. From the formula follow the kernel for every combination of dtypes, layouts
 * and broadcasting, the gradient, and the gradient of that to any depth.
 */

import { checkInPlace, recordInPlace } from "./autograd/inplace.ts"
import { gradEnabled } from "./autograd/mode.ts"
import { OpNode, type Rule } from "./autograd/node.ts"
import type { Executable, Operand } from "./backend.ts"
import { differentiate } from "./derivative.ts"
import type { Device } from "./device.ts"
import { canCast, computeType, DTYPES, type DType, isFloating } from "./dtype.ts"
import { shapeText, tensorText, valueText } from "./errors.ts"
import { constant, Expr, input, type Scalar, scalar, substitute } from "./expr.ts"
import type { Access, InputType } from "./kernel.ts"
import { denseStrides } from "./layout.ts"
import { to } from "./ops/conversion.ts"
import { clone } from "./ops/copying.ts"
import { sumToSize } from "./ops/sum-to-size.ts"
import { floatResult, type Operandish, resultType, toScalar } from "./promotion.ts"
import { watching, within } from "./regions.ts"
import {
  broadcastSizes,
  broadcastStrides,
  collapse,
  contiguousStrides,
  isContiguous,
  numelOf,
  type Sizes,
  sameSizes,
} from "./shape.ts"
import { Storage } from "./storage.ts"
import { isTensor, Tensor } from "./tensor.ts"

/**
 * A formula: called with stand-ins for the elements, it builds the expression that kernels and gradients are made of.
 */
export type Formula = (...args: Expr[]) => Expr

/** What an argument is: a number to compute with, or a condition. */
export type SlotKind = "value" | "bool"

/** How a pointwise op differs from what follows from its formula. */
export interface PointwiseOptions {
  /** As PyTorch prints the node; by default the capitalised name and "Backward0". */
  readonly gradName?: string
  /** The node's name where the op overwrites its input and PyTorch's has another then. */
  readonly inPlaceGradName?: string
  /** The result's dtype: that of the promoted arguments, the same with integers made float, or bool. */
  readonly result?: "promote" | "float" | "bool"
  readonly slots?: readonly SlotKind[]
  /** Gradients of the arguments where the formula's own derivative is not PyTorch's or would save the wrong tensor. */
  readonly gradient?: (g: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | null)[]
  /** Why a dtype is refused, or null. */
  readonly refuse?: (dtype: DType) => string | null
}

/** What the gradient of one argument needs. */
interface Derived {
  readonly op: Pointwise
  /** The arguments that its formula takes after the gradient. */
  readonly uses: readonly number[]
  readonly usesOutput: boolean
  /** The formula is the incoming gradient itself. */
  readonly passes: boolean
}

/** What is saved when the arguments in a set want gradients. */
interface Plan {
  readonly slots: readonly number[]
  readonly output: boolean
}

interface Context {
  readonly plan: Plan
  /** Host numbers by argument; undefined where the argument is a tensor. Null: all are tensors. */
  readonly numbers: readonly (number | boolean | bigint | undefined)[] | null
  /** Shapes of the tensor arguments; null: all are the result's. */
  readonly shapes: readonly Sizes[] | null
  /** Dtypes of the tensor arguments; null: all are the result's. */
  readonly dtypes: readonly DType[] | null
}

const ONE: readonly number[] = [1]
const ACCESS: readonly Access[] = ["unit", "broadcast", "strided"]
const accessCode = (stride: number): number => (stride === 1 ? 0 : stride === 0 ? 1 : 2)
const SCALAR_CODE = 40
/** What the key says of the place of a result: a new contiguous tensor, or the first argument, which is contiguous. */
const NEW = 0
const FIRST_IN_PLACE = 4
/** Of so many arguments the codes fit into the 53 bits of a number; those of more are spelled. */
const MOST_CODES = 5
/** The beginning of a kernel's key, of 19 bits; each argument adds 6. `compute` and `out` are dtype ids. */
const keyHead = (compute: number, out: number, rank: number, place: number): number =>
  ((compute * 16 + out) * 64 + rank) * 32 + place

/**
 * An op of elements, written as its formula. Its kernels, its broadcasting, its dtypes and its gradient follow from
 * that.
 */
export class Pointwise {
  readonly name: string
  readonly arity: number
  readonly formula: Formula
  readonly rule: Rule
  private readonly inPlaceRule: Rule
  readonly options: PointwiseOptions
  private readonly slotKinds: readonly SlotKind[]
  /** The first number of this op's stand-in leaves: formulas nest, so every op has numbers of its own. */
  private readonly standIn: number
  private readonly executables: Map<number | string, Executable>[] = []
  private derivedOps: (Derived | null)[] | null = null
  private readonly plans: Plan[] = []
  private readonly simpleContexts: Context[] = []

  constructor(name: string, formula: Formula, options: PointwiseOptions = {}, arity = formula.length) {
    this.name = name
    this.formula = formula
    this.options = options
    this.arity = arity
    this.standIn = standIns
    standIns += arity + 2
    this.slotKinds = options.slots ?? new Array<SlotKind>(arity).fill("value")
    this.rule = {
      name: options.gradName ?? `${name[0]!.toUpperCase()}${name.slice(1)}Backward0`,
      backward: (node, g) => this.backward(node, g),
    }
    this.inPlaceRule = options.inPlaceGradName ? { ...this.rule, name: options.inPlaceGradName } : this.rule
  }

  /** Applies the formula, with broadcasting and promotion. At least one argument is a tensor. */
  call(...slots: Operandish[]): Tensor {
    return this.simple(slots, null) ?? this.run(slots, null, null)
  }

  /** Writes the result into `target`, whose shape and dtype stay. */
  callInPlace(target: Tensor, ...others: Operandish[]): Tensor {
    const slots = [target, ...others]
    return (
      this.simple(slots, target) ??
      (watching ? within(() => this.run(slots, null, target)) : this.run(slots, null, target))
    )
  }

  /** As `call`, for two tensors that usually agree in shape, dtype and layout: the common case without detours. */
  call2(a: Operandish, b: Operandish): Tensor {
    if (isTensor(a) && isTensor(b) && a.dtype === b.dtype && a.storage.device === b.storage.device) {
      const shape = a.shape
      if (sameSizes(shape, b.shape) && isContiguous(shape, a.strides) && isContiguous(shape, b.strides)) {
        const dtype = a.dtype as DType
        const out = this.resultDtype(dtype)
        const { id } = DTYPES[dtype]
        const key = (keyHead(id, DTYPES[out].id, 1, NEW) * 64 + id * 4) * 64 + id * 4
        const device = a.storage.device
        const executable = this.executables[device.id]?.get(key)
        if (executable) {
          const n = numelOf(shape)
          const storage = new Storage(device, out, n)
          const sizes = [n]
          device.backend.launch(
            executable,
            sizes,
            [
              { buffer: a.storage.buffer, offset: a.offset, sizes, strides: ONE },
              { buffer: b.storage.buffer, offset: b.offset, sizes, strides: ONE },
              { buffer: storage.buffer, offset: 0, sizes, strides: ONE },
            ],
            NO_SCALARS,
          )
          const result = new Tensor(storage, shape, contiguousStrides(shape), 0, out)
          if (gradEnabled() && isFloating(out)) {
            const mask = (a.requiresGrad ? 1 : 0) + (b.requiresGrad ? 2 : 0)
            if (mask) this.record(result, [a, b], this.simpleContext(mask), [a, b], null)
          }
          return result
        }
      }
    }
    const slots = [a, b]
    return this.simple(slots, null) ?? this.run(slots, null, null)
  }

  /**
   * As `run` in the common case: contiguous tensors of one shape, floating dtype and device, and numbers; in place only where
   * nothing is recorded. Null where that is not so, or where no kernel is known yet.
   */
  private simple(slots: readonly Operandish[], target: Tensor | null): Tensor | null {
    if (slots.length > MOST_CODES) return null
    let model: Tensor | null = null
    let mask = 0
    let numbers = false
    for (let i = 0; i < slots.length; i++) {
      const s = slots[i]
      if (!isTensor(s)) {
        if (typeof s !== "number") return null
        numbers = true
      } else if (model === null) {
        if (!isFloating(s.dtype) || !isContiguous(s.shape, s.strides)) return null
        model = s
      } else if (
        (target && s.storage === target.storage) ||
        s.dtype !== model.dtype ||
        s.storage.device !== model.storage.device ||
        !sameSizes(s.shape, model.shape) ||
        !isContiguous(s.shape, s.strides)
      )
        return null
    }
    if (model === null) return null
    const { shape } = model
    const dtype = model.dtype as DType
    const out = this.options.result === "bool" ? "bool" : dtype
    const { id } = DTYPES[dtype]
    let key = keyHead(id, DTYPES[out].id, 1, target ? FIRST_IN_PLACE : NEW)
    for (let i = 0; i < slots.length; i++) key = key * 64 + (isTensor(slots[i]) ? id * 4 : SCALAR_CODE)
    const { device } = model.storage
    const executable = this.executables[device.id]?.get(key)
    const n = numelOf(shape)
    if (executable === undefined || n === 0) return null

    const tensors: Tensor[] = []
    const scalars: Scalar[] = []
    for (let i = 0; i < slots.length; i++) {
      const s = slots[i]!
      if (isTensor(s)) {
        tensors.push(s)
        if (s.requiresGrad) mask += 2 ** i
      } else scalars.push(s as number)
    }
    if (target) {
      if (out !== dtype || (mask && gradEnabled())) return null
      checkInPlace(this.name, target, tensors)
    }
    const storage = target ? target.storage : new Storage(device, out, n)
    const sizes = [n]
    const operands: Operand[] = []
    for (let i = 0; i < tensors.length; i++)
      operands.push({ buffer: tensors[i]!.storage.buffer, offset: tensors[i]!.offset, sizes, strides: ONE })
    operands.push({ buffer: storage.buffer, offset: target ? target.offset : 0, sizes, strides: ONE })
    device.backend.launch(executable, sizes, operands, scalars)
    if (target) {
      recordInPlace(target, null)
      return target
    }
    const result = new Tensor(storage, shape, contiguousStrides(shape), 0, out)
    if (mask && gradEnabled() && isFloating(out)) {
      const context = numbers
        ? { plan: this.planFor(mask), numbers: hostNumbers(slots), shapes: null, dtypes: null }
        : this.simpleContext(mask)
      this.record(result, tensors, context, slots, null)
    }
    return result
  }

  private resultDtype(promoted: DType): DType {
    return this.options.result === "bool" ? "bool" : this.options.result === "float" ? floatResult(promoted) : promoted
  }

  /**
   * Computes into a new tensor or into `target`; `outDtype` overrides the result's dtype (gradients take their
   * argument's).
   */
  run(slots: readonly Operandish[], outDtype: DType | null, target: Tensor | null): Tensor {
    const device = this.deviceOf(slots)
    const promoted = this.promote(slots)
    const compute = this.options.result === "float" ? floatResult(promoted) : promoted
    const dtype = target ? target.dtype : (outDtype ?? this.resultDtype(promoted))
    const refused = this.options.refuse?.(promoted)
    if (refused) throw new TypeError(`${this.name}: ${refused} (${slots.map(slotText).join(", ")})`)

    const tensors: Tensor[] = []
    for (const s of slots) if (isTensor(s)) tensors.push(s)
    const shape = broadcastSizes(this.name, ...tensors.map((t) => t.shape))
    if (target) {
      if (!sameSizes(shape, target.shape))
        throw new RangeError(
          `${this.name}_: output with shape ${shapeText(target.shape)} doesn't match the broadcast shape ${shapeText(shape)}`,
        )
      const natural = this.resultDtype(promoted)
      if (!canCast(natural, dtype))
        throw new TypeError(
          `${this.name}_: result type ${natural} can't be cast to the desired output type ${dtype}; use ${this.name} without the underscore`,
        )
      checkInPlace(this.name, target, tensors)
    }
    const context = this.contextFor(slots, tensors, shape, dtype)
    // What the gradient needs of the target must be kept before it is overwritten.
    const original = target && context?.plan.slots.includes(0) ? clone(target) : null
    const out = target ?? allocateLike(device, shape, dtype, tensors)
    this.launch(device, slots, tensors, out, compute, target !== null)
    if (target) {
      const node = context ? this.node(this.inPlaceRule, out, tensors, context, slots, original) : null
      recordInPlace(target, node)
      if (node && context!.plan.output) node.save(this.savedFor(context!.plan, slots, out, original))
      return target
    }
    if (context) this.record(out, tensors, context, slots, original)
    return out
  }

  /** The result of an op of one argument, whose memory holds it in the argument's place: nobody sees the argument's own values. */
  recorded(x: Tensor): Tensor {
    const out = new Tensor(x.storage, x.shape, x.strides, x.offset, x.dtype)
    const context = this.contextFor([x], [x], x.shape, x.dtype as DType)
    if (context) this.record(out, [x], context, [x], null)
    return out
  }

  private deviceOf(slots: readonly Operandish[]): Device {
    let device: Device | null = null
    for (const s of slots)
      if (isTensor(s)) {
        if (device && s.device !== device)
          throw new TypeError(
            `${this.name}: expected all tensors on one device, but found ${slots
              .filter(isTensor)
              .map((t) => `${tensorText(t)} on ${t.device}`)
              .join(" and ")}; move one with x.to(device)`,
          )
        device = s.device
      } else if (typeof s !== "number" && typeof s !== "boolean" && typeof s !== "bigint")
        throw new TypeError(`${this.name}: expected tensors or numbers, got ${valueText(s)}`)
    if (!device)
      throw new TypeError(`${this.name}: expected at least one tensor, got ${slots.map(valueText).join(", ")}`)
    return device
  }

  private promote(slots: readonly Operandish[]): DType {
    return resultType(...slots.filter((_, i) => this.slotKinds[i] === "value"))
  }

  private launch(
    device: Device,
    slots: readonly Operandish[],
    tensors: readonly Tensor[],
    out: Tensor,
    compute: DType,
    inPlace: boolean,
  ): void {
    const n = numelOf(out.shape)
    if (n === 0) return
    let reads: Tensor[] | readonly Tensor[] = tensors
    if (inPlace) reads = tensors.map((t) => (t.storage === out.storage && !sameView(t, out) ? clone(t) : t))
    const strides = reads.map((t) => broadcastStrides(t.shape, t.strides, out.shape))
    const { sizes, strides: s } = collapse(out.shape, [...strides, out.strides])
    if (sizes.length === 0) {
      sizes.push(1)
      for (const x of s) x.push(1)
    }
    const inner = sizes.length - 1
    const outStrides = s[reads.length]!
    const alias = inPlace ? reads.findIndex((t) => sameView(t, out)) : -1

    const place = (alias + 1) * 4 + accessCode(outStrides[inner]!)
    const head = keyHead(DTYPES[compute].id, DTYPES[out.dtype as DType].id, sizes.length, place)
    let j = 0
    const code = (slot: Operandish): number =>
      isTensor(slot) ? DTYPES[slot.dtype as DType].id * 4 + accessCode(s[j++]![inner]!) : SCALAR_CODE
    const key =
      slots.length > MOST_CODES
        ? `${head},${slots.map(code)}`
        : slots.reduce<number>((k, slot) => k * 64 + code(slot), head)

    const table = (this.executables[device.id] ??= new Map())
    let executable = table.get(key)
    if (!executable) {
      executable = this.build(
        device,
        slots,
        compute,
        out.dtype,
        s.map((x) => accessCode(x[inner]!)),
        sizes.length,
        alias,
      )
      table.set(key, executable)
    }
    const operands = reads.map(
      (t, i): Operand => ({ buffer: t.storage.buffer, offset: t.offset, sizes, strides: s[i]! }),
    )
    operands.push({ buffer: out.storage.buffer, offset: out.offset, sizes, strides: outStrides })
    const scalarType = arithmeticType(compute)
    const scalars: Scalar[] = []
    for (const slot of slots) if (!isTensor(slot)) scalars.push(toScalar(slot, scalarType))
    device.backend.launch(executable, sizes, operands, scalars)
  }

  private build(
    device: Device,
    slots: readonly Operandish[],
    compute: DType,
    out: DType,
    access: readonly number[],
    rank: number,
    alias: number,
  ): Executable {
    device.requireDtype(this.name, out)
    const type = arithmeticType(compute)
    const inputs: InputType[] = []
    const scalars: DType[] = []
    const leaves = slots.map((slot, i) => {
      const wanted = this.slotKinds[i] === "bool" ? "bool" : type
      if (!isTensor(slot)) return scalar(scalars.push(type) - 1, type).cast(wanted)
      device.requireDtype(this.name, slot.dtype)
      const k = inputs.push({ dtype: slot.dtype, access: ACCESS[access[inputs.length]!]! }) - 1
      return input(k, slot.dtype).cast(wanted)
    })
    const body = this.formula(...leaves)
    // Through the result's own precision: a bool of a half result must see the rounded value.
    const rounded = compute !== type && out !== compute && compute !== "bool" ? body.cast(compute).cast(type) : body
    return device.compile({
      kind: "map",
      rank,
      inputs,
      outputs: [
        {
          dtype: out,
          access: ACCESS[access[inputs.length]!] as "unit" | "strided",
          ...(alias >= 0 && { aliases: alias }),
        },
      ],
      scalars,
      body: [rounded.cast(out)],
    })
  }

  // ---- gradients ----

  /** What will be saved, or null when nothing is to be recorded. */
  private contextFor(
    slots: readonly Operandish[],
    tensors: readonly Tensor[],
    shape: Sizes,
    dtype: DType,
  ): Context | null {
    if (!gradEnabled() || !isFloating(dtype)) return null
    let mask = 0
    let plain = tensors.length === slots.length
    slots.forEach((s, i) => {
      if (!isTensor(s)) return
      if (s.requiresGrad) mask += 2 ** i
      plain &&= s.dtype === dtype && sameSizes(s.shape, shape)
    })
    if (mask === 0) return null
    if (plain) return this.simpleContext(mask)
    return {
      plan: this.planFor(mask),
      numbers: hostNumbers(slots),
      shapes: tensors.map((t) => t.shape),
      dtypes: tensors.map((t) => t.dtype),
    }
  }

  private simpleContext(mask: number): Context {
    return (this.simpleContexts[mask] ??= { plan: this.planFor(mask), numbers: null, shapes: null, dtypes: null })
  }

  private planFor(mask: number): Plan {
    return (this.plans[mask] ??= this.makePlan(mask))
  }

  private makePlan(mask: number): Plan {
    const slots = new Set<number>()
    let output = false
    this.derived.forEach((d, i) => {
      if (!d || !(Math.floor(mask / 2 ** i) % 2)) return
      for (const k of d.uses) slots.add(k)
      output ||= d.usesOutput
    })
    return { slots: [...slots].sort((a, b) => a - b), output }
  }

  private savedFor(plan: Plan, slots: readonly Operandish[], out: Tensor, original: Tensor | null): Tensor[] {
    const saved: Tensor[] = []
    for (const k of plan.slots) {
      const s = k === 0 && original ? original : slots[k]!
      if (isTensor(s)) saved.push(s)
    }
    if (plan.output) saved.push(out)
    return saved
  }

  private node(
    rule: Rule,
    out: Tensor,
    tensors: readonly Tensor[],
    context: Context,
    slots: readonly Operandish[],
    original: Tensor | null,
  ): OpNode {
    const { plan } = context
    const saved = plan.slots.length || plan.output ? this.savedFor(plan, slots, out, original) : NO_TENSORS
    const node = new OpNode(rule, tensors, saved, context)
    // A tensor tells all that is asked of an output, and costs nothing, but holds its memory.
    node.outputs = [watching ? { shape: out.shape, dtype: out.dtype, device: out.device } : out]
    return node
  }

  private record(
    out: Tensor,
    tensors: readonly Tensor[],
    context: Context,
    slots: readonly Operandish[],
    original: Tensor | null,
  ): void {
    const node = this.node(this.rule, out, tensors, context, slots, original)
    node.outputs = [{ shape: out.shape, dtype: out.dtype, device: out.storage.device }]
    out.setHistory(node)
  }

  private backward(node: OpNode, g: Tensor): readonly (Tensor | null)[] {
    const { plan, numbers, shapes, dtypes } = node.context as Context
    const results: (Tensor | null)[] = []
    let tensor = 0
    for (let i = 0; i < this.arity; i++) {
      if (numbers && numbers[i] !== undefined) continue
      const at = tensor++
      const d = node.needs(at) ? this.derived[i]! : null
      if (!d) {
        results.push(null)
        continue
      }
      const dtype = dtypes ? dtypes[at]! : (g.dtype as DType)
      let grad: Tensor
      if (d.passes) grad = g.dtype === dtype ? g : to(g, dtype)
      else {
        const args: Operandish[] = [g]
        for (const k of d.uses) args.push(numbers?.[k] ?? node.get(savedAt(plan, numbers, k)))
        if (d.usesOutput) args.push(node.get(savedAt(plan, numbers, -1)))
        grad = d.op.run(args, dtype, null)
      }
      results.push(shapes ? sumToSize(grad, shapes[at]!) : grad)
    }
    return results
  }

  private get derived(): readonly (Derived | null)[] {
    return (this.derivedOps ??= this.derive())
  }

  /** The symbolic gradients over stand-in leaves of one type; what they mention is what must be saved. */
  private symbolic(
    types: readonly Expr["dtype"][],
    g: Expr,
  ): { leaves: Expr[]; y: Expr; grads: readonly (Expr | null)[] } {
    const leaves = types.map((t, k) => Expr.make("scalar", t, [], this.standIn + k))
    const y = this.formula(...leaves)
    const grads = this.options.gradient ? this.options.gradient(g, leaves, y) : differentiate(y, g, leaves)
    return { leaves, y, grads }
  }

  /** Stands for the forward result. */
  private output(dtype: Expr["dtype"]): Expr {
    return Expr.make("scalar", dtype, [], this.standIn + this.arity + 1)
  }

  private derive(): (Derived | null)[] {
    const probe: DType = "float64"
    const types = this.slotKinds.map((k): DType => (k === "bool" ? "bool" : probe))
    const g = Expr.make("scalar", probe, [], this.standIn + this.arity)
    const { leaves, y, grads } = this.symbolic(types, g)
    return types.map((type, i) => {
      if (type === "bool") return null
      const e = withOutput(grads[i] ?? constant(0, probe), y, leaves, this.output(probe))
      const mentioned = mentions(e)
      const uses = leaves.flatMap((leaf, k) => (mentioned.has(leaf) ? [k] : []))
      const usesOutput = mentioned.has(this.output(probe))
      const formula: Formula = (gradient, ...rest) => {
        const t = gradient.dtype
        const s = this.symbolic(
          this.slotKinds.map((k): Expr["dtype"] => (k === "bool" ? "bool" : t)),
          gradient,
        )
        const whole = withOutput(s.grads[i] ?? constant(0, t), s.y, s.leaves, this.output(t))
        const given = new Map<Expr, Expr>(uses.map((k, j) => [s.leaves[k]!, rest[j]!]))
        if (usesOutput) given.set(this.output(t), rest[uses.length]!)
        return substitute([whole], (n) => given.get(n))[0]!
      }
      const slots: SlotKind[] = [
        "value",
        ...uses.map((k) => this.slotKinds[k]!),
        ...(usesOutput ? (["value"] as const) : []),
      ]
      const name = this.name
      const op = new Pointwise(
        name,
        formula,
        { slots, gradName: `${this.rule.name.replace(/\d+$/, "")}Backward` },
        slots.length,
      )
      return { op, uses, usesOutput, passes: e === g }
    })
  }
}

const hostNumbers = (slots: readonly Operandish[]): Context["numbers"] =>
  slots.map((s) => (isTensor(s) ? undefined : s))

/** The next free number of a stand-in leaf, out of the way of real scalars. */
let standIns = 1000
const NO_TENSORS: readonly Tensor[] = []
const NO_SCALARS: readonly Scalar[] = []

/** `e` with the forward result taken from what was saved, unless that is an argument or a constant anyway. */
function withOutput(e: Expr, y: Expr, leaves: readonly Expr[], output: Expr): Expr {
  if (leaves.includes(y) || y.isConst) return e
  return substitute([e], (n) => (n === y ? output : undefined))[0]!
}

function mentions(root: Expr): Set<Expr> {
  const seen = new Set<Expr>()
  const stack = [root]
  while (stack.length) {
    const e = stack.pop()!
    if (seen.has(e)) continue
    seen.add(e)
    stack.push(...e.args)
  }
  return seen
}

/** Where an argument (or, as -1, the output) stands among the saved tensors: numbers are not saved. */
function savedAt(plan: Plan, numbers: Context["numbers"], slot: number): number {
  let at = 0
  for (const k of plan.slots) {
    if (k === slot) return at
    if (!numbers || numbers[k] === undefined) at++
  }
  return at
}

/** bool computes as integers: its sum is `or`, its product `and`. */
const arithmeticType = (compute: DType): DType => (compute === "bool" ? "int32" : computeType(compute))

const sameView = (a: Tensor, b: Tensor): boolean =>
  a === b ||
  (a.storage === b.storage && a.offset === b.offset && sameSizes(a.shape, b.shape) && sameSizes(a.strides, b.strides))

const slotText = (s: Operandish): string => (isTensor(s) ? tensorText(s) : valueText(s))

/** A new tensor laid out as the first argument of the full shape, where that is dense; otherwise row-major. */
function allocateLike(device: Device, shape: Sizes, dtype: DType, tensors: readonly Tensor[]): Tensor {
  const model = tensors.find((t) => sameSizes(t.shape, shape))
  const strides =
    model && !isContiguous(shape, model.strides) ? denseStrides(shape, model.strides) : contiguousStrides(shape)
  return new Tensor(new Storage(device, dtype, numelOf(shape)), shape, strides, 0, dtype)
}
