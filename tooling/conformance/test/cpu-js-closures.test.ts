import { createCpuJs } from "@taeda/backend-cpu-js"
import { conformance } from "@taeda/conformance/vitest"

await conformance({
  name: "cpu-js where a page forbids generated code",
  backend: () => createCpuJs({ codeGeneration: false }),
  full: false,
})
