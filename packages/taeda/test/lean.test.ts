/** The lean entry: what its tensors can do, and that nothing of the whole one is out of its reach. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import * as lean from "../src/lean.ts"
import { methodNames } from "./methods.ts"

/** What is written instead of methods that have no function of their name. */
const INSTEAD: Readonly<Record<string, string>> = {
  subtract: "sub(x, y)",
  multiply: "mul(x, y)",
  divide: "div(x, y)",
  cpu: 'to(x, "cpu")',
  cuda: 'to(x, "cuda")',
  float: 'to(x, "float32")',
  double: 'to(x, "float64")',
  half: 'to(x, "float16")',
  bfloat16: 'to(x, "bfloat16")',
  byte: 'to(x, "uint8")',
  char: 'to(x, "int8")',
  short: 'to(x, "int16")',
  int: 'to(x, "int32")',
  long: 'to(x, "int64")',
  bool: 'to(x, "bool")',
  newZeros: "zeros(size, { dtype: x.dtype, device: x.device })",
  newOnes: "ones(size, { dtype: x.dtype, device: x.device })",
  newEmpty: "empty(size, { dtype: x.dtype, device: x.device })",
  newFull: "full(size, value, { dtype: x.dtype, device: x.device })",
  newTensor: "tensor(data, { dtype: x.dtype, device: x.device })",
  toString: "await format(x)",
  toJSON: "await x.toArray()",
}

test("whatever the whole entry has as a method is a function, a method of every tensor, or said otherwise", () => {
  const bare = spawnSync(
    process.execPath,
    [...process.execArgv, fileURLToPath(new URL("./lean-child.ts", import.meta.url))],
    {
      encoding: "utf8",
    },
  )
  expect(bare.stderr).toBe("")
  const { methods, output } = JSON.parse(bare.stdout) as { methods: string[]; output: string }
  expect(methods).toContain("backward")
  expect(methods).not.toContain("add")
  const functions = lean as unknown as Readonly<Record<string, unknown>>
  const missing = methodNames.filter((name) => !methods.includes(name) && typeof functions[name] !== "function")
  expect(missing.sort()).toEqual(Object.keys(INSTEAD).sort())
  expect(output).toBe("tensor([4., 6.])")
})
