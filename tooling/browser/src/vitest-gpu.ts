/** vitest's global setup of packages whose tests need a GPU: test processes are started with what finds the software one. */

import { softwareGpu } from "./software-gpu.ts"

export async function setup(): Promise<void> {
  Object.assign(process.env, await softwareGpu())
}
