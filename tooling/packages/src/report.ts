/** What a project's program must have reported. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict"
import type { Report } from "./programs/train.ts"

/** d/dx of the mean of 3·(x + 2)² at ones: 3/2·(1 + 2). */
const GRADIENT = "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])"

/** What the sources of this repository give on every backend of the processor; the suite holds those to PyTorch's values. */
const LOSSES = [1.0729613, 1.0616898]

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-5

function checkCommon({ gradient, losses }: Report): void {
  strictEqual(gradient, GRADIENT)
  strictEqual(losses.length, LOSSES.length)
  for (const [k, loss] of losses.entries()) ok(near(loss, LOSSES[k]), `the losses are ${losses}, not ${LOSSES}`)
}

/** Trained on WebAssembly. @throws {AssertionError} where it was otherwise. */
export function checkReport(text: string): void {
  const report = JSON.parse(text) as Report
  deepStrictEqual({ backend: report.backend, refusal: report.refusal }, { backend: "wasm-simd", refusal: "" })
  checkCommon(report)
}

/** Was refused WebAssembly, said so in words, and trained in JavaScript. @throws {AssertionError} where it was otherwise. */
export function checkRefused(text: string, words: RegExp): void {
  const report = JSON.parse(text) as Report
  strictEqual(report.backend, "cpu-js")
  match(report.refusal, words)
  checkCommon(report)
}
