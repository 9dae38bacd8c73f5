/**
 * The smallest backend: memory, `map` and `reduce`, by walking the expression at every point. Everything else is the
 * core's default, so this is all that a new machine has to bring. It is slow, and strict: it checks what the contract
 * (`kernel.ts`, `backend.ts`) promises of every launch, and throws ContractError where a launch breaks it.
 */
import { type Backend, type Buffer, type Capabilities, KernelFault, type Operand } from "../src/backend.ts"
import { DTYPE_NAMES, DTYPES, type DType, type ScalarType, type TypedArray } from "../src/dtype.ts"
import { type Expr, type Leaf, PRIMITIVES, type Primitive, type Scalar, topological } from "../src/expr.ts"
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "../src/half.ts"
import {
  describeKernel,
  type InputType,
  type Kernel,
  type MapKernel,
  type OutputType,
  type ReduceKernel,
} from "../src/kernel.ts"
import { SPECIAL } from "./tiny-special.ts"

/** A launch that breaks the rules of the interface: a mistake of the caller, never of the user. */
export class ContractError extends Error {
  override name = "ContractError"
}

function insist(ok: boolean, complaint: () => string): void {
  if (!ok) throw new ContractError(complaint())
}

/** The value of a node: int64 as bigint, bool as 0 or 1, the rest as numbers. */
type Value = number | bigint

// ---------------------------------------------------------------------------------------------------- numbers

const integer = (bits: number, signed: boolean) => (x: Value) =>
  Number(signed ? BigInt.asIntN(bits, BigInt(x)) : BigInt.asUintN(bits, BigInt(x)))

/** The nearest value of the type: what every primitive's result goes through. Integers wrap. */
const ROUND: Readonly<Record<ScalarType, (x: Value) => Value>> = {
  bool: (x) => Number(Boolean(x)),
  uint8: integer(8, false),
  int8: integer(8, true),
  int16: integer(16, true),
  int32: integer(32, true),
  uint32: integer(32, false),
  int64: (x) => BigInt.asIntN(64, BigInt(x)),
  float16: (x) => float16ToNumber(numberToFloat16(Number(x))),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(Number(x))),
  float32: (x) => Math.fround(Number(x)),
  float64: Number,
}

const isFloat = (dtype: ScalarType): boolean => dtype !== "uint32" && DTYPES[dtype].kind === "float"

function convert(x: Value, to: ScalarType): Value {
  if (isFloat(to) || to === "bool" || typeof x === "bigint")
    return ROUND[to](to === "bool" ? Number(x !== 0 && x !== 0n) : x)
  return ROUND[to](Number.isFinite(x) ? BigInt(Math.trunc(x)) : 0)
}

const scratch = new DataView(new ArrayBuffer(8))
type Accessors = readonly [set: (x: Value) => void, get: () => Value]
const asFloat32: Accessors = [(x) => scratch.setFloat32(0, Number(x)), () => scratch.getFloat32(0)]
const asInt32: Accessors = [(x) => scratch.setInt32(0, Number(x)), () => scratch.getInt32(0)]
const asUint32: Accessors = [(x) => scratch.setUint32(0, Number(x)), () => scratch.getUint32(0)]
const asFloat64: Accessors = [(x) => scratch.setFloat64(0, Number(x)), () => scratch.getFloat64(0)]
const asInt64: Accessors = [(x) => scratch.setBigInt64(0, BigInt(x)), () => scratch.getBigInt64(0)]
const BITS: Partial<Record<ScalarType, Accessors>> = {
  float32: asFloat32,
  int32: asInt32,
  uint32: asUint32,
  float64: asFloat64,
  int64: asInt64,
}

function roundToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)
  // A zero keeps the sign of what was rounded to it.
  return up ? (floor + 1 === 0 ? -0 : floor + 1) : floor === 0 ? x * 0 : floor
}

type OnAny = "cast" | "bitcast" | "where" | "eq" | "lt" | "le"
type OnFloats = Exclude<Primitive, OnAny | "and" | "or" | "xor" | "not" | "shl" | "shr" | "mulhi">
type OnIntegers =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "trunc"
  | "round"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "min"
  | "max"
  | "and"
  | "or"
  | "xor"
  | "not"
  | "shl"
  | "shr"
  | "mulhi"

/** In double precision; the caller rounds to the node's type. */
const FLOATS: Readonly<Record<OnFloats, (a: number, b: number) => number>> = {
  ...SPECIAL,
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundToEven,
  sqrt: Math.sqrt,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
  // C's pow has pow(1, y) = 1 and pow(-1, ±infinity) = 1, where JavaScript has NaN.
  pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b),
  atan2: Math.atan2,
  min: Math.min,
  max: Math.max,
}

/** By squaring, in 64 bits; a negative exponent leaves only 1 and -1 other than 0. */
function integerPower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n || (base === -1n && exponent % 2n === 0n) ? 1n : base === -1n ? -1n : 0n
  let product = 1n
  for (let [b, e] = [base, exponent]; e > 0n; e >>= 1n) {
    if (e & 1n) product = BigInt.asIntN(64, product * b)
    b = BigInt.asIntN(64, b * b)
  }
  return product
}

/** Exact; the caller wraps to the node's type. */
const INTEGERS: Readonly<Record<OnIntegers, (a: bigint, b: bigint) => bigint>> = {
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  floor: (a) => a,
  ceil: (a) => a,
  trunc: (a) => a,
  round: (a) => a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b ? a / b : 0n),
  mod: (a, b) => (b ? a % b : 0n),
  pow: integerPower,
  min: (a, b) => (b < a ? b : a),
  max: (a, b) => (b > a ? b : a),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  shl: (a, b) => a << (b & 63n),
  shr: (a, b) => a >> (b & 63n),
  mulhi: (a, b) => (a * b) >> 32n,
}

const COMPARISONS = {
  eq: (a: Value, b: Value) => a === b,
  lt: (a: Value, b: Value) => a < b,
  le: (a: Value, b: Value) => a <= b,
}

function primitive(node: Expr, args: readonly Value[]): Value {
  const { op, dtype } = node
  const [a, b, c] = args
  const from = node.args[0].dtype
  if (op === "where") return a ? b : c
  if (op === "cast") return convert(a, dtype)
  if (op === "bitcast") {
    BITS[from]![0](a)
    return BITS[dtype]![1]()
  }
  if (op in COMPARISONS) return Number(COMPARISONS[op as keyof typeof COMPARISONS](a, b))
  if (isFloat(dtype)) {
    insist(op in FLOATS && dtype !== "float16" && dtype !== "bfloat16", () => `${op} has no meaning on ${dtype}`)
    return ROUND[dtype](FLOATS[op as OnFloats](a as number, b as number))
  }
  insist(op in INTEGERS, () => `${op} has no meaning on ${dtype}`)
  if (dtype === "bool" && op === "not") return Number(!a)
  return ROUND[dtype](INTEGERS[op as OnIntegers](BigInt(a), BigInt(b ?? 0)))
}

// ----------------------------------------------------------------------------------------------------- memory

class TinyBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>
  freed = false

  constructor(bytes: number) {
    // Contents are undefined, and here they are something that would show.
    this.bytes = new Uint8Array(bytes).fill(0xff)
  }
}

/** The elements of an operand, by address and by coordinates. */
interface Elements {
  readonly get: (address: number) => Value
  readonly set: (address: number, value: Value) => void
  readonly dtype: DType
  readonly operand: Operand
}

const HALVES: Partial<Record<DType, readonly [(bits: number) => number, (x: number) => number]>> = {
  float16: [float16ToNumber, numberToFloat16],
  bfloat16: [bfloat16ToNumber, numberToBfloat16],
}

const memoryOf = (buffer: Buffer): TinyBuffer => {
  if (!(buffer instanceof TinyBuffer)) throw new ContractError("a buffer of another backend")
  insist(!buffer.freed, () => "use of a buffer after it was freed")
  return buffer
}

function elementsOf(operand: Operand, dtype: DType): Elements {
  const { bytes } = memoryOf(operand.buffer)
  const width = DTYPES[dtype].bytes
  const array: TypedArray = new DTYPES[dtype].array(bytes.buffer, 0, Math.floor(bytes.byteLength / width))
  const inside = (address: number): number => {
    insist(address >= 0 && address < array.length, () => `element ${address} of a buffer of ${array.length} ${dtype}`)
    return address
  }
  const [decode, encode] = HALVES[dtype] ?? [undefined, undefined]
  return {
    dtype,
    operand,
    get: (address) => {
      const value = array[inside(address)]
      return decode ? decode(Number(value)) : value
    },
    set: (address, value) => {
      array[inside(address)] = (encode ? encode(Number(value)) : value) as never
    },
  }
}

const addressOf = ({ offset, strides }: Operand, at: readonly number[]): number =>
  strides.reduce((address, stride, d) => address + stride * at[d], offset)

/** All coordinates of a space, in row-major order; one point for no dims. */
function* pointsOf(sizes: readonly number[]): Generator<number[]> {
  if (sizes.includes(0)) return
  const at = sizes.map(() => 0)
  for (;;) {
    yield [...at]
    let d = sizes.length - 1
    while (d >= 0 && ++at[d] === sizes[d]) at[d--] = 0
    if (d < 0) return
  }
}

// ---------------------------------------------------------------------------------------------------- kernels

/** What the leaves of an expression read at one point. */
interface Point {
  readonly inputs: readonly Elements[]
  readonly scalars: readonly Value[]
  readonly at: readonly number[]
  readonly left?: readonly Value[]
  readonly right?: readonly Value[]
  readonly result?: readonly Value[]
}

const LEAVES: Readonly<Record<Leaf, (node: Expr, point: Point, args: readonly Value[]) => Value>> = {
  const: (node) => ROUND[node.dtype](typeof node.value === "boolean" ? Number(node.value) : node.value),
  input: (node, { inputs, at }) => {
    const { get, operand } = inputs[Number(node.value)]
    return get(addressOf(operand, at))
  },
  load: (node, { inputs }, args) => {
    const { get, operand } = inputs[Number(node.value)]
    const at = args.map(Number)
    if (at.every((x, d) => x >= 0 && x < operand.sizes[d])) return get(addressOf(operand, at))
    if (node.bounds === "fault")
      throw new KernelFault(`index [${at.join(", ")}] is outside of sizes [${operand.sizes.join(", ")}]`)
    return ROUND[node.dtype](0)
  },
  index: (node, { at }) => at[Number(node.value)],
  scalar: (node, { scalars }) => scalars[Number(node.value)],
  left: (node, { left }) => left![Number(node.value)],
  right: (node, { right }) => right![Number(node.value)],
  result: (node, { result }) => result![Number(node.value)],
}

/** A function of a point that gives the values of all roots; shared nodes are computed once. */
function evaluator(roots: readonly Expr[]): (point: Point) => Value[] {
  const order = topological(roots)
  const slots = new Map(order.map((node, slot) => [node, slot]))
  const steps = order.map((node) => ({
    node,
    args: node.args.map((arg) => slots.get(arg)!),
    isLeaf: !(node.op in PRIMITIVES),
  }))
  const results = roots.map((root) => slots.get(root)!)
  return (point) => {
    const values: Value[] = []
    for (const { node, args, isLeaf } of steps) {
      const given = args.map((slot) => values[slot])
      values.push(isLeaf ? LEAVES[node.op as Leaf](node, point, given) : primitive(node, given))
    }
    return results.map((slot) => values[slot])
  }
}

interface Program {
  readonly kernel: MapKernel | ReduceKernel
  readonly run: (
    sizes: readonly number[],
    inputs: readonly Elements[],
    outputs: readonly Elements[],
    scalars: readonly Value[],
  ) => void
}

/** Computes everything, then stores, so that a fault leaves the outputs as they were. */
function store(
  outputs: readonly Elements[],
  results: readonly (readonly [at: readonly number[], values: readonly Value[]])[],
): void {
  for (const [at, values] of results)
    for (const [k, { set, dtype, operand }] of outputs.entries()) set(addressOf(operand, at), ROUND[dtype](values[k]))
}

function compileMap(kernel: MapKernel): Program {
  const body = evaluator(kernel.body)
  return {
    kernel,
    run: (sizes, inputs, outputs, scalars) =>
      store(
        outputs,
        [...pointsOf(sizes)].map((at) => [at, body({ inputs, scalars, at })]),
      ),
  }
}

function compileReduce(kernel: ReduceKernel): Program {
  const [lift, combine, finish] = [kernel.lift, kernel.combine, kernel.finish].map(evaluator)
  const nothing = kernel.identity.map((x, k) => ROUND[kernel.accumulators[k]](typeof x === "boolean" ? Number(x) : x))
  return {
    kernel,
    run(sizes, inputs, outputs, scalars) {
      const kept = kernel.rank - kernel.reduced
      const reduced = [...pointsOf(sizes.slice(kept))]
      const merge = (left: Value[], right: Value[]): Value[] => combine({ inputs: [], scalars, at: [], left, right })
      const results = [...pointsOf(sizes.slice(0, kept))].map((at) => {
        // Pairwise, for the error, and the later half first: a monoid that needs an order would show.
        const over = (from: number, to: number): Value[] => {
          if (to - from === 1) return lift({ inputs, scalars, at: [...at, ...reduced[from]] })
          const middle = (from + to) >> 1
          return merge(over(middle, to), over(from, middle))
        }
        const result = reduced.length ? merge(nothing, over(0, reduced.length)) : nothing
        return [at, finish({ inputs: [], scalars, at, result })] as const
      })
      store(outputs, results)
    },
  }
}

// --------------------------------------------------------------------------------------------------- contract

const sameList = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, d) => x === b[d])

const CLASS_HOLDS: Readonly<Record<InputType["access"], (innerStride: number) => boolean>> = {
  unit: (stride) => stride === 1,
  broadcast: (stride) => stride === 0,
  strided: () => true,
  load: () => true,
}

/** What can be said against the kernel itself, or undefined. */
function complaintOf(kernel: MapKernel | ReduceKernel): string | undefined {
  const isMap = kernel.kind === "map"
  const leaves: Record<string, readonly (Leaf | Primitive)[]> = {
    body: ["const", "input", "load", "index", "scalar"],
    lift: ["const", "input", "load", "index", "scalar"],
    combine: ["const", "left", "right", "scalar"],
    finish: ["const", "result", "index", "scalar"],
  }
  const parts = isMap ? { body: kernel.body } : { lift: kernel.lift, combine: kernel.combine, finish: kernel.finish }
  for (const [part, roots] of Object.entries(parts))
    for (const { op, value, dtype, args } of topological(roots)) {
      const k = Number(value)
      if (!(op in PRIMITIVES) && !leaves[part].includes(op)) return `${op} in ${part}`
      if (op === "input" && kernel.inputs[k]?.access === "load") return `input ${k} is read by load only`
      if (op === "load" && kernel.inputs[k]?.access !== "load") return `input ${k} is not read by load`
      if (op === "load" && kernel.inputs[k].rank !== args.length) return `load ${k} has ${args.length} coordinates`
      if ((op === "input" || op === "load") && kernel.inputs[k].dtype !== dtype) return `input ${k} is not ${dtype}`
      if (op === "scalar" && kernel.scalars[k] !== dtype) return `scalar ${k} is not ${dtype}`
      if (op === "index" && k >= kernel.rank - (part === "finish" && !isMap ? kernel.reduced : 0))
        return `index ${k} in ${part}`
      if ((op === "left" || op === "right" || op === "result") && !isMap && kernel.accumulators[k] !== dtype)
        return `accumulator ${k} is not ${dtype}`
    }
  const accepts = ({ dtype }: OutputType, root: Expr | undefined): boolean =>
    root?.dtype === dtype || (dtype in HALVES && root?.dtype === "float32")
  const roots = isMap ? kernel.body : kernel.finish
  if (roots.length !== kernel.outputs.length || !kernel.outputs.every((output, k) => accepts(output, roots[k])))
    return "outputs and their expressions differ in type or number"
  if (isMap) return undefined
  if (kernel.reduced < 1 || kernel.reduced > kernel.rank) return `reduces ${kernel.reduced} of ${kernel.rank} dims`
  for (const tuple of [kernel.lift, kernel.combine])
    if (tuple.length !== kernel.accumulators.length || !tuple.every((e, k) => e.dtype === kernel.accumulators[k]))
      return "accumulators and their expressions differ in type or number"
  return kernel.identity.length === kernel.accumulators.length
    ? undefined
    : "identity and accumulators differ in number"
}

/** Every byte an operand touches, so that overlaps show however the views are strided and typed. */
function* bytesOf({ operand, dtype }: Elements): Generator<number> {
  const width = DTYPES[dtype].bytes
  for (const at of pointsOf(operand.sizes)) {
    const start = addressOf(operand, at) * width
    for (let byte = start; byte < start + width; byte++) yield byte
  }
}

function checkLaunch(
  kernel: MapKernel | ReduceKernel,
  sizes: readonly number[],
  inputs: readonly Elements[],
  outputs: readonly Elements[],
): void {
  const where = (k: number, role: string): string => `${role} ${k} of ${describeKernel(kernel)}`
  insist(sizes.length === kernel.rank, () => `${describeKernel(kernel)}: launched over [${sizes.join(", ")}]`)
  const kept = kernel.kind === "reduce" ? sizes.slice(0, kernel.rank - kernel.reduced) : sizes
  const follows = (
    { operand }: Elements,
    space: readonly number[],
    access: InputType["access"],
    name: string,
  ): void => {
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
  const written = new Map<Buffer, Map<number, number>>()
  kernel.outputs.forEach(({ access }, k) => {
    const { operand } = outputs[k]
    follows(outputs[k], kept, access, where(k, "output"))
    const bytes = written.get(operand.buffer) ?? new Map<number, number>()
    written.set(operand.buffer, bytes)
    for (const byte of bytesOf(outputs[k])) {
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
  for (const [k, { aliases }] of kernel.outputs.entries())
    insist(
      aliases === undefined || inputs[aliases].operand.buffer === outputs[k].operand.buffer,
      () => `${where(k, "output")} does not alias input ${aliases}`,
    )
}

// ---------------------------------------------------------------------------------------------------- backend

export interface TinyOptions {
  /** Changes what the backend says of itself, e.g. fewer dtypes. */
  readonly capabilities?: Partial<Capabilities>
  readonly name?: string
}

/** A backend of memory, map and reduce. Its buffers are JavaScript's, yet `free` is checked: no use after, no twice. */
export function createTinyBackend({ capabilities, name = "tiny" }: TinyOptions = {}): Backend {
  const live = new Set<TinyBuffer>()
  let liveBytes = 0
  let peakBytes = 0

  const compile = (kernel: Kernel): Program => {
    if (kernel.kind !== "map" && kernel.kind !== "reduce") throw new ContractError(`${name} has no ${kernel.kind}`)
    const complaint = complaintOf(kernel)
    insist(complaint === undefined, () => `${describeKernel(kernel)}: ${complaint}`)
    return kernel.kind === "map" ? compileMap(kernel) : compileReduce(kernel)
  }
  const part = (buffer: Buffer, offset: number, bytes: number): Uint8Array => {
    const memory = memoryOf(buffer).bytes
    insist(
      offset >= 0 && offset + bytes <= memory.length,
      () => `bytes ${offset} to ${offset + bytes} of ${memory.length}`,
    )
    return memory.subarray(offset, offset + bytes)
  }
  const backend: Backend = {
    name,
    capabilities: {
      dtypes: new Set(DTYPE_NAMES),
      syncRead: true,
      collectedMemory: false,
      strictNaN: true,
      random: "mt19937",
      // The least that a machine may have (WebGPU's default).
      maxOperands: 8,
      maxBufferBytes: 2 ** 31 - 1,
      threads: 1,
      notes: ["memory, map and reduce only"],
      ...capabilities,
    },
    allocate(bytes) {
      const buffer = new TinyBuffer(bytes)
      live.add(buffer)
      liveBytes += bytes
      peakBytes = Math.max(peakBytes, liveBytes)
      return buffer as object
    },
    free(buffer) {
      const memory = memoryOf(buffer)
      memory.freed = true
      live.delete(memory)
      liveBytes -= memory.bytes.length
    },
    write: (buffer, bytes, offset = 0) => part(buffer, offset, bytes.length).set(bytes),
    copy: (from, fromByte, to, toByte, bytes) => part(to, toByte, bytes).set(part(from, fromByte, bytes)),
    read: async (buffer, offset, bytes) => part(buffer, offset, bytes).slice(),
    readSync: (buffer, offset, bytes) => part(buffer, offset, bytes).slice(),
    supports: (kernel) => kernel.kind === "map" || kernel.kind === "reduce" || `${name} has only map and reduce`,
    compile: (kernel) => compile(kernel) as object,
    warm: async () => {},
    launch(executable, sizes, operands, scalars) {
      const { kernel, run } = executable as Program
      const types = [...kernel.inputs, ...kernel.outputs]
      insist(operands.length === types.length, () => `${operands.length} operands for ${describeKernel(kernel)}`)
      insist(operands.length <= backend.capabilities.maxOperands, () => `${operands.length} operands are too many`)
      insist(scalars.length === kernel.scalars.length, () => `${scalars.length} scalars for ${describeKernel(kernel)}`)
      const elements = operands.map((operand, k) => elementsOf(operand, types[k].dtype))
      const inputs = elements.slice(0, kernel.inputs.length)
      const outputs = elements.slice(kernel.inputs.length)
      checkLaunch(kernel, sizes, inputs, outputs)
      run(
        sizes,
        inputs,
        outputs,
        scalars.map((x: Scalar, k) => convert(typeof x === "boolean" ? Number(x) : x, kernel.scalars[k])),
      )
    },
    synchronize: async () => {},
    memoryStats: () => ({ liveBytes, liveBuffers: live.size, pooledBytes: 0, peakBytes }),
    dispose() {
      for (const buffer of live) buffer.freed = true
      live.clear()
      liveBytes = 0
    },
  }
  return backend
}
