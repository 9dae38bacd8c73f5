import { describe, expect, it } from "vitest"
import { casesOf } from "../src/cases.ts"
import { type Golden, type GoldenTensor, loadGolden } from "../src/golden.ts"
import { checksum, cotangent, valuesOf } from "../src/inputs.ts"
import { pathOf } from "../src/row.ts"
import { FAMILIES, type Family } from "../src/rows/index.ts"

const families = Object.keys(FAMILIES) as Family[]

describe.each(families)("golden values of %s", (family) => {
  const cases = FAMILIES[family].flatMap((row) => casesOf(row))

  it("exist for every case and no other", async () => {
    const goldens = await loadGolden(family)
    expect([...goldens.keys()].sort()).toEqual(cases.map(({ id }) => id).sort())
  })

  it("were computed from the very inputs that the rows give now", async () => {
    const goldens = await loadGolden(family)
    const stale = cases.filter(({ id, inputs }) => goldens.get(id)?.checksum !== checksum(inputs))
    expect(stale.map(({ id }) => id)).toEqual([])
  })

  it("have outputs or a host value, and gradients of the inputs' shapes", async () => {
    const goldens = await loadGolden(family)
    for (const { id, inputs, row } of cases) {
      const golden = goldens.get(id) as Golden
      if (golden.form === "host") expect(golden.host, id).toBeDefined()
      else expect(golden.fields?.length ?? golden.outputs.length, id).toBe(golden.outputs.length)
      const driven = golden.outputs.some(({ gradFn }) => gradFn !== null)
      if (row.grad && driven) expect(golden.gradients?.length, id).toBe(inputs.length)
      golden.gradients?.forEach((gradient, i) => {
        if (gradient) expect(gradient.shape, id).toEqual(inputs[i].shape)
      })
    }
  })
})

describe("decoding", () => {
  /** PyTorch against this engine's own arithmetic: a slip in the format would show as nonsense. */
  const rowOf = (path: string) => {
    const found = families.flatMap((family) => FAMILIES[family].map((row) => ({ family, row })))
    return found.find(({ row }) => pathOf(row) === path) ?? expect.fail(`no row ${path}`)
  }

  const relative: Record<string, number> = { float64: 1e-14, float32: 1e-6, float16: 1e-3, bfloat16: 8e-3 }

  it.each(["float64", "float32", "float16", "bfloat16"] as const)("gives exp and its gradient in %s", async (dtype) => {
    const { family, row } = rowOf("exp")
    const goldens = await loadGolden(family)
    let compared = 0
    for (const { id, inputs } of casesOf(row, dtype)) {
      const golden = goldens.get(id) as Golden
      if (inputs[0].values) continue
      const x = valuesOf(inputs[0])
      const g = valuesOf(cotangent(inputs[0].shape, dtype))
      const [output] = golden.outputs
      const [gradient] = golden.gradients as GoldenTensor[]
      expect(output.dtype).toBe(dtype)
      expect(output.gradFn).toBe("ExpBackward0")
      x.forEach((value, i) => {
        const close = (got: number, want: number) =>
          expect(Math.abs(got - want), id).toBeLessThanOrEqual(3 * relative[dtype] * Math.abs(want))
        close(output.data[i], Math.exp(value))
        close(gradient.data[i], g[i] * Math.exp(value))
        compared++
      })
    }
    expect(compared).toBeGreaterThan(5)
  })

  it("gives integers and bools as numbers", async () => {
    const { family, row } = rowOf("add")
    const goldens = await loadGolden(family)
    for (const dtype of ["int32", "int64", "uint8", "int8", "bool"] as const) {
      const [first] = casesOf(row, dtype)
      const [a, b] = first.inputs.map(valuesOf)
      const { data, dtype: got } = (goldens.get(first.id) as Golden).outputs[0]
      expect(got).toBe(dtype)
      expect([...data]).toEqual([...a].map((x, i) => (dtype === "bool" ? Math.min(x + b[i], 1) : x + b[i])))
    }
  })
})
