/**
 * Reading to the host. `data`, `item` and `toArray` are awaited and work on every backend; their `Sync` twins work where
 * reads are synchronous, and elsewhere throw an error that names the awaited one.
 */
import type { Buffer } from "../backend.ts"
import { DTYPES, type DType, type TypedArray } from "../dtype.ts"
import { tensorText } from "../errors.ts"
import { decodeHalf } from "../half.ts"
import { relief } from "../pressure.ts"
import { contiguousStrides, isContiguous, type Sizes } from "../shape.ts"
import { allocate, type Tensor } from "../tensor.ts"
import type { HostArrayOf, Item, NestedElements } from "../types/reading.ts"
import type { Family, OwnDType, OwnShape } from "../types/signature.ts"
import { rowMajorCopy, writeInto } from "./copying.ts"

/** Elements as the host sees them: half types as Float32Array, bool as Uint8Array, int64 as BigInt64Array. */
export type HostArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array
export type HostValue = number | bigint | boolean
export type Nested<T> = T | Nested<T>[]

export interface HostMethods<D extends DType> {
  /** The elements in row-major order: bool as Uint8Array, float16 and bfloat16 as Float32Array, int64 as BigInt64Array. */
  // biome-ignore lint/suspicious/noExplicitAny: of any shape
  data<D extends DType>(this: Tensor<any, D>): Promise<HostArrayOf<D>>
  // biome-ignore lint/suspicious/noExplicitAny: of any shape
  dataSync<D extends DType>(this: Tensor<any, D>): HostArrayOf<D>
  /**
   * The only element: a boolean for bool, a number, for int64 a BigInt where a number is not exact. Where the dtype is not
   * known to the compiler the type says number; for the others name it: `item<boolean>()`.
   */
  item: Item<"item", D>["awaited"]
  itemSync: Item<"itemSync", D>["now"]
  /** Nested arrays of the elements; the element itself for a 0-d tensor. */
  toArray<Self extends Tensor>(this: Self): Promise<NestedElements<OwnShape<Self>, OwnDType<Self>>>
  toArraySync<Self extends Tensor>(this: Self): NestedElements<OwnShape<Self>, OwnDType<Self>>
}

/** The tensor itself if row-major, else such a copy outside of the graph. */
const rowMajor = (x: Tensor): Tensor => (isContiguous(x.shape, x.strides) ? x : rowMajorCopy(x))

/** Where a row-major tensor lies. */
function placeOf(x: Tensor): [buffer: Buffer, byteOffset: number, bytes: number] {
  const { bytes } = DTYPES[x.dtype as DType]
  return [x.storage.buffer, x.offset * bytes, x.numel() * bytes]
}

function view(bytes: Uint8Array, dtype: DType): TypedArray {
  const { array, bytes: size } = DTYPES[dtype]
  // A typed array must begin at a multiple of its element size.
  const aligned = bytes.byteOffset % size ? bytes.slice() : bytes
  return new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / size)
}

const hosted = (raw: TypedArray, dtype: DType): HostArray =>
  dtype === "float16" || dtype === "bfloat16" ? decodeHalf(raw as Uint16Array, dtype) : (raw as HostArray)

function bytesSync(x: Tensor, name: string, instead?: string): Uint8Array {
  const { backend } = x.device
  if (!backend.readSync)
    throw new Error(
      `${name}: backend ${backend.name} cannot read synchronously; use ${instead ?? `await x.${name.replace("Sync", "")}()`} (${tensorText(x)})`,
    )
  const from = rowMajor(x)
  const bytes = backend.readSync(...placeOf(from))
  if (from !== x) from.storage.free()
  return bytes
}

/** The elements' own bits, row-major. */
export const rawSync = (x: Tensor, name = "dataSync"): TypedArray => view(bytesSync(x, name), x.dtype)

async function rawAsync(x: Tensor): Promise<TypedArray> {
  const from = rowMajor(x)
  const bytes = await x.device.backend.read(...placeOf(from))
  if (from !== x) from.storage.free()
  // Whoever awaits once a step lets the memory of the steps before be given back.
  await relief()
  return view(bytes, x.dtype)
}

export const dataSync = (x: Tensor, name = "dataSync"): HostArray => hosted(rawSync(x, name), x.dtype)
export const data = async (x: Tensor): Promise<HostArray> => hosted(await rawAsync(x), x.dtype)

/** An element as a host value: booleans for bool, numbers for int64 where safe. */
export function hostValue(value: number | bigint, dtype: DType): HostValue {
  if (dtype === "bool") return value !== 0
  const n = Number(value)
  return Number.isSafeInteger(n) ? n : value
}

function requireOne(x: Tensor, name: string): void {
  if (x.numel() !== 1)
    throw new RangeError(
      `${name}: a Tensor with ${x.numel()} elements cannot be converted to Scalar (${tensorText(x)})`,
    )
}

export async function item<T extends HostValue = number>(x: Tensor): Promise<T> {
  requireOne(x, "item")
  return hostValue((await data(x))[0]!, x.dtype) as T
}

export function itemSync<T extends HostValue = number>(x: Tensor): T {
  requireOne(x, "itemSync")
  return hostValue(dataSync(x, "itemSync")[0]!, x.dtype) as T
}

function nest(values: HostArray, shape: Sizes, dtype: DType): Nested<HostValue> {
  let at = 0
  const build = (dim: number): Nested<HostValue> =>
    dim === shape.length ? hostValue(values[at++]!, dtype) : Array.from({ length: shape[dim]! }, () => build(dim + 1))
  return build(0)
}

export const toArray = async (x: Tensor): Promise<Nested<HostValue>> => nest(await data(x), x.shape, x.dtype)
export const toArraySync = (x: Tensor): Nested<HostValue> => nest(dataSync(x, "toArraySync"), x.shape, x.dtype)

/** Copies between devices: directly where the backend can, else through the host. */
export function copyAcross(out: Tensor, src: Tensor): void {
  const { backend } = out.device
  const from = rowMajor(src)
  const staged = fromBits(out.device, new Uint8Array(), src.shape, src.dtype)
  const { storage } = staged
  if (!backend.copyFrom?.(storage.buffer, src.device.backend, ...placeOf(from)))
    backend.write(storage.buffer, bytesSync(from, "to", "tensor(await x.data(), { dtype, device }).view(x.shape)"))
  if (from !== src) from.storage.free()
  writeInto(out, staged)
  storage.free()
}

/** A new tensor of these bits, row-major. */
export function fromBits(device: Tensor["device"], raw: TypedArray, shape: Sizes, dtype: DType): Tensor {
  device.requireDtype("tensor", dtype)
  const out = allocate(device, shape, contiguousStrides(shape), dtype)
  device.backend.write(out.storage.buffer, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength))
  return out
}

export const hostMethods: Family = { data, dataSync, item, itemSync, toArray, toArraySync }
