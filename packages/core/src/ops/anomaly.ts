/** Looking for NaN on behalf of anomaly detection. */
import type { Tensor } from "../tensor.ts"
import { dataSync } from "./host.ts"

/** Whether any element is NaN; false where the device cannot be read synchronously. */
export function isnanAnySync(x: Tensor): boolean {
  if (!x.device.backend.capabilities.syncRead) return false
  return (dataSync(x) as Float32Array).some((v) => Number.isNaN(v))
}
