import { describe, expect, it } from "vitest"
import { casesOf, errorCasesOf } from "../src/cases.ts"
import { checksum, hash32, settle, storageOf, valuesOf } from "../src/inputs.ts"
import { idOf, index, pathOf, row, type TensorSpec, t, toleranceOf, v } from "../src/row.ts"
import { FAMILIES, ROWS } from "../src/rows/index.ts"

const make = (spec: TensorSpec, dtype: "float32" | "int32" | "uint8" | "bool" = "float32") =>
  settle(spec, dtype, 0, true)

describe("inputs", () => {
  it("hashes as tooling/golden/ops.py does", () => {
    expect([hash32(1, 0), hash32(1, 1), hash32(7, 12), hash32(2000, 99)]).toEqual([
      3390830866, 43495197, 2119660794, 389324853,
    ])
  })

  it("keeps floating elements inside the range, exact in bfloat16 and off the grid's lines", () => {
    for (const [low, high] of [
      [-2, 2],
      [-1, 1],
      [0, 1],
      [0.5, 4],
      [-20, 20],
      [1, 5],
    ]) {
      for (const value of storageOf(make(t([100], { low, high })))) {
        expect(value).toBeGreaterThan(low)
        expect(value).toBeLessThan(high)
        const bits = new DataView(new ArrayBuffer(4))
        bits.setFloat32(0, value)
        expect(bits.getUint16(2)).toBe(0)
        expect(value % 0.5).not.toBe(0)
      }
    }
  })

  it("gives elements that differ when asked to", () => {
    expect(new Set(storageOf(make(t([64], { distinct: true })))).size).toBe(64)
    const permutation = [...storageOf(make(index([20], 20, { kind: "permutation" })))]
    expect(permutation.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it("keeps integers, indices and bools in their ranges", () => {
    expect(Math.min(...storageOf(make(t([200]), "uint8")))).toBe(0)
    expect(Math.min(...storageOf(make(t([200]), "int32")))).toBe(-9)
    expect(new Set(storageOf(make(t([50]), "bool")))).toEqual(new Set([0, 1]))
    expect(new Set(storageOf(make(index([50], 3))))).toEqual(new Set([0, 1, 2]))
    expect(make(index([50], 3)).dtype).toBe("int32")
  })

  it("reads every layout through its strides", () => {
    const plain = storageOf(make(t([200])))
    const at = (layout: TensorSpec["layout"], shape = [2, 3]) => [...valuesOf(make(t(shape, { layout })))]
    expect(at("contiguous")).toEqual([0, 1, 2, 3, 4, 5].map((i) => plain[i]))
    expect(at("transposed")).toEqual([0, 2, 4, 1, 3, 5].map((i) => plain[i]))
    expect(at("sliced")).toEqual([1, 3, 5, 7, 9, 11].map((i) => plain[i]))
    expect(at("expanded")).toEqual([0, 1, 2, 0, 1, 2].map((i) => plain[i]))
    expect(at("offset")).toEqual([3, 4, 5, 6, 7, 8].map((i) => plain[i]))
    expect(at("sliced", [])).toEqual([plain[1]])
    expect(at("transposed", [0, 3])).toEqual([])
  })

  it("checks sums over the bits, so -0 is not 0", () => {
    expect(checksum([make(v([0]))])).not.toBe(checksum([make(v([-0]))]))
  })
})

describe("rows", () => {
  it("have one row per op and variant, and one id per case", () => {
    const paths = ROWS.map(idOf)
    expect(paths.filter((path, i) => paths.indexOf(path) !== i)).toEqual([])
    const ids = ROWS.flatMap((each) => casesOf(each).map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it("have a family each, samples, and gradients only where there is a floating dtype", () => {
    expect(ROWS.length).toBe(Object.values(FAMILIES).flat().length)
    for (const each of ROWS) {
      expect(casesOf(each).length, pathOf(each)).toBeGreaterThan(0)
      if (each.grad)
        expect(
          each.dtypes.some((dtype) => dtype.includes("float")),
          pathOf(each),
        ).toBe(true)
    }
  })

  it("give explicit values the length of their shape, contiguous", () => {
    for (const input of ROWS.flatMap((each) => casesOf(each).flatMap(({ inputs }) => inputs))) {
      if (!input.values) continue
      expect(input.values.length).toBe(input.length)
      expect(input.layout).toBe("contiguous")
    }
  })

  it("have only elements that their dtype can hold", () => {
    const ranges: Record<string, [number, number]> = {
      bool: [0, 1],
      uint8: [0, 255],
      int8: [-128, 127],
      int16: [-(2 ** 15), 2 ** 15 - 1],
      int32: [-(2 ** 31), 2 ** 31 - 1],
      int64: [-(2 ** 53), 2 ** 53],
    }
    for (const { id, inputs } of ROWS.flatMap((each) => casesOf(each)))
      for (const input of inputs) {
        if (!(input.dtype in ranges)) continue
        const [low, high] = ranges[input.dtype]
        const wrong = storageOf(input).filter((x) => !(Number.isInteger(x) && x >= low && x <= high))
        expect([...wrong], id).toEqual([])
      }
  })

  it("stay inside the storage in every layout", () => {
    for (const { inputs } of ROWS.flatMap((each) => casesOf(each)))
      for (const { shape, strides, offset, length } of inputs) {
        if (shape.includes(0)) continue
        const last = shape.reduce((sum, size, dim) => sum + (size - 1) * strides[dim], offset)
        expect(last).toBeLessThan(length)
      }
  })

  it("say which words an error must contain, the op's name among them", () => {
    for (const { row: owner, error, id } of ROWS.flatMap(errorCasesOf)) expect(error.words, id).toContain(owner.name)
  })

  it("give a reason with every tolerance of their own, and use the default elsewhere", () => {
    for (const each of ROWS)
      for (const own of [...Object.values(each.tolerance), ...Object.values(each.gradientTolerance)])
        expect(own.reason.length, pathOf(each)).toBeGreaterThan(10)
    const plain = row("x", { samples: [] })
    expect(toleranceOf(plain, "float32")).toEqual({ rtol: 1.3e-6, atol: 1e-5 })
    expect(toleranceOf({ ...plain, tolerance: { float32: { rtol: 1, atol: 2, reason: "" } } }, "float32").atol).toBe(2)
  })

  it("run the first samples in every dtype and the rest in float32 and float64", () => {
    const each = row("x", { samples: [[t([1])], [t([2])], [t([3])], [t([4], { dtype: "int8" })]] })
    expect(casesOf(each).map(({ id }) => id)).toEqual([
      "x/0/float32",
      "x/0/float64",
      "x/0/float16",
      "x/0/bfloat16",
      "x/1/float32",
      "x/1/float64",
      "x/1/float16",
      "x/1/bfloat16",
      "x/2/float32",
      "x/2/float64",
      "x/3/int8",
    ])
    expect(casesOf(each, "float64").map(({ second }) => second)).toEqual([true, true, true])
  })

  it("tell named options from tensors", () => {
    const [first] = casesOf(row("x", { samples: [[t([1]), [t([2]), 3], { weight: t([4]), dim: 1 }]] }), "float32")
    expect(first.args.length).toBe(2)
    expect(first.options.dim).toBe(1)
    expect(first.inputs.map(({ shape, seed }) => [shape, seed])).toEqual([
      [[1], 1],
      [[2], 2],
      [[4], 3],
    ])
  })
})
