import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

it("runs where the policy forbids making code from strings", () => {
  const child = fileURLToPath(new URL("./policy-child.ts", import.meta.url))
  const flags = ["--disallow-code-generation-from-strings", "--conditions=@taeda/source"]
  const output = execFileSync(process.execPath, [...flags, child], { encoding: "utf8" })
  const report = JSON.parse(output) as Record<string, unknown>
  expect(report.forbidden).toBe(true)
  expect(report.notes).toEqual(["kernels are closures (the page forbids generating code)"])
  expect(report.sum).toEqual([1.5])
  expect(report.gelu).toEqual([-0.15865525603294373, 0, 0.3457312285900116, 1.9544997215270996])
})
