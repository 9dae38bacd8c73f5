/**
 * The smallest backend: memory, `map` and `reduce`, by walking the expression at every point. The core composes all other
 * kernels of those two, so this is all that a new machine has to bring. It is written to be read, not to be fast.
 */

import {
  type Backend,
  type Buffer,
  bfloat16ToNumber,
  type Capabilities,
  DTYPE_NAMES,
  DTYPES,
  type DType,
  type Executable,
  type Expr,
  float16ToNumber,
  type Kernel,
  KernelFault,
  type Leaf,
  type MapKernel,
  numberToBfloat16,
  numberToFloat16,
  type Operand,
  PRIMITIVES,
  type ReduceKernel,
  type Scalar,
  type TypedArray,
  topological,
} from "@taeda/core"
import { convert, primitive, ROUND, type Value } from "./numbers.ts"

// ----------------------------------------------------------------------------------------------------- memory

class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>
  freed = false

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
  }
}

/** The memory behind a buffer of this backend. The core only ever passes buffers on, so they can be what you like. */
function memoryOf(buffer: Buffer): Memory {
  const memory = buffer as Memory
  if (memory.freed) throw new Error("minimal: use of a buffer after it was freed")
  return memory
}

/** The elements of an operand, by address: half types as numbers, bool as 0 or 1, int64 as bigint. */
interface Elements {
  readonly get: (address: number) => Value
  readonly set: (address: number, value: Value) => void
  readonly operand: Operand
}

const HALVES: Partial<Record<DType, readonly [(bits: number) => number, (x: number) => number]>> = {
  float16: [float16ToNumber, numberToFloat16],
  bfloat16: [bfloat16ToNumber, numberToBfloat16],
}

function elementsOf(operand: Operand, dtype: DType): Elements {
  const { bytes } = memoryOf(operand.buffer)
  const { array, bytes: width } = DTYPES[dtype]
  const elements: TypedArray = new array(bytes.buffer, 0, Math.floor(bytes.length / width))
  const [decode, encode] = HALVES[dtype] ?? []
  return {
    operand,
    get: decode ? (address) => decode(Number(elements[address])) : (address) => elements[address],
    set: (address, value) => {
      elements[address] = (encode ? encode(Number(value)) : value) as never
    },
  }
}

const addressOf = ({ offset, strides }: Operand, at: readonly number[]): number => {
  let address = offset
  for (let d = 0; d < strides.length; d++) address += strides[d] * at[d]
  return address
}

/** All coordinates of a space, in row-major order; one point for no dims. */
function* pointsOf(sizes: readonly number[]): Generator<number[]> {
  if (sizes.includes(0)) return
  const at = sizes.map(() => 0)
  for (;;) {
    yield at.slice()
    let d = sizes.length - 1
    while (d >= 0 && ++at[d] === sizes[d]) at[d--] = 0
    if (d < 0) return
  }
}

// ------------------------------------------------------------------------------------------------ expressions

/** What the leaves of an expression read at one point of the iteration. */
interface Point {
  readonly inputs: readonly Elements[]
  readonly scalars: readonly Value[]
  readonly at: readonly number[]
  readonly left?: readonly Value[]
  readonly right?: readonly Value[]
  readonly result?: readonly Value[]
}

type ReadLeaf = (point: Point, coordinates: readonly Value[]) => Value

/** One entry per leaf: the function that reads it. */
const LEAVES: Readonly<Record<Leaf, (node: Expr, k: number) => ReadLeaf>> = {
  const: ({ dtype, value }) => {
    const constant = convert(typeof value === "boolean" ? Number(value) : value, dtype)
    return () => constant
  },
  input:
    (_, k) =>
    ({ inputs, at }) =>
      inputs[k].get(addressOf(inputs[k].operand, at)),
  load:
    ({ dtype, bounds }, k) =>
    ({ inputs }, coordinates) => {
      const { get, operand } = inputs[k]
      const at = coordinates.map(Number)
      if (at.every((x, d) => x >= 0 && x < operand.sizes[d])) return get(addressOf(operand, at))
      if (bounds === "fault") throw new KernelFault(`index [${at}] is outside of sizes [${operand.sizes}]`)
      return ROUND[dtype](0)
    },
  index:
    (_, k) =>
    ({ at }) =>
      at[k],
  scalar:
    (_, k) =>
    ({ scalars }) =>
      scalars[k],
  left:
    (_, k) =>
    ({ left }) =>
      left![k],
  right:
    (_, k) =>
    ({ right }) =>
      right![k],
  result:
    (_, k) =>
    ({ result }) =>
      result![k],
}

/** A function of a point that gives the values of all roots. Nodes are shared, so each is computed once per point. */
function evaluator(roots: readonly Expr[]): (point: Point) => Value[] {
  const order = topological(roots)
  const slots = new Map(order.map((node, slot) => [node, slot]))
  const steps = order.map((node) => {
    const args = node.args.map((arg) => slots.get(arg)!)
    if (node.op in PRIMITIVES) {
      const [a, b, c] = args
      const f = primitive(node)
      return (_: Point, values: readonly Value[]) => f(values[a], values[b], values[c])
    }
    const read = LEAVES[node.op as Leaf](node, Number(node.value))
    if (args.length === 0) return (point: Point) => read(point, args)
    return (point: Point, values: readonly Value[]) =>
      read(
        point,
        args.map((slot) => values[slot]),
      )
  })
  const results = roots.map((root) => slots.get(root)!)
  const values = new Array<Value>(steps.length)
  return (point) => {
    for (let slot = 0; slot < steps.length; slot++) values[slot] = steps[slot](point, values)
    return results.map((slot) => values[slot])
  }
}

// ---------------------------------------------------------------------------------------------------- kernels

type Run = (
  sizes: readonly number[],
  inputs: readonly Elements[],
  outputs: readonly Elements[],
  scalars: readonly Value[],
) => void

interface Program {
  readonly kernel: MapKernel | ReduceKernel
  readonly run: Run
}

type Computed = readonly [at: readonly number[], values: readonly Value[]]

/** Everything is computed before anything is stored, so that a fault leaves the outputs as they were. */
function store(kernel: MapKernel | ReduceKernel, outputs: readonly Elements[], results: readonly Computed[]): void {
  for (const [at, values] of results)
    for (const [k, { set, operand }] of outputs.entries())
      set(addressOf(operand, at), ROUND[kernel.outputs[k].dtype](values[k]))
}

function compileMap(kernel: MapKernel): Run {
  const body = evaluator(kernel.body)
  return (sizes, inputs, outputs, scalars) => {
    const results = [...pointsOf(sizes)].map((at): Computed => [at, body({ inputs, scalars, at })])
    store(kernel, outputs, results)
  }
}

function compileReduce(kernel: ReduceKernel): Run {
  const [lift, combine, finish] = [kernel.lift, kernel.combine, kernel.finish].map(evaluator)
  const nothing = kernel.identity.map((x, k) => convert(typeof x === "boolean" ? Number(x) : x, kernel.accumulators[k]))
  return (sizes, inputs, outputs, scalars) => {
    const kept = kernel.rank - kernel.reduced
    const reduced = [...pointsOf(sizes.slice(kept))]
    const merge = (left: Value[], right: Value[]): Value[] => combine({ inputs: [], scalars, at: [], left, right })
    // By halves, so that the rounding errors of a sum grow with the logarithm of its length; the later half first,
    // since a backend may combine in any order, and a monoid that needs one would show here.
    const over = (head: readonly number[], from: number, to: number): Value[] => {
      if (to - from === 1) return lift({ inputs, scalars, at: head.concat(reduced[from]) })
      const middle = (from + to) >> 1
      return merge(over(head, middle, to), over(head, from, middle))
    }
    const results = [...pointsOf(sizes.slice(0, kept))].map((at): Computed => {
      const result = reduced.length > 0 ? merge(nothing, over(at, 0, reduced.length)) : nothing
      return [at, finish({ inputs: [], scalars, at, result })]
    })
    store(kernel, outputs, results)
  }
}

// ---------------------------------------------------------------------------------------------------- backend

export interface MinimalOptions {
  readonly name?: string
  /** Changes what the backend says of itself, e.g. fewer dtypes. */
  readonly capabilities?: Partial<Capabilities>
}

/** Opens the minimal backend. */
export function createMinimal({ name = "minimal", capabilities }: MinimalOptions = {}): Backend {
  const live = new Set<Memory>()
  let liveBytes = 0
  let peakBytes = 0

  const part = (buffer: Buffer, offset: number, bytes: number): Uint8Array => {
    const memory = memoryOf(buffer).bytes
    if (offset < 0 || offset + bytes > memory.length)
      throw new RangeError(`${name}: bytes ${offset} to ${offset + bytes} of ${memory.length}`)
    return memory.subarray(offset, offset + bytes)
  }
  const readSync = (buffer: Buffer, offset: number, bytes: number) => part(buffer, offset, bytes).slice()
  const supports = (kernel: Kernel): true | string =>
    kernel.kind === "map" || kernel.kind === "reduce" || `${name} has only map and reduce`

  return {
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
      const memory = new Memory(bytes)
      live.add(memory)
      liveBytes += bytes
      peakBytes = Math.max(peakBytes, liveBytes)
      return memory
    },
    free(buffer) {
      const memory = memoryOf(buffer)
      memory.freed = true
      live.delete(memory)
      liveBytes -= memory.bytes.length
    },
    write: (buffer, bytes, offset = 0) => part(buffer, offset, bytes.length).set(bytes),
    copy: (from, fromByte, to, toByte, bytes) => part(to, toByte, bytes).set(part(from, fromByte, bytes)),
    read: async (buffer, offset, bytes) => readSync(buffer, offset, bytes),
    readSync,

    supports,
    compile(kernel): Executable {
      if (kernel.kind === "map") return { kernel, run: compileMap(kernel) } satisfies Program
      if (kernel.kind === "reduce") return { kernel, run: compileReduce(kernel) } satisfies Program
      throw new TypeError(String(supports(kernel)))
    },
    async warm() {},
    launch(executable, sizes, operands, scalars: readonly Scalar[]) {
      const { kernel, run } = executable as Program
      const elements = [...kernel.inputs, ...kernel.outputs].map(({ dtype }, k) => elementsOf(operands[k], dtype))
      const inputs = elements.slice(0, kernel.inputs.length)
      const outputs = elements.slice(kernel.inputs.length)
      run(
        sizes,
        inputs,
        outputs,
        scalars.map((x, k) => convert(typeof x === "boolean" ? Number(x) : x, kernel.scalars[k])),
      )
    },
    async synchronize() {},

    memoryStats: () => ({ liveBytes, liveBuffers: live.size, pooledBytes: 0, peakBytes }),
    dispose() {
      for (const memory of live) memory.freed = true
      live.clear()
      liveBytes = 0
    },
  }
}

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createMinimal()
