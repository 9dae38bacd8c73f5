export type { CudaContext, CudaDriver, CudaError, DeviceInfo } from "./driver.ts"
