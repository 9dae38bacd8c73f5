/** Run by policy.test.ts under a policy that forbids making code from strings. */
import { input, left, result, right } from "@taeda/core"
import { createCpuJs } from "../src/index.ts"
import { launch, mapKernel, reduceKernel, unit } from "./harness.ts"

let forbidden = false
try {
  new Function("return 1")()
} catch {
  forbidden = true
}
const backend = createCpuJs()
const x = input(0, "float32")
const out = [{ dtype: "float32", access: "unit" }] as const
const gelu = mapKernel(1, [unit("float32")], out, [x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1))])
const sum = reduceKernel({
  rank: 1,
  reduced: 1,
  inputs: [unit("float32")],
  outputs: out,
  accumulators: ["float32"],
  identity: [0],
  lift: [x],
  combine: [left(0, "float32").add(right(0, "float32"))],
  finish: [result(0, "float32")],
})
const values = [-1, 0, 0.5, 2]
const zeros = values.map(() => 0)
process.stdout.write(
  JSON.stringify({
    forbidden,
    notes: backend.capabilities.notes,
    gelu: launch(
      backend,
      gelu,
      [4],
      [
        { dtype: "float32", values },
        { dtype: "float32", values: zeros },
      ],
    )[1],
    sum: launch(
      backend,
      sum,
      [4],
      [
        { dtype: "float32", values },
        { dtype: "float32", values: [0], sizes: [] },
      ],
    )[1],
  }),
)
