/** How a tensor shows itself. */
import { getDefaultDevice } from "../device.ts"
import { formatScalarTemplate, formatShapeOnly, formatTensor, type PrintSource } from "../printing.ts"
import { Parameter, type Tensor } from "../tensor.ts"
import type { Family } from "../types/signature.ts"
import { data, dataSync, type HostArray, hostValue } from "./host.ts"

export interface PrintingMethods {
  /** PyTorch's text. Without synchronous reads it shows shape, dtype and device; `await format()` shows the values. */
  toString(): string
  /** PyTorch's text on every backend. */
  format(): Promise<string>
}

function source(x: Tensor, values: HostArray): PrintSource {
  const device = x.device === getDefaultDevice() ? undefined : x.device.name
  return {
    sizes: x.shape,
    dtype: x.dtype,
    at: (i) => hostValue(values[i]!, x.dtype),
    ...(device !== undefined && { device }),
    ...gradSuffix(x),
    parameter: x instanceof Parameter,
  }
}

/** The node's name, "Invalid" for a view whose base was changed in a way that it does not allow. */
function gradSuffix(x: Tensor): Pick<PrintSource, "gradFn" | "requiresGrad"> {
  try {
    const node = x.gradFn
    return node ? { gradFn: node.name() } : { requiresGrad: x.requiresGrad }
  } catch {
    return { gradFn: "Invalid" }
  }
}

export function toText(x: Tensor): string {
  if (x.device.backend.capabilities.syncRead) return formatTensor(source(x, dataSync(x)))
  return formatShapeOnly({
    sizes: x.shape,
    dtype: x.dtype,
    device: x.device.name,
    ...gradSuffix(x),
    parameter: x instanceof Parameter,
  })
}

export const format = async (x: Tensor): Promise<string> => formatTensor(source(x, await data(x)))

/** A 0-d tensor in a template is its number; anything else, and a Parameter, its text. */
export function toTemplate(x: Tensor): string {
  if (x.ndim > 0 || x instanceof Parameter || !x.device.backend.capabilities.syncRead) return toText(x)
  return formatScalarTemplate(hostValue(dataSync(x)[0]!, x.dtype), x.dtype)
}

export const printingMethods: Family = { format }
