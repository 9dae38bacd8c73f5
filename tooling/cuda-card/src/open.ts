/** Opens the backend from the folder that travels along. */
import { join } from "node:path"
import { type CudaBackend, createCuda } from "@taeda/backend-cuda"
import * as torch from "taeda"

/** Where things are on this machine; what is left out is the system's own. */
export interface Place {
  readonly addon?: string
  readonly driver?: string
  /** The folder that alone is searched for NVIDIA's libraries. */
  readonly libraryFolder?: string
}

/** The addon lies beside the bundle. */
const ADDON = join(import.meta.dirname, "taeda-cuda.node")

export const placed = ({ addon = ADDON, ...rest }: Place) => ({
  addon,
  ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value)),
})

/** Opens the default device, on our own kernels alone at first. */
export async function openCard(place: Place): Promise<CudaBackend> {
  torch.registerBackend("cuda", () => createCuda({ ...placed(place), libraries: "none" }))
  const { backend } = await torch.setDefaultDevice("cuda")
  return backend as unknown as CudaBackend
}

/** Whether an error took the GPU down. */
export function isLost(backend: CudaBackend): boolean {
  try {
    backend.synchronizeSync()
    return false
  } catch {
    return true
  }
}
