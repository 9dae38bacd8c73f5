/** Creation: from host values, filled, in sequence. */
import { bind, op, parseSignature, type Signature } from "../args.ts"
import { type Device, deviceByName, getDefaultDevice } from "../device.ts"
import { DEFAULT_INT, DTYPES, type DType, getDefaultDtype, isFloating, type TypedArray } from "../dtype.ts"
import { shapeText, valueText } from "../errors.ts"
import { constant, type Expr, where as whereExpr } from "../expr.ts"
import { encodeHalf } from "../half.ts"
import { type Argument, runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { scalarType, toScalar } from "../promotion.ts"
import { contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, isTensor, Tensor } from "../tensor.ts"
import type {
  Arange,
  ArangeArgs,
  ArangeDType,
  DataByName,
  DataOf,
  DtypeBesideData,
  Eye,
  Factory,
  FactoryMethod,
  FactoryOptions,
  Filled,
  FilledMethod,
  HostData,
  Like,
  LogspaceArgs,
  NestedDType,
  NestedShape,
  SpaceArgs,
  Spaced,
  Wanted,
  WantedIn,
} from "../types/creation.ts"
import type { DefaultFloat, HostNumber } from "../types/dtype.ts"
import type { Arg, Known, Shape } from "../types/shape.ts"
import type { Family, OwnDType } from "../types/signature.ts"
import { checkDtype, to } from "./conversion.ts"
import { clone } from "./copying.ts"
import { fromBits } from "./host.ts"
import { detached } from "./views.ts"

export type TensorOptions<D extends DType = DType> = FactoryOptions<D>

type HostScalar = HostNumber

const FACTORY = "*, dtype?, device?, requiresGrad?"

function finish(name: string, x: Tensor, requiresGrad: unknown): Tensor {
  if (requiresGrad !== undefined && typeof requiresGrad !== "boolean")
    throw new TypeError(`${name}: requiresGrad must be true or false, got ${valueText(requiresGrad)}`)
  if (requiresGrad) x.requiresGrad = true
  return x
}

/** The device asked for, or the default one. */
export const deviceFor = (name: string, device: unknown): Device =>
  device === undefined || device === null ? getDefaultDevice() : deviceByName(name, device as string | Device)

export function checkSizes(name: string, sizes: unknown): readonly number[] {
  if (!Array.isArray(sizes) || sizes.some((s) => typeof s !== "number" || !Number.isInteger(s) || s < 0))
    throw new RangeError(
      `${name}: sizes must be non-negative integers, got ${Array.isArray(sizes) ? shapeText(sizes as number[]) : valueText(sizes)}`,
    )
  return sizes as number[]
}

/** A new tensor with every element `value`. Nothing is recorded. */
export function filled(device: Device, shape: Sizes, value: number | bigint | boolean, dtype: DType): Tensor {
  return fillWith(allocate(device, shape, contiguousStrides(shape), dtype), value)
}

/** Sets every element; nothing is recorded. */
export function fillWith(out: Tensor, value: HostScalar): Tensor {
  out.device.requireDtype("fill", out.dtype)
  const wide: DType = out.dtype === "float16" || out.dtype === "bfloat16" ? "float32" : out.dtype
  const argument: Argument = { value: wide === "bool" ? (value ? 1 : 0) : toScalar(value, wide), dtype: wide }
  runMap([out], { key: "fill", scalars: [argument] }, ({ scalars: [s] }) => s!)
  return out
}

// ---- from host values ----

type HostList = ArrayLike<HostData>
const isList = (data: unknown): data is HostList =>
  Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView))

/** More dims than any tensor here has: an array that holds itself, most likely. */
const TOO_DEEP = 64

/** The shape of nested arrays, by the first element of each, and the type of the innermost ones where they are typed arrays. */
function nestedShape(data: HostData): { shape: number[]; typed: DType | undefined } {
  const shape: number[] = []
  let typed: DType | undefined
  for (let d: unknown = data; isList(d); d = d[0]) {
    if (shape.push(d.length) > TOO_DEEP) throw new TypeError(`tensor: arrays are nested more than ${TOO_DEEP} deep`)
    typed = TYPED.get(d.constructor)
    if (d.length === 0) break
  }
  return { shape, typed }
}

/** Appends the elements in row-major order; throws for ragged arrays, naming the place. `at`: where we are. */
function flattenInto(out: HostScalar[], data: unknown, shape: Sizes, at: number[]): void {
  if (at.length < shape.length) {
    if (!isList(data) || data.length !== shape[at.length])
      throw new TypeError(
        `tensor: ragged nested array: expected a sequence of length ${shape[at.length]} at ${placeText(at)}, got ${valueText(data)}`,
      )
    const depth = at.push(0) - 1
    for (let i = 0; i < data.length; i++) {
      at[depth] = i
      flattenInto(out, data[i], shape, at)
    }
    at.pop()
  } else if (typeof data === "number" || typeof data === "boolean" || typeof data === "bigint") out.push(data)
  else if (isList(data))
    throw new TypeError(
      `tensor: ragged nested array: expected a number at ${placeText(at)}, got an array of length ${data.length}`,
    )
  else
    throw new TypeError(
      `tensor: expected numbers, booleans or BigInts, got ${valueText(data)} at ${placeText(at)}${isTensor(data) ? "; join tensors with stack or cat" : ""}`,
    )
}

const placeText = (at: readonly number[]): string => at.map((i) => `[${i}]`).join("") || "the top"

/** Numbers alone make the default float, booleans bool, BigInts int64; mixtures go to the widest of these. */
function nestedDtype(values: readonly HostScalar[]): DType {
  let number = false
  let big = false
  let bool = false
  for (const v of values)
    if (typeof v === "number") number = true
    else if (typeof v === "bigint") big = true
    else bool = true
  return number || !(big || bool) ? getDefaultDtype() : big ? "int64" : "bool"
}

const TYPED = new Map<unknown, DType>([
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [Int8Array, "int8"],
  [Uint8Array, "uint8"],
  [Uint8ClampedArray, "uint8"],
  [Int16Array, "int16"],
  [Int32Array, "int32"],
  [BigInt64Array, "int64"],
])

const HALVES = new Set<DType>(["float16", "bfloat16"])

/** Host values as the bits of a dtype. Integers wrap as PyTorch's conversions do. */
export function toBits(values: ArrayLike<number | bigint | boolean>, dtype: DType): TypedArray {
  if (HALVES.has(dtype)) return encodeHalf(Float64Array.from(values as ArrayLike<number>, Number), dtype as "float16")
  const out = new DTYPES[dtype].array(values.length)
  if (dtype === "int64") {
    const big = out as BigInt64Array
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!
      big[i] = typeof v === "bigint" ? v : BigInt(Math.trunc(Number(v)))
    }
  } else {
    const plain = out as Float64Array
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!
      plain[i] = dtype === "bool" ? (v ? 1 : 0) : Number(v)
    }
  }
  return out
}

const TENSOR = parseSignature(`tensor(data, ${FACTORY})`)

/**
 * A tensor of host values: a number, nested arrays (`[[1, 2], [3, 4]]`) or a typed array, which is copied. Numbers make the
 * default float, booleans bool, BigInts int64, a typed array keeps its type. Throws a TypeError for ragged arrays.
 */
export function tensor<const A extends HostData | DataByName<TensorOptions>, E extends DType = never>(
  data: Arg<NestedShape<DataOf<A>>, A>,
  options?: TensorOptions<E>,
): Tensor<Known<NestedShape<DataOf<A>>>, Wanted<DtypeBesideData<A, E>, NestedDType<DataOf<A>>>>
export function tensor(...args: unknown[]): Tensor {
  const [data, dtype, device, requiresGrad] = bind(TENSOR, args) as [HostData, unknown, unknown, unknown]
  const wanted = checkDtype("tensor", dtype)
  const where = deviceFor("tensor", device)
  if (isTensor(data)) return finish("tensor", clone(to(detached(data), where, wanted ?? data.dtype)), requiresGrad)
  const typed = ArrayBuffer.isView(data) ? TYPED.get((data as TypedArray).constructor) : undefined
  if (ArrayBuffer.isView(data)) {
    if (!typed)
      throw new TypeError(
        `tensor: unsupported typed array ${(data as TypedArray).constructor.name}; use one of Float32Array, Float64Array, Int8Array, Uint8Array, Int16Array, Int32Array, BigInt64Array`,
      )
    const raw = data as TypedArray
    const bits = wanted && wanted !== typed ? toBits(raw as ArrayLike<number | bigint>, wanted) : raw
    return finish("tensor", fromBits(where, bits, [raw.length], wanted ?? typed), requiresGrad)
  }
  const { shape, typed: rows } = nestedShape(data)
  const values: HostScalar[] = []
  flattenInto(values, data, shape, [])
  const kind = wanted ?? rows ?? nestedDtype(values)
  return finish("tensor", fromBits(where, toBits(values, kind), shape, kind), requiresGrad)
}

/** As `tensor`, but a tensor is given back as it is. */
export function asTensor<const A extends HostData, E extends DType = never>(
  data: Arg<NestedShape<A>, A>,
  options?: Omit<TensorOptions<E>, "requiresGrad">,
): Tensor<Known<NestedShape<A>>, Wanted<E, NestedDType<A>>>
export function asTensor(data: HostData, options: Omit<TensorOptions, "requiresGrad"> = {}): Tensor {
  if (!isTensor(data)) return tensor(data, options)
  return to(data, { ...(options.dtype && { dtype: options.dtype }), ...(options.device && { device: options.device }) })
}

// ---- filled ----

function factory(name: string, value: number | null): Factory {
  return op(`${name}(...size, ${FACTORY})`, (size: unknown, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const shape = checkSizes(name, size ?? [])
    const kind = checkDtype(name, dtype) ?? getDefaultDtype()
    const where = deviceFor(name, device)
    where.requireDtype(name, kind)
    const out =
      value === null ? allocate(where, shape, contiguousStrides(shape), kind) : filled(where, shape, value, kind)
    return finish(name, out, requiresGrad)
  })
}

/** Zeros: `zeros(2, 3)` or `zeros([2, 3], { dtype, device, requiresGrad })`. */
export const zeros = factory("zeros", 0)
/** Ones: `ones(2, 3)` or `ones([2, 3], { dtype, device, requiresGrad })`. */
export const ones = factory("ones", 1)
/** Uninitialised memory of a shape: whatever was there. */
export const empty = factory("empty", null)

/** As `empty` with strides of one's own, in elements. */
export function emptyStrided<const S extends readonly number[], E extends DType = never>(
  size: S,
  stride: readonly number[],
  options?: TensorOptions<E>,
): Tensor<Known<S>, Wanted<E, DefaultFloat>>
export function emptyStrided(size: readonly number[], stride: readonly number[], options: TensorOptions = {}): Tensor {
  const shape = checkSizes("emptyStrided", size)
  if (stride.length !== shape.length)
    throw new RangeError(`emptyStrided: sizes ${shapeText(shape)} and strides ${shapeText(stride)} differ in length`)
  const dtype = checkDtype("emptyStrided", options.dtype) ?? getDefaultDtype()
  const span = numelOf(shape) === 0 ? 0 : shape.reduce((n, s, d) => n + (s - 1) * stride[d]!, 1)
  const whole = allocate(deviceFor("emptyStrided", options.device), [span], [1], dtype)
  return finish("emptyStrided", new Tensor(whole.storage, shape, stride, 0, dtype), options.requiresGrad)
}

function checkValue(name: string, value: unknown): HostScalar {
  if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "bigint")
    throw new TypeError(`${name}: fillValue must be a number, a boolean or a BigInt, got ${valueText(value)}`)
  return value
}

/** Every element `fillValue`: a boolean makes bool, a BigInt int64, a number the default float. */
export const full: Filled = op(
  `full(size, fillValue, ${FACTORY})`,
  (size: unknown, value: number | bigint | boolean, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const kind =
      checkDtype("full", dtype) ??
      (typeof value === "boolean" ? "bool" : typeof value === "bigint" ? "int64" : getDefaultDtype())
    const where = deviceFor("full", device)
    return finish("full", filled(where, checkSizes("full", size), checkValue("full", value), kind), requiresGrad)
  },
)

export interface CreationMethods {
  /** Zeros of a shape, with this tensor's dtype and device unless others are given. */
  newZeros: FactoryMethod
  /** Ones of a shape, with this tensor's dtype and device unless others are given. */
  newOnes: FactoryMethod
  /** A tensor of a shape whose elements are whatever the memory holds, with this tensor's dtype and device. */
  newEmpty: FactoryMethod
  /** One number everywhere, in a shape, with this tensor's dtype and device unless others are given. */
  newFull: FilledMethod
  /** A tensor of data, with this tensor's dtype and device unless others are given. */
  newTensor<
    Self extends Tensor,
    const A extends HostData | DataByName<TensorOptions> = HostData,
    E extends DType = never,
  >(
    this: Self,
    data: Arg<NestedShape<DataOf<A>>, A>,
    options?: TensorOptions<E>,
  ): Tensor<Known<NestedShape<DataOf<A>>>, Wanted<DtypeBesideData<A, E>, OwnDType<Self>>>
}

function like(name: string, value: number | null): Like {
  return op(`${name}(input, ${FACTORY})`, (x: Tensor, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const kind = checkDtype(name, dtype) ?? (x.dtype as DType)
    const where = device === undefined || device === null ? x.device : deviceByName(name, device as string | Device)
    const out = allocate(where, x.shape, denseStrides(x.shape, x.strides), kind)
    return finish(name, value === null ? out : fillWith(out, value), requiresGrad)
  })
}

/** Zeros, in the input's shape, dtype and device. */
export const zerosLike = like("zerosLike", 0)
/** Ones, in the input's shape, dtype and device. */
export const onesLike = like("onesLike", 1)
/** A tensor of the input's shape, dtype and device, whose elements are whatever the memory holds. */
export const emptyLike = like("emptyLike", null)

type FilledLike = <S extends Shape, D extends DType, E extends DType = never>(
  input: Tensor<S, D>,
  fillValue: HostNumber | ({ fillValue: HostNumber } & TensorOptions<E>),
  options?: TensorOptions<E>,
) => Tensor<S, Wanted<E, D>>
/** Every element `fillValue`, in the shape and dtype of `input`. */
export const fullLike: FilledLike = op(
  `fullLike(input, fillValue, ${FACTORY})`,
  (x: Tensor, value: number | bigint | boolean, dtype: unknown, device: unknown, requiresGrad: unknown) =>
    finish(
      "fullLike",
      fillWith(emptyLike(x, { dtype: dtype as DType, device: device as string }), checkValue("fullLike", value)),
      requiresGrad,
    ),
)

/** A method that makes a new tensor with the dtype and device of this one. */
// biome-ignore lint/suspicious/noExplicitAny: any factory
const fresh = (name: string, make: (...args: any[]) => Tensor, s: Signature) =>
  op<(input: Tensor, ...args: unknown[]) => Tensor>(
    s.text.replace(/^\w+\(/, `${name}(input, `),
    (x: Tensor, ...rest: unknown[]) => {
      const at = s.names.indexOf("dtype")
      const args = s.names.map((_, i) => rest[i])
      const options = {
        dtype: args[at] ?? x.dtype,
        device: args[at + 1] ?? x.device,
        requiresGrad: args[at + 2] ?? false,
      }
      return make(...args.slice(0, at), options)
    },
  )

const sized = parseSignature(`size(...size, ${FACTORY})`)
export const creationMethods: Family = {
  newZeros: fresh("newZeros", zeros, sized),
  newOnes: fresh("newOnes", ones, sized),
  newEmpty: fresh("newEmpty", empty, sized),
  newFull: fresh("newFull", full, parseSignature(`full(size, fillValue, ${FACTORY})`)),
  newTensor: fresh("newTensor", tensor, TENSOR),
}

// ---- in sequence ----

/** `start + step·i`, computed in `accumulate` and stored in `dtype`. */
function sequence(device: Device, n: number, start: number, step: number, dtype: DType): Tensor {
  const wide: DType = isFloating(dtype) ? (dtype === "float64" ? "float64" : "float32") : dtype
  const out = allocate(device, [n], [1], dtype)
  const args: Argument[] = [
    { value: toScalar(start, wide), dtype: wide },
    { value: toScalar(step, wide), dtype: wide },
  ]
  runMap([out], { key: "sequence", scalars: args, coordinates: true }, ({ scalars: [a, s], at: [i] }) =>
    a!.add(i!.cast(wide).mul(s!)),
  )
  return out
}

const ARANGE = parseSignature(`arange(start?, end?, step?, ${FACTORY})`)

/**
 * `start`, `start + step`, ... below `end`: `arange(5)`, `arange(1, 10, 2)`. Integral arguments give int32, others the
 * default float. Length ⌈(end − start)/step⌉.
 */
export function arange<const A extends ArangeArgs>(...args: A): Tensor<Known<Arange<A>>, WantedIn<A, ArangeDType<A>>>
export function arange(...args: unknown[]): Tensor {
  const [first, second, third, dtype, device, requiresGrad] = bind(ARANGE, args) as [
    number?,
    number?,
    number?,
    unknown?,
    unknown?,
    unknown?,
  ]
  if (first === undefined && second === undefined) throw new TypeError(`arange: missing argument end: ${ARANGE.text}`)
  const [start, end] = second === undefined ? [0, first!] : [first ?? 0, second]
  const step = third ?? 1
  if (![start, end, step].every((v) => typeof v === "number" && Number.isFinite(v)))
    throw new TypeError(`arange: start, end and step must be finite numbers, got ${start}, ${end}, ${step}`)
  if (step === 0) throw new RangeError("arange: step must be nonzero")
  if ((end - start) * step < 0)
    throw new RangeError(
      `arange: upper bound and lower bound inconsistent with step sign: ${start}, ${end}, step ${step}`,
    )
  const integral = [start, end, step].every((v) => scalarType(v) === DEFAULT_INT)
  const kind = checkDtype("arange", dtype) ?? (integral ? DEFAULT_INT : getDefaultDtype())
  return finish(
    "arange",
    sequence(deviceFor("arange", device), Math.ceil((end - start) / step), start, step, kind),
    requiresGrad,
  )
}

const spaced = (
  name: string,
  start: number,
  end: number,
  steps: number,
  device: Device,
  kind: DType,
  shape: (v: Expr) => Expr,
  key: string,
): Tensor => {
  if (!Number.isInteger(steps) || steps < 0)
    throw new RangeError(`${name}: number of steps must be non-negative, got ${steps}`)
  const wide: DType = kind === "float64" ? "float64" : "float32"
  const out = allocate(device, [steps], [1], kind)
  const step = steps > 1 ? (end - start) / (steps - 1) : 0
  const args = [start, end, step, Math.floor(steps / 2), steps - 1].map((value): Argument => ({ value, dtype: wide }))
  // From both ends inward, as PyTorch does, so that the last element is exactly `end`.
  runMap(
    [out],
    { key: `spaced ${key}`, scalars: args, coordinates: true },
    ({ scalars: [a, b, s, half, last], at: [k] }) => {
      const i = k!.cast(wide)
      return shape(whereExpr(i.lt(half!).or(last!.eq(0)), a!.add(s!.mul(i)), b!.sub(s!.mul(last!.sub(i)))))
    },
  )
  return out
}

/** `steps` values from `start` to `end`, both included, evenly spaced. */
export const linspace: Spaced<SpaceArgs> = op(
  `linspace(start, end, steps, ${FACTORY})`,
  (start: number, end: number, steps: number, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const kind = checkDtype("linspace", dtype) ?? getDefaultDtype()
    return finish(
      "linspace",
      spaced("linspace", start, end, steps, deviceFor("linspace", device), kind, (v) => v, "linear"),
      requiresGrad,
    )
  },
)

/** `base` to the powers from `start` to `end`, `steps` of them. */
export const logspace: Spaced<LogspaceArgs> = op(
  `logspace(start, end, steps, base?, ${FACTORY})`,
  (start: number, end: number, steps: number, base = 10, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const kind = checkDtype("logspace", dtype) ?? getDefaultDtype()
    const power = (v: Expr): Expr => constant(base, v.dtype).pow(v)
    return finish(
      "logspace",
      spaced("logspace", start, end, steps, deviceFor("logspace", device), kind, power, `base ${base}`),
      requiresGrad,
    )
  },
)

/** Ones on the diagonal of an `n` × `m` matrix of zeros. */
export const eye: Eye = op(
  `eye(n, m?, ${FACTORY})`,
  (n: number, m: number | undefined, dtype: unknown, device: unknown, requiresGrad: unknown) => {
    const shape = checkSizes("eye", [n, m ?? n])
    const kind = checkDtype("eye", dtype) ?? getDefaultDtype()
    const out = allocate(deviceFor("eye", device), shape, contiguousStrides(shape), kind)
    runMap([out], { key: "eye", coordinates: true }, ({ at: [i, j] }) => i!.eq(j!))
    return finish("eye", out, requiresGrad)
  },
)
