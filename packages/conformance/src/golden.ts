/**
 * PyTorch's results for the cases, decoded.
 *
 * One module per family holds base64 of gzip of: the header's length (uint32, little endian), the header (JSON), and the
 * elements of every stored tensor one after another in the header's order. tooling/golden/ops.py writes them.
 */

import type { DType } from "@taeda/core"
import { type Case, casesOf } from "./cases.ts"
import { FAMILIES, type Family } from "./rows/index.ts"

/** A tensor as PyTorch computed it, in row-major order; int64 and bool as numbers. */
export interface GoldenTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** How an output lies in the storage of an input. */
export interface Alias {
  /** Position in the case's `inputs`. */
  readonly input: number
  readonly strides: readonly number[]
  readonly offset: number
  /** The very tensor that was given. */
  readonly same: boolean
}

export interface GoldenOutput extends GoldenTensor {
  /** The node's name as it is printed, without brackets (`AddBackward0`); null when the output needs no gradient. */
  readonly gradFn: string | null
  /** Present when the output shares an input's storage. */
  readonly alias?: Alias
}

export interface Golden {
  /** Of the inputs' elements: differs when rows changed and the golden values are stale. */
  readonly checksum: number
  /** A tensor, a list of tensors, a named tuple, or a value of the host. */
  readonly form: "tensor" | "list" | "fields" | "host"
  readonly outputs: readonly GoldenOutput[]
  /** The names of a named tuple's fields, in camelCase. */
  readonly fields?: readonly string[]
  readonly host?: boolean | number
  /** For `cotangent` of every differentiable output: the gradient of each input, null where there is none. */
  readonly gradients?: readonly (GoldenTensor | null)[]
  /** The gradients of the sum of `gradients` times `secondCotangent`. */
  readonly secondGradients?: readonly (GoldenTensor | null)[]
}

/** Positions in this list are the header's names for dtypes. */
const DTYPE_CODES: readonly DType[] = [
  "bool",
  "uint8",
  "int8",
  "int16",
  "int32",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
]

interface OutputRecord {
  d: number
  n: number[]
  f?: string
  /** Input, strides, offset, and 1 when it is the input itself. */
  v?: [number, number[], number, number]
}

interface CaseRecord {
  x: number
  k?: "list" | string[]
  h?: boolean | number
  o?: OutputRecord[]
  /** One character an input: 1 when a gradient follows, 0 when there is none. */
  g?: string
  s?: string
}

const widen16 = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const scratch = new DataView(new ArrayBuffer(4))
const widenBFloat = (bits: number): number => {
  scratch.setUint32(0, bits << 16)
  return scratch.getFloat32(0)
}

const READERS: Record<DType, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }> = {
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) },
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  int8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  int16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  int32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  int64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  float16: { bytes: 2, read: (view, at) => widen16(view.getUint16(at, true)) },
  bfloat16: { bytes: 2, read: (view, at) => widenBFloat(view.getUint16(at, true)) },
  float32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  float64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** Reads tensors off the body, one after another. */
class Body {
  readonly #view: DataView
  #at: number

  constructor(view: DataView, start: number) {
    this.#view = view
    this.#at = start
  }

  take(dtype: DType, shape: readonly number[]): GoldenTensor {
    const { bytes, read } = READERS[dtype]
    const data = new Float64Array(shape.reduce((a, b) => a * b, 1))
    for (let i = 0; i < data.length; i++, this.#at += bytes) data[i] = read(this.#view, this.#at)
    return { dtype, shape, data }
  }

  get rest(): number {
    return this.#view.byteLength - this.#at
  }
}

async function gunzip(base64: string): Promise<DataView> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new DataView(await new Response(stream).arrayBuffer())
}

const formOf = (record: CaseRecord): Golden["form"] => {
  if (record.h !== undefined) return "host"
  return record.k === undefined ? "tensor" : record.k === "list" ? "list" : "fields"
}

/** The golden values of a family by case id, and those that no case of the rows asks for. */
export async function decodeGolden(base64: string, cases: readonly Case[]): Promise<Map<string, Golden>> {
  const view = await gunzip(base64)
  const length = view.getUint32(0, true)
  const text = new TextDecoder().decode(new Uint8Array(view.buffer, 4, length))
  const records = JSON.parse(text) as Record<string, CaseRecord>
  const inputsOf = new Map(cases.map((each) => [each.id, each.inputs]))
  const body = new Body(view, 4 + length)
  const goldens = new Map<string, Golden>()
  for (const [id, record] of Object.entries(records)) {
    const inputs = inputsOf.get(id)
    if (!inputs)
      throw new Error(`golden values: no row has a case "${id}": the rows changed, generate the values again`)
    const gradients = (flags: string | undefined) =>
      flags === undefined
        ? undefined
        : inputs.map(({ dtype, shape }, i) => (flags[i] === "1" ? body.take(dtype, shape) : null))
    goldens.set(id, {
      checksum: record.x,
      form: formOf(record),
      outputs: (record.o ?? []).map(({ d, n, f, v }) => ({
        ...body.take(DTYPE_CODES[d], n),
        gradFn: f ?? null,
        ...(v && { alias: { input: v[0], strides: v[1], offset: v[2], same: v[3] === 1 } }),
      })),
      fields: Array.isArray(record.k) ? record.k : undefined,
      host: record.h,
      gradients: gradients(record.g),
      secondGradients: gradients(record.s),
    })
  }
  if (body.rest !== 0) throw new Error(`golden values: ${body.rest} bytes left over: generate the values again`)
  return goldens
}

/** The golden values of a family by case id. Each call decodes anew: keep the result. */
export async function loadGolden(family: Family): Promise<Map<string, Golden>> {
  const { data } = await MODULES[family]()
  return decodeGolden(
    data,
    FAMILIES[family].flatMap((row) => casesOf(row)),
  )
}

const MODULES: Record<Family, () => Promise<{ readonly data: string }>> = {
  creation: () => import("./golden/creation.ts"),
  dtypes: () => import("./golden/dtypes.ts"),
  unary: () => import("./golden/unary.ts"),
  binary: () => import("./golden/binary.ts"),
  reduction: () => import("./golden/reduction.ts"),
  shape: () => import("./golden/shape.ts"),
  indexing: () => import("./golden/indexing.ts"),
  sorting: () => import("./golden/sorting.ts"),
  linalg: () => import("./golden/linalg.ts"),
  neural: () => import("./golden/neural.ts"),
  loss: () => import("./golden/loss.ts"),
}
