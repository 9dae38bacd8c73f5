/**
 * Checks of arguments that many ops share. Each throws an error that names the op, the argument, what was given and what
 * to do: a TypeError for what something is, a RangeError for its size.
 */
import { DTYPES, type DType, isFloating, isIntegral } from "./dtype.ts"
import { shapeText, tensorText, valueText } from "./errors.ts"
import type { Operandish } from "./promotion.ts"
import { sameSizes } from "./shape.ts"
import { isTensor, type Tensor } from "./tensor.ts"

// ---- tensors ----

/** Throws a TypeError unless `value` is a tensor. */
export function requireTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) throw new TypeError(`${op}: ${name} must be a tensor, got ${valueText(value)}`)
}

/** Throws a TypeError unless all of these, by their names, are tensors on one device. */
export function requireTensors(op: string, named: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(named)) requireTensor(op, name, value)
  requireSameDevice(op, ...(Object.values(named) as Tensor[]))
}

/** Throws a TypeError unless all tensors live on one device. */
export function requireSameDevice(op: string, ...tensors: readonly Tensor[]): void {
  if (tensors.some((t) => t.device !== tensors[0]!.device))
    throw new TypeError(
      `${op}: expected all tensors on one device, but found ${tensors.map((t) => `${tensorText(t)} on ${t.device}`).join(" and ")}; move one with x.to(device)`,
    )
}

/** Throws a RangeError unless `other` has the shape of `input`. */
export function requireSameShape(op: string, input: Tensor, name: string, other: Tensor): void {
  if (!sameSizes(input.shape, other.shape))
    throw new RangeError(
      `${op}: ${name} size ${shapeText(other.shape)} must be the same as input size ${shapeText(input.shape)} (${tensorText(input)}, ${tensorText(other)})`,
    )
}

// ---- dtypes ----

/** Why a dtype is refused, or null: for `requireDtypes` and `PointwiseOptions.refuse`. */
type Refusal = (dtype: DType) => string | null

export const noBool: Refusal = (dtype) =>
  dtype === "bool" ? 'bool tensors are not supported; convert with x.to("int32")' : null

export const onlyFloats: Refusal = (dtype) =>
  isFloating(dtype) ? null : `${dtype} is not supported, only floating dtypes; convert with x.to("float32")`

export const onlyIntegral: Refusal = (dtype) =>
  isIntegral(dtype, true) ? null : `${dtype} is not supported, only integers and bool`

/** Throws a TypeError where `refuse` gives a reason for the dtype of one of the tensors; numbers pass. */
export function requireDtypes(op: string, operands: readonly Operandish[], refuse: Refusal): void {
  for (const t of operands) {
    const reason = isTensor(t) ? refuse(t.dtype) : null
    if (reason)
      throw new TypeError(
        `${op}: ${reason} (${operands.map((x) => (isTensor(x) ? tensorText(x) : String(x))).join(", ")})`,
      )
  }
}

/** Throws a TypeError unless all tensors are of a floating dtype. */
export const requireFloating = (op: string, ...tensors: readonly Tensor[]): void =>
  requireDtypes(op, tensors, onlyFloats)

/** Throws a TypeError unless all tensors have the dtype of the first; numbers pass. */
export function requireOneDtype(op: string, ...operands: readonly Operandish[]): void {
  const tensors = operands.filter(isTensor)
  if (tensors.some((t) => t.dtype !== tensors[0]!.dtype))
    throw new TypeError(
      `${op}: expected tensors of one dtype, but got ${tensors.map(tensorText).join(" and ")}; convert with x.to(dtype)`,
    )
}

/** Throws a TypeError unless `t` holds int32 or int64. */
export function requireIndex(op: string, name: string, t: unknown): asserts t is Tensor {
  requireTensor(op, name, t)
  if (t.dtype !== "int32" && t.dtype !== "int64")
    throw new TypeError(
      `${op}: ${name} must be int32 or int64, got ${tensorText(t)}; make it with tensor([...], { dtype: "int32" }) or convert it with .to("int32")`,
    )
}

/** Throws a TypeError unless `mask` is a bool tensor on the device of `x`. */
export function requireMask(op: string, x: Tensor, mask: unknown): asserts mask is Tensor {
  requireTensor(op, "mask", mask)
  if (mask.dtype !== "bool")
    throw new TypeError(
      `${op}: expected a bool tensor for mask, got ${tensorText(mask)}; compare or convert it with .bool()`,
    )
  requireSameDevice(op, x, mask)
}

// ---- numbers and flags ----

/** Throws a TypeError unless all of these, by their names, are numbers. */
export function requireNumbers(op: string, named: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(named))
    if (typeof value !== "number") throw new TypeError(`${op}: ${name} must be a number, got ${valueText(value)}`)
}

/** Throws a TypeError unless `value` is an integer. */
export function requireInteger(op: string, name: string, value: unknown): asserts value is number {
  if (!Number.isInteger(value)) throw new TypeError(`${op}: ${name} must be an integer, got ${valueText(value)}`)
}

/** Throws a TypeError unless `value` is true or false. */
export function requireFlag(op: string, name: string, value: unknown): asserts value is boolean {
  if (typeof value !== "boolean") throw new TypeError(`${op}: ${name} must be true or false, got ${valueText(value)}`)
}

/** Throws a RangeError where an integer dtype cannot hold the number, not even wrapped from below zero. */
export function requireRepresentable(op: string, value: Operandish | null | undefined, dtype: DType): void {
  if (isTensor(value) || value === null || value === undefined || typeof value === "boolean" || !isIntegral(dtype))
    return
  const { bytes, signed } = DTYPES[dtype]
  const bits = 8 * bytes
  const low = signed ? -(2 ** (bits - 1)) : -(2 ** bits) + 1
  const high = 2 ** (signed ? bits - 1 : bits) - 1
  if (!(Number(value) >= low && Number(value) <= high))
    throw new RangeError(`${op}: value ${value} cannot be converted to type ${dtype} without overflow`)
}
