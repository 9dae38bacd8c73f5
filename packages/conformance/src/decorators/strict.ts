/**
 * A decorator that holds the core to its side of the contract (`kernel.ts` and `backend.ts` of the core): what a backend
 * may rely on in every `map`, `reduce` and `rows`. A launch that breaks a rule throws ContractError.
 */

import {
  type Backend,
  type Buffer,
  DTYPES,
  type DType,
  describeKernel,
  type Executable,
  type Expr,
  type InputType,
  type Kernel,
  type Leaf,
  type MapKernel,
  type Monoid,
  type Operand,
  type OutputType,
  PRIMITIVES,
  type ReduceKernel,
  type RowsKernel,
  type ScalarType,
  topological,
} from "@taeda/core"
import { delegate } from "./delegate.ts"
import { addressesOf, isDense, widthOf } from "./operands.ts"

/** A launch that breaks the rules of the interface: a mistake of the caller, never of the user. */
export class ContractError extends Error {
  override name = "ContractError"
}

function insist(ok: boolean, complaint: () => string): void {
  if (!ok) throw new ContractError(complaint())
}

/** An operand of a launch and its element type. */
interface Typed {
  readonly operand: Operand
  readonly dtype: DType
}

const sameList = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, d) => x === b[d])

const CLASS_HOLDS: Readonly<Record<InputType["access"], (innerStride: number) => boolean>> = {
  unit: (stride) => stride === 1,
  broadcast: (stride) => stride === 0,
  strided: () => true,
  load: () => true,
}

const isHalf = (dtype: ScalarType): boolean => dtype === "float16" || dtype === "bfloat16"
const isFloat = (dtype: ScalarType): boolean => dtype !== "uint32" && DTYPES[dtype].kind === "float"

/** Primitives that a node of any type may be. */
const ON_ANY: ReadonlySet<string> = new Set(["cast", "bitcast", "where", "eq", "lt", "le"])
const ON_INTEGERS: ReadonlySet<string> = new Set(
  "neg abs sign floor ceil trunc round add sub mul div mod pow min max and or xor not shl shr mulhi".split(" "),
)
const NOT_ON_FLOATS: ReadonlySet<string> = new Set("and or xor not shl shr mulhi".split(" "))

/** Whether a primitive computes in the type; half types are only ever converted. */
function hasMeaning(op: string, dtype: ScalarType): boolean {
  if (ON_ANY.has(op)) return true
  return isFloat(dtype) ? !isHalf(dtype) && !NOT_ON_FLOATS.has(op) : ON_INTEGERS.has(op)
}

type CheckedKernel = MapKernel | ReduceKernel | RowsKernel

const KINDS: ReadonlySet<string> = new Set<CheckedKernel["kind"]>(["map", "reduce", "rows"])
const isChecked = (kernel: Kernel): kernel is CheckedKernel => KINDS.has(kernel.kind)

/** Expressions of a kernel, and what they may read. */
interface Part {
  readonly name: string
  readonly roots: readonly Expr[]
  readonly leaves: readonly Leaf[]
  /** How many dims have an index. */
  readonly dims: number
  /** The types of the accumulators that can be seen. */
  readonly accumulators: readonly ScalarType[]
}

const AT_POINTS: readonly Leaf[] = ["const", "input", "load", "index", "scalar"]

const monoidParts = (monoid: Monoid, dims: number, before: readonly ScalarType[]): Part[] => [
  { name: "lift", roots: monoid.lift, leaves: [...AT_POINTS, "result"], dims, accumulators: before },
  {
    name: "combine",
    roots: monoid.combine,
    leaves: ["const", "left", "right", "scalar"],
    dims: 0,
    accumulators: monoid.accumulators,
  },
]

const monoidsOf = (kernel: CheckedKernel): readonly Monoid[] =>
  kernel.kind === "map" ? [] : kernel.kind === "reduce" ? [kernel] : kernel.stages

/** How many dims the outputs of `finish` have. */
const keptOf = (kernel: CheckedKernel): number => kernel.rank - (kernel.kind === "map" ? 0 : kernel.reduced)

const bodyOf = (kernel: CheckedKernel): readonly Expr[] => (kernel.kind === "reduce" ? [] : kernel.body)
const finishOf = (kernel: CheckedKernel): readonly Expr[] => (kernel.kind === "map" ? [] : kernel.finish)

function partsOf(kernel: CheckedKernel): Part[] {
  const accumulators: ScalarType[] = []
  const monoids = monoidsOf(kernel).flatMap((monoid) => {
    const parts = monoidParts(monoid, kernel.rank, [...accumulators])
    accumulators.push(...monoid.accumulators)
    return parts
  })
  const leaves: readonly Leaf[] = ["const", "result", "index", "scalar"]
  return [
    ...monoids,
    { name: "body", roots: bodyOf(kernel), leaves: [...AT_POINTS, "result"], dims: kernel.rank, accumulators },
    { name: "finish", roots: finishOf(kernel), leaves, dims: keptOf(kernel), accumulators },
  ]
}

/** What can be said against the kernel itself, or undefined. */
function complaintOf(kernel: CheckedKernel): string | undefined {
  for (const { name, roots, leaves, dims, accumulators } of partsOf(kernel))
    for (const { op, value, dtype, args } of topological(roots)) {
      const k = Number(value)
      if (!(op in PRIMITIVES) && !leaves.includes(op as Leaf)) return `${op} in ${name}`
      if (op in PRIMITIVES && !hasMeaning(op, dtype)) return `${op} has no meaning on ${dtype}`
      if (op === "input" && kernel.inputs[k]?.access === "load") return `input ${k} is read by load only`
      if (op === "load" && kernel.inputs[k]?.access !== "load") return `input ${k} is not read by load`
      if (op === "load" && kernel.inputs[k].rank !== args.length) return `load ${k} has ${args.length} coordinates`
      if ((op === "input" || op === "load") && kernel.inputs[k].dtype !== dtype) return `input ${k} is not ${dtype}`
      if (op === "scalar" && kernel.scalars[k] !== dtype) return `scalar ${k} is not ${dtype}`
      if (op === "index" && k >= dims) return `index ${k} in ${name}`
      if ((op === "left" || op === "right" || op === "result") && accumulators[k] !== dtype)
        return `${op} ${k} in ${name} is no ${dtype} accumulator`
    }
  const accepts = ({ dtype }: OutputType, root: Expr | undefined): boolean =>
    root?.dtype === dtype || (isHalf(dtype) && root?.dtype === "float32")
  const roots = [...bodyOf(kernel), ...finishOf(kernel)]
  if (roots.length !== kernel.outputs.length || !kernel.outputs.every((output, k) => accepts(output, roots[k])))
    return "outputs and their expressions differ in type or number"
  if (kernel.kind === "rows" && kernel.outputs.some(({ aliases }) => aliases !== undefined))
    return "an output of rows is an input"
  if (kernel.kind !== "map" && (kernel.reduced < 1 || kernel.reduced > kernel.rank))
    return `reduces ${kernel.reduced} of ${kernel.rank} dims`
  for (const { accumulators, identity, lift, combine } of monoidsOf(kernel)) {
    for (const tuple of [lift, combine])
      if (tuple.length !== accumulators.length || !tuple.every((e, k) => e.dtype === accumulators[k]))
        return "accumulators and their expressions differ in type or number"
    if (identity.length !== accumulators.length) return "identity and accumulators differ in number"
  }
  return undefined
}

/** Every byte an operand touches, so that overlaps show however the views are strided and typed. */
function* bytesOf({ operand, dtype }: Typed): Generator<number> {
  const width = widthOf(dtype)
  for (const address of addressesOf(operand)) {
    const start = address * width
    for (let byte = start; byte < start + width; byte++) yield byte
  }
}

/** No byte is written twice, and none that an input reads, unless that is the very same view. */
function checkOverlaps(
  kernel: CheckedKernel,
  inputs: readonly Typed[],
  outputs: readonly Typed[],
  where: (k: number, role: string) => string,
): void {
  const written = new Map<Buffer, Map<number, number>>()
  outputs.forEach((output, k) => {
    const { buffer } = output.operand
    const bytes = written.get(buffer) ?? new Map<number, number>()
    written.set(buffer, bytes)
    for (const byte of bytesOf(output)) {
      insist(!bytes.has(byte), () => `${where(k, "output")}: two elements are the same memory`)
      bytes.set(byte, k)
    }
  })
  inputs.forEach((input, k) => {
    const bytes = written.get(input.operand.buffer)
    if (!bytes) return
    const clash = [...bytesOf(input)].find((byte) => bytes.has(byte))
    if (clash === undefined) return
    const hit = bytes.get(clash)!
    const output = outputs[hit].operand
    const { offset, strides } = input.operand
    insist(
      kernel.outputs[hit].aliases === k &&
        input.dtype === outputs[hit].dtype &&
        offset === output.offset &&
        sameList(input.operand.sizes, output.sizes) &&
        sameList(strides, output.strides),
      () => `${where(k, "input")} overlaps output ${hit} and is not declared as the same view`,
    )
  })
}

function checkLaunch(
  kernel: CheckedKernel,
  sizes: readonly number[],
  inputs: readonly Typed[],
  outputs: readonly Typed[],
): void {
  const where = (k: number, role: string): string => `${role} ${k} of ${describeKernel(kernel)}`
  insist(sizes.length === kernel.rank, () => `${describeKernel(kernel)}: launched over [${sizes.join(", ")}]`)
  const kept = sizes.slice(0, keptOf(kernel))
  const whole = bodyOf(kernel).length
  const follows = ({ operand }: Typed, space: readonly number[], access: InputType["access"], name: string): void => {
    const last = space.length - 1
    insist(
      sameList(operand.sizes, space) && operand.strides.length === space.length,
      () => `${name}: sizes [${operand.sizes.join(", ")}] over [${space.join(", ")}]`,
    )
    insist(
      last < 0 || space[last] <= 1 || CLASS_HOLDS[access](operand.strides[last]),
      () => `${name}: strides [${operand.strides.join(", ")}] are not ${access}`,
    )
  }
  kernel.inputs.forEach(({ access, rank }, k) => {
    if (access !== "load") follows(inputs[k], sizes, access, where(k, "input"))
    else insist(inputs[k].operand.sizes.length === rank, () => `${where(k, "input")}: rank is not ${rank}`)
  })
  kernel.outputs.forEach(({ access }, k) => follows(outputs[k], k < whole ? sizes : kept, access, where(k, "output")))
  // Byte by byte only where there is something to find.
  const busy = outputs.some(
    ({ operand }, k) =>
      !isDense(operand) || [...inputs, ...outputs.slice(0, k)].some((other) => other.operand.buffer === operand.buffer),
  )
  if (busy) checkOverlaps(kernel, inputs, outputs, where)
  for (const [k, { aliases }] of kernel.outputs.entries())
    insist(
      aliases === undefined || inputs[aliases].operand.buffer === outputs[k].operand.buffer,
      () => `${where(k, "output")} does not alias input ${aliases}`,
    )
}

class Checked {
  readonly inner: Executable
  readonly kernel: CheckedKernel

  constructor(inner: Executable, kernel: CheckedKernel) {
    this.inner = inner
    this.kernel = kernel
  }
}

export function strict(inner: Backend): Backend {
  const bytesIn = new WeakMap<Buffer, number>()
  const insideMemory = (typed: Typed, name: string): void => {
    const bytes = bytesIn.get(typed.operand.buffer)
    insist(bytes !== undefined, () => `${name}: a buffer that was freed, or of another backend`)
    const length = Math.floor(bytes! / widthOf(typed.dtype))
    const { offset, sizes, strides } = typed.operand
    if (sizes.includes(0)) return
    const ends = sizes.map((size, d) => (size - 1) * strides[d])
    for (const sign of [1, -1]) {
      const address = ends.reduce((sum, end) => sum + (end * sign > 0 ? end : 0), offset)
      insist(
        address >= 0 && address < length,
        () => `${name}: element ${address} of a buffer of ${length} ${typed.dtype}`,
      )
    }
  }
  return {
    ...delegate(inner),
    allocate(bytes, dtype) {
      const buffer = inner.allocate(bytes, dtype)
      bytesIn.set(buffer, bytes)
      return buffer
    },
    free(buffer) {
      insist(bytesIn.delete(buffer), () => "a buffer is freed twice, or is of another backend")
      inner.free(buffer)
    },
    compile(kernel: Kernel) {
      if (!isChecked(kernel)) return inner.compile(kernel)
      const complaint = complaintOf(kernel)
      insist(complaint === undefined, () => `${describeKernel(kernel)}: ${complaint}`)
      return new Checked(inner.compile(kernel), kernel)
    },
    launch(executable, sizes, operands, scalars) {
      if (!(executable instanceof Checked)) return inner.launch(executable, sizes, operands, scalars)
      const { kernel } = executable
      const types = [...kernel.inputs, ...kernel.outputs]
      const name = describeKernel(kernel)
      const most = inner.capabilities.maxOperands
      insist(operands.length === types.length, () => `${operands.length} operands for ${name}`)
      insist(operands.length <= most, () => `${operands.length} operands for ${name}, and the backend takes ${most}`)
      insist(scalars.length === kernel.scalars.length, () => `${scalars.length} scalars for ${name}`)
      const typed = operands.map((operand, k) => ({ operand, dtype: types[k].dtype }))
      for (const [k, each] of typed.entries()) insideMemory(each, `operand ${k} of ${name}`)
      checkLaunch(kernel, sizes, typed.slice(0, kernel.inputs.length), typed.slice(kernel.inputs.length))
      inner.launch(executable.inner, sizes, operands, scalars)
    },
  }
}
