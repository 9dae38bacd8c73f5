/** Runs the suite in a worker; whoever has enough of it ends the worker. */
import { knownGapsOf, runConformance } from "@taeda/conformance"
import type { Backend } from "@taeda/core"
import type { BundledName } from "./bundled.ts"
import type { FromSuite, SuiteWish } from "./conformance-messages.ts"
import { errorText, workerScope } from "./worker-scope.ts"

const scope = workerScope<SuiteWish, FromSuite>()
const tell = (message: FromSuite): void => scope.postMessage(message)

/** Each run opens one of its own. */
const OPEN: Readonly<Record<BundledName, () => Promise<Backend>>> = {
  "cpu-js": async () => (await import("@taeda/backend-cpu-js")).createCpuJs(),
  "wasm-simd": async () => (await import("@taeda/backend-wasm-simd")).createWasmSimd(),
  webgpu: async () => (await import("@taeda/backend-webgpu")).createWebGpu(),
}

scope.onmessage = async ({ data: { backend: name, full, ops } }) => {
  try {
    const backend = await OPEN[name]()
    const notes = [...backend.capabilities.notes]
    const report = await runConformance({
      backend,
      full,
      knownGaps: knownGapsOf(name),
      ...(ops.length > 0 && { ops }),
      onGroup: (progress) => tell({ kind: "progress", progress }),
    })
    tell({ kind: "report", report, notes })
  } catch (error) {
    tell({ kind: "error", text: errorText(error) })
  }
}
