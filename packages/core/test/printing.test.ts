import { afterEach, describe, expect, it } from "vitest"
import { type DType, setDefaultDtype } from "../src/dtype.ts"
import {
  formatScalarTemplate,
  formatShapeOnly,
  formatTensor,
  getPrintoptions,
  type PrintOptions,
  type PrintProfile,
  type PrintSource,
  setPrintoptions,
  shownIndices,
} from "../src/printing.ts"
import { formatExponent, formatFixed, formatRepr } from "../src/python-format.ts"
import goldenFile from "./printing.golden.json" with { type: "json" }

/** Numbers JSON lacks, and integers beyond 2^53, are strings. */
type Encoded = number | string | boolean

interface Case {
  dtype: DType
  sizes: number[]
  values?: Encoded[]
  /** Element i is ((i·mul + add) mod modulus + shift) / divisor. */
  pattern?: { mul: number; add: number; modulus: number; shift: number; divisor: number }
  options?: Partial<PrintOptions> & { profile?: PrintProfile }
  default?: DType
  gradFn?: string
  requiresGrad?: boolean
  parameter?: boolean
  text: string
  template?: string
}

interface Golden {
  cases: Case[]
  /** Value, precision, `%f` and `%e` text. */
  numbers: [Encoded, number, string, string][]
  reprs: [Encoded, string][]
}

const golden = goldenFile as unknown as Golden

const SPECIAL: Record<string, number> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 }
const decode = (value: Encoded): number | bigint | boolean =>
  typeof value !== "string" ? value : value in SPECIAL ? SPECIAL[value] : BigInt(value)

function source(c: Case): PrintSource {
  const { dtype, sizes, values, pattern, gradFn, requiresGrad, parameter } = c
  const at = (i: number) => {
    if (values) return decode(values[i])
    if (!pattern) throw new Error("a case has values or a pattern")
    const { mul, add, modulus, shift, divisor } = pattern
    return (((i * mul + add) % modulus) + shift) / divisor
  }
  return { dtype, sizes, at, gradFn, requiresGrad, parameter }
}

const tensor = (dtype: DType, sizes: number[], values: number[], more: Partial<PrintSource> = {}) =>
  formatTensor({ dtype, sizes, at: (i) => values[i], ...more })

afterEach(() => {
  setPrintoptions({ profile: "default" })
  setDefaultDtype("float32")
})

describe("formatTensor", () => {
  it("gives PyTorch's text, character for character", () => {
    expect(golden.cases.length).toBeGreaterThan(1000)
    for (const c of golden.cases) {
      setDefaultDtype(c.default ?? "float32")
      setPrintoptions({ profile: "default", ...c.options })
      expect(formatTensor(source(c)), JSON.stringify({ ...c, text: undefined })).toBe(c.text)
    }
  })

  it("shows the device first, if given", () => {
    expect(tensor("float64", [2], [1, 2], { device: "cuda:0", gradFn: "MulBackward0" })).toBe(
      "tensor([1., 2.], device='cuda:0', dtype=torch.float64, grad_fn=<MulBackward0>)",
    )
    expect(tensor("float32", [0, 2], [], { device: "webgpu" })).toBe("tensor([], device='webgpu', size=(0, 2))")
  })

  it("asks only for the elements it shows, in order", () => {
    const asked: number[] = []
    const at = (i: number) => {
      asked.push(i)
      return i
    }
    formatTensor({ dtype: "int32", sizes: [1000, 1000], at })
    expect(asked).toEqual(shownIndices([1000, 1000]))
    expect(asked.length).toBe(36)
    expect(asked.slice(0, 8)).toEqual([0, 1, 2, 997, 998, 999, 1000, 1001])
    expect(asked.at(-1)).toBe(999_999)
  })

  it("keeps the receiver of at", () => {
    const held = { dtype: "bool" as const, sizes: [2], data: [1, 0], at: (i: number) => held.data[i] === 1 }
    class Held {
      readonly dtype = "int64"
      readonly sizes = [2]
      readonly #data = [5n, -7n]
      at(i: number) {
        return this.#data[i]
      }
    }
    expect(formatTensor(held)).toBe("tensor([ True, False])")
    expect(formatTensor(new Held())).toBe("tensor([ 5, -7], dtype=torch.int64)")
  })
})

describe("formatScalarTemplate", () => {
  it("gives Python's f-string text of a 0-d tensor", () => {
    const scalars = golden.cases.filter((c) => c.template !== undefined)
    expect(scalars.length).toBeGreaterThan(100)
    for (const c of scalars) expect(formatScalarTemplate(source(c).at(0), c.dtype)).toBe(c.template)
  })
})

describe("formatShapeOnly", () => {
  const at = { device: "webgpu" }
  it("shows device and sizes in PyTorch's order, and a dtype that is not the default float", () => {
    expect(formatShapeOnly({ ...at, sizes: [2, 3], dtype: "float32" })).toBe(
      "tensor(..., device='webgpu', size=(2, 3))",
    )
    expect(formatShapeOnly({ ...at, sizes: [3], dtype: "float16" })).toBe(
      "tensor(..., device='webgpu', size=(3,), dtype=torch.float16)",
    )
    expect(formatShapeOnly({ ...at, sizes: [], dtype: "int32" })).toBe(
      "tensor(..., device='webgpu', size=(), dtype=torch.int32)",
    )
    expect(formatShapeOnly({ ...at, sizes: [1], dtype: "bool" })).toBe(
      "tensor(..., device='webgpu', size=(1,), dtype=torch.bool)",
    )
  })
  it("shows what the graph says", () => {
    expect(formatShapeOnly({ ...at, sizes: [2], dtype: "float32", gradFn: "MulBackward0" })).toBe(
      "tensor(..., device='webgpu', size=(2,), grad_fn=<MulBackward0>)",
    )
    expect(formatShapeOnly({ ...at, sizes: [2], dtype: "float32", requiresGrad: true, parameter: true })).toBe(
      "Parameter containing:\ntensor(..., device='webgpu', size=(2,), requires_grad=True)",
    )
  })
})

describe("numbers as Python writes them", () => {
  it("%f and %e, with ties to even", () => {
    for (const [value, precision, fixed, exponent] of golden.numbers) {
      const x = Number(decode(value))
      expect([x, precision, formatFixed(x, precision)]).toEqual([x, precision, fixed])
      expect([x, precision, formatExponent(x, precision)]).toEqual([x, precision, exponent])
    }
  })

  it("repr", () => {
    for (const [value, text] of golden.reprs) expect(formatRepr(Number(decode(value)))).toBe(text)
  })
})

describe("setPrintoptions", () => {
  const DEFAULTS = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null }

  it("takes profiles, then options, and makes sciMode automatic again unless given", () => {
    expect(getPrintoptions()).toEqual(DEFAULTS)
    setPrintoptions({ profile: "short", linewidth: 100, sciMode: true })
    expect(getPrintoptions()).toEqual({ precision: 2, threshold: 1000, edgeitems: 2, linewidth: 100, sciMode: true })
    setPrintoptions({ precision: 6 })
    expect(getPrintoptions()).toEqual({ precision: 6, threshold: 1000, edgeitems: 2, linewidth: 100, sciMode: null })
    setPrintoptions({ profile: "full" })
    expect(getPrintoptions()).toEqual({ ...DEFAULTS, threshold: Infinity })
    setPrintoptions({ profile: "default", precision: undefined, edgeitems: null })
    expect(getPrintoptions()).toEqual(DEFAULTS)
  })

  it("takes back what getPrintoptions gave", () => {
    setPrintoptions({ precision: 2, sciMode: false })
    const saved = getPrintoptions()
    setPrintoptions({ profile: "default" })
    setPrintoptions(saved)
    expect(getPrintoptions()).toEqual({ ...DEFAULTS, precision: 2, sciMode: false })
  })

  it.each([
    ["sci_mode", "sciMode"],
    ["line_width", "linewidth"],
    ["edgeItems", "edgeitems"],
    ["percision", "precision"],
    ["treshold", "threshold"],
  ])("names the option meant by %s", (name, meant) => {
    expect(() => setPrintoptions({ [name]: 1 })).toThrow(
      new TypeError(`setPrintoptions: unknown option ${name}, did you mean ${meant}?`),
    )
  })

  it("lists the options where none is near", () => {
    expect(() => setPrintoptions({ colour: true } as object)).toThrow(
      "unknown option colour, the options are precision, threshold, edgeitems, linewidth, profile, sciMode",
    )
  })

  it("refuses values an option cannot have and then changes nothing", () => {
    const counts = [{ precision: -1 }, { precision: 1.5 }, { edgeitems: Infinity }, { linewidth: -1 }]
    const bad = [...counts, { threshold: Number.NaN }, { sciMode: 1 as unknown as boolean }]
    for (const change of bad) expect(() => setPrintoptions({ edgeitems: 1, ...change })).toThrow(RangeError)
    expect(() => setPrintoptions({ profile: "long" as "full" })).toThrow(
      "setPrintoptions: profile must be one of default, short, full, got long",
    )
    expect(getPrintoptions()).toEqual(DEFAULTS)
  })
})
