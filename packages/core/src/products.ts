/**
 * The launching of matmul and conv kernels. Nothing here records a graph.
 *
 * Executables are found by small integers, because these are the hot paths of training: a backend that has no kernel of
 * its own for the kind goes through `device.run`, which composes it of map and reduce.
 */
import type { Executable, Operand } from "./backend.ts"
import { noBool, requireDtypes, requireNumbers, requireOneDtype, requireSameDevice, requireTensor } from "./checks.ts"
import type { Device } from "./device.ts"
import { computeType, DTYPES, type DType, isFloating } from "./dtype.ts"
import { type Expr, input, result, type Scalar, scalar } from "./expr.ts"
import type { Access, ConvKernel, Epilogue, MatmulKernel } from "./kernel.ts"
import { conv } from "./lowering/conv.ts"
import { matmul } from "./lowering/matmul.ts"
import { accessOf, accumulatorOf, type Lowering } from "./lowering/views.ts"
import { reducedPrecision } from "./matmul-precision.ts"
import type { Pointwise } from "./pointwise.ts"
import { toScalar } from "./promotion.ts"
import { collapse, type Sizes } from "./shape.ts"
import type { Tensor } from "./tensor.ts"

/** The elements of a tensor over the dims of a product: strides [.., row, column]. */
export interface Side {
  readonly tensor: Tensor
  readonly strides: Sizes
}

/** β·addend + α·product; null for the addend where β is 0, so that it isn't even read. */
export interface Addend {
  readonly side: Side | null
  readonly beta: number
  readonly alpha: number
}

/**
 * Products may go through one of these before they are stored. What comes of it is what the op gives of the product: of types
 * that are computed in, nothing is rounded in between.
 */
const finishes: Pointwise[] = []
/** The number of an op among those above, from 1 on. */
function finishNumber(op: Pointwise): number {
  const known = finishes.indexOf(op)
  return known < 0 ? finishes.push(op) : known + 1
}

/** Whether a product of this type can go through an op as it is computed. */
const mayFinish = (dtype: DType): boolean => isFloating(dtype) && computeType(dtype) === dtype

let following: Pointwise | null = null

/**
 * Takes the op that nobody but follows on a product (`followedBy`), to hand it to `runProduct` or `runConv`, or null. Who takes
 * it returns the tensor that these write.
 */
export function takeFollowing(dtype: DType): Pointwise | null {
  if (!mayFinish(dtype)) return null
  const op = following
  following = null
  return op
}

/** `op` of the product that `product` gives, which nobody else sees: of those that can, in one kernel. `op` saves its result alone. */
export function followedBy(op: Pointwise, product: () => Tensor): Tensor {
  following = op
  try {
    const y = product()
    return following === null ? op.recorded(y) : op.call(y)
  } finally {
    following = null
  }
}

type Form = "plain" | "sum" | "scaled" | "alpha"
const FORMS: readonly Form[] = ["plain", "sum", "scaled", "alpha"]
const ACCESS: readonly Access[] = ["unit", "broadcast", "strided"]

const BODIES: Readonly<Record<Exclude<Form, "plain">, (sum: Expr, addend: Expr, scalars: readonly Expr[]) => Expr>> = {
  sum: (sum, addend) => addend.add(sum),
  scaled: (sum, addend, [beta, alpha]) => addend.mul(beta!).add(sum.mul(alpha!)),
  alpha: (sum, _addend, [alpha]) => sum.mul(alpha!),
}
const SCALARS: Readonly<Record<Form, number>> = { plain: 0, sum: 0, scaled: 2, alpha: 1 }

const formOf = (addend: Addend | null): Form =>
  !addend ? "plain" : !addend.side ? "alpha" : addend.beta === 1 && addend.alpha === 1 ? "sum" : "scaled"

function epilogueOf(form: Form, access: Access, dtype: DType, finish: Pointwise | null): Epilogue | null {
  if (form === "plain" && !finish) return null
  const type = accumulatorOf(dtype)
  const scalars = Array.from({ length: SCALARS[form] }, () => type)
  const sum = result(0, type)
  const whole =
    form === "plain"
      ? sum
      : BODIES[form](
          sum,
          input(0, dtype).cast(type),
          scalars.map((t, k) => scalar(k, t)),
        )
  const stored = whole.cast(computeType(dtype))
  return {
    inputs: form === "sum" || form === "scaled" ? [{ dtype, access }] : [],
    scalars,
    body: finish ? finish.formula(stored) : stored,
  }
}

function scalarsOf(form: Form, addend: Addend | null, dtype: DType): Scalar[] {
  const type = accumulatorOf(dtype)
  if (form === "scaled") return [toScalar(addend!.beta, type), toScalar(addend!.alpha, type)]
  return form === "alpha" ? [toScalar(addend!.alpha, type)] : []
}

interface Entry<K> {
  readonly kernel: K
  /** Null where the backend has no such kernel. */
  readonly executable: Executable | null
}

const caches: Map<number, Entry<MatmulKernel | ConvKernel>>[] = []

/** `key` tells kernels of both kinds apart. */
function launch<K extends MatmulKernel | ConvKernel>(
  device: Device,
  key: number,
  make: () => K,
  sizes: Sizes,
  operands: readonly Operand[],
  scalars: readonly Scalar[],
  lowering: Lowering<K>,
): void {
  const table = (caches[device.id] ??= new Map())
  const number = key * 3 + (reducedPrecision ? (reducedPrecision === "high" ? 1 : 2) : 0)
  let entry = table.get(number) as Entry<K> | undefined
  if (!entry) {
    let kernel = make()
    if (kernel.dtype === "float32") kernel = { ...kernel, precision: reducedPrecision }
    entry = { kernel, executable: device.backend.supports(kernel) === true ? device.compile(kernel) : null }
    table.set(number, entry)
  }
  if (entry.executable) device.backend.launch(entry.executable, sizes, operands, scalars)
  else device.run(entry.kernel, sizes, operands, scalars, lowering)
}

const operandOf = ({ tensor, strides }: Side, sizes: Sizes): Operand => ({
  buffer: tensor.storage.buffer,
  offset: tensor.offset,
  sizes,
  strides,
})

const NONE: readonly number[] = []

/**
 * out[batch.., m, n] = epilogue(Σ_k a[batch.., m, k]·b[batch.., k, n]). Strides of 0 repeat an operand over a batch dim.
 * Writes nothing where `out` has no elements. `finish`: see `followedBy`.
 */
export function runProduct(
  batch: Sizes,
  m: number,
  n: number,
  k: number,
  a: Side,
  b: Side,
  out: Side,
  addend: Addend | null = null,
  finish: Pointwise | null = null,
): void {
  if (m === 0 || n === 0 || batch.includes(0)) return
  const device = out.tensor.device
  const dtype = out.tensor.dtype as DType
  const form = formOf(addend)
  let outer = batch
  let rows = m
  let [sa, sb, so] = [a.strides, b.strides, out.strides]
  let sc = addend?.side?.strides ?? NONE
  if (batch.length) {
    // Batch dims merge, and into the rows where b is the same for all of them.
    const d = batch.length
    const heads = [
      sa.slice(0, d + 1),
      [...sb.slice(0, d), 0],
      so.slice(0, d + 1),
      ...(sc.length ? [sc.slice(0, d + 1)] : []),
    ]
    const { sizes, strides } = collapse([...batch, m], heads)
    const last = sizes.length - 1
    const merged = last >= 0 && strides[1]![last] === 0
    if (!merged) strides.forEach((s) => s.push(0))
    rows = merged ? sizes[last]! : 1
    outer = merged ? sizes.slice(0, last) : sizes
    sa = [...strides[0]!, sa[d + 1]!]
    sb = [...strides[1]!.slice(0, -1), sb[d]!, sb[d + 1]!]
    so = [...strides[2]!, so[d + 1]!]
    if (sc.length) sc = [...strides[3]!, sc[d + 1]!]
  }
  const outSizes = [...outer, rows, n]
  const access = sc.length ? accessOf(outSizes, sc) : "unit"
  const operands = [
    operandOf({ tensor: a.tensor, strides: sa }, [...outer, rows, k]),
    operandOf({ tensor: b.tensor, strides: sb }, [...outer, k, n]),
  ]
  if (sc.length) operands.push(operandOf({ tensor: addend!.side!.tensor, strides: sc }, outSizes))
  operands.push(operandOf({ tensor: out.tensor, strides: so }, outSizes))
  launch(
    device,
    keyOf(outer.length, dtype, form, access, 0, finish),
    () => ({ kind: "matmul", batch: outer.length, dtype, epilogue: epilogueOf(form, access, dtype, finish) }),
    [...outSizes, k],
    operands,
    form === "scaled" || form === "alpha" ? scalarsOf(form, addend, dtype) : NONE,
    matmul,
  )
}

/** The geometry of a convolution, one number per spatial dim. */
export interface ConvGeometry {
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
  readonly groups: number
}

/** Of a product of so many dims; `kind` is 0 for matrices, 1 and on for the passes of a convolution. */
const keyOf = (
  dims: number,
  dtype: DType,
  form: Form,
  access: Access,
  kind: number,
  finish: Pointwise | null,
): number =>
  ((((finish ? finishNumber(finish) : 0) * 64 + dims) * 16 + DTYPES[dtype].id) * 4 + FORMS.indexOf(form)) * 16 +
  ACCESS.indexOf(access) * 4 +
  kind

const PASSES: readonly ConvKernel["pass"][] = ["forward", "input", "weight"]

/** One pass of a convolution into `out`; `bias` has strides over the dims of `out` and is added. `finish`: see `followedBy`. */
export function runConv(
  pass: ConvKernel["pass"],
  a: Tensor,
  b: Tensor,
  bias: Side | null,
  out: Tensor,
  geometry: ConvGeometry,
  finish: Pointwise | null = null,
): void {
  const dtype = out.dtype as DType
  const spatial = geometry.stride.length
  const form: Form = bias ? "sum" : "plain"
  const access = bias ? accessOf(out.shape, bias.strides) : "unit"
  const operands = [a, b].map((t) => operandOf({ tensor: t, strides: t.strides }, t.shape))
  if (bias) operands.push(operandOf(bias, out.shape))
  operands.push(operandOf({ tensor: out, strides: out.strides }, out.shape))
  launch(
    out.device,
    keyOf(spatial, dtype, form, access, 1 + PASSES.indexOf(pass), finish),
    () => ({ kind: "conv", pass, spatial, dtype, epilogue: epilogueOf(form, access, dtype, finish) }),
    out.shape,
    operands,
    [...geometry.stride, ...geometry.padding, ...geometry.dilation, geometry.groups],
    conv,
  )
}

/** Throws unless all are tensors of one dtype that can be multiplied, on one device. */
export function checkFactors(name: string, tensors: readonly Tensor[]): void {
  for (const t of tensors) requireTensor(name, "every factor", t)
  requireOneDtype(name, ...tensors)
  requireSameDevice(name, ...tensors)
  requireDtypes(name, tensors, noBool)
  tensors[0]!.device.requireDtype(name, tensors[0]!.dtype)
}

/** Throws unless β and α suit the dtype: integer tensors take integral numbers. */
export function checkScale(name: string, dtype: DType, scale: Readonly<Record<string, unknown>>): void {
  requireNumbers(name, scale)
  for (const [key, value] of Object.entries(scale)) {
    if (!isFloating(dtype) && !Number.isInteger(value))
      throw new TypeError(
        `${name}: for integral tensors (${dtype}), ${key} must not be a floating point number, got ${value}`,
      )
  }
}
