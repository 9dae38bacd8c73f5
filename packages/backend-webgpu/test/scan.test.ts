/** Scans against loops: rows of all lengths, both ways, in blocks where they are long. */
import {
  type DType,
  index,
  input,
  left,
  load,
  type Monoid,
  result,
  right,
  type ScanKernel,
  scalar,
  whereExpr,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { planRows, scanPlanner } from "../src/scan.ts"
import { difference, filled, launch, rowMajor, someNumbers } from "./gpu.ts"

const sum = (dtype: DType): Monoid => ({
  accumulators: [dtype],
  identity: [0],
  lift: [input(0, dtype)],
  combine: [left(0, dtype).add(right(0, dtype))],
})

/** x ↦ a·x + b, one after the other, modulo 2^32: what comes first matters. */
const affine: Monoid = {
  accumulators: ["int32", "int32"],
  identity: [1, 0],
  lift: [input(0, "int32").mul(2).add(1), input(1, "int32")],
  combine: [left(0, "int32").mul(right(0, "int32")), left(1, "int32").mul(right(0, "int32")).add(right(1, "int32"))],
}

const kernelOf = (rank: number, dtype: DType, monoid: Monoid, parts: Partial<ScanKernel> = {}): ScanKernel => ({
  kind: "scan",
  rank,
  inputs: [{ dtype, access: "unit" }],
  outputs: [{ dtype, access: "unit" }],
  scalars: [],
  reverse: false,
  ...monoid,
  finish: [result(0, monoid.accumulators[0])],
  ...parts,
})

/** Row by row, in the order of the scan. */
function byRows<T>(rows: number, length: number, reverse: boolean, step: (at: number, carry: T) => T, start: T): T[] {
  const out: T[] = new Array(rows * length)
  for (let r = 0; r < rows; r++)
    for (let p = 0, carry = start; p < length; p++) {
      const at = r * length + (reverse ? length - 1 - p : p)
      out[at] = carry = step(at, carry)
    }
  return out
}

describe("scan", () => {
  it.each([5, 300, 6001])("a sum over %i numbers passes the range of float32 and comes back", async (length) => {
    const turn = [3e38, 3e38, -3e38, -3e38, 1.5]
    const values = Float32Array.from({ length }, (_, i) => turn[i % turn.length])
    const operands = [
      { dtype: "float32" as const, values },
      { dtype: "float32" as const, values: new Float32Array(length) },
    ]
    const got = await launch(scanPlanner(kernelOf(1, "float32", sum("float32"))), [length], operands)
    const want = Float32Array.from({ length }, (_, i) => {
      const height = [1, 2, 1, 0, 0][i % turn.length]
      return height * Math.fround(3e38) + 1.5 * Math.floor((i + 1) / turn.length)
    })
    expect(difference(got.operands[1], want)).toBeUndefined()
  })

  it("sums of what is no number are none, and of infinities as they are", async () => {
    const values = Float32Array.of(1, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 1, Number.NaN, 1)
    const blank = { dtype: "float32" as const, values: new Float32Array(7) }
    const planner = scanPlanner(kernelOf(1, "float32", sum("float32")))
    const got = await launch(planner, [7], [{ dtype: "float32", values }, blank])
    const { POSITIVE_INFINITY: inf, NaN: none } = Number
    expect(difference(got.operands[1], Float32Array.of(1, inf, inf, none, none, none, none))).toBeUndefined()
  })

  it.each([
    [0, 3, 1],
    [1, 1, 1],
    [5, 2, 1],
    [300, 3, 1],
    [7, 33, 1],
    [3, 255, 1],
    [2, 257, 1],
    [3, 1025, 1],
    [1, 4097, 2],
    [3, 6001, 2],
    [2, 100003, 2],
    [70000, 9, 1],
  ])("of %i rows of %i, in %i dispatches", async (rows, length, dispatches) => {
    const n = rows * length
    const a = Int32Array.from(someNumbers(n, 1000))
    const b = Int32Array.from(someNumbers(n, 77), (v, i) => v - (i % 50))
    for (const reverse of [false, true]) {
      const kernel = kernelOf(2, "int32", affine, {
        reverse,
        inputs: [
          { dtype: "int32", access: "unit" },
          { dtype: "int32", access: "unit" },
        ],
        outputs: [
          { dtype: "int32", access: "unit" },
          { dtype: "int32", access: "unit" },
        ],
        finish: [result(0, "int32"), result(1, "int32").add(index(1)).sub(index(0))],
      })
      const blank = { dtype: "int32" as const, values: new Int32Array(n) }
      const got = await launch(
        scanPlanner(kernel),
        [rows, length],
        [{ dtype: "int32", values: a }, { dtype: "int32", values: b }, blank, blank],
      )
      const want = byRows(
        rows,
        length,
        reverse,
        (at, [x, y]) => {
          const factor = 2 * a[at] + 1
          return [Math.imul(x, factor), (Math.imul(y, factor) + b[at]) | 0] as [number, number]
        },
        [1, 0] as [number, number],
      )
      expect(
        difference(
          got.operands[2],
          Int32Array.from(want, ([x]) => x),
        ),
      ).toBeUndefined()
      const second = Int32Array.from(want, ([, y], at) => (y + (at % length) - Math.floor(at / length)) | 0)
      expect(difference(got.operands[3], second)).toBeUndefined()
      if (n) expect(got.dispatches).toBe(dispatches)
    }
  })

  it("shares out rows so that no sum is of more than a few chunks in order", () => {
    expect(planRows(1, 1)).toMatchObject({ lanes: 1, blocks: 1, groups: 1 })
    expect(planRows(1000, 4096)).toMatchObject({ lanes: 256, blocks: 1, groups: 1000 })
    expect(planRows(1, 2 ** 20)).toMatchObject({ span: 4096, blocks: 256, groups: 256 })
    expect(planRows(1, 2 ** 26)).toMatchObject({ span: 16384, blocks: 4096 })
    expect(planRows(1000, 2 ** 17)).toMatchObject({ span: 16384, blocks: 8 })
  })

  it.each([0, 1, 3, 4])("follows any strides at rank %i", async (rank) => {
    const sizes = [2, 3, 2, 5].slice(4 - rank)
    const n = sizes.reduce((a, b) => a * b, 1)
    const turned = rowMajor([...sizes].reverse()).reverse()
    for (const dtype of ["int8", "int16", "int32"] as const) {
      const kernel = kernelOf(rank, dtype, sum(dtype), {
        inputs: [{ dtype, access: "strided" }],
        outputs: [{ dtype, access: "strided" }],
      })
      const got = await launch(scanPlanner(kernel), sizes, [
        { dtype, values: filled(dtype, n, (i) => i + 1), sizes, strides: turned },
        {
          dtype,
          values: filled(dtype, 2 * n, () => -1),
          sizes,
          strides: rowMajor(sizes).map((s) => -2 * s),
          offset: 2 * n - 1,
        },
      ])
      const steps = rowMajor(sizes)
      const place = (i: number): number => steps.reduce((x, s, d) => x + (Math.floor(i / s) % sizes[d]) * turned[d], 0)
      const length = sizes.at(-1) ?? 1
      const want = byRows<number>(n / length, length, false, (at, carry) => carry + place(at) + 1, 0)
      const whole = filled(dtype, 2 * n, () => -1)
      want.forEach((v, i) => {
        whole[2 * n - 1 - 2 * i] = v
      })
      expect(got.operands[1]).toEqual(whole)
    }
  })

  it("works in place, on elements that share words too", async () => {
    for (const n of [5, 5003]) {
      const kernel = kernelOf(2, "uint8", sum("uint8"), {
        outputs: [{ dtype: "uint8", access: "unit", aliases: 0 }],
        finish: [result(0, "uint8").add(input(0, "uint8"))],
      })
      const values = Uint8Array.from(someNumbers(3 * n, 256))
      const own = { dtype: "uint8" as const, values, sizes: [3, n] }
      const got = await launch(scanPlanner(kernel), [3, n], [own, { ...own, same: 0 }])
      const sums = byRows<number>(3, n, false, (at, carry) => carry + values[at], 0)
      const want = Uint8Array.from(sums, (v, i) => v + values[i])
      expect(difference(got.operands[1], want)).toBeUndefined()
    }
  })

  it("keeps accumulators of any type across blocks: the last true one, its number and its float", async () => {
    const n = 9001
    const last: Monoid = {
      accumulators: ["bool", "int32", "float32"],
      identity: [false, -1, 0.25],
      lift: [input(0, "bool"), index(0), load(1, "float32", [index(0)], "zero").mul(scalar(0, "float32"))],
      combine: [
        left(0, "bool").or(right(0, "bool")),
        whereExpr(right(0, "bool"), right(1, "int32"), left(1, "int32")),
        whereExpr(right(0, "bool"), right(2, "float32"), left(2, "float32")),
      ],
    }
    const kernel = kernelOf(1, "bool", last, {
      inputs: [
        { dtype: "bool", access: "unit" },
        { dtype: "float32", access: "load", rank: 1 },
      ],
      outputs: [
        { dtype: "bool", access: "unit" },
        { dtype: "int32", access: "unit" },
        { dtype: "float32", access: "unit" },
      ],
      scalars: ["float32"],
      finish: [result(0, "bool"), result(1, "int32"), result(2, "float32")],
    })
    const flags = Uint8Array.from(someNumbers(n, 700), (v) => (v === 5 ? 1 : 0))
    // Less than there are points: 0 is read beyond.
    const floats = Float32Array.from(someNumbers(n - 1000, 999))
    const got = await launch(
      scanPlanner(kernel),
      [n],
      [
        { dtype: "bool", values: flags },
        { dtype: "float32", values: floats, sizes: [n - 1000] },
        { dtype: "bool", values: new Uint8Array(n) },
        { dtype: "int32", values: new Int32Array(n) },
        { dtype: "float32", values: new Float32Array(n) },
      ],
      [0.5],
    )
    const places = byRows<number>(1, n, false, (at, carry) => (flags[at] ? at : carry), -1)
    expect(
      difference(
        got.operands[2],
        Uint8Array.from(places, (p) => (p >= 0 ? 1 : 0)),
      ),
    ).toBeUndefined()
    expect(got.operands[3].slice(places.findIndex((p) => p >= 0))).toEqual(
      Int32Array.from(places.filter((p) => p >= 0)),
    )
    const want = places.map((p) => (p >= 0 ? (floats[p] ?? 0) * 0.5 : -1))
    expect(got.operands[4].slice(want.lastIndexOf(-1) + 1)).toEqual(Float32Array.from(want.filter((v) => v >= 0)))
  })

  it("sums as exactly as in pairs, and carries infinity and NaN on", async () => {
    const n = 100000
    const kernel = kernelOf(1, "float32", sum("float32"))
    const blank = { dtype: "float32" as const, values: new Float32Array(n) }
    const tenths = new Float32Array(n).fill(0.1)
    const got = await launch(scanPlanner(kernel), [n], [{ dtype: "float32", values: tenths }, blank])
    const exact = tenths.map((v, i) => v * (i + 1))
    const worst = exact.reduce((most, v, i) => Math.max(most, Math.abs(Number(got.operands[1][i]) - v) / v), 0)
    expect(worst).toBeLessThan(20 * 2 ** -24)
    const special = new Float32Array(n).fill(1)
    special[20] = Number.POSITIVE_INFINITY
    special[70000] = Number.NEGATIVE_INFINITY
    const { operands } = await launch(scanPlanner(kernel), [n], [{ dtype: "float32", values: special }, blank])
    expect([19, 20, 69999, 70000, n - 1].map((i) => operands[1][i])).toEqual([20, Infinity, Infinity, NaN, NaN])
  })
})
