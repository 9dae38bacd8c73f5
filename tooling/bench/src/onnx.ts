/**
 * Models in ONNX's file format: as much of it as a chain of nodes over float32 tensors needs. The format is Protocol Buffers;
 * a field is written as its number and wire type, then its value (onnx.proto has the numbers).
 */

/** A field's value: bytes and text with their length before them, a whole number as a varint, a float as four bytes. */
type Value = number | string | Uint8Array | { readonly float: number }

const VARINT = 0
const LENGTH = 2
const FIXED32 = 5

const text = new TextEncoder()

function varint(value: number): number[] {
  const out: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  while (left > 127n) {
    out.push(Number(left & 127n) | 128)
    left >>= 7n
  }
  return [...out, Number(left)]
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function field(number: number, value: Value): Uint8Array {
  const tag = (wire: number): number[] => varint(number * 8 + wire)
  if (typeof value === "number") return Uint8Array.from([...tag(VARINT), ...varint(value)])
  if (typeof value === "string") return field(number, text.encode(value))
  if (value instanceof Uint8Array) return join([Uint8Array.from([...tag(LENGTH), ...varint(value.length)]), value])
  return join([Uint8Array.from(tag(FIXED32)), new Uint8Array(Float32Array.of(value.float).buffer)])
}

/** A message; a field with several values is repeated. */
const message = (...fields: readonly (readonly [number: number, ...values: Value[]])[]): Uint8Array =>
  join(fields.flatMap(([number, ...values]) => values.map((v) => field(number, v))))

export type Shape = readonly number[]

export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  /** Integer attributes. */
  readonly ints?: Readonly<Record<string, number | readonly number[]>>
}

export interface Constant {
  readonly shape: Shape
  readonly data: Float32Array | BigInt64Array
}

export interface Model {
  /** Float32 inputs, in order. */
  readonly inputs: Readonly<Record<string, Shape>>
  readonly constants?: Readonly<Record<string, Constant>>
  readonly nodes: readonly Node[]
  /** The shape of the one output, which is that of the last node. */
  readonly output: Shape
}

/** Numbers of TensorProto.DataType. */
const FLOAT = 1
const INT64 = 7
/** Numbers of AttributeProto.AttributeType. */
const INT_ATTRIBUTE = 2
const INTS_ATTRIBUTE = 7
/** The first version that has Gelu, and the version of the format that belongs to it. */
const OPSET = 20
const IR_VERSION = 9

const attribute = ([name, value]: [string, number | readonly number[]]): Uint8Array =>
  typeof value === "number"
    ? message([1, name], [3, value], [20, INT_ATTRIBUTE])
    : message([1, name], [8, ...value], [20, INTS_ATTRIBUTE])

const node = ({ op, inputs, output, ints = {} }: Node): Uint8Array =>
  message([1, ...inputs], [2, output], [4, op], [5, ...Object.entries(ints).map(attribute)])

const constant = ([name, { shape, data }]: [string, Constant]): Uint8Array =>
  message(
    [1, ...shape],
    [2, data instanceof Float32Array ? FLOAT : INT64],
    [8, name],
    [9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  )

function valueInfo([name, shape]: [string, Shape]): Uint8Array {
  const dims = message([1, ...shape.map((size) => message([1, size]))])
  return message([1, name], [2, message([1, message([1, FLOAT], [2, dims])])])
}

/** The bytes of a model's file. */
export function encodeModel({ inputs, constants = {}, nodes, output }: Model): Uint8Array {
  const last = nodes[nodes.length - 1]
  const graph = message(
    [1, ...nodes.map(node)],
    [2, "graph"],
    [5, ...Object.entries(constants).map(constant)],
    [11, ...Object.entries(inputs).map(valueInfo)],
    [12, valueInfo([last.output, output])],
  )
  return message([1, IR_VERSION], [7, graph], [8, message([2, OPSET])])
}
