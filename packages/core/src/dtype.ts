/**
 * Element types: what a tensor may hold, how wide it is, how it is seen from the host, and how two of them promote.
 *
 * The promotion rules are PyTorch's (`torch.promote_types`, `torch.result_type`), with one difference that the whole
 * library keeps: where PyTorch makes a 64-bit integer by itself, the default integer here is int32.
 */

/** The element types of tensors, by PyTorch's names. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "int16"
  | "int32"
  | "int64"
  | "bool"

/** What a scalar expression may compute in: every storable type, and uint32 for counters and bit patterns. */
export type ScalarType = DType | "uint32"

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array

export type DTypeKind = "bool" | "int" | "float"

interface DTypeInfo {
  /** A small integer, for cache keys and tables. */
  readonly id: number
  readonly kind: DTypeKind
  /** Bytes of one element. */
  readonly bytes: number
  readonly signed: boolean
  /** The typed array that holds the raw elements (float16 and bfloat16 as their 16 bits). */
  readonly array: {
    new (length: number): TypedArray
    new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray
  }
  /** PyTorch's name of the legacy tensor class, which its error messages use. */
  readonly legacy: string
}

export const DTYPES: Readonly<Record<DType, DTypeInfo>> = {
  bool: { id: 0, kind: "bool", bytes: 1, signed: false, array: Uint8Array, legacy: "Bool" },
  uint8: { id: 1, kind: "int", bytes: 1, signed: false, array: Uint8Array, legacy: "Byte" },
  int8: { id: 2, kind: "int", bytes: 1, signed: true, array: Int8Array, legacy: "Char" },
  int16: { id: 3, kind: "int", bytes: 2, signed: true, array: Int16Array, legacy: "Short" },
  int32: { id: 4, kind: "int", bytes: 4, signed: true, array: Int32Array, legacy: "Int" },
  int64: { id: 5, kind: "int", bytes: 8, signed: true, array: BigInt64Array, legacy: "Long" },
  float16: { id: 6, kind: "float", bytes: 2, signed: true, array: Uint16Array, legacy: "Half" },
  bfloat16: { id: 7, kind: "float", bytes: 2, signed: true, array: Uint16Array, legacy: "BFloat16" },
  float32: { id: 8, kind: "float", bytes: 4, signed: true, array: Float32Array, legacy: "Float" },
  float64: { id: 9, kind: "float", bytes: 8, signed: true, array: Float64Array, legacy: "Double" },
}

/** All dtypes in the order of their ids. */
export const DTYPE_NAMES = Object.keys(DTYPES) as DType[]

export const isDType = (value: unknown): value is DType => typeof value === "string" && Object.hasOwn(DTYPES, value)
export const isFloating = (dtype: DType): boolean => DTYPES[dtype].kind === "float"
export const isIntegral = (dtype: DType, includeBool = false): boolean =>
  DTYPES[dtype].kind === "int" || (includeBool && dtype === "bool")

/** The type that pointwise arithmetic on `dtype` computes in: half types compute in float32 and round once per op. */
export const computeType = (dtype: DType): DType => (dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype)

/** PyTorch's `torch.promote_types`: the smallest type both convert to. */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a
  const x = DTYPES[a]
  const y = DTYPES[b]
  if (x.kind !== y.kind) return rank(x.kind) > rank(y.kind) ? a : b
  if (x.kind === "float") return x.bytes === y.bytes ? "float32" : x.bytes > y.bytes ? a : b
  if (x.signed === y.signed) return x.bytes > y.bytes ? a : b
  const [signed, unsigned] = x.signed ? [a, b] : [b, a]
  return DTYPES[signed].bytes > DTYPES[unsigned].bytes ? signed : "int16"
}

const rank = (kind: DTypeKind): number => (kind === "bool" ? 0 : kind === "int" ? 1 : 2)

/** Whether PyTorch lets a result of type `from` be written into a tensor of type `to` (`torch.can_cast`). */
export const canCast = (from: DType, to: DType): boolean => rank(DTYPES[from].kind) <= rank(DTYPES[to].kind)

let defaultFloat: DType = "float32"

/** The dtype of floating results that nothing else decides: float32 unless `setDefaultDtype` changed it. */
export const getDefaultDtype = (): DType => defaultFloat

/** Sets the default floating dtype. Throws a TypeError for anything that is not a floating dtype. */
export function setDefaultDtype(dtype: DType): void {
  if (!isDType(dtype) || !isFloating(dtype))
    throw new TypeError(
      `setDefaultDtype: expected a floating dtype (float32, float64, float16, bfloat16), got ${String(dtype)}`,
    )
  defaultFloat = dtype
}

/** The default integer dtype, wherever PyTorch gives int64: WGSL has no 64-bit integers. */
export const DEFAULT_INT: DType = "int32"
