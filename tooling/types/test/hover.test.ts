import typescript59 from "typescript-5.9"
import typescript60 from "typescript-6.0"
import { expect, test, vi } from "vitest"
import { classicEditor, type Editor, nativeEditor } from "../src/editor.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const SOURCE = `import * as torch from "taeda"
const logits = torch.randn(32, 784).matmul(torch.randn(784, 10))
logits
const rates = torch.log1p(torch.sum(logits, 1))
const sums = logits.expm1().addmm_(logits, logits)
`

const EDITORS: readonly [string, () => Editor | Promise<Editor>][] = [
  ["5.9", () => classicEditor(typescript59 as unknown as typeof typescript60, SOURCE)],
  ["6.0", () => classicEditor(typescript60, SOURCE)],
  ["7.0", () => nativeEditor(SOURCE)],
]

test.each(EDITORS)("TypeScript %s shows a tensor's shape and dtype", async (_, open) => {
  await using editor = await open()
  expect(await editor.hover("logits")).toMatch('const logits: torch.Tensor<[32, 10], "float32">')
  expect(await editor.completions("\nlogits")).toContain("logits")
})

test.each(EDITORS)("TypeScript %s shows what an op does, as a function and as a method", async (_, open) => {
  await using editor = await open()
  expect(await editor.hover("log1p")).toMatch("log(1 + input), exact where the input is near 0.")
  expect(await editor.hover("sum")).toMatch("Σ over all elements or over `dim`.")
  expect(await editor.hover("expm1")).toMatch("e^input − 1, exact where input is near 0.")
  expect(await editor.hover("addmm_")).toMatch("`addmm` in place. β·input + α·(mat1 · mat2)")
})
