import { createCpuJs } from "@taeda/backend-cpu-js"
import "@taeda/core/methods"
import * as torch from "@taeda/core"
import { beforeAll, expect, it } from "vitest"

beforeAll(() => torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() }))

it("formulas of many arguments have a kernel for every mixture of dtypes, layouts and numbers", () => {
  const sum = new torch.Pointwise("sumOfEight", (...all) => all.reduce((a, b) => a.add(b)), {}, 8)
  const ones = Array.from({ length: 7 }, () => torch.ones([3, 4], { dtype: "float64" }))
  const twos = [
    torch.full([3, 4], 2, { dtype: "float64" }),
    torch.full([3, 4], 2),
    torch.full([4, 3], 2, { dtype: "float64" }).t(),
    torch.full([1, 4], 2, { dtype: "float64" }).expand(3, 4),
    torch.full([3, 1], 2, { dtype: "int32" }).expand(3, 4),
    torch.full([3, 4], 2, { dtype: "int32" }),
    2,
  ]
  for (const two of twos) {
    expect(sum.call(...ones, two).toArraySync()).toEqual(Array.from({ length: 3 }, () => [9, 9, 9, 9]))
    const target = torch.ones([4, 3], { dtype: "float64" }).t()
    sum.callInPlace(target, ...ones.slice(1), two)
    expect(target.toArraySync()).toEqual(Array.from({ length: 3 }, () => [9, 9, 9, 9]))
  }
})
