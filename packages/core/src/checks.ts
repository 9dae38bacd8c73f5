/** Checks of arguments that many ops share. */
import { tensorText, valueText } from "./errors.ts"
import { isTensor, type Tensor } from "./tensor.ts"

/** Throws a TypeError unless `value` is a tensor. */
export function requireTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) throw new TypeError(`${op}: ${name} must be a tensor, got ${valueText(value)}`)
}

/** Throws a TypeError unless all tensors live on one device. */
export function requireSameDevice(op: string, ...tensors: readonly Tensor[]): void {
  if (tensors.some((t) => t.device !== tensors[0]!.device))
    throw new TypeError(
      `${op}: expected all tensors on one device, but found ${tensors.map((t) => `${tensorText(t)} on ${t.device}`).join(" and ")}; move one with x.to(device)`,
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

/** Throws a TypeError unless both have one dtype. */
export function requireSameDtype(op: string, a: Tensor, name: string, b: Tensor): void {
  if (a.dtype !== b.dtype)
    throw new TypeError(
      `${op}: expected input and ${name} to have one dtype, got ${tensorText(a)} and ${tensorText(b)}; convert one with .to(dtype)`,
    )
}
