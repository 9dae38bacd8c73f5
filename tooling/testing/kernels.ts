/** For tests of backends: runs kernels on plain arrays. */
import {
  type Access,
  type Backend,
  type Buffer,
  bfloat16ToNumber,
  constant,
  DTYPES,
  type DType,
  Expr,
  float16ToNumber,
  type Kernel,
  type MapKernel,
  type Num,
  numberToBfloat16,
  numberToFloat16,
  type Operand,
  type OutputType,
  type ReduceKernel,
  type Scalar,
  type ScalarType,
  type TypedArray,
} from "@taeda/core"

export type Value = number | bigint

export interface View {
  readonly dtype: DType
  readonly values: readonly Value[]
  readonly sizes?: readonly number[]
  readonly strides?: readonly number[]
  readonly offset?: number
  /** The number of an earlier view that this is the very same as: for kernels that work in place. */
  readonly same?: number
}

const ENCODE: Partial<Record<DType, (x: number) => number>> = { float16: numberToFloat16, bfloat16: numberToBfloat16 }
const DECODE: Partial<Record<DType, (x: number) => number>> = { float16: float16ToNumber, bfloat16: bfloat16ToNumber }

export function upload(backend: Backend, dtype: DType, values: readonly Value[]): Buffer {
  const array = new DTYPES[dtype].array(values.length) as TypedArray
  const encode = ENCODE[dtype]
  for (let i = 0; i < values.length; i++) array[i] = (encode ? encode(Number(values[i])) : values[i]) as never
  const buffer = backend.allocate(array.byteLength, dtype)
  backend.write(buffer, new Uint8Array(array.buffer))
  return buffer
}

export const download = (backend: Backend, buffer: Buffer, dtype: DType, length: number): Value[] =>
  decoded(backend.readSync!(buffer, 0, length * DTYPES[dtype].bytes), dtype)

function decoded(bytes: Uint8Array, dtype: DType): Value[] {
  const array = new DTYPES[dtype].array(bytes.slice().buffer)
  const decode = DECODE[dtype]
  return Array.from(array as ArrayLike<Value>, (v) => (decode ? decode(Number(v)) : v))
}

export function rowMajor(sizes: readonly number[]): number[] {
  const strides: number[] = []
  for (let d = sizes.length - 1, step = 1; d >= 0; step *= sizes[d--]) strides[d] = step
  return strides
}

const numel = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

function uploadAll(backend: Backend, sizes: readonly number[], views: readonly View[]): Operand[] {
  const operands: Operand[] = []
  for (const v of views) {
    const own = v.sizes ?? sizes
    operands.push(
      v.same === undefined
        ? {
            buffer: upload(backend, v.dtype, v.values),
            offset: v.offset ?? 0,
            sizes: own,
            strides: v.strides ?? rowMajor(own),
          }
        : operands[v.same],
    )
  }
  return operands
}

const freeAll = (backend: Backend, operands: readonly Operand[]): void => {
  for (const buffer of new Set(operands.map((o) => o.buffer))) backend.free(buffer)
}

/** Launches and gives the contents of every operand's memory afterwards. */
export function launch(
  backend: Backend,
  kernel: Kernel,
  sizes: readonly number[],
  views: readonly View[],
  scalars: readonly Scalar[] = [],
): Value[][] {
  const operands = uploadAll(backend, sizes, views)
  try {
    backend.launch(backend.compile(kernel), sizes, operands, scalars)
    return views.map((v, k) => download(backend, operands[k].buffer, v.dtype, v.values.length))
  } finally {
    freeAll(backend, operands)
  }
}

/** The same where reads are awaited. */
export async function launched(
  backend: Backend,
  kernel: Kernel,
  sizes: readonly number[],
  views: readonly View[],
  scalars: readonly Scalar[] = [],
): Promise<Value[][]> {
  const operands = uploadAll(backend, sizes, views)
  try {
    backend.launch(backend.compile(kernel), sizes, operands, scalars)
    const reads = views.map(({ dtype, values }, k) =>
      backend.read(operands[k].buffer, 0, values.length * DTYPES[dtype].bytes),
    )
    return (await Promise.all(reads)).map((bytes, k) => decoded(bytes, views[k].dtype))
  } finally {
    freeAll(backend, operands)
  }
}

export const empty = (dtype: DType, sizes: readonly number[]): View => ({
  dtype,
  sizes,
  values: Array.from({ length: numel(sizes) }, () => (dtype === "int64" ? 0n : 0)),
})

/** `a` where `condition`, else `b`. */
export const where = (condition: Expr, a: Expr, b: Num): Expr =>
  Expr.make("where", a.dtype, [condition, a, b instanceof Expr ? b : constant(b, a.dtype)])

export const unit = (dtype: DType, access: Access = "unit"): { dtype: DType; access: Access } => ({ dtype, access })

export function mapKernel(
  rank: number,
  inputs: MapKernel["inputs"],
  outputs: readonly OutputType[],
  body: MapKernel["body"],
  scalars: readonly ScalarType[] = [],
): MapKernel {
  return { kind: "map", rank, inputs, outputs, scalars, body }
}

export const reduceKernel = (
  parts: Omit<ReduceKernel, "kind" | "scalars"> & { readonly scalars?: readonly ScalarType[] },
): ReduceKernel => ({ kind: "reduce", scalars: [], ...parts })
