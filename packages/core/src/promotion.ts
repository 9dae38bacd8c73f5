/** The dtype of an op over tensors and numbers: PyTorch's `torch.result_type`. */
import { DEFAULT_INT, DTYPES, type DType, getDefaultDtype, isFloating, promoteTypes } from "./dtype.ts"
import { isTensor, type Tensor } from "./tensor.ts"

/** A tensor, or a host number that takes part in promotion by its kind alone. */
export type Operandish = Tensor | number | boolean | bigint

/** The dtype a host value would have by itself: an integral number counts as an integer, any other as a float. */
export function scalarType(value: number | boolean | bigint): DType {
  if (typeof value === "boolean") return "bool"
  if (typeof value === "bigint" || Number.isInteger(value)) return DEFAULT_INT
  return getDefaultDtype()
}

/** Lets the lower category decide only where it is of a higher kind. */
function combine(higher: DType | null, lower: DType | null): DType | null {
  if (higher === null) return lower
  if (lower === null || isFloating(higher)) return higher
  return higher === "bool" || isFloating(lower) ? promoteTypes(higher, lower) : higher
}

const join = (a: DType | null, b: DType): DType => (a === null ? b : promoteTypes(a, b))

/** Tensors with dims decide; 0-d tensors and then numbers only when they are of a higher kind (bool < integer < float). */
export function resultType(...operands: readonly Operandish[]): DType {
  let dims: DType | null = null
  let scalars: DType | null = null
  let numbers: DType | null = null
  for (const o of operands)
    if (!isTensor(o)) numbers = join(numbers, scalarType(o))
    else if (o.ndim > 0) dims = join(dims, o.dtype)
    else scalars = join(scalars, o.dtype)
  return combine(dims, combine(scalars, numbers)) ?? getDefaultDtype()
}

/** The dtype of an op that gives floats: integers and bool become the default float. */
export const floatResult = (dtype: DType): DType => (isFloating(dtype) ? dtype : getDefaultDtype())

/** A host value as a kernel's scalar of that type. */
export function toScalar(value: number | boolean | bigint, dtype: DType): number | bigint {
  if (dtype === "int64") return typeof value === "bigint" ? value : BigInt(Math.trunc(Number(value)))
  const n = Number(value)
  return DTYPES[dtype].kind === "float" ? n : Math.trunc(n)
}

/** A host value as a tensor of that dtype holds it: 0.5 is 0 among integers and true among bool. */
export function asStored(value: number | boolean | bigint, dtype: DType): number | boolean | bigint {
  return dtype === "bool" ? Boolean(value) : toScalar(value, dtype)
}
