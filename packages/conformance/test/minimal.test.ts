import {
  constant,
  type DType,
  type Expr,
  index,
  input,
  KernelFault,
  left,
  load,
  type MapKernel,
  type Operand,
  type ReduceKernel,
  type RowsKernel,
  result,
  right,
  scalar,
} from "@taeda/core"
import { describe, expect, test } from "vitest"
import { ContractError, strict } from "../src/decorators/strict.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { SPECIAL } from "../src/minimal/special.ts"

const backend = strict(createMinimal())

/** A vector of int32. */
function vector(...values: number[]): Operand {
  const buffer = backend.allocate(values.length * 4, "int32")
  backend.write(buffer, new Uint8Array(Int32Array.from(values).buffer))
  return { buffer, offset: 0, sizes: [values.length], strides: [1] }
}

const read = ({ buffer }: Operand, n: number): number[] => [
  ...new Int32Array(backend.readSync!(buffer, 0, n * 4).buffer),
]

const unary = (body: Expr, dtype: DType = "int32"): MapKernel => ({
  kind: "map",
  rank: 1,
  inputs: [{ dtype, access: "unit" }],
  outputs: [{ dtype, access: "unit" }],
  scalars: [],
  body: [body],
})

const sum: ReduceKernel = {
  kind: "reduce",
  rank: 1,
  reduced: 1,
  inputs: [{ dtype: "int32", access: "unit" }],
  outputs: [{ dtype: "int32", access: "unit" }],
  scalars: ["int32"],
  accumulators: ["int32"],
  identity: [0],
  lift: [input(0, "int32")],
  combine: [left(0, "int32").add(right(0, "int32"))],
  finish: [result(0, "int32").mul(scalar(0, "int32"))],
}

const launch = (
  kernel: MapKernel | ReduceKernel,
  operands: readonly Operand[],
  scalars: readonly number[] = [],
): void => backend.launch(backend.compile(kernel), operands[0].sizes, operands, scalars)

const x = input(0, "int32")

describe("what it computes", () => {
  test("a map, and a reduce also of nothing", () => {
    const out = vector(0, 0, 0)
    launch(unary(x.mul(x).add(index(0))), [vector(1, 2, 3), out])
    expect(read(out, 3)).toEqual([1, 5, 11])
    const total = { ...vector(-1), sizes: [], strides: [] }
    launch(sum, [vector(1, 2, 3), total], [10])
    expect(read(total, 1)).toEqual([60])
    launch(sum, [{ ...vector(1), sizes: [0] }, total], [10])
    expect(read(total, 1)).toEqual([0])
  })

  test("integers wrap, and by zero everything is 0", () => {
    const out = vector(0, 0, 0)
    launch(
      unary(
        x
          .mul(x)
          .add(x.div(x.sub(x)))
          .add(x.mod(x.sub(x))),
      ),
      [vector(65537, -5, 0), out],
    )
    expect(read(out, 3)).toEqual([131073, 25, 0])
  })

  test("a load outside is 0, or a fault that stores nothing", () => {
    const kernel = (bounds: "zero" | "fault"): MapKernel => ({
      ...unary(load(1, "int32", [index(0).add(x)], bounds)),
      inputs: [
        { dtype: "int32", access: "unit" },
        { dtype: "int32", access: "load", rank: 1 },
      ],
    })
    const out = vector(7, 7, 7)
    const operands = [vector(1, 5, -2), vector(10, 20, 30), out]
    expect(() => launch(kernel("fault"), operands)).toThrow(KernelFault)
    expect(read(out, 3)).toEqual([7, 7, 7])
    launch(kernel("zero"), operands)
    expect(read(out, 3)).toEqual([20, 0, 10])
  })

  // Values of torch.special in float64; torch's own trigamma has only ten digits, so there it is a known value.
  test.each([
    [SPECIAL.erf(0.3), 0.3286267594591274],
    [SPECIAL.erfc(5), 1.537459794428035e-12],
    [SPECIAL.erfinv(0.99), 1.8213863677184494],
    [SPECIAL.erfinv(-0.2), -0.1791434546212917],
    [SPECIAL.lgamma(-2.5), -0.05624371649767405],
    [SPECIAL.lgamma(30.5), 72.9534711841694],
    [SPECIAL.polygamma(0, -1.2), 4.868324766627195],
    [SPECIAL.polygamma(1, 0.5), Math.PI ** 2 / 2],
    [SPECIAL.polygamma(2, 3.1), -0.1428683769079818],
  ])("special functions: %f", (actual, expected) => expect(actual / expected).toBeCloseTo(1, 12))
})

describe("what it refuses", () => {
  const breaks = (kernel: MapKernel | ReduceKernel, operands: readonly Operand[], reason: RegExp): void => {
    expect(() => launch(kernel, operands)).toThrow(ContractError)
    expect(() => launch(kernel, operands)).toThrow(reason)
  }

  test("strides that are not of the declared class", () => {
    breaks(unary(x), [{ ...vector(1, 2), strides: [0] }, vector(1, 2)], /not unit/)
    breaks(unary(x), [vector(1, 2), { ...vector(1, 2, 3), sizes: [2], strides: [2] }], /not unit/)
  })

  test("elements outside of the buffer", () => {
    breaks(unary(x), [{ ...vector(1, 2), offset: 1 }, vector(1, 2)], /element 2 of a buffer of 2/)
  })

  test("outputs that overlap an input, or themselves", () => {
    const memory = vector(1, 2, 3)
    const [a, b] = [0, 1].map((offset) => ({ ...memory, offset, sizes: [2] }))
    breaks(unary(x), [a, b], /overlaps output 0/)
    breaks(unary(x), [a, a], /overlaps output 0/)
    const inPlace: MapKernel = { ...unary(x.neg()), outputs: [{ dtype: "int32", access: "unit", aliases: 0 }] }
    breaks(inPlace, [a, b], /overlaps output 0/)
    breaks(inPlace, [vector(1, 2), b], /does not alias/)
    launch(inPlace, [a, a])
    expect(read(memory, 3)).toEqual([-1, -2, 3])
    const twice: MapKernel = { ...unary(x), outputs: [{ dtype: "int32", access: "strided" }] }
    breaks(twice, [vector(1, 2), { ...vector(1, 2), strides: [0] }], /two elements are the same memory/)
  })

  test("memory that was freed", () => {
    const [a, b] = [vector(1), vector(2)]
    backend.free(a.buffer)
    breaks(unary(x), [a, b], /was freed/)
    expect(() => backend.free(a.buffer)).toThrow(/freed twice/)
  })

  test("kernels that contradict themselves", () => {
    const compile = (kernel: MapKernel | ReduceKernel) => () => backend.compile(kernel)
    expect(compile(unary(input(0, "float32").cast("int32")))).toThrow(/input 0 is not float32/)
    expect(compile(unary(constant(1, "float32")))).toThrow(/differ in type/)
    expect(compile(unary(load(0, "int32", [index(0)], "zero")))).toThrow(/not read by load/)
    expect(compile(unary(index(1)))).toThrow(/index 1 in body/)
    expect(compile({ ...sum, finish: [x] })).toThrow(/input in finish/)
    expect(compile({ ...sum, finish: [index(0)] })).toThrow(/index 0 in finish/)
    expect(compile(unary(input(0, "float16").cast("float32").neg().cast("float16"), "float16"))).not.toThrow()
  })

  test("rows that contradict themselves", () => {
    const { kind: _, finish: __, ...parts } = sum
    const rows: RowsKernel = {
      ...parts,
      kind: "rows",
      outputs: [sum.outputs[0], sum.outputs[0]],
      stages: [sum, { ...sum, lift: [x.sub(result(0, "int32"))] }],
      body: [x.sub(result(1, "int32"))],
      finish: [result(0, "int32")],
    }
    const compile = (changed: Partial<RowsKernel>) => () => backend.compile({ ...rows, ...changed })
    // Of its own rules it breaks none, and so the backend is asked.
    expect(compile({})).toThrow(/only map and reduce/)
    expect(compile({ stages: [rows.stages[1], rows.stages[0]] })).toThrow(/result 0 in lift is no int32 accumulator/)
    expect(compile({ body: [result(2, "int32")] })).toThrow(/result 2 in body is no int32 accumulator/)
    expect(compile({ finish: [x] })).toThrow(/input in finish/)
    expect(compile({ finish: [index(0)] })).toThrow(/index 0 in finish/)
    expect(compile({ finish: [] })).toThrow(/differ in type or number/)
    expect(compile({ reduced: 2 })).toThrow(/reduces 2 of 1 dims/)
    expect(compile({ outputs: [{ ...sum.outputs[0], aliases: 0 }, sum.outputs[0]] })).toThrow(/is an input/)
  })

  test("arithmetic on half types", () => {
    const half = { buffer: backend.allocate(2, "float16"), offset: 0, sizes: [1], strides: [1] }
    const out = { buffer: backend.allocate(2, "float16"), offset: 0, sizes: [1], strides: [1] }
    breaks(unary(input(0, "float16").neg(), "float16"), [half, out], /neg has no meaning on float16/)
  })
})
