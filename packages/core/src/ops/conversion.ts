/** Conversions between dtypes and devices. */
import { bind, op, parseSignature } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { Device, deviceByName } from "../device.ts"
import { DTYPE_NAMES, type DType, isDType } from "../dtype.ts"
import { OTHER_NAMES } from "../dtype-names.ts"
import { didYouMean, valueText } from "../errors.ts"
import { denseStrides } from "../layout.ts"
import { allocate, isTensor, type Tensor, track } from "../tensor.ts"
import type { One } from "../types/dtype.ts"
import type { Elementwise, ElementwiseFunction } from "../types/patterns.ts"
import type { IsAny, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { writeInto } from "./copying.ts"

export interface ConversionOps {
  /**
   * The tensor in another dtype and/or on another device ("cpu", "wasm", "webgpu", "cuda"), itself where nothing changes.
   * `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`, each with `{ copy: true }` for a copy in any case.
   */
  to: Convert<ToArgs>
  /** The tensor in another dtype; itself where it has it already. */
  type: Convert<[dtype: DType | { dtype: DType }]>
  /** The tensor in another one's dtype. */
  typeAs: Convert<[other: Tensor | { other: Tensor }]>
  /** As float32; itself where it is. */
  float: Elementwise<"float32">
  /** As float64; itself where it is. */
  double: Elementwise<"float64">
  /** As float16; itself where it is. */
  half: Elementwise<"float16">
  /** As bfloat16; itself where it is. */
  bfloat16: Elementwise<"bfloat16">
  /** As uint8; itself where it is. */
  byte: Elementwise<"uint8">
  /** As int8; itself where it is. */
  char: Elementwise<"int8">
  /** As int16; itself where it is. */
  short: Elementwise<"int16">
  /** As int32; itself where it is. */
  int: Elementwise<"int32">
  /** As int64; itself where it is. */
  long: Elementwise<"int64">
  /** As bool, where 0 is false and NaN true; itself where it is. */
  bool: Elementwise<"bool">
  /** On the device "cpu"; itself where it is. */
  cpu: Elementwise
  /** On a device of cuda, by default "cuda:0"; itself where it is. */
  cuda: Elementwise
}

export interface ConversionMethods extends MethodsOf<ConversionOps> {}

interface Convert<Given extends readonly unknown[]> {
  method: ConvertMethod<Given>
  function: ConvertFunction<Given>
}
type ConvertMethod<Given extends readonly unknown[]> = <Self extends Tensor, const A extends Given = Given>(
  this: Self,
  ...args: A
) => Tensor<OwnShape<Self>, Converted<A, OwnDType<Self>>>
type ConvertFunction<Given extends readonly unknown[]> = <S extends Shape, D extends DType, const A extends Given>(
  input: Tensor<S, D>,
  ...args: A
) => Tensor<S, Converted<A, D>>

/** The dtype that the arguments of `to` name, D where none does. */
type Converted<A extends readonly unknown[], D> = A extends readonly [infer H, ...infer T]
  ? Target<H> extends infer E
    ? [E] extends [never]
      ? Converted<T, D>
      : One<E>
    : never
  : D
/** Never of a device. Any other text may be a dtype's name. */
type Target<H> =
  IsAny<H> extends true
    ? H
    : H extends DType
      ? H
      : H extends string
        ? string extends H
          ? // biome-ignore lint/suspicious/noExplicitAny: a name that only the run knows
            any
          : never
        : H extends { readonly dtype?: infer E }
          ? Extract<E, DType>
          : H extends { readonly other: { readonly dtype: infer E } }
            ? E
            : never

interface ToOptions {
  dtype?: DType
  device?: string | Device
  copy?: boolean
}
export type ToArgs =
  | [options: ToOptions]
  | [to: DType | string | Device | Tensor, options?: ToOptions]
  | [device: string | Device, dtype: DType, options?: ToOptions]

interface Origin {
  readonly dtype: DType
  readonly device: Device
}

const TO_COPY: Rule = {
  name: "ToCopyBackward0",
  backward: (node, g) => {
    const { dtype, device } = node.context as Origin
    return [convert(g, dtype, device)]
  },
}

function convert(x: Tensor, dtype: DType, device: Device, copy?: boolean): Tensor {
  if (x.dtype === dtype && x.device === device && !copy) return x
  device.requireDtype("to", dtype)
  const out = writeInto(allocate(device, x.shape, denseStrides(x.shape, x.strides), dtype), x)
  return track(TO_COPY, out, [x], [], { dtype: x.dtype, device: x.device })
}

const TO = parseSignature("to(input, *, dtype?, device?, copy?)")

/** See the method `to`. */
export function to<S extends Shape, D extends DType, const A extends ToArgs>(
  input: Tensor<S, D>,
  ...args: A
): Tensor<S, Converted<A, D>>
export function to(input: Tensor, ...args: ToArgs): Tensor {
  const first = args[0]
  if (args.length === 1 && isDType(first)) return convert(input, first, input.device)
  const given = [...args] as unknown[]
  let dtype: DType | undefined
  let device: Device | undefined
  while (typeof given[0] === "string" || given[0] instanceof Device || isTensor(given[0])) {
    const next = given.shift() as string | Device | Tensor
    if (isTensor(next)) {
      dtype = next.dtype
      device = next.device
    } else if (isDType(next)) dtype = next
    else device = deviceFor(next)
  }
  const [x, namedType, namedDevice, copy] = bind(TO, [input, ...given]) as [
    Tensor,
    DType?,
    (string | Device)?,
    boolean?,
  ]
  dtype = checkDtype("to", namedType) ?? dtype ?? (x.dtype as DType)
  if (namedDevice !== undefined) device = deviceByName("to", namedDevice)
  return convert(x, dtype, device ?? x.device, copy)
}

/** The device, or an error that knows that a misspelt dtype stood there. */
function deviceFor(name: string | Device): Device {
  try {
    return deviceByName("to", name)
  } catch (error) {
    const near = error instanceof RangeError ? nearestDtype(String(name)) : ""
    if (near.includes("did you mean"))
      throw new TypeError(`to: ${valueText(name)} is neither a dtype nor a device${near}`, { cause: error })
    throw error
  }
}

/** The dtype, or undefined for undefined and null; anything else throws a TypeError with the names there are. */
export function checkDtype(name: string, dtype: unknown): DType | undefined {
  if (dtype === undefined || dtype === null) return undefined
  if (!isDType(dtype)) throw new TypeError(`${name}: unknown dtype ${valueText(dtype)}${nearestDtype(String(dtype))}`)
  return dtype
}

/** `; did you mean float32?`: also for PyTorch's other names and its `torch.` prefix. */
function nearestDtype(text: string): string {
  const plain = text.replace(/^torch\./, "")
  const meant = isDType(plain) ? plain : OTHER_NAMES[plain]
  return meant ? `; did you mean ${meant}?` : didYouMean(plain, DTYPE_NAMES)
}

const as = <E extends DType>(name: string, dtype: E): ElementwiseFunction<E> =>
  op(`${name}(input)`, (x: Tensor) => to(x, dtype))

export const type: FunctionOf<ConversionOps["type"]> = op("type(input, dtype)", (x: Tensor, dtype: DType) =>
  to(x, checkDtype("type", dtype)!),
)
export const typeAs: FunctionOf<ConversionOps["typeAs"]> = op("typeAs(input, other)", (x: Tensor, other: Tensor) =>
  to(x, other),
)

const cpu = op<ElementwiseFunction>("cpu(input)", (x: Tensor) => to(x, "cpu"))
const cuda = op<ElementwiseFunction>("cuda(input)", (x: Tensor) => to(x, "cuda"))

export const conversionMethods: Family = {
  to,
  type,
  typeAs,
  cpu,
  cuda,
  float: as("float", "float32"),
  double: as("double", "float64"),
  half: as("half", "float16"),
  bfloat16: as("bfloat16", "bfloat16"),
  byte: as("byte", "uint8"),
  char: as("char", "int8"),
  short: as("short", "int16"),
  int: as("int", "int32"),
  long: as("long", "int64"),
  bool: as("bool", "bool"),
}
