import { createCpuJs } from "@taeda/backend-cpu-js"
import { conformance } from "@taeda/conformance/vitest"

await conformance({ backend: () => createCpuJs({ codeGeneration: true }) })
