/** Makes "cpu" the pure-JavaScript backend. */
import { createCpuJs } from "@taeda/backend-cpu-js"
import "@taeda/core/methods"
import { registerBackend, type Tensor } from "@taeda/core"

registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })

/** The elements as plain numbers. */
export const numbers = (t: Tensor): number[] => Array.from(t.dataSync(), Number)
