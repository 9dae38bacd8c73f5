import { conformance } from "@taeda/conformance/vitest"
import { createCpuJs } from "../src/index.ts"

await conformance({
  name: "cpu-js where a page forbids generated code",
  backend: () => createCpuJs({ codeGeneration: false }),
  full: false,
})
