import { conformance } from "@taeda/conformance/vitest"
import { createCpuJs } from "../src/index.ts"

await conformance({ backend: () => createCpuJs({ codeGeneration: true }) })
