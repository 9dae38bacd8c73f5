/** The namespace `backends`: PyTorch's `torch.backends`, as far as it is about NVIDIA's libraries. */
import { getFloat32MatmulPrecision, openDevices, setFloat32MatmulPrecision } from "@taeda/core"
import { backendOf, type CudaBackend, type CudaDevice, isCuda, type LibraryReport } from "./cuda-devices.ts"

const cudnnOf = (op: string, device?: CudaDevice): LibraryReport =>
  backendOf(op, device)
    .libraries()
    .find(({ name }) => name === "cudnn")!

/** cuDNN, which computes convolutions on devices of cuda where the machine has it. */
export const cudnn = {
  /** Whether the machine has one that works. Of a device that is open: by default as in `cuda`. */
  isAvailable: (device?: CudaDevice): boolean => cudnnOf("backends.cudnn.isAvailable", device).state === "ready",

  /** Its version as PyTorch gives it, such as 91400 for 9.14.0; null where there is none that loads. */
  version(device?: CudaDevice): number | null {
    const { version } = cudnnOf("backends.cudnn.version", device)
    const [major, minor, patch] = (version ?? "").split(".").map(Number)
    return version === null ? null : 10_000 * major! + 100 * minor! + patch!
  },

  /** Whether it may be used. Setting it holds for all devices of cuda that are open. */
  get enabled(): boolean {
    return backendOf("backends.cudnn.enabled").isLibraryEnabled("cudnn")
  },
  set enabled(enabled: boolean) {
    // There must be one.
    backendOf("backends.cudnn.enabled")
    for (const device of openDevices())
      if (isCuda(device)) (device.backend as CudaBackend).enableLibrary("cudnn", enabled)
  },
}

/** Products of matrices on devices of cuda. */
export const cuda = {
  matmul: {
    /** Whether factors of float32 may be rounded to TF32: the same setting as `setFloat32MatmulPrecision`. */
    get allowTf32(): boolean {
      return getFloat32MatmulPrecision() !== "highest"
    },
    set allowTf32(allowed: boolean) {
      setFloat32MatmulPrecision(allowed ? "high" : "highest")
    },
  },
}
